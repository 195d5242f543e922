/// Every bin states its place, and its cells fill it exactly.
extension RegistryHiveWalker: JoinTyingWalker {
    private static let blocksBefore = 16
    private static let baseBlock = 4096
    private static let mark = Array("hbin".utf8)

    var tiedReachBehindBreak: Int? { 512 * 1024 }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        let reader = search.reader
        let bad = max(search.prefix, Self.baseBlock)
        let end = Self.baseBlock + (try reader.u32le(40))
        guard bad < end else { return [] }
        var next = bad
        if try isBin(reader, at: bad, gap: 0) {
            let size = try reader.u32le(bad + 8)
            guard size >= 4096, size <= end - bad else { return [] }
            next = bad + size
        }
        var gaps: [Int] = []
        for gap in JoinSearch.borders(
            from: 1, through: next < end ? search.limits.farJoinGap : search.nearestGaps)
        {
            search.spend(16)
            let isPossible = try isBin(reader, at: next, gap: gap)
            if next >= end || isPossible { gaps.append(gap) }
        }
        let low = bad - Self.blocksBefore * FreeSpace.block
        let splits = JoinSearch.borders(from: max(1, low), through: next)
        return gaps.map { JoinProposal(gap: $0, splits: splits) }
    }

    /// True when the head of the bin that belongs at an offset stands behind the gap.
    private func isBin(_ reader: ByteReader, at offset: Int, gap: Int) throws(ReadFailure) -> Bool {
        guard reader.count - offset - gap >= 32, try reader.matches(Self.mark, at: offset + gap) else { return false }
        return try reader.u32le(offset + gap + 4) == offset - Self.baseBlock
    }
}

/// The space that Windows reserves behind the last bin is zero, as a rule.
extension RegistryHiveWalker: JoinProvingWalker {
    /// Windows grows the files of its own hives in steps of this size.
    private static let growth = 256 * 1024

    var reachBehindBreak: Int { 512 * 1024 }

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        guard search.reader.count > Self.baseBlock else { return }
        let bins = Self.baseBlock + (try search.reader.u32le(40))
        guard search.prefix >= bins else { return }
        let end = (bins + Self.growth - 1) / Self.growth * Self.growth
        guard let rest = try UnusedRest(search.reader, from: bins, to: end) else { return }
        try rest.fill(search)
    }
}
