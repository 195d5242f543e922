public import CustodyLedger
import Digesting
public import EvidenceModel
import Foundation
public import Scanning
public import SourceMedia

/// Takes one source in: the whole flow from the medium to the signed manifest, top to bottom.
///
///     intake ─► acquire.begin ─► one pass over the medium ─► evidence files, signed and stamped ─► acquire.end
///
/// `acquire.begin` is in the ledger before the first byte of evidence is read. Until `acquire.end` is there nothing of
/// the item counts: a run that was cut off shows in the ledger, and a later run starts the item again and refers to it.
public struct IngestWorkflow {
    let session: CaseSession
    /// Digests over the whole medium.
    public var algorithms: [DigestAlgorithm] = [.md5, .sha1, .sha256]
    /// Threads that digest and search.
    public var workers = ProcessInfo.processInfo.activeProcessorCount
    /// Reads a device even though it is mounted for writing; the reason goes into the ledger.
    public var forceReason: String?
    /// Digests that whoever handed the item over has given, to compare with.
    public var known: KnownDigestList?
    /// What a virtual disk rests on, and what that rests on, and so on.
    public var backing: [String] = []
    /// Also looks for candidates and tells the classes of the blocks in the same pass.
    public var search: CandidateSearch?

    /// A workflow that acts for the session's examiner.
    public init(_ session: CaseSession) { self.session = session }

    /// What was taken in.
    public struct Outcome: Sendable {
        public let manifest: EvidenceManifest
        public let source: any SourceReader
        /// Where known formats may start; empty unless asked for.
        public let candidates: [Int]
        /// The classes of the medium's blocks; nil unless candidates were asked for.
        public let blockMap: BlockMap?
        public let receipt: LedgerReceipt
    }

    /// Takes the source in as `item`.
    ///
    /// - Throws: ``SourceError``, ``CaseError``, ledger and signature errors. Nothing half-made counts afterwards.
    public func run(_ path: String, as item: ItemDescription) throws -> Outcome {
        let source = try SourceOpener.open(
            path, SourceOptions(allowWritableMounts: forceReason != nil, backing: backing))
        try SourceCheck.refuse(source, around: session.folder.path)
        let history = try session.history(of: item.id)
        guard history.acquired == nil else {
            throw CaseError(
                .exists,
                "Item \(item.id) was taken in already (ledger entry \(history.acquired?.seq ?? 0)). Nothing was "
                    + "read. Use "
                    + "another item number, or `exhibit verify` to check the item again.")
        }
        let work = try EvidenceWorkFolder(session.folder, item: item.id)

        if history.intake == nil { try recordIntake(of: source.description, item) }
        let begin = try session.append(
            .acquireBegin, items: [item.ledgerItem(source.description)],
            reason: forceReason.map { "read although mounted for writing: \($0)" },
            refs: history.interruptedAcquisitions,
            detail: .acquisitionStart(
                AcquisitionStart(
                    sourceKind: source.description.kind.rawValue,
                    sourceName: SourceName.shown(source.description), size: source.size)))

        let started = session.now()
        let scan = try pass(over: source)
        let manifest = try makeManifest(item, source, scan, started: started, in: work)
        try work.finish()

        let receipt = try recordEnd(of: item, manifest, scan, begin: begin)
        return Outcome(
            manifest: manifest, source: source, candidates: scan.candidates, blockMap: scan.blockMap,
            receipt: receipt)
    }

    // MARK: The pass

    private func pass(over source: any SourceReader) throws -> ScanResult {
        var pass = MediaPass()
        pass.algorithms = algorithms.contains(.sha256) ? algorithms : algorithms + [.sha256]
        let asked = known?.algorithms ?? []
        if source.description.kind == .folder {
            pass.furtherFileAlgorithms = asked
        } else {
            pass.algorithms += asked.filter { !pass.algorithms.contains($0) }
        }
        // The files of a container are not the medium's bytes; those of the other kinds are.
        pass.digestsFiles = source.description.holdsMediaInFiles && source.description.files.count != 1
        pass.digestsContainer = true
        pass.workers = workers
        // The files of a folder have known borders: they are named, not searched for.
        pass.search = source.description.kind == .folder ? nil : search
        pass.classifiesBlocks = search != nil
        let progress = session.progress
        progress?.began("Reading \(SourceName.shown(source.description))", unit: .bytes)
        defer { progress?.ended() }
        let total = source.size
        pass.progress = { progress?.advanced(to: $0, of: total) }
        return try pass.run(over: source)
    }

    // MARK: The evidence files

