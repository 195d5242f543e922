import EvidenceModel
internal import Synchronization

/// The chunks that turned out to be damaged, in the order of the medium.
final class EWFDamageRecord: Sendable {
    /// Most runs of damaged chunks that are told apart; more than that is no image any more.
    static let mostRuns = 100_000

    private struct Damage: Hashable, Sendable {
        var chunks: Range<Int>
        let file: Int
        let problem: String

        func continues(_ before: Damage) -> Bool {
            before.chunks.upperBound == chunks.lowerBound && before.file == file && before.problem == problem
        }
    }

    private let found = Mutex<[Damage]>([])

    /// Notes a chunk; one that is known already changes nothing.
    ///
    /// - Throws: ``SourceError`` with code `damaged` when there are too many of them.
    func add(_ chunk: Int, file: Int, problem: String) throws(SourceError) {
        let isTooMuch = found.withLock { found in
            var low = 0
            var high = found.count
            while low < high {
                let middle = (low + high) / 2
                if found[middle].chunks.upperBound <= chunk { low = middle + 1 } else { high = middle }
            }
            if low < found.count, found[low].chunks.contains(chunk) { return false }
            // Joined with the runs on both sides, so that the record does not depend on the order of the reads.
            var damage = Damage(chunks: chunk..<chunk + 1, file: file, problem: problem)
            if low < found.count, found[low].continues(damage) {
                damage.chunks = chunk..<found[low].chunks.upperBound
                found.remove(at: low)
            }
            if low > 0, damage.continues(found[low - 1]) {
                found[low - 1].chunks = found[low - 1].chunks.lowerBound..<damage.chunks.upperBound
                return false
            }
            found.insert(damage, at: low)
            return found.count > Self.mostRuns
        }
        guard !isTooMuch else {
            throw SourceError(
                .damaged,
                "The image is damaged in more than \(Self.mostRuns) places. Copy it again from its source.")
        }
    }

    /// The runs as ranges of the medium.
    func ranges(chunkSize: Int, mediaSize: Int, segments: [String]) -> [UnreadableRange] {
        found.withLock { $0 }.map { damage in
            let start = damage.chunks.lowerBound * chunkSize
            let end = min(mediaSize, damage.chunks.upperBound * chunkSize)
            let which =
                damage.chunks.count == 1
                ? "chunk \(damage.chunks.lowerBound)"
                : "chunks \(damage.chunks.lowerBound) to \(damage.chunks.upperBound - 1)"
            return UnreadableRange(
                extent: Extent(offset: start, length: max(0, end - start)),
                error: "\(which) in \(segments[damage.file]): \(damage.problem)")
        }
    }
}
