import CustodyLedger
public import EvidenceModel
import Foundation
import Reporting
import SourceMedia

/// The whole job on one source, in order; run again, it goes on where it was cut off.
///
///     case ─► ingest, the search riding the pass ─► carve, catalogue ─► verify ─► report
public struct ProcessWorkflow {
    let workstation: Workstation
    let examiner: Examiner
    let tools: CarvingTools
    let progress: (any ProgressListener)?
    /// How the case is made when it does not exist.
    public var newCase = NewCase(number: "")
    /// Digests over the whole medium.
    public var algorithms: [DigestAlgorithm] = [.md5, .sha1, .sha256]
    /// Digests that whoever handed the item over has given, to compare with.
    public var known: KnownDigestList?
    /// An authority outside the laboratory that stamps the manifest and the checkpoint too.
    public var authority: OutsideAuthority?
    /// Why a device is read although it is mounted for writing.
    public var forceReason: String?
    /// What a virtual disk rests on, and what that rests on, and so on.
    public var backing: [String] = []
    /// Threads that work.
    public var workers = ProcessInfo.processInfo.activeProcessorCount
    /// Whether files in other files are looked for.
    public var opensContainers = true
    /// Searches every offset of the medium for files, and not only the starts of blocks.
    public var isEmbedded = false
    /// The report to issue; nil for none.
    public var report: ReportRequest?

    public init(
        workstation: Workstation, examiner: Examiner, tools: CarvingTools, progress: (any ProgressListener)? = nil
    ) {
        self.workstation = workstation
        self.examiner = examiner
        self.tools = tools
        self.progress = progress
    }

    /// What was done.
    public struct Outcome: Sendable {
        public let folder: CaseFolder
        public let manifest: EvidenceManifest
        public let artifacts: [Artifact]
        /// What the carving run did, and what became of every byte; nil when an earlier version carved the item.
        public let record: CarvingRecord?
        /// What came of asking an outside authority, once for each thing that was stamped.
        public let stampings: [OutsideStamping]
        /// What was odd while carving.
        public let warnings: [String]
        /// The report on the item; nil when none was asked for.
        public let report: ReportReference?
        /// Nil when nothing was verified now.
        public let verification: Verification?
    }

    /// A report of the case.
    public struct ReportReference: Hashable, Sendable {
        public let id: String
        public let pdfPath: String
    }

    /// Does the job.
    public func run(_ source: String, as item: ItemDescription, caseAt path: String) async throws -> Outcome {
        // Look at the source first: a wrong path must not leave a case behind.
        try SourceCheck.refuse(try SourceCheck.open(source, force: forceReason != nil, backing: backing), around: path)
        // And at what the report needs: better now than after hours of reading.
        if let report { try await ReportReadiness.check(report.language) }
        let folder = try openOrCreate(path)
        let session = try CaseSession(folder, workstation: workstation, examiner: examiner, progress: progress)

        let (manifest, acquired) = try ingest(source, item, session)
        var stampings = try stamp(item, session)
        let carved = try carve(item, acquired, session)
        guard let report else {
            try session.finish()
            return Outcome(
                folder: folder, manifest: manifest, artifacts: carved.artifacts, record: carved.record,
                stampings: stampings,
                warnings: carved.warnings, report: nil,
                verification: nil)
        }
        if let issued = try reportSinceCarving(item.id, session) {
            return Outcome(
                folder: folder, manifest: manifest, artifacts: carved.artifacts, record: carved.record,
                stampings: stampings,
                warnings: carved.warnings,
                report: issued,
                verification: nil)
        }
        var workflow = ReportWorkflow(session, tools: tools)
        workflow.workers = workers
        workflow.authority = authority
        let outcome = try await workflow.run(report)
        if let stamping = outcome.stamping { stampings.append(stamping) }
        return Outcome(
            folder: folder, manifest: manifest, artifacts: carved.artifacts, record: carved.record,
            stampings: stampings,
            warnings: carved.warnings,
            report: ReportReference(id: outcome.issued.id, pdfPath: outcome.issued.pdfPath),
            verification: outcome.verification)
    }

