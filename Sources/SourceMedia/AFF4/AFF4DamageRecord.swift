import EvidenceModel
internal import Synchronization

/// What of the medium is lost, in its order: what the map tells at once, and what reading finds out.
final class AFF4DamageRecord: Sendable {
    /// Most ranges that are told apart.
    static let mostRanges = 100_000

    /// Ascending, without overlaps.
    private let found: Mutex<[AFF4Flaw]>

    init(_ known: [AFF4Flaw]) { found = Mutex(known) }

    /// Notes what is lost; what is known already changes nothing.
    ///
    /// - Throws: ``SourceError`` with code `damaged` when there are too many ranges.
    func add(_ flaw: AFF4Flaw) throws(SourceError) {
        let isTooMuch = found.withLock { found in
            var rest = flaw.range
            while !rest.isEmpty {
                var low = 0
                var high = found.count
                while low < high {
                    let middle = (low + high) / 2
                    if found[middle].range.upperBound <= rest.lowerBound { low = middle + 1 } else { high = middle }
                }
                if low < found.count, found[low].range.lowerBound <= rest.lowerBound {
                    rest = min(found[low].range.upperBound, rest.upperBound)..<rest.upperBound
                    continue
                }
                let end = low < found.count ? min(rest.upperBound, found[low].range.lowerBound) : rest.upperBound
                var piece = flaw
                piece.range = rest.lowerBound..<end
                found.insert(piece, at: low)
                Self.join(&found, low)
                rest = end..<rest.upperBound
            }
            return found.count > Self.mostRanges
        }
        guard !isTooMuch else {
            throw SourceError(
                .damaged,
                "The image is damaged in more than \(Self.mostRanges) places. Copy it again from its source.")
        }
    }

    var ranges: [UnreadableRange] {
        found.withLock { $0 }.map {
            UnreadableRange(
                extent: Extent(offset: $0.range.lowerBound, length: $0.range.count), error: $0.words)
        }
    }

    /// Joins a flaw with its neighbours where they are one.
    private static func join(_ found: inout [AFF4Flaw], _ index: Int) {
        for first in [index, index - 1] where first >= 0 && first + 1 < found.count {
            if let joined = found[first].joined(with: found[first + 1]) {
                found[first] = joined
                found.remove(at: first + 1)
            }
        }
    }
}

extension AFF4Flaw {
    /// One flaw for this and the one after it; nil when they are not of one kind or something lies between them.
    func joined(with next: AFF4Flaw) -> AFF4Flaw? {
        guard range.upperBound == next.range.lowerBound, place == next.place, problem == next.problem else {
            return nil
        }
        var joined = self
        joined.range = range.lowerBound..<next.range.upperBound
        switch (chunks, next.chunks) {
        case (nil, nil): break
        case (let first?, let second?):
            guard second.lowerBound <= first.upperBound, first.lowerBound <= second.lowerBound else { return nil }
            joined.chunks = first.lowerBound..<max(first.upperBound, second.upperBound)
        default: return nil
        }
        return joined
    }
}
