internal import EvidenceModel

/// Chunks are of one size: the next chunk's mark tells the gap, the broken chunk's records and its CRC-32 the split.
extension EventLogWalker: JoinProvingWalker {
    private static let headerBlock = 4096
    private static let chunkSize = 65_536
    private static let mark = Array("ElfChnk\0".utf8)
    private static let recordMark: [UInt8] = [0x2A, 0x2A, 0, 0]
    /// Shortest record of an event.
    private static let smallestRecord = 28

    var reachBehindBreak: Int { 2 * Self.chunkSize }

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        let start = search.prefix
        guard start >= Self.headerBlock else {
            let splits = JoinSearch.borders(from: 1, through: Self.headerBlock)
            return try attempts(search, next: Self.headerBlock, splits: splits)
        }
        if try search.reader.matches(Self.mark, at: start), search.reader.count - start > 512 {
            try searchIn(chunk: start, search)
        } else {
            // The chunk begins the second piece, or the unused rest of the one before is cut.
            let foreign =
                start > Self.headerBlock ? try UnusedRest(search.reader, before: start, chunk: Self.chunkSize) : nil
            try attempts(search, next: start, splits: (foreign.map { [$0.border] } ?? []) + [start])
            if let foreign, !search.isOver { try foreign.fill(search) }
        }
    }

    /// Tries the splits with each gap behind which a chunk begins.
    ///
    /// - Parameter ties: true when the splits lie in what a checksum covers.
    private func attempts(
        _ search: JoinSearch, next: Int, splits: [Int], ties: Bool = false
    ) throws(ReadFailure) {
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isOver {
            guard next + gap < search.reader.count else { return }
            search.spend(Self.mark.count)
            guard try search.reader.matches(Self.mark, at: next + gap) else { continue }
            for split in splits where !search.isOver {
                // No checksum ties a chunk to the header or to the chunk before it: it may be another log's.
                let isTied = split < next && next > Self.headerBlock && ties
                try search.attempt(split: split, gap: gap, atMost: isTied ? .proven : .header)
            }
        }
    }

    private func searchIn(chunk start: Int, _ search: JoinSearch) throws(ReadFailure) {
        let reader = search.reader
        let end = start + Self.chunkSize
        let cut = try cutRecord(reader, from: start + 512, to: min(end, reader.count))
        // Another chunk behind this one shows how large the gap is, however large.
        try attempts(search, next: end, splits: cut.splits, ties: true)
        // Behind the gap the cut record ends as it must, or the next one begins.
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isOver {
            guard cut.end + gap < reader.count else { break }
            search.spend(8)
            let goesOn = try reader.matches(Self.recordMark, at: cut.end + gap)
            let size = Self.bytes(of: cut.size)
            let ends = try reader.matches(size, at: cut.end + gap - 4)
            guard goesOn || (ends && cut.size > 0) else { continue }
            for split in cut.splits where !search.isOver { try search.attempt(split: split, gap: gap) }
        }
        for split in cut.splits {
            for gap in JoinSearch.borders(from: 1, through: search.limits.nearJoinGap) where !search.isOver {
                try search.attempt(split: split, gap: gap)
            }
        }
    }

    private static func bytes(of size: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    }

    /// The first record that does not repeat its size at its end: that size, where it ends, and the block borders in
    /// it. Behind a whole record, where no other begins, the size is 0.
    private func cutRecord(
        _ reader: ByteReader, from start: Int, to end: Int
    ) throws(ReadFailure) -> (size: Int, end: Int, splits: [Int]) {
        var at = start
        while end - at >= Self.smallestRecord, try reader.matches(Self.recordMark, at: at) {
            let size = try reader.u32le(at + 4)
            guard size >= Self.smallestRecord, size <= end - at else { break }
            guard try reader.u32le(at + size - 4) == size else {
                return (size, at + size, JoinSearch.borders(from: at, through: at + size))
            }
            at += size
        }
        // The split is here, or in the head of the next record.
        return (
            0, at, JoinSearch.borders(from: at - FreeSpace.block + 1, through: at + Self.smallestRecord)
        )
    }
}

/// The unused rest of an allocation unit of a format, which is zero, but for blocks of something else from a border on.
///
/// What belongs there is zero too: it is filled from the next run of zeros that is long enough. Nothing proves it, for
/// the format would also take what stands there.
struct UnusedRest {
    /// The block border at which it stops being zero.
    let border: Int
    /// Where the unit ends.
    let end: Int

    private static let page = 4096

    /// - Parameters:
    ///   - end: where the unit ends.
    ///   - used: where its used part ends.
    init?(_ reader: ByteReader, from used: Int, to end: Int) throws(ReadFailure) {
        guard used >= 0, used < end, end <= reader.count else { return nil }
        var at = used
        while at < end, try reader.u8(at) == 0 { at += 1 }
        // Blocks that are all foreign begin at a border; a zero byte or two may begin them.
        let border = at / FreeSpace.block * FreeSpace.block
        // Windows writes pages of 4 KiB: what begins at one may be the rest of an earlier use.
        guard at < end, border >= used, at - border < 8, border % Self.page != 0 else { return nil }
        self.border = border
        self.end = end
    }

    /// The rest of an event log's chunk.
    fileprivate init?(_ reader: ByteReader, before end: Int, chunk size: Int) throws(ReadFailure) {
        guard end >= size, end <= reader.count else { return nil }
        let used = try reader.u32le(end - size + 48)
        guard used >= 512, used <= size else { return nil }
        try self.init(reader, from: end - size + used, to: end)
    }

    /// Proposes the smallest gap behind which zeros go on to the unit's end.
    func fill(_ search: JoinSearch) throws(ReadFailure) {
        let block = FreeSpace.block
        let length = end - border
        var zeros = 0
        var at = border
        while at + block <= search.reader.count, at - border <= search.limits.farJoinGap {
            search.spend(block)
            let piece = try search.reader.bytes(at: at, count: min(block, length - zeros))
            zeros = piece.allSatisfy { $0 == 0 } ? zeros + piece.count : 0
            if zeros >= length {
                let start = (at + piece.count - length) / block * block
                try search.attempt(split: border, gap: start - border, atMost: .header)
                return
            }
            at += block
        }
    }
}
