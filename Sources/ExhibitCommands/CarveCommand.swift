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

            Files are looked for at the starts of blocks, and at any offset in the gaps between what was found there. \
            --embedded looks at every offset of the medium. --list-formats needs no case: it lists what is looked for.
            """)

    @Option(name: .customLong("case"), help: ArgumentHelp("The case's folder.", valueName: "folder"))
    var folder: String?

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

    @OptionGroup var search: SearchOptions

    @Flag(help: "List the formats that are looked for, where their signatures come from and how their files end.")
    var listFormats = false

    @Option(help: "How --list-formats answers: table or json.")
    var format = ListFormat.table

    @OptionGroup var workers: WorkerOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if folder == nil, !listFormats { throw ValidationError("Missing expected argument '--case <folder>'") }
        if !(1...65_536).contains(block) { throw ValidationError("--block takes a number from 1 to 65536.") }
    }

    func run() throws {
        let (workstation, tools) = try Setting.workstation(magicFiles: search.magic)
        if listFormats { return try list(FormatTable(tools)) }
        let folder = try CaseFolder(opening: folder ?? "")
        let session = try CaseSession(
            folder, workstation: workstation, examiner: try examiner.examiner(at: workstation), progress: ProgressLine()
        )
        var workflow = CarveWorkflow(session, tools: tools)
        workflow.blockSize = block
        workflow.opensContainers = children
        workflow.isEmbedded = search.embedded
        if let count = workers.workers { workflow.workers = count }
        let outcome = try workflow.run(item: item, sourcePath: source)
        try session.finish()
        try output.write(Summary.value(outcome.artifacts, outcome.record)) {
            Summary.text(outcome.artifacts, outcome.record)
        }
        for warning in outcome.warnings { Terminal.say("Warning: \(warning)") }
        if !outcome.warnings.isEmpty { throw ExitStatus.notVerified }
    }

    private func list(_ table: FormatTable) throws {
        if format == .json || output.json {
            try Output.line(table.value.encodedText)
        } else {
            try Output.line(table.text)
        }
    }
}
