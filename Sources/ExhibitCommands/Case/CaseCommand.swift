import ArgumentParser
import Casework
import EvidenceModel

/// `exhibit case`.
struct CaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case", abstract: "Make a case.", subcommands: [New.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a case folder with its ledger.",
            discussion: "The folder appears whole or not at all. Its ledger begins with an entry signed by you.")

        @OptionGroup var location: CaseOptions
        @OptionGroup var facts: NewCaseOptions
        @OptionGroup var examiner: ExaminerOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let (workstation, _) = try Setting.workstation()
            let folder = try facts.newCase().create(
                at: location.folder, workstation: workstation, examiner: try examiner.examiner(at: workstation))
            try output.write(["case": .string(folder.path), "origin": .string(folder.facts.origin)]) {
                "Case \(folder.facts.number) made in \(folder.path)\nLedger \(folder.facts.origin)"
            }
        }
    }
}

/// What is fixed when a case is made.
struct NewCaseOptions: ParsableArguments {
    @Option(help: "The investigation's number.")
    var number: String

    @Option(help: "What the case is about, in a few words.")
    var title: String?

    @Option(help: ArgumentHelp("The laboratory's domain name, part of the ledger's identity.", valueName: "domain"))
    var labDomain = "exhibit.invalid"

    func newCase(language: String = "en") -> NewCase {
        NewCase(number: number, title: title, language: language, labDomain: labDomain)
    }
}
