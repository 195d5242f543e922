import Digesting
import EvidenceModel
import Foundation
import Scanning
import SourceMedia

/// Reads a source again and compares it with its manifest; a difference is named by where it lies.
struct SourceComparison {
    let manifest: EvidenceManifest
    let evidence: EvidenceFolder
    let workers: Int
    let progress: (any ProgressListener)?

    /// What differs; nil when nothing does.
    struct Outcome {
        let observed: Digest?
        let difference: String?
    }

    /// - Throws: ``SourceError``, digest and file errors: then nothing was compared.
    func run(_ source: any SourceReader) throws -> Outcome {
        guard source.size == manifest.mediaSize else {
            return Outcome(
                observed: nil,
                difference: "the source has \(source.size) bytes, the manifest says \(manifest.mediaSize)")
        }
        var pass = MediaPass()
        pass.algorithms = manifest.digests.map(\.algorithm)
        pass.digestsFiles = manifest.kind == .folder
        pass.workers = workers
        progress?.began("Verifying \(manifest.item.id)", unit: .bytes)
        defer { progress?.ended() }
        let total = source.size
        let listener = progress
        pass.progress = { listener?.advanced(to: $0, of: total) }
        let scan = try pass.run(over: source)
        let observed = scan.digests.first { $0.algorithm == .sha256 }
        if manifest.kind == .folder, let difference = try listingDifference(source, scan) {
            return Outcome(observed: observed, difference: difference)
        }
        let wrong = manifest.digests.filter { expected in !scan.digests.contains(expected) }
        guard !wrong.isEmpty else { return Outcome(observed: observed, difference: nil) }
        let names = wrong.map(\.algorithm.displayName).joined(separator: ", ")
        return Outcome(observed: observed, difference: "\(names) differ; \(try differingBlocks(scan))")
    }

    /// Which 1 MiB blocks differ, when the stored block digests are those of the manifest.
    private func differingBlocks(_ scan: ScanResult) throws -> String {
        let stored = try DurableFile.read(evidence.blocksPath, limit: max(1, manifest.blocks.count * 32))
        var tree = MerkleFrontier()
        for start in stride(from: 0, to: stored.count - stored.count % 32, by: 32) {
            try tree.append(leafHash: MerkleFrontier.leafHash(Array(stored[start..<start + 32])))
        }
        guard try tree.root == manifest.blocks.root.bytes, stored.count == scan.blockDigests.count else {
            return "which blocks differ cannot be told, because blocks.sha256 differs too"
        }
        var ranges: [Range<Int>] = []
        for block in 0..<stored.count / 32
        where stored[block * 32..<block * 32 + 32] != scan.blockDigests[block * 32..<block * 32 + 32] {
            if let last = ranges.last, last.upperBound == block {
                ranges[ranges.count - 1] = last.lowerBound..<block + 1
            } else {
                ranges.append(block..<block + 1)
            }
        }
        let shown = ranges.prefix(20).map { range in
            let from = range.lowerBound * manifest.blocks.size
            let to = min(range.upperBound * manifest.blocks.size, manifest.mediaSize)
            return "bytes \(from) to \(to - 1)"
        }
        let more = ranges.count > shown.count ? " and \(ranges.count - shown.count) more places" : ""
        return "in " + shown.joined(separator: ", ") + more
    }

    /// Which files of a folder differ from `files.jsonl`.
    private func listingDifference(_ source: any SourceReader, _ scan: ScanResult) throws -> String? {
        let listing = try FileListing(source.description, digests: scan.fileDigests)
        guard let expected = manifest.fileTree, try listing.root != expected.root.bytes else { return nil }
        let stored = try DurableFile.read(evidence.filesPath, limit: 1 << 31)
        let before = Set(stored.split(separator: UInt8(ascii: "\n")).map { Array($0) })
        let now = Set(listing.bytes.split(separator: UInt8(ascii: "\n")).map { Array($0) })
        let changed = before.symmetricDifference(now).compactMap(Self.path).sorted()
        let names = Array(Set(changed)).sorted()
        let shown = names.prefix(10).joined(separator: ", ")
        return "\(names.count) files differ from files.jsonl: \(shown)" + (names.count > 10 ? ", …" : "")
    }

    private static func path(_ line: [UInt8]) -> String? {
        do {
            let value = try CanonicalValue(parsing: line)
            return value["path"]?.string ?? value["path_hex"]?.string
        } catch {
            return nil
        }
    }
}