    private func makeManifest(
        _ item: ItemDescription, _ source: any SourceReader, _ scan: ScanResult, started: UTCTime,
        in work: borrowing EvidenceWorkFolder
    ) throws -> EvidenceManifest {
        let description = source.description
        var fileTree: EvidenceManifest.FileTree?
        // The members of an archive are read once more, behind the pass, by a process that is told nothing else.
        let archive = try (source as? any ArchiveSource)?.listing()
        if archive != nil || description.kind == .folder {
            let listing =
                try archive.map { try FileListing($0.members) } ?? FileListing(description, digests: scan.fileDigests)
            try work.write(listing.bytes, "files.jsonl")
            fileTree = EvidenceManifest.FileTree(
                count: listing.count, bytes: listing.contentBytes, root: Digest(.sha256, try listing.root),
                sha256: try digest(.sha256, of: listing.bytes))
        }
        try work.write(scan.blockDigests, "blocks.sha256")
        let compared = known.map { KnownComparison($0, description, scan) }
        if let compared { try work.write(compared.encoded, "known.jsonl") }
        let clock = ClockState.current()
        let manifest = EvidenceManifest(
            caseNumber: session.folder.facts.number,
            item: item.manifestItem(description),
            kind: description.kind, files: files(of: description, scan), mediaSize: description.mediaSize,
            sectorSize: description.sectorSize, device: description.device, stored: description.stored,
            properties: description.properties, damage: description.damage + (archive?.damage ?? []),
            digests: scan.digests,
            blocks: EvidenceManifest.Blocks(
                size: MediaPass.pageSize, count: scan.blockTree.count, root: Digest(.sha256, try scan.blockTree.root)),
            fileTree: fileTree, known: try compared?.manifestPart(ofMedium: description.kind != .folder),
            unreadable: scan.unreadable,
            warnings: description.warnings + Self.mismatches(description, scan)
                + Self.unreadableFiles(description, scan) + (archive?.warnings ?? []),
            started: started, ended: session.now(), bytesRead: scan.bytesRead,
            clock: EvidenceManifest.Clock(sync: clock.sync, source: clock.source, offsetMs: clock.offsetMs),
            examiner: session.manifestExaminer, tool: session.tool)
        try work.write(manifest, signedIn: session, location: description.path, backing: backing)
        return manifest
    }

    /// A warning for each digest that the container carries and the medium does not have.
    private static func mismatches(_ description: SourceDescription, _ scan: ScanResult) -> [String] {
        description.stored.compactMap { stored in
            guard let taken = scan.digests.first(where: { $0.algorithm == stored.digest.algorithm }),
                taken != stored.digest
            else { return nil }
            let name = taken.algorithm.displayName
            return "the container says that the \(name) of the medium is \(stored.digest.hex), but it is \(taken.hex)"
        }
    }

    /// A warning for each file of a container that has no digest, because not all of it could be read.
    private static func unreadableFiles(_ description: SourceDescription, _ scan: ScanResult) -> [String] {
        zip(description.files, scan.containerDigests).compactMap { file, outcome in
            guard case .unreadable(let problem) = outcome else { return nil }
            return "no SHA-256 of \(file.name) as it is on disk: \(problem)"
        }
    }

    /// The files that hold the medium; a folder's stand in `files.jsonl` instead.
    private func files(of description: SourceDescription, _ scan: ScanResult) -> [EvidenceManifest.File] {
        guard description.kind != .folder else { return [] }
        let isWhole = description.holdsMediaInFiles && description.files.count == 1
        let whole = isWhole ? scan.digests.first { $0.algorithm == .sha256 } : nil
        let digests: [Digest?] =
            description.holdsMediaInFiles ? scan.fileDigests : scan.containerDigests.map { $0.digest }
        return description.files.enumerated().map { index, file in
            EvidenceManifest.File(
                name: file.name, size: file.size, sha256: whole ?? (index < digests.count ? digests[index] : nil))
        }
    }

    // MARK: The ledger

    private func recordIntake(of description: SourceDescription, _ item: ItemDescription) throws {
        try session.append(.intake, items: [item.ledgerItem(description)])
    }

    /// The comparison with the digests that the container carries, and with those of a list; nil when there are neither.
    private func check(_ manifest: EvidenceManifest) -> LedgerCheck? {
        func text(_ digest: Digest) -> String { "\(digest.algorithm.rawValue):\(digest.hex)" }
        if let known = manifest.known, manifest.mismatches.isEmpty {
            let shown =
                known.digests.first { $0.result == KnownComparison.Result.differs.rawValue } ?? known.digests.first
            let taken = shown.flatMap { manifest.digest($0.digest.algorithm) }
            return LedgerCheck(
                expected: shown.map { text($0.digest) }, observed: taken.map(text),
                result: known.holds ? .match : known.isCompared ? .mismatch : .notDone)
        }
        guard manifest.kind.isContainer else { return nil }
        guard let shown = manifest.mismatches.first ?? manifest.stored.first,
            let taken = manifest.digest(shown.digest.algorithm)
        else { return LedgerCheck(result: .notDone) }
        return LedgerCheck(
            expected: text(shown.digest), observed: text(taken),
            result: manifest.mismatches.isEmpty ? .match : .mismatch)
    }

    private func recordEnd(
        of item: ItemDescription, _ manifest: EvidenceManifest, _ scan: ScanResult, begin: LedgerReceipt
    ) throws -> LedgerReceipt {
        try session.append(
            .acquireEnd,
            items: [
                LedgerItem(
                    id: item.id, kind: .image, size: manifest.mediaSize, digests: manifest.digests,
                    blocksRoot: manifest.blocks.root)
            ],
            reason: manifest.known?.sentence, check: check(manifest), refs: [begin.reference],
            detail: .acquisitionResult(
                AcquisitionResult(
                    manifest: try digest(.sha256, of: manifest.encoded),
                    blocks: try digest(.sha256, of: scan.blockDigests),
                    files: manifest.fileTree?.sha256, bytesRead: scan.bytesRead,
                    unreadableRanges: scan.unreadable.count,
                    unreadableBytes: scan.unreadable.reduce(0) { $0 + $1.extent.length },
                    warnings: manifest.warnings.count)))
    }
}
