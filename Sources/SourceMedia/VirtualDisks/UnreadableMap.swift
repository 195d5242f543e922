import EvidenceModel
internal import Synchronization

/// The parts of a medium that cannot be read: known from the start, or found while it is read.
final class UnreadableMap: Sendable {
    /// Most runs that are told apart; more than that is no image any more.
    static let mostRuns = 200_000

    /// In rising order, none overlapping.
    private let known: Mutex<[UnreadableRange]>

    /// - Parameter lost: in rising order.
    init(_ lost: LostRanges) { known = Mutex(lost.ranges) }

    var ranges: [UnreadableRange] { known.withLock { $0 } }

    /// How much from `offset` on, at most `length` bytes, is all unreadable or all not.
    func run(at offset: Int, length: Int) -> (length: Int, isUnreadable: Bool) {
        known.withLock { known in
            let index = known.firstIndex(endingAfter: offset)
            guard index < known.count else { return (length, false) }
            let extent = known[index].extent
            if extent.offset <= offset { return (min(length, extent.end - offset), true) }
            return (min(length, extent.offset - offset), false)
        }
    }

    /// Notes a part; one that overlaps what is known is noted as far as it is new.
    ///
    /// - Throws: ``SourceError`` with code `damaged` when there are too many of them.
    func add(offset: Int, length: Int, _ why: String) throws(SourceError) {
        let isTooMuch = known.withLock { known in
            let index = known.firstIndex(endingAfter: offset)
            var start = offset
            var end = offset + length
            if index < known.count {
                if known[index].extent.offset <= start { start = min(end, known[index].extent.end) }
                if known[index].extent.offset >= start { end = min(end, known[index].extent.offset) }
            }
            guard end > start else { return false }
            let place = known.firstIndex(endingAfter: start)
            // Neighbours of the same cause are one run, in whatever order they were found.
            var first = place
            var last = place
            if place > 0, known[place - 1].extent.end == start, known[place - 1].error == why {
                first -= 1
                start = known[first].extent.offset
            }
            if place < known.count, known[place].extent.offset == end, known[place].error == why {
                end = known[place].extent.end
                last += 1
            }
            let run = UnreadableRange(extent: Extent(offset: start, length: end - start), error: why)
            known.replaceSubrange(first..<last, with: [run])
            return known.count > Self.mostRuns
        }
        guard !isTooMuch else {
            throw SourceError(
                .damaged, "The image is damaged in more than \(Self.mostRuns) places. Copy it again from its source.")
        }
    }
}
