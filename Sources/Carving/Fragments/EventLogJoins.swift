/// Chunks are of one size: the next chunk's mark tells the gap, the broken chunk's records and its CRC-32 the split.
extension EventLogWalker: JoinProvingWalker {
    private static let chunkSize = 65_536
    private static let mark = Array("ElfChnk\0".utf8)
    /// Shortest record of an event.
    private static let smallestRecord = 28

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        let reader = search.reader
        let start = search.prefix
        guard try reader.matches(Self.mark, at: start), reader.count - start > 512 else {
            // The chunk begins the second piece.
            for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isOver {
                search.spend(Self.mark.count)
                if try reader.matches(Self.mark, at: start + gap) { try search.attempt(split: start, gap: gap) }
            }
            return
        }
        let end = start + Self.chunkSize
        let damaged = try damagedRecord(reader, from: start + 512, to: min(end, reader.count))
        let splits = JoinSearch.borders(from: start + 1, through: start + 511) + damaged
        // Another chunk behind this one shows how large the gap is, however large.
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isOver {
            search.spend(Self.mark.count)
            guard try reader.matches(Self.mark, at: end + gap) else { continue }
            for split in splits where !search.isOver { try search.attempt(split: split, gap: gap) }
        }
        for split in splits {
            for gap in JoinSearch.borders(from: 1, through: search.limits.nearJoinGap) where !search.isOver {
                try search.attempt(split: split, gap: gap)
            }
        }
    }

    /// Block borders in and right behind the first record that does not repeat its size at its end.
    private func damagedRecord(_ reader: ByteReader, from start: Int, to end: Int) throws(ReadFailure) -> [Int] {
        var at = start
        while end - at >= Self.smallestRecord, try reader.matches([0x2A, 0x2A, 0, 0], at: at) {
            let size = try reader.u32le(at + 4)
            guard size >= Self.smallestRecord, size <= end - at else { break }
            guard try reader.u32le(at + size - 4) == size else {
                return JoinSearch.borders(from: at, through: at + size)
            }
            at += size
        }
        // Behind a whole record: the split is here, or in the head of the next one.
        return JoinSearch.borders(from: at - FreeSpace.block + 1, through: at + Self.smallestRecord)
    }
}
