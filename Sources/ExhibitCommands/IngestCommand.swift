import ArgumentParser
import Casework
import EvidenceModel

/// `exhibit ingest`.
struct IngestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Take a source into a case: read it once, digest it, sign what was read.",
        discussion: """
            SOURCE is a raw image, the first segment of a split one (.001, .000, .aa), any segment of an EWF image (E01 \
            of EnCase, FTK Imager and others, s01 of SMART), an AFF4 image, a virtual disk (VMDK, VHD, VHDX, VDI, QCOW2, \
            QCOW), an archive (ZIP, UFDR, 7z, TAR, also compressed), a block device or a folder. It is opened read-only. \
            The members of an archive are listed with their digests; its medium is the archive file. What a virtual disk rests on is read only when \
            --backing names it. The digests that an image carries are compared with those of its medium; a damaged one \
            is read as far as it can be, and the exit status is 1. The result is evidence/<item>/ with the signed and \
            time-stamped manifest.
            """)

    @Argument(help: "Image, first segment, device or folder.")
    var source: String

    @OptionGroup var location: CaseOptions
    @OptionGroup var item: ItemOptions
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var known: KnownOptions
    @OptionGroup var stamps: TimestampOptions
    @OptionGroup var workers: WorkerOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        let folder = try location.open()
        let (workstation, _) = try Setting.workstation()
        let session = try CaseSession(
            folder, workstation: workstation, examiner: try examiner.examiner(at: workstation), progress: ProgressLine()
        )
        var workflow = IngestWorkflow(session)
        try workflow.configure(reading, workers)
        workflow.known = try known.list()
        let description = try item.itemDescription()
        let authority = try stamps.authority(knownTo: folder)
        let outcome = try workflow.run(source, as: description)
        let stamping = try authority.map {
            try TimestampWorkflow(folder, workstation: workstation, session: session).ask(
                $0, for: .item(description.id))
        }
        try session.finish()
        try output.write(Summary.value(outcome.manifest)) { Summary.text(outcome.manifest) }
        if let warning = stamping?.warning { Terminal.say("Warning: \(warning)") }
        if stamping?.warning != nil || !outcome.manifest.isSound || !outcome.manifest.isAsKnown {
            throw ExitStatus.notVerified
        }
    }
}

extension IngestWorkflow {
    mutating func configure(_ reading: ReadingOptions, _ workers: WorkerOptions) throws {
        algorithms = try reading.algorithms()
        if let count = workers.workers { self.workers = count }
        forceReason = reading.force ? reading.reason : nil
        backing = reading.backing
    }
}
