import ArtifactCatalog
import Carving
public import CustodyLedger
import Digesting
public import EvidenceModel
import FormatIdentification
import Foundation
import Scanning
import SourceMedia

/// Finds the files on an item and catalogues them.
///
///     analyse.begin ─► (pass, when none was just made) ─► carver ─► artifacts.jsonl, catalogue ─► carve.run ─► analyse.end
public struct CarveWorkflow {
    let session: CaseSession
    let tools: CarvingTools
    /// Threads that search, walk and digest.
    public var workers = ProcessInfo.processInfo.activeProcessorCount
    /// Alignment of files on the medium, in bytes.
    public var blockSize = 512
    /// Whether files in other files are looked for: members of archives, attachments, thumbnails.
    public var opensContainers = true
    /// Searches every offset of the medium, and not only the starts of blocks.
    public var isEmbedded = false

    /// A workflow that acts for the session's examiner.
    public init(_ session: CaseSession, tools: CarvingTools) {
        self.session = session
        self.tools = tools
    }

    /// What was found.
    public struct Outcome: Sendable {
        public let artifacts: [Artifact]
        public let limitsHit: [String: Int]
        public let warnings: [String]
        /// What was done, and what became of every byte of the medium.
        public let record: CarvingRecord
        public let receipt: LedgerReceipt
    }

    /// Carves an item that was taken in.
    ///
    /// - Parameters:
    ///   - item: the item's number.
    ///   - acquired: what the acquisition has just read; nil to read the source again, which is then compared with the
    ///     manifest.
    ///   - sourcePath: where the source lies now, when it has moved.
    /// - Throws: ``CaseError`` with code `refused` when the source is no longer what was taken in.
    public func run(
        item: String, acquired: IngestWorkflow.Outcome? = nil, sourcePath: String? = nil
    ) throws -> Outcome {
        let history = try session.history(of: item)
        guard let acquisition = history.acquired else {
            throw CaseError(
                .unknownItem, "Item \(item) was not taken in yet. Use `exhibit ingest SOURCE --item \(item)` first.")
        }
        let evidence = session.folder.evidence(item)
        let lock = try FolderLock(evidence.path, what: "item \(item)")
        let source = try acquired?.source ?? StoredSource.open(item, in: session.folder, path: sourcePath)
        let begin = try session.append(
            .analyseBegin, items: [LedgerItem(id: item, kind: .image)], refs: history.interruptedAnalyses)

        let searched = try acquired.flatMap { Searched($0) } ?? search(source, item, acquisition)
        var result = try carve(source, item, searched.candidates)
        let coverage = try Coverage(finds: result.artifacts, unreadable: searched.unreadable)
            .statement(of: source, searched.blockMap)
        if coverage.readAgain > 0 { result.limitsHit[BlockMap.limitName] = 1 }
        let record = CarvingRecord(result, coverage)
        let export = Self.export(result.artifacts)
        try DurableFile.write(export, to: evidence.artifactsPath)
        try CatalogStore(path: session.folder.catalogPath).replace(
            item: item, with: result.artifacts, run: provenance(of: result, record))

        let receipt = try session.append(
            .carveRun, items: [LedgerItem(id: item, kind: .image)], refs: [begin.reference],
            detail: .carving(
                CarvingResult(
                    catalog: try digest(.sha256, of: export), counts: Self.counts(result.artifacts), limits: limits,
                    limitsHit: result.limitsHit)))
        try session.append(.analyseEnd, items: [LedgerItem(id: item, kind: .image)], refs: [begin.reference])
        _ = consume lock
        return Outcome(
            artifacts: result.artifacts, limitsHit: result.limitsHit, warnings: result.warnings, record: record,
            receipt: receipt)
    }

    // MARK: Searching

    /// What a pass over the medium has found for the run.
    private struct Searched {
        let candidates: [Int]
        let blockMap: BlockMap
        let unreadable: [UnreadableRange]

        init?(_ acquired: IngestWorkflow.Outcome) {
            guard let blockMap = acquired.blockMap else { return nil }
            candidates = acquired.candidates
            self.blockMap = blockMap
            unreadable = acquired.manifest.unreadable
        }