    /// Has the manifest stamped outside, unless it is already.
    private func stamp(
        _ item: ItemDescription, _ session: CaseSession
    ) throws -> [OutsideStamping] {
        guard let authority, StampFiles(of: session.folder.evidence(item.id)).outsidePaths.isEmpty else { return [] }
        let workflow = TimestampWorkflow(session.folder, workstation: workstation, session: session)
        return [try workflow.ask(authority, for: .item(item.id))]
    }

    /// The last report that was issued after the item was carved: then the job was done before.
    private func reportSinceCarving(_ item: String, _ session: CaseSession) throws -> ReportReference? {
        let carved = try session.history(of: item).carved?.seq ?? .max
        let issued = try session.ledger.entries().last { $0.verb == .reportIssue && $0.seq > carved }
        guard case .report(let report) = issued?.detail else { return nil }
        return ReportReference(
            id: report.id, pdfPath: "\(session.folder.reportsPath)/\(report.number)/report.pdf")
    }

    private func openOrCreate(_ path: String) throws -> CaseFolder {
        guard FileManager.default.fileExists(atPath: CaseFolder.absolute(path) + "/case.json") else {
            return try newCase.create(at: path, workstation: workstation, examiner: examiner)
        }
        let folder = try CaseFolder(opening: path)
        guard folder.facts.number == newCase.number else {
            throw CaseError(
                .refused,
                "The case in \(path) has the number \(folder.facts.number), not \(newCase.number). Nothing was "
                    + "changed. Name "
                    + "another folder or the right number.")
        }
        return folder
    }

    private func ingest(
        _ source: String, _ item: ItemDescription, _ session: CaseSession
    ) throws -> (EvidenceManifest, IngestWorkflow.Outcome?) {
        if try session.history(of: item.id).acquired != nil {
            let evidence = session.folder.evidence(item.id)
            guard
                SourceLocation(in: evidence)?.path
                    == (try SourceCheck.open(source, force: true, backing: backing)).description.path
            else {
                throw CaseError(
                    .refused,
                    "Item \(item.id) of this case was taken in from another source than \(source). Nothing was "
                        + "changed. Use "
                        + "another item number for it: --item E002.")
            }
            let bytes = try DurableFile.read(evidence.manifestPath, limit: UnverifiedManifest.largestFile)
            let manifest = try EvidenceManifest(parsing: bytes)
            guard known == nil || known?.sha256 == manifest.known?.listSHA256 else {
                throw CaseError(
                    .refused,
                    "Item \(item.id) was taken in already, without this list of known digests. Nothing was changed. Compare "
                        + "it with `exhibit verify \(item.id) --known FILE`.")
            }
            return (manifest, nil)
        }
        var workflow = IngestWorkflow(session)
        workflow.algorithms = algorithms
        workflow.known = known
        workflow.workers = workers
        workflow.forceReason = forceReason
        workflow.backing = backing
        workflow.search = try tools.search(blockSize: isEmbedded ? nil : 512)
        let outcome = try workflow.run(source, as: item)
        return (outcome.manifest, outcome)
    }

    private func carve(
        _ item: ItemDescription, _ acquired: IngestWorkflow.Outcome?, _ session: CaseSession
    ) throws -> (artifacts: [Artifact], record: CarvingRecord?, warnings: [String]) {
        if try session.history(of: item.id).carved != nil {
            return (
                try CatalogReading.artifacts(of: item.id, in: session.folder),
                try CatalogReading.record(of: item.id, in: session.folder), []
            )
        }
        var workflow = CarveWorkflow(session, tools: tools)
        workflow.workers = workers
        workflow.opensContainers = opensContainers
        workflow.isEmbedded = isEmbedded
        let outcome = try workflow.run(item: item.id, acquired: acquired)
        return (outcome.artifacts, outcome.record, outcome.warnings)
    }
}
