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
    ///
    /// Blocks are counted from the extent's own start, so that nothing depends on where the volume begins.
    static func wholeBlocks(_ extent: Extent) -> Extent {
        let rest = extent.length % block
        return Extent(offset: extent.offset, length: extent.length + (rest == 0 ? 0 : block - rest))
    }

    /// True when both places can be starts of files on one volume: they are whole blocks apart.
    static func isOnOneGrid(_ left: Int, _ right: Int) -> Bool { (left - right) % block == 0 }

    private let source: any ByteSource
    /// What is left of the medium, in the order in which it is looked at.
    private let extents: [Extent]
    /// Offset of each extent in this source.
    private let starts: [Int]
    let size: Int

    private init(_ source: any ByteSource, extents: [Extent]) {
        self.source = source
        self.extents = extents
        var starts: [Int] = []
        var size = 0
        for extent in extents {
            starts.append(size)
            size += extent.length
        }
        self.starts = starts
        self.size = size
    }

    /// - Parameters:
    ///   - taken: extents of whole files, in ascending order, disjoint; they count up to the end of their last block.
    ///     One that is not whole blocks away from `start` lies in another file, not between its pieces: it stays in.
    ///   - reach: most bytes of free space.
    init(_ source: any ByteSource, from start: Int, without taken: [Extent], reach: Int) {
        self.init(
            source, extents: Self.free(in: start..<max(start, source.size), without: taken, reach: reach))
    }

    /// The free space from a place on, with what lies before the place moved to behind the first piece.
    ///
    /// So a second piece that lies before the first one on the medium is met behind it like any other.
    ///
    /// - Parameters:
    ///   - firstPiece: bytes from `start` on that stay where they are.
    ///   - before: bytes before `start` that are looked at.
    init(
        turned source: any ByteSource, from start: Int, firstPiece: Int, before: Int, without taken: [Extent],
        reach: Int
    ) {
        let first = Self.free(in: start..<max(start, source.size), without: taken, reach: firstPiece)
        let end = first.last?.end ?? start
        let low = max(0, start - before) / Self.block * Self.block
        // Block borders are counted from the file's own start.
        let aligned = low + (start - low) % Self.block
        let earlier = Self.free(in: aligned..<max(aligned, start), without: taken, reach: reach)
        let later = Self.free(in: end..<max(end, source.size), without: taken, reach: reach)
        // What ends inside a block would shift the borders behind it.
        let isWhole = first.reduce(0) { $0 + $1.length } % Self.block == 0
        self.init(source, extents: isWhole ? first + earlier + later : first)
    }

    /// What no whole file takes of a range of the medium, the first `reach` bytes of it.
    private static func free(in range: Range<Int>, without taken: [Extent], reach: Int) -> [Extent] {
        var extents: [Extent] = []
        var size = 0
        var at = range.lowerBound
        func add(upTo end: Int) {
            let length = min(min(end, range.upperBound) - at, reach - size)
            guard length > 0 else { return }
            extents.append(Extent(offset: at, length: length))
            size += length
        }
        var index = firstIndex(of: taken, endingAfter: range.lowerBound)
        while index < taken.count, size < reach, taken[index].offset < range.upperBound {
            if isOnOneGrid(taken[index].offset, range.lowerBound) {
                add(upTo: taken[index].offset)
                at = max(at, wholeBlocks(taken[index]).end)
            }
            index += 1
        }
        add(upTo: range.upperBound)
        return extents
    }

    /// The same space with a range left out.
    func without(_ range: Range<Int>) -> FreeSpace {
        FreeSpace(source, extents: places(of: 0..<range.lowerBound) + places(of: range.upperBound..<size))
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

    /// The same space with several ranges left out, ascending and disjoint; nil when there are none.
    func without(_ ranges: [Range<Int>]) -> FreeSpace? {
        guard !ranges.isEmpty else { return nil }
        var places: [Extent] = []
        var at = 0
        for range in ranges {
            places += self.places(of: at..<max(at, range.lowerBound))
            at = range.upperBound
        }
        return FreeSpace(source, extents: places + self.places(of: at..<max(at, size)))
    }

    /// Where a place of the medium is in this source; nil when it is left out.
    func offset(ofMedium place: Int) -> Int? {
        guard let index = extents.firstIndex(where: { $0.offset <= place && place < $0.end }) else { return nil }
        return starts[index] + place - extents[index].offset
    }

    /// Where a range of this source lies on the medium.
    func places(of range: Range<Int>) -> [Extent] {
        var places: [Extent] = []
        guard !range.isEmpty, !extents.isEmpty else { return places }
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
