import EvidenceModel

/// The bytes that belong to at least one of many extents; asked in logarithmic time, however many there are.
struct ExtentCover {
    /// Disjoint, with gaps between them, ascending.
    private var merged: [Extent] = []

    init(_ extents: [Extent]) {
        for extent in extents.sorted(by: { $0.offset < $1.offset }) where extent.length > 0 {
            if let last = merged.last, extent.offset <= last.end {
                let end = max(last.end, extent.end)
                merged[merged.count - 1] = Extent(offset: last.offset, length: end - last.offset)
            } else {
                merged.append(extent)
            }
        }
    }

    /// True when each byte of the extent is covered.
    func contains(_ extent: Extent) -> Bool {
        guard extent.length > 0 else { return true }
        var low = 0
        var high = merged.count
        while low < high {
            let middle = (low + high) / 2
            if merged[middle].end < extent.end { low = middle + 1 } else { high = middle }
        }
        return low < merged.count && merged[low].contains(extent)
    }
}
