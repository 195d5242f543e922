import Digesting
import EvidenceModel
import Foundation
import Scanning
import SourceMedia

/// Reads a source again and compares it with its manifest; a difference is named by where it lies.
struct SourceComparison {
    /// Most places that a text names; all of them stand in the outcome.
    static let mostPlacesShown = 20
    /// Most files that a text names.
    static let mostFilesShown = 10
    /// Most damaged places of a container that a text names.
    static let mostDamageShown = 5
    /// Largest `files.jsonl` that is read, in bytes.
    static let largestListing = 1 << 31

    let manifest: EvidenceManifest
    let evidence: EvidenceFolder
    let workers: Int
    let progress: (any ProgressListener)?
    /// Digests from elsewhere, to compare with as well.
    var known: KnownDigestList?
    /// Takes every digest of the manifest again. SHA-256 alone says as much: all of them were taken of the same bytes, in
    /// one reading, and signed together.
    var takesAllDigests = false

    /// What differs.
    struct Outcome {
        /// The SHA-256 of the source as it is now.
        var observed: Digest?
        /// In words; nil when nothing differs.
        var difference: String?
        /// The blocks that differ.
        var runs: [DifferingRun] = []
        /// Of a folder, the files that differ.
        var files: [String] = []
        /// What cannot be read now.
        var unreadable: [UnreadableRange] = []
        /// What of the container is damaged or missing now.
        var damage: [String] = []
        /// The comparison with the digests from elsewhere.
        var known: KnownComparison?
    }

    /// - Throws: ``SourceError``, digest and file errors: then nothing was compared.
    func run(_ source: any SourceReader) throws -> Outcome {
        // Where inflating keeps the processor busy, blocks are digested only when there is a difference to be found.
        let scan = try pass(over: source, digestsBlocks: !source.isFilledInParallel)
        var outcome = Outcome(
            observed: scan.digests.first { $0.algorithm == .sha256 }, unreadable: scan.unreadable,
            damage: source.description.damage, known: known.map { KnownComparison($0, source.description, scan) })
        var words: [String] = []
        if source.size != manifest.mediaSize {
            words.append("the source has \(source.size) bytes, the manifest says \(manifest.mediaSize)")
        }
        let taken = Set(scan.digests.map(\.algorithm))
        let wrong = manifest.digests.filter { taken.contains($0.algorithm) && !scan.digests.contains($0) }
        if manifest.kind == .folder { outcome.files = try differingFiles(source, scan) }
        if !outcome.files.isEmpty {
            let shown = outcome.files.prefix(Self.mostFilesShown).joined(separator: ", ")
            let isMore = outcome.files.count > Self.mostFilesShown
            words.append("\(outcome.files.count) files differ from files.jsonl: \(shown)" + (isMore ? ", …" : ""))
        } else if !wrong.isEmpty {
            let names = wrong.map(\.algorithm.displayName).joined(separator: ", ")
            words.append(names + (wrong.count == 1 ? " differs" : " differ"))
            // The blocks of a folder are those of its files one after the other: they say nothing to a reader.
            if manifest.kind != .folder { words.append(try differingBlocks(source, scan, &outcome)) }
        }
        if let container = ContainerComparison(manifest, source.description), let text = container.difference(scan) {
            words.append(text)
        }
        let lost = newlyUnreadable(scan.unreadable)
        if !lost.isEmpty { words.append(lostText(lost)) }
        outcome.difference = words.isEmpty ? nil : words.joined(separator: "; ")
        return outcome
    }

    private func pass(over source: any SourceReader, digestsBlocks: Bool) throws -> ScanResult {
        var pass = MediaPass()
        pass.algorithms = takesAllDigests ? manifest.digests.map(\.algorithm) : [.sha256]
        pass.digestsBlocks = digestsBlocks
        pass.digestsFiles = manifest.kind == .folder
        if let known {
            if manifest.kind == .folder {
                pass.furtherFileAlgorithms = known.algorithms
            } else {
                pass.algorithms += known.algorithms.filter { !pass.algorithms.contains($0) }
                pass.digestsFiles = source.description.holdsMediaInFiles && source.description.files.count != 1
                pass.digestsContainer = true
            }
        }
        if ContainerComparison(manifest, source.description) != nil { pass.digestsContainer = true }
        pass.workers = workers
        progress?.began("Verifying \(manifest.item.id)", unit: .bytes)
        defer { progress?.ended() }
        let total = source.size
        let listener = progress
        pass.progress = { listener?.advanced(to: $0, of: total) }
        return try pass.run(over: source)
    }

    /// Which 1 MiB blocks differ, when the stored block digests are those of the manifest.
    private func differingBlocks(
        _ source: any SourceReader, _ first: ScanResult, _ outcome: inout Outcome
    ) throws -> String {
        let stored: BlockDigests
        do {
            stored = try BlockDigests(of: manifest, in: evidence)
        } catch let error as CaseError {
            return "which blocks differ cannot be told, because blocks.sha256 differs too: \(error)"
        }
        var scan = first
        if scan.blockTree.count == 0, source.size > 0 {
            scan = try pass(over: source, digestsBlocks: true)
            guard scan.digests == first.digests else { return "a second reading gave other bytes than the first" }
        }
        let runs = stored.runsDiffering(from: BlockDigests(scan.blockDigests))
        outcome.runs = runs.map { DifferingRun(blocks: $0, in: manifest) }
        guard !outcome.runs.isEmpty else { return "no block that both have differs" }
        let shown = outcome.runs.prefix(Self.mostPlacesShown).map(\.text)
        let rest = outcome.runs.count - shown.count
        return "in " + shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more places" : "")
    }

    /// What cannot be read now and could be read when the item was taken in: a zero in a digest is no proof then.
    private func newlyUnreadable(_ now: [UnreadableRange]) -> [UnreadableRange] {
        let known = ExtentCover(manifest.unreadable.map(\.extent))
        return now.filter { !known.contains($0.extent) }
    }

    private func lostText(_ ranges: [UnreadableRange]) -> String {
        let shown = ranges.prefix(Self.mostDamageShown).map { range in
            let sectors = SectorNumbers.covering(range.extent, of: manifest).map { SectorNumbers.text("sector", $0) }
            let place = "bytes \(range.extent.offset) to \(range.extent.end - 1)"
            return place + (sectors.map { " (\($0))" } ?? "") + ": \(range.error)"
        }
        let rest = ranges.count - shown.count
        return "no longer readable: " + shown.joined(separator: "; ") + (rest > 0 ? "; and \(rest) more places" : "")
    }

    /// Which files of a folder differ from `files.jsonl`.
    private func differingFiles(_ source: any SourceReader, _ scan: ScanResult) throws -> [String] {
        let listing = try FileListing(source.description, digests: scan.fileDigests)
        guard let expected = manifest.fileTree, try listing.root != expected.root.bytes else { return [] }
        let stored = try DurableFile.read(evidence.filesPath, limit: Self.largestListing)
        let before = Set(stored.split(separator: UInt8(ascii: "\n")).map { Array($0) })
        let now = Set(listing.bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) })
        return Set(before.symmetricDifference(now).map(Self.path)).sorted()
    }

    private static func path(_ line: [UInt8]) -> String {
        do {
            let value = try CanonicalValue(parsing: line)
            return value["path"]?.string ?? value["path_hex"]?.string ?? "a line without a path"
        } catch {
            return "a line of files.jsonl that cannot be read"
        }
    }
}
