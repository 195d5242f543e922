import ArgumentParser
import Casework
import EvidenceModel

/// `exhibit artifact`.
struct ArtifactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "artifact", abstract: "Make files of what was found.", subcommands: [Write.self])

    struct Write: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write artifacts to files, each checked against its SHA-256 as it is written.",
            discussion: """
                Files are named by item, offset, id and extension; none is overwritten. With a passphrase the export \
                becomes an entry of the ledger.
                """)

        @Argument(help: "Ids of artifacts, or their first digits.")
        var ids: [String] = []

        @Flag(help: "Every artifact that the other options let through.")
        var all = false

        @Option(help: ArgumentHelp("Folder to write to; made when it does not exist.", valueName: "folder"))
        var to: String

        @Option(help: ArgumentHelp("Where the source lies now, when it has moved.", valueName: "path"))
        var source: String?

        @OptionGroup var location: CaseOptions
        @OptionGroup var selection: SelectionOptions
        @OptionGroup var examiner: ExaminerOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if all == !ids.isEmpty { throw ValidationError("Name artifacts by their ids, or use --all.") }
        }

        func run() throws {
            let folder = try location.open()
            var session: CaseSession?
            if examiner.passphrase.isGiven {
                let (workstation, _) = try Setting.workstation()
                session = try CaseSession(
                    folder, workstation: workstation, examiner: try examiner.examiner(at: workstation),
                    progress: ProgressLine())
            } else {
                Terminal.say("Note: no passphrase was given, so this export is not recorded in the ledger.")
            }
            let workflow = ExportWorkflow(folder, session: session, progress: ProgressLine())
            let outcome = try workflow.run(
                ids: all ? nil : ids, filter: selection.filter(), to: to, sourcePath: source)
            try output.write([
                "written": .integer(outcome.written), "bytes": .size(outcome.bytes),
                "failed": .array(outcome.failures.map { .string($0) }),
            ]) {
                "\(outcome.written) \(outcome.written == 1 ? "file" : "files") (\(SizeText.text(outcome.bytes))) written to \(to)"
            }
            for failure in outcome.failures { Terminal.say(failure) }
            if !outcome.failures.isEmpty { throw ExitStatus.notVerified }
        }
    }
}