        init(_ scan: ScanResult) {
            candidates = scan.candidates
            blockMap = scan.blockMap ?? BlockMap()
            unreadable = scan.unreadable
        }
    }

    /// Reads the medium again: the search rides a pass that also shows that it is still what was taken in.
    private func search(_ source: any SourceReader, _ item: String, _ acquisition: LedgerEntry) throws -> Searched {
        var pass = MediaPass()
        pass.algorithms = [.sha256]
        pass.digestsBlocks = false
        pass.workers = workers
        pass.search =
            source.description.kind == .folder ? nil : try tools.search(blockSize: isEmbedded ? nil : blockSize)
        pass.classifiesBlocks = true
        let progress = session.progress
        progress?.began("Searching \(item)", unit: .bytes)
        defer { progress?.ended() }
        let total = source.size
        pass.progress = { progress?.advanced(to: $0, of: total) }
        let scan = try pass.run(over: source)
        let expected = acquisition.items.flatMap(\.digests).first { $0.algorithm == .sha256 }
        guard let observed = scan.digests.first, observed == expected else {
            try session.append(
                .incident, items: [LedgerItem(id: item, kind: .image)],
                reason: "the source differs from what was taken in; it was not analysed",
                check: LedgerCheck(expected: expected?.hex, observed: scan.digests.first?.hex, result: .mismatch),
                detail: .incident(IncidentKind(.mismatch)))
            throw CaseError(
                .refused,
                "The source of item \(item) is no longer what was taken in: its SHA-256 differs from the manifest's. It was "
                    + "not analysed, and the ledger says so. `exhibit verify` shows which blocks differ.")
        }
        return Searched(scan)
    }

    private func carve(_ source: any SourceReader, _ item: String, _ candidates: [Int]) throws -> CarveResult {
        let progress = session.progress
        progress?.began("Carving \(item)", unit: .bytes)
        defer { progress?.ended() }
        let teller = progress.map { CarveProgressTeller($0, item: item) }
        if source.description.kind == .folder {
            return try FolderCataloguing(
                item: item, source: source, tools: tools, workers: workers, opensContainers: opensContainers,
                workFolder: session.folder.evidence(item).path
            )
            .run { teller?.tell($0) }
        }
        var carver = Carver(item: item, source: source, magic: tools.magic, workers: workers)
        carver.opensContainers = opensContainers
        carver.workFolder = session.folder.evidence(item).path
        if !isEmbedded { carver.gapSearch = try SignatureSearch.forGaps() }
        return try carver.carve(candidates: candidates) { teller?.tell($0) }
    }

    // MARK: Recording

    private var limits: [String: Int] {
        var limits = Dictionary(uniqueKeysWithValues: CarveLimits().named.map { ($0.name, $0.value) })
        limits["carve_block_size"] = isEmbedded ? 1 : blockSize
        if isEmbedded { limits["carve_embedded_signature"] = SignatureSearch.smallestDatabaseSignature }
        limits[BlockMap.limitName] = BlockMap.usualLimit
        limits["coverage_listed_runs"] = CoverageStatement.mostListedRuns
        limits["coverage_large_run"] = CoverageStatement.largeRun
        return limits
    }

    private func provenance(of result: CarveResult, _ record: CarvingRecord) -> CanonicalValue {
        .object(compacting: [
            "tool": session.tool.canonical,
            "limits": .object(limits.mapValues { .size($0) }), "opens_containers": .bool(opensContainers),
            "limits_hit": record.canonical["limits_hit"],
            "magic_files": .array(
                tools.examinersFiles.map {
                    .object(["name": .string($0.name), "sha256": .string($0.sha256.hex)])
                }),
            "notes": .array(tools.magic.notes.map { .string($0) }),
            "warnings": .array(result.warnings.map { .string($0) }),
            "statistics": record.canonical["statistics"], "coverage": record.canonical["coverage"],
        ])
    }

    static func export(_ artifacts: [Artifact]) -> [UInt8] {
        artifacts.flatMap { $0.canonical.encoded + [UInt8(ascii: "\n")] }
    }

    private static func counts(_ artifacts: [Artifact]) -> [String: Int] {
        var counts = ["total": artifacts.count]
        for artifact in artifacts { counts[artifact.confidence.rawValue, default: 0] += 1 }
        return counts
    }
}
