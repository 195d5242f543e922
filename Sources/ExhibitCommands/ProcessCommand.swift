import ArgumentParser
import Casework
import EvidenceModel
import Foundation

/// `exhibit process`.
struct ProcessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "process",
        abstract: "Do the whole job: case, ingest, carve, catalogue, verify, report.",
        discussion: """
            Makes the case when it does not exist. Run again after an interruption, it goes on where it was cut off; the \
            ledger shows the interruption.
            """)

    @Argument(help: "Image, first segment, device or folder.")
    var source: String

    @OptionGroup var location: CaseOptions
    @OptionGroup var facts: NewCaseOptions
    @OptionGroup var item: ItemOptions
    @OptionGroup var reading: ReadingOptions
    @OptionGroup var known: KnownOptions
    @OptionGroup var search: SearchOptions

    @Flag(
        inversion: .prefixedNo,
        help: "Look for files in other files too: members of archives, attachments, thumbnails.")
    var children = true

    @Flag(inversion: .prefixedNo, help: "Verify the source again and write the signed report.")
    var report = true

    @Option(name: .customLong("lang"), help: "Language of the report: en or fr.")
    var language: ReportLanguageOption = .en

    @Flag(help: "Show small pictures in the report. Never for material that must not be shown.")
    var thumbnails = false

    @OptionGroup var stamps: TimestampOptions
    @OptionGroup var workers: WorkerOptions
    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (workstation, tools) = try Setting.workstation(magicFiles: search.magic)
        var workflow = ProcessWorkflow(
            workstation: workstation, examiner: try examiner.examiner(at: workstation), tools: tools,
            progress: ProgressLine())
        workflow.newCase = facts.newCase(language: language.rawValue)
        workflow.algorithms = try reading.algorithms()
        workflow.known = try known.list()
        workflow.forceReason = reading.force ? reading.reason : nil
        workflow.backing = reading.backing
        workflow.isEmbedded = search.embedded
        if let count = workers.workers { workflow.workers = count }
        workflow.opensContainers = children
        workflow.report = report ? ReportRequest(language: language.language, thumbnails: thumbnails) : nil
        let isThere = FileManager.default.fileExists(atPath: location.folder + "/case.json")
        workflow.authority = try stamps.authority(knownTo: isThere ? location.open() : nil)
        let outcome = try await workflow.run(
            source, as: try item.itemDescription(), caseAt: location.folder)

        try output.write(
            .object(compacting: [
                "case": .string(outcome.folder.path), "item": Summary.value(outcome.manifest),
                "artifacts": Summary.value(outcome.artifacts), "coverage": outcome.record?.canonical["coverage"],
                "statistics": outcome.record?.canonical["statistics"],
                "report": outcome.report.map { .string($0.pdfPath) },
                "verified": outcome.verification.map { .bool($0.holds) },
            ])
        ) {
            var parts = [Summary.text(outcome.manifest), Summary.text(outcome.artifacts, outcome.record)]
            if let verification = outcome.verification { parts.append(VerificationText.summary(verification)) }
            if let report = outcome.report { parts.append("Report \(report.id): \(report.pdfPath)") }
            return parts.joined(separator: "\n\n")
        }
        let isComplete = outcome.manifest.isSound && outcome.manifest.isAsKnown && outcome.warnings.isEmpty
        let unstamped = outcome.stampings.compactMap(\.warning)
        for warning in unstamped { Terminal.say("Warning: \(warning)") }
        for warning in outcome.warnings { Terminal.say("Warning: \(warning)") }
        if !unstamped.isEmpty || !isComplete || outcome.verification?.holds == false { throw ExitStatus.notVerified }
    }
}
