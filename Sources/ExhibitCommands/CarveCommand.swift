import ArgumentParser
import Casework
import EvidenceModel

/// `exhibit carve`.
struct CarveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carve",
        abstract: "Find the files on an item that was taken in, and catalogue them.",
        discussion: """
            The catalogue holds places and digests, not copies; `exhibit artifact write` makes files. The source is read \
            again, read-only, and compared with the manifest while it is searched.
            """)

    @OptionGroup var location: CaseOptions

    @Option(help: "The item's number in the case.")
    var item = "E001"

    @Option(help: ArgumentHelp("Where the source lies now, when it has moved.", valueName: "path"))
    var source: String?

    @Option(help: ArgumentHelp("Alignment of files on the medium, in bytes.", valueName: "bytes"))
    var block = 512

    @Flag(
        inversion: .prefixedNo,
        help: "Look for files in other files too: members of archives, attachments, thumbnails.")
    var children = true

    @OptionGroup var workers: WorkerOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(1...65_536).contains(block) { throw ValidationError("--block takes a number from 1 to 65536.") }
    }

    func run() throws {
        let folder = try location.open()
        let (workstation, tools) = try Setting.workstation()
        let session = try CaseSession(
            folder, workstation: workstation, examiner: try examiner.examiner(at: workstation), progress: ProgressLine()
        )
        var workflow = CarveWorkflow(session, tools: tools)
        workflow.blockSize = block
        workflow.opensContainers = children
        if let count = workers.workers { workflow.workers = count }
        let outcome = try workflow.run(item: item, sourcePath: source)
        try session.finish()
        try output.write(Summary.value(outcome.artifacts, outcome.record)) {
            Summary.text(outcome.artifacts, outcome.record)
        }
        for warning in outcome.warnings { Terminal.say("Warning: \(warning)") }
        if !outcome.warnings.isEmpty { throw ExitStatus.notVerified }
    }
}
