/// The unused rest of a chunk often holds records of an earlier use: each states its size at both ends, and the next one
/// follows. Where that chain is cut and goes on behind a gap, the gap is told.
extension EventLogWalker: GapBoundingWalker {
    private static let headerBlock = 4096
    private static let chunkSize = 65_536
    private static let recordMark: [UInt8] = [0x2A, 0x2A, 0, 0]
    private static let smallestRecord = 28
    /// Cut records that are looked at.
    private static let mostCuts = 16

    func boundGaps(_ search: JoinSearch) throws(ReadFailure) -> [BoundedGap] {
        let reader = search.reader
        let end = search.prefix
        let start = end - Self.chunkSize
        guard start >= Self.headerBlock, end <= reader.count, try reader.matches("ElfChnk", at: start) else {
            return []
        }
        let used = start + (try reader.u32le(start + 48))
        guard used < end, used >= start + 512 else { return [] }
        for cut in try cutRecords(reader, from: used, to: end) {
            let splits = JoinSearch.borders(from: cut.start + 1, through: cut.start + cut.size)
            for gap in JoinSearch.borders(from: 1, through: search.limits.nearJoinGap) {
                search.spend(8)
                guard try goesOn(reader, at: cut.start + cut.size + gap, behind: cut.size, to: end + gap) else {
                    continue
                }
                return [BoundedGap(gap: gap, splits: splits, isGuess: true, acceptsDoubt: true)]
            }
        }
        return []
    }

    /// Records of the rest that follow others and do not end as they say.
    private func cutRecords(
        _ reader: ByteReader, from used: Int, to end: Int
    ) throws(ReadFailure) -> [(start: Int, size: Int)] {
        var cut: [(start: Int, size: Int)] = []
        var at = used
        while cut.count < Self.mostCuts, let found = try reader.firstOffset(of: Self.recordMark, in: at..<end) {
            at = found
            var records = 0
            while let size = try record(reader, at: at, to: end) {
                guard try reader.u32le(at + size - 4) == size else {
                    if records > 0 { cut.append((at, size)) }
                    break
                }
                at += size
                records += 1
            }
            if records == 0 || at < end { at += 1 }
        }
        return cut
    }

    /// The size that a record states; nil when none begins there.
    private func record(_ reader: ByteReader, at start: Int, to end: Int) throws(ReadFailure) -> Int? {
        guard end - start >= Self.smallestRecord, try reader.matches(Self.recordMark, at: start) else { return nil }
        let size = try reader.u32le(start + 4)
        return size >= Self.smallestRecord && size <= end - start ? size : nil
    }

    /// True when a record of a size ends at a place, and another one begins there.
    private func goesOn(_ reader: ByteReader, at place: Int, behind size: Int, to end: Int) throws(ReadFailure) -> Bool
    {
        guard reader.count >= end, try reader.u32le(place - 4) == size else { return false }
        return try record(reader, at: place, to: end) != nil
    }
}
