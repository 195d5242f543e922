import CustodyLedger
import Digesting
import EvidenceModel
import Foundation
public import Reporting
import Trust

/// What a report is to be like.
public struct ReportRequest: Hashable, Sendable {
    public var language: ReportLanguage
    /// Shows small pictures. Off unless asked for: some pictures must not be shown.
    public var thumbnails: Bool

    public init(language: ReportLanguage, thumbnails: Bool = false) {
        self.language = language
        self.thumbnails = thumbnails
    }
}

/// Verifies a case and issues a signed report on it.
///
///     verify ─► checkpoint, stamped ─► anchor.tsa ─► report, signed ─► report.issue ─► checkpoint
public struct ReportWorkflow {
    let session: CaseSession
    let tools: CarvingTools
    /// An authority outside the laboratory that stamps the checkpoint too.
    public var authority: OutsideAuthority?
    /// Threads that verify.
    public var workers = ProcessInfo.processInfo.activeProcessorCount

    /// A workflow that acts for the session's examiner.
    public init(_ session: CaseSession, tools: CarvingTools) {
        self.session = session
        self.tools = tools
    }

    /// A report as it was issued.
    public struct Outcome: Sendable {
        public let issued: Reporting.IssuedReport
        public let verification: Verification
        /// Nil when no outside authority was to be asked.
        public let stamping: OutsideStamping?
    }

    /// Issues the next report of the case.
    ///
    /// - Throws: case, ledger, signature and report errors; then no report was issued.
    public func run(_ request: ReportRequest) async throws -> Outcome {
        try await ReportReadiness.check(request.language)
        var verify = VerifyWorkflow(session.folder, workstation: session.workstation, progress: session.progress)
        verify.workers = workers
        let verification = try verify.run(recordingIn: session)
        let stamping = try anchor()

        let number = try nextNumber()
        let model = try await ReportModelBuilder(session: session, tools: tools, verification: verification)
            .model(number: number, request)
        session.progress?.began("Writing the report", unit: .things("pages"))
        defer { session.progress?.ended() }
        let issued = try await ReportWriter.write(
            model, language: request.language, into: session.folder.reportsPath + "/" + number, signer: session.signer,
            timestamp: session.timestampAuthority)
        try record(issued, number: number, request)
        try publishCheckpoint()
        return Outcome(issued: issued, verification: verification, stamping: stamping)
    }

    /// Fixes everything up to now: the head, stamped, and the stamp's digest in the next entry.
    private func anchor() throws -> OutsideStamping? {
        let published = try publishCheckpoint()
        try session.append(.anchorTSA, anchor: published.anchor)
        guard let authority else { return nil }
        return try TimestampWorkflow(session.folder, workstation: session.workstation, session: session)
            .ask(authority, for: .checkpoint(published.size))
    }

    @discardableResult
    private func publishCheckpoint() throws -> CheckpointWorkflow.Published {
        try CheckpointWorkflow(session.folder, workstation: session.workstation, ledger: session.ledger).publish()
    }

    /// The number of the next report: "R01", "R02" ….
    ///
    /// A folder that the ledger does not know was written by a run that was cut off before it issued the report. It is
    /// set aside under another name and the ledger says so: it is signed, but it was never issued.
    private func nextNumber() throws -> String {
        let entries = try session.ledger.entries()
        let issued = Set(
            entries.compactMap { entry -> String? in
                guard case .report(let report) = entry.detail else { return nil }
                return report.number
            })
        let count = issued.count + 1
        let number = "R" + (count < 10 ? "0" : "") + String(count)
        let path = session.folder.reportsPath + "/" + number
        if FileManager.default.fileExists(atPath: path) {
            var suffix = 1
            while FileManager.default.fileExists(atPath: "\(path).not-issued-\(suffix)") { suffix += 1 }
            try FolderSync.rename(path, to: "\(path).not-issued-\(suffix)")
            try session.append(
                .incident,
                reason: "a report was written as \(number) but not issued: the run was cut off. It was set aside as "
                    + "\(number).not-issued-\(suffix)", detail: .incident(IncidentKind(.interruption)))
        }
        return number
    }

    private func record(_ issued: Reporting.IssuedReport, number: String, _ request: ReportRequest) throws {
        let files = issued.files.map { NamedFile(name: $0.name, size: $0.size, sha256: $0.sha256) }
        try session.append(
            .reportIssue,
            detail: .report(
                CustodyLedger.IssuedReport(
                    id: issued.id, number: number, language: request.language.rawValue, files: files)))
    }
}
