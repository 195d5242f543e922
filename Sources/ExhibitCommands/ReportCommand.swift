import ArgumentParser
import Casework
import EvidenceModel
import Reporting

/// `exhibit report`.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Issue a signed report on a case.",
        discussion: """
            Writes reports/<number>/ with report.pdf (PDF/A with its annexes inside, signed as PAdES) and report.html, and \
            records it in the ledger. The case is verified first; the report states the result.
            """)

    @OptionGroup var location: CaseOptions

    @Option(name: .customLong("lang"), help: "Language: en or fr.")
    var language: ReportLanguageOption = .en

    @Flag(help: "Show small pictures. Never for material that must not be shown.")
    var thumbnails = false

    @OptionGroup var stamps: TimestampOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (workstation, tools) = try Setting.workstation()
        let session = try CaseSession(
            location.open(), workstation: workstation, examiner: try examiner.examiner(at: workstation),
            progress: ProgressLine())
        var workflow = ReportWorkflow(session, tools: tools)
        workflow.authority = try stamps.authority(knownTo: session.folder)
        let report = try await workflow.run(ReportRequest(language: language.language, thumbnails: thumbnails))
        try output.write([
            "id": .string(report.issued.id), "pdf": .string(report.issued.pdfPath),
            "html": .string(report.issued.htmlPath), "verified": .bool(report.verification.holds),
        ]) { "Report \(report.issued.id)\n\(report.issued.pdfPath)\n\(report.issued.htmlPath)" }
        if let warning = report.stamping?.warning { Terminal.say("Warning: \(warning)") }
        if !report.verification.holds {
            Terminal.say(VerificationText.summary(report.verification))
            throw ExitStatus.notVerified
        }
        if report.stamping?.warning != nil { throw ExitStatus.notVerified }
    }
}

/// The languages of reports, as options name them.
enum ReportLanguageOption: String, ExpressibleByArgument, CaseIterable {
    case en
    case fr

    var language: ReportLanguage {
        switch self {
        case .en: .english
        case .fr: .french
        }
    }
}
