/// The trailer states where the table of offsets stands, and the table where each object does.
extension BinaryPropertyListWalker: JoinTyingWalker {
    /// How far from the end of the last object that was followed a piece may end: before it, because other data can look
    /// like objects; behind it, because the next object may be as long.
    private static let blocksAround = 64

    var tiedReachBehindBreak: Int? { Self.blocksAround * FreeSpace.block }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        try WalkStop.answer(or: []) { () throws(WalkStop) in
            try propose(search, WalkInput(search.reader))
        }
    }

    private func propose(_ search: JoinSearch, _ input: WalkInput) throws(WalkStop) -> [JoinProposal] {
        let end = min(input.count, search.prefix + search.limits.farJoinGap)
        var at = 9
        while let hit = try input.firstOffset(of: [0, 0, 0, 0, 0], from: at, to: end), !search.isExhausted {
            search.spend(hit - at + BinaryPropertyListTrailer.length)
            at = hit + 1
            guard let trailer = try BinaryPropertyListTrailer(input, at: hit) else { continue }
            let gap = hit - trailer.table - trailer.tableLength
            guard gap > 0, gap % FreeSpace.block == 0, gap <= search.limits.farJoinGap else { continue }
            let around = Self.blocksAround * FreeSpace.block
            // Where all objects are followed, the table or the trailer is cut.
            let last = hit - gap + BinaryPropertyListTrailer.length - 1
            let high = search.prefix < trailer.table ? min(search.prefix + around, last) : last
            let splits = JoinSearch.borders(from: max(FreeSpace.block, search.prefix - around), through: high)
            return [JoinProposal(gap: gap, splits: splits)]
        }
        return []
    }
}
