import ArtifactCatalog
import CustodyLedger
import Digesting
public import EvidenceModel
import Foundation
import Scanning
import SourceMedia
import Trust

/// Writes a proof that some bytes stood on an item's medium, without the rest of the medium.
///
///     manifest verified ─► blocks read, each digested again ─► ways to the signed root ─► checked ─► folder in place
///
/// A medium that has changed gives no proof. See `Documentation/Formats/proofs.md`.
public struct ProveWorkflow {
    let folder: CaseFolder
    let session: CaseSession?
    let progress: (any ProgressListener)?
    /// Where the source lies now, when it has moved.
    public var sourcePath: String?

    /// - Parameter session: where to record what was handed out; nil to record nothing.
    public init(_ folder: CaseFolder, session: CaseSession?, progress: (any ProgressListener)? = nil) {
        self.folder = folder
        self.session = session
        self.progress = progress
    }

    /// What is to be proven.
    public enum Place: Hashable, Sendable {
        /// Bytes of an item's medium.
        case extent(Extent, item: String)
        /// The content of an artifact, by its id or the first digits of it.
        case artifact(String)
    }

    /// What came of it.
    public enum Outcome: Sendable {
        /// The proof lies in its folder and was checked there.
        case written(ProofStatement)
        /// These blocks of the medium are not what they were: nothing was written.
        case mediumChanged([DifferingRun])
    }

    private struct Subject {
        let item: String
        let extents: [Extent]
        let artifact: Artifact?
    }

    /// Writes the proof to `target`, which must not exist or be empty.
    ///
    /// - Throws: ``CaseError``: `unknownItem`, `refused` for a place that is not on the medium, `damaged` when the
    ///   case itself does not verify, `exists`; ``SourceError``, file, ledger and catalogue errors.
    public func run(_ place: Place, to target: String) throws -> Outcome {
        let subject = try subject(place)
        let evidence = folder.evidence(subject.item)
        let manifest = try verifiedManifest(of: subject.item, evidence)
        for extent in subject.extents where extent.end > manifest.mediaSize || extent.length == 0 {
            throw CaseError(
                .refused,
                "The medium of \(subject.item) has the bytes 0 to \(manifest.mediaSize - 1); \(extent.length) bytes from "
                    + "\(extent.offset) on are not on it. Nothing was written.")
        }
        guard let indexes = ProofStatement.blocks(holding: subject.extents, blockSize: manifest.blocks.size) else {
            throw CaseError(
                .refused,
                "A proof holds at most \(ProofStatement.mostBlocks) blocks of 1 MiB. Nothing was written. Prove a part."
            )
        }
        let digests = try BlockDigests(of: manifest, in: evidence)
        let source = try StoredSource.open(subject.item, in: folder, path: sourcePath)
        let work = try WorkFolder(for: target)
        let changed = try writeBlocks(indexes, of: source, digests, to: work.path)
        guard changed.isEmpty else {
            return .mediumChanged(runs(of: changed, in: manifest))
        }
        let statement = try statement(subject, manifest, digests, indexes, evidence, work)
        try write(statement, manifest, evidence, to: work.path)
        let verification = try ProofCheck(work.path).run()
        guard verification.holds else {
            throw CaseError(.damaged, "The proof does not verify: \(verification.checks). Nothing was written.")
        }
        try work.finish()
        try record(statement, list: DurableFile.read(target + "/" + ProofFolder.list, limit: .max))
        return .written(statement)
    }

    // MARK: What is to be proven

    private func subject(_ place: Place) throws -> Subject {
        switch place {
        case .extent(let extent, let item):
            _ = try ItemDescription(id: item)
            return Subject(item: item, extents: [extent], artifact: nil)
        case .artifact(let id):
            let artifact = try CatalogReading.artifact(id, CatalogFilter(), in: folder)
            guard artifact.extents.count <= ProofStatement.mostExtents else {
                throw CaseError(.refused, "The artifact lies in \(artifact.extents.count) places; that is too many.")
            }
            return Subject(item: artifact.item, extents: artifact.extents, artifact: artifact)
        }
    }

    /// The manifest, when it verifies and is the one that the ledger speaks of.
    private func verifiedManifest(of item: String, _ evidence: EvidenceFolder) throws -> EvidenceManifest {
        let entries = try LedgerStore.open(at: folder.ledgerPath).entries()
        guard case .acquisitionResult(let result)? = ItemHistory(of: item, in: entries).acquired?.detail else {
            throw CaseError(.unknownItem, "The case has no item \(item), or its acquisition did not end.")
        }
        let verdicts = try UnverifiedManifest(in: evidence).verify(roots: folder.rootCertificates())
        guard let verified = verdicts.verified, try FileDigest.sha256(ofFile: evidence.manifestPath) == result.manifest,
            case .valid = verdicts.timestamp
        else {
            throw CaseError(
                .damaged,
                "The manifest of \(item) does not verify, so nothing can be proven with it. `exhibit verify \(item)` says "
                    + "more.")
        }
        guard verified.manifest.blocks.size == MediaPass.pageSize else {
            throw CaseError(.newerVersion, "The manifest of \(item) has blocks of another size than 1 MiB.")
        }
        return verified.manifest
    }

