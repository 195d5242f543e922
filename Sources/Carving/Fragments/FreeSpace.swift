internal import EvidenceModel
internal import SourceMedia

/// A medium from one place on, without the blocks that whole files were found in.
///
/// Offset 0 is that place. Where files lie one in the gap of another, leaving out the one that was found brings the
/// pieces of the other together.
struct FreeSpace: ByteSource {
    /// Smallest unit in which file systems give out space.
    static let block = 512

    /// The extent up to the end of its last block: the rest of that block belongs to no other file.
    static func wholeBlocks(_ extent: Extent) -> Extent {
        let rest = extent.end % block
        return Extent(offset: extent.offset, length: extent.length + (rest == 0 ? 0 : block - rest))
    }

    private let source: any ByteSource
    /// What is left of the medium, in order.
    private let extents: [Extent]
    /// Offset of each extent in this source.
    private let starts: [Int]
    let size: Int

    /// - Parameters:
    ///   - taken: extents of whole files, in ascending order, disjoint; they count up to the end of their last block.
    ///   - reach: most bytes of free space.
    init(_ source: any ByteSource, from start: Int, without taken: [Extent], reach: Int) {
        self.source = source
        var extents: [Extent] = []
        var starts: [Int] = []
        var size = 0
        var at = start
        func add(upTo end: Int) {
            let length = min(end - at, reach - size)
            guard length > 0 else { return }
            extents.append(Extent(offset: at, length: length))
            starts.append(size)
            size += length
        }
        var index = Self.firstIndex(of: taken, endingAfter: start)
        while index < taken.count, size < reach {
            add(upTo: taken[index].offset)
            at = max(at, taken[index].end)
            index += 1
        }
        add(upTo: source.size)
        self.extents = extents
        self.starts = starts
        self.size = size
    }

    /// The first of the extents that ends behind an offset.
    static func firstIndex(of taken: [Extent], endingAfter offset: Int) -> Int {
        var low = 0
        var high = taken.count
        while low < high {
            let middle = (low + high) / 2
            if taken[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Position among the extents of the one that holds an offset.
    private func index(of offset: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        var index = index(of: offset)
        var filled = 0
        while index < extents.count, filled < destination.count {
            let skip = offset + filled - starts[index]
            let wanted = min(extents[index].length - skip, destination.count - filled)
            var part = destination._mutatingExtracting(filled..<filled + wanted)
            let read = try source.read(at: extents[index].offset + skip, into: &part)
            filled += read
            if read < wanted { return filled }
            index += 1
        }
        return filled
    }

    /// Where a range of this source lies on the medium.
    func places(of range: Range<Int>) -> [Extent] {
        var places: [Extent] = []
        var at = range.lowerBound
        var index = index(of: at)
        while at < range.upperBound, index < extents.count {
            let skip = at - starts[index]
            let length = min(extents[index].length - skip, range.upperBound - at)
            guard length > 0 else { break }
            places.append(Extent(offset: extents[index].offset + skip, length: length))
            at += length
            index += 1
        }
        return places
    }
}
