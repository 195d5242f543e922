public import ArgumentParser
import Casework
import EvidenceModel
import Foundation
public import Imaging
public import SourceMedia

extension ImagePlan.Format: ExpressibleByArgument {}
extension EWFImageFacts.Compression: ExpressibleByArgument {}

/// `exhibit acquire`.
struct AcquireCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "acquire",
        abstract: "Make an image of a device, digest it in the same reading, and read the image back.",
        discussion: """
            DEVICE is a block device, or a file in its place. It is opened read-only and read once. Sectors that cannot be \
            read are zeros in the image and are listed in the manifest, in the E01 and on the screen; the exit status is \
            then 1. The result is the image and evidence/<item>/ with the signed and time-stamped manifest.

            An acquisition that is interrupted (Ctrl-C, a full disk, a device that no longer answers, a power cut) is \
            continued by the same command with --resume; the image is the same as without the interruption. An existing \
            image is never overwritten.
            """)

    @Argument(help: "Device, for example /dev/sdb.")
    var device: String

    @Option(help: ArgumentHelp("Where the image goes: folder and name, with or without ending.", valueName: "path"))
    var to: String

    @Option(help: "What kind of image: e01 or raw. (default: e01)")
    var format: ImagePlan.Format?

    @Option(help: ArgumentHelp("Most bytes of a segment of an E01. (default: 2GiB)", valueName: "size"))
    var segmentSize: ByteCount?

    @Option(help: "How an E01 stores its chunks: fast (deflate at level 1) or none. (default: fast)")
    var compression: EWFImageFacts.Compression?

    @Option(help: ArgumentHelp("How often a sector that fails is read again.", valueName: "number"))
    var retries = ReadPolicy().retries

    @Flag(help: "Go on with an interrupted acquisition.")
    var resume = false

    @Flag(inversion: .prefixedNo, help: "Read the finished image back and compare its digests.")
    var readBack = true

    @Option(
        help: ArgumentHelp(
            "Seconds from one durable point to the next: what an interruption may cost.", valueName: "seconds"))
    var durableEvery = ImageWriter.usualPause

    @OptionGroup var location: CaseOptions
    @OptionGroup var item: ItemOptions
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var stamps: TimestampOptions
    @OptionGroup var workers: WorkerOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (0...ReadPolicy.mostRetries).contains(retries) else {
            throw ValidationError("--retries takes a number from 0 to \(ReadPolicy.mostRetries).")
        }
        guard durableEvery >= 0, durableEvery <= 3600 else {
            throw ValidationError("--durable-every takes 0 to 3600 seconds.")
        }
        if format == .raw, segmentSize != nil || compression != nil {
            throw ValidationError("--segment-size and --compression are for E01 images.")
        }
        guard reading.backing.isEmpty else {
            throw ValidationError("--backing is for `exhibit ingest`: acquire images devices.")
        }
        if let segmentSize, segmentSize.bytes < EWFImageFacts.smallestSegment {
            throw ValidationError("--segment-size is at least 1MiB.")
        }
    }

    func run() throws {
        let folder = try location.open()
        let (workstation, _) = try Setting.workstation()
        let session = try CaseSession(
            folder, workstation: workstation, examiner: try examiner.examiner(at: workstation), progress: ProgressLine()
        )
        var workflow = AcquireWorkflow(session)
        workflow.algorithms = try reading.algorithms()
        if let count = workers.workers { workflow.workers = count }
        workflow.forceReason = reading.force ? reading.reason : nil
        workflow.policy = ReadPolicy(retries: retries)
        workflow.resumes = resume
        workflow.format = format
        workflow.compression = compression
        workflow.segmentSize = segmentSize?.bytes
        workflow.readsBack = readBack
        workflow.pause = durableEvery
        workflow.notice = { Terminal.say("Note: \($0)") }
        let description = try item.itemDescription()
        let authority = try stamps.authority(knownTo: folder)
        StopRequest.listen()
        let outcome: AcquireWorkflow.Outcome
        do {
            outcome = try workflow.run(device, as: description, to: to)
        } catch let interruption as AcquireWorkflow.Interruption {
            // What is there is sound but not complete.
            Terminal.say("exhibit: \(interruption.message)")
            throw ExitStatus.notVerified
        }
        let stamping = try authority.map {
            try TimestampWorkflow(folder, workstation: workstation, session: session).ask(
                $0, for: .item(description.id))
        }
        try session.finish()
        try output.write(value(outcome)) { text(outcome) }
        if let warning = stamping?.warning { Terminal.say("Warning: \(warning)") }
        if stamping?.warning != nil || !outcome.manifest.isSound { throw ExitStatus.notVerified }
    }

    private func value(_ outcome: AcquireWorkflow.Outcome) -> CanonicalValue {
        guard case .object(var members) = Summary.value(outcome.manifest), let image = outcome.manifest.image else {
            return .null
        }
        members["image"] = .object(compacting: [
            "path": .string(outcome.image), "format": .string(image.format), "files": .integer(image.files.count),
            "bytes": .size(image.files.reduce(0) { $0 + $1.size }), "resumptions": .integer(image.resumptions),
            "read_back": .string(image.readBack.rawValue),
            "imaging_ms": .integer(Int(outcome.imaging * 1000)),
            "read_back_ms": outcome.readingBack.map { .integer(Int($0 * 1000)) },
        ])
        return .object(members)
    }

    private func text(_ outcome: AcquireWorkflow.Outcome) -> String {
        guard let image = outcome.manifest.image else { return "" }
        let bytes = image.files.reduce(0) { $0 + $1.size }
        let verdict =
            switch image.readBack {
            case .match: "read back: the digests of the device"
            case .mismatch: "read back: NOT the digests of the device"
            case .notDone: "not read back"
            }
        var times = "Imaging took \(Self.seconds(outcome.imaging))"
        if let readingBack = outcome.readingBack { times += ", reading back \(Self.seconds(readingBack))" }
        return """
            \(Summary.text(outcome.manifest))
            Image \(outcome.image): \(image.files.count) files, \(SizeText.text(bytes)); \(verdict)
            \(times)
            """
    }

    private static func seconds(_ value: Double) -> String { String(format: "%.1f s", value) }
}

/// A number of bytes as people write it: "2GiB", "650MB", "1048576".
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let units = [
            "": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "kb": 1000, "m": 1 << 20, "mib": 1 << 20, "mb": 1_000_000,
            "g": 1 << 30, "gib": 1 << 30, "gb": 1_000_000_000, "t": 1 << 40, "tib": 1 << 40, "tb": 1_000_000_000_000,
        ]
        let unit = argument.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let number = Int(digits), let factor = units[unit] else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        bytes = product
    }
}