    // MARK: Blocks

    /// Writes the blocks, each digested again; answers those that are not what they were.
    private func writeBlocks(
        _ indexes: [Int], of source: any SourceReader, _ digests: BlockDigests, to path: String
    ) throws -> [Int] {
        var changed: [Int] = []
        progress?.began("Reading blocks", unit: .things("blocks"))
        defer { progress?.ended() }
        for (done, index) in indexes.enumerated() {
            let bytes = try source.bytes(at: index * MediaPass.pageSize, count: MediaPass.pageSize)
            if try digest(.sha256, of: bytes).bytes[...] == digests[index] {
                try DurableFile.write(bytes, to: path + "/" + ProofStatement.fileName(ofBlock: index))
            } else {
                changed.append(index)
            }
            progress?.advanced(to: done + 1, of: indexes.count)
        }
        try source.checkUnchanged()
        return changed
    }

    private func runs(of blocks: [Int], in manifest: EvidenceManifest) -> [DifferingRun] {
        var runs: [Range<Int>] = []
        for block in blocks {
            if let last = runs.last, last.upperBound == block {
                runs[runs.count - 1] = last.lowerBound..<block + 1
            } else {
                runs.append(block..<block + 1)
            }
        }
        return runs.map { DifferingRun(blocks: $0, in: manifest) }
    }

    // MARK: The files

    private func statement(
        _ subject: Subject, _ manifest: EvidenceManifest, _ digests: BlockDigests, _ indexes: [Int],
        _ evidence: EvidenceFolder, _ work: WorkFolder
    ) throws -> ProofStatement {
        let content = try ProofContent.digest(
            of: subject.extents, blockSize: manifest.blocks.size, in: work.path)
        if let artifact = subject.artifact, artifact.sha256 != content {
            throw CaseError(
                .damaged,
                "The catalogue says that artifact \(artifact.id) has the SHA-256 \(artifact.sha256.hex), but its extents "
                    + "have \(content.hex). Nothing was written. `exhibit verify \(subject.item)` says more.")
        }
        var tree = InclusionProofs(digests)
        return ProofStatement(
            item: subject.item, manifest: try FileDigest.sha256(ofFile: evidence.manifestPath),
            mediaSize: manifest.mediaSize, blockCount: manifest.blocks.count, blockSize: manifest.blocks.size,
            root: manifest.blocks.root, artifact: subject.artifact?.id, extents: subject.extents, content: content,
            blocks: try indexes.map { index in
                ProofStatement.Block(
                    index: index, digest: Digest(.sha256, Array(digests[index])),
                    nodes: try tree.proof(of: index).map { Digest(.sha256, $0) })
            })
    }

    private func write(
        _ statement: ProofStatement, _ manifest: EvidenceManifest, _ evidence: EvidenceFolder, to path: String
    ) throws {
        let copies = [
            (evidence.manifestPath, ProofFolder.manifest), (evidence.signaturePath, ProofFolder.signature),
            (evidence.timestampPath, ProofFolder.timestamp), (folder.rootCertificatesPath, ProofFolder.roots),
        ]
        for (from, name) in copies {
            try DurableFile.write(DurableFile.read(from, limit: ProofFolder.largestFile), to: path + "/" + name)
        }
        try DurableFile.write(statement.encoded, to: path + "/" + ProofFolder.statement)
        try DurableFile.write(Array(ProofReadme.text(statement, manifest).utf8), to: path + "/" + ProofFolder.readme)
        let names = ProofFolder.always + statement.blocks.map { ProofStatement.fileName(ofBlock: $0.index) }
        try DurableFile.write(ProofFolder.list(of: names, in: path), to: path + "/" + ProofFolder.list)
    }

    // MARK: The ledger

    /// Blocks of evidence leave the case: an `export`.
    private func record(_ statement: ProofStatement, list: [UInt8]) throws {
        let bytes = statement.blocks.reduce(0) { sum, block in
            sum + min(statement.blockSize, statement.mediaSize - block.index * statement.blockSize)
        }
        let what = statement.artifact.map { "artifact \($0)" } ?? "\(statement.extents.first?.offset ?? 0)"
        try session?.append(
            .export, items: [LedgerItem(id: statement.item, kind: .image)],
            reason: "proof of single blocks: \(what), SHA-256 \(statement.content.hex)",
            detail: .export(
                ExportedFiles(count: statement.blocks.count, bytes: bytes, list: try digest(.sha256, of: list))))
        try session?.finish()
    }
}
