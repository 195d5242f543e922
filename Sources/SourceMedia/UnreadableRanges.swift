public import EvidenceModel

/// Ranges of a medium that could not be read, in offset order; those that touch and failed alike are one.
public struct UnreadableRanges: Hashable, Sendable {
    public private(set) var ranges: [UnreadableRange] = []

    public init() {}

    /// Takes ranges in any order.
    public init(_ ranges: some Sequence<UnreadableRange>) {
        for range in ranges { add(range.extent.offset..<range.extent.end, range.error) }
    }

    /// Bytes of all ranges together.
    public var byteCount: Int { ranges.reduce(0) { $0 + $1.extent.length } }

    /// Says whether any byte of `range` is among them.
    public func overlaps(_ range: Range<Int>) -> Bool {
        let index = ranges.firstIndex(endingAfter: range.lowerBound)
        return index < ranges.count && ranges[index].extent.offset < range.upperBound
    }

    /// Adds a range.
    ///
    /// - Precondition: it overlaps none that is there.
    public mutating func add(_ range: Range<Int>, _ error: String) {
        guard !range.isEmpty else { return }
        let index = ranges.firstIndex(endingAfter: range.lowerBound)
        precondition(index == ranges.count || ranges[index].extent.offset >= range.upperBound, "ranges overlap")
        var start = range.lowerBound
        var end = range.upperBound
        var replaced = index..<index
        if index > 0, ranges[index - 1].extent.end == start, ranges[index - 1].error == error {
            start = ranges[index - 1].extent.offset
            replaced = index - 1..<index
        }
        if index < ranges.count, ranges[index].extent.offset == end, ranges[index].error == error {
            end = ranges[index].extent.end
            replaced = replaced.lowerBound..<index + 1
        }
        let merged = UnreadableRange(extent: Extent(offset: start, length: end - start), error: error)
        ranges.replaceSubrange(replaced, with: [merged])
    }

    /// What of them lies before an offset.
    public func before(_ offset: Int) -> UnreadableRanges {
        var part = UnreadableRanges()
        for range in ranges.prefix(while: { $0.extent.offset < offset }) {
            part.add(range.extent.offset..<min(offset, range.extent.end), range.error)
        }
        return part
    }

    /// Numbers of the sectors they touch.
    public func sectors(of size: Int) -> [Range<Int>] {
        ranges.map { $0.extent.offset / size..<($0.extent.end + size - 1) / size }
    }
}

extension [UnreadableRange] {
    /// Index of the first range that ends after `offset`; they must be ascending and apart.
    func firstIndex(endingAfter offset: Int) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].extent.end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
