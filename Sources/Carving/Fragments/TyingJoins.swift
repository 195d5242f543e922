/// Every page is named once by the trees, and must be what its place in them says.
extension SQLiteWalker: JoinTyingWalker {
    /// Blocks before the first bad page that are proposed as well, so that a neighbour of the true split is tried.
    private static let blocksBefore = 48
    /// Gaps that are tried: the smallest ones, for larger ones lose pages of the file itself.
    private static let mostGaps = 6
    /// Pages behind the split whose first byte must be one that pages begin with.
    private static let pagesLookedAt = 4
    /// Kinds of b-tree pages, and the zero with which overflow and free pages begin.
    private static let kinds: Set<UInt8> = [0, 2, 5, 10, 13]

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> (splits: [Int], gaps: [Int]) {
        let reader = search.reader
        let stated = try reader.u16be(16)
        let pageSize = stated == 1 ? 65_536 : stated
        guard pageSize >= FreeSpace.block else { return ([], []) }
        let length = try reader.u32be(28) * pageSize
        let next = search.prefix + pageSize
        var gaps: [Int] = []
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) {
            var isPossible = true
            for page in 0..<Self.pagesLookedAt where isPossible {
                let at = next + page * pageSize
                guard at < length, at + gap < reader.count else { break }
                search.spend(16)
                isPossible = Self.kinds.contains(try reader.u8(at + gap))
            }
            // Where nothing behind the split can be looked at, only small gaps are tried.
            if isPossible, gap <= search.limits.nearJoinGap || next + pageSize < length { gaps.append(gap) }
            if gaps.count == Self.mostGaps { break }
        }
        let low = search.prefix - Self.blocksBefore * FreeSpace.block
        return (JoinSearch.borders(from: max(1, low), through: next), gaps)
    }
}

/// Every bin states its place, and its cells fill it exactly.
extension RegistryHiveWalker: JoinTyingWalker {
    private static let blocksBefore = 16
    private static let baseBlock = 4096
    private static let mark = Array("hbin".utf8)

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> (splits: [Int], gaps: [Int]) {
        let reader = search.reader
        let bad = max(search.prefix, Self.baseBlock)
        let end = Self.baseBlock + (try reader.u32le(40))
        var next = bad
        if try isBin(reader, at: bad, gap: 0) {
            let size = try reader.u32le(bad + 8)
            guard size >= 4096, size <= end - bad else { return ([], []) }
            next = bad + size
        }
        var gaps: [Int] = []
        for gap in JoinSearch.borders(
            from: 1, through: next < end ? search.limits.farJoinGap : search.limits.nearJoinGap)
        {
            search.spend(16)
            let isPossible = try isBin(reader, at: next, gap: gap)
            if next >= end || isPossible { gaps.append(gap) }
        }
        let low = bad - Self.blocksBefore * FreeSpace.block
        return (JoinSearch.borders(from: max(1, low), through: next), gaps)
    }

    /// True when the head of the bin that belongs at an offset stands behind the gap.
    private func isBin(_ reader: ByteReader, at offset: Int, gap: Int) throws(ReadFailure) -> Bool {
        guard reader.count - offset - gap >= 32, try reader.matches(Self.mark, at: offset + gap) else { return false }
        return try reader.u32le(offset + gap + 4) == offset - Self.baseBlock
    }
}
