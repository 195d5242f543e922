/// Every page is named once by the trees, and must be what its place in them says.
///
/// Pages behind the gap that look like pages tell how large it is; the last page that is sound where it stands and the
/// first one that is sound only behind the gap tell between which of them the split lies.
extension SQLiteWalker: JoinTyingWalker {
    /// Gaps that are tried: those behind which most pages are sound.
    private static let mostGaps = 8
    /// Pages behind the split that are looked at.
    private static let pagesLookedAt = 16
    /// Borders that are tried for one gap: more mean that too little tells where the split is.
    private static let mostSplits = 192
    /// Sound pages that a gap needs where the pieces are out of order.
    private static let fewestSoundPages = 3

    var tiedReachBehindBreak: Int? { 256 * 1024 }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        let reader = search.reader
        guard reader.count >= 100 else { return [] }
        let stated = try reader.u16be(16)
        let pageSize = stated == 1 ? 65_536 : stated
        guard pageSize >= FreeSpace.block, pageSize & (pageSize - 1) == 0 else { return [] }
        let pages = SQLitePages(reader: reader, size: pageSize, count: try reader.u32be(28))
        // The first page that may lie in the second piece as a whole.
        let bad = search.prefix / pageSize
        let behind = bad + 1..<max(bad + 1, min(pages.count, bad + 1 + Self.pagesLookedAt))
        var gaps: [(gap: Int, sound: Int)] = []
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) {
            guard behind.isEmpty || behind.lowerBound * pageSize + gap < reader.count else { break }
            var sound = 0
            for page in behind {
                search.spend(16)
                if try pages.isSound(page, shiftedBy: gap) { sound += 1 }
                // Free pages and those of long rows may hold anything, but not all of them do.
                if sound == 0, page - bad > Self.pagesLookedAt / 2 { break }
            }
            if sound >= (search.isTurned ? Self.fewestSoundPages : 1)
                || (behind.isEmpty && !search.isTurned && gap <= search.limits.nearJoinGap)
            {
                gaps.append((gap, sound))
            }
        }
        if !behind.isEmpty {
            gaps.sort { ($1.sound, $0.gap) < ($0.sound, $1.gap) }
            gaps.removeLast(max(0, gaps.count - Self.mostGaps))
        }
        var proposals: [JoinProposal] = []
        for (gap, _) in gaps {
            let splits = try splits(pages, gap: gap, last: behind.upperBound, search)
            if splits.count <= Self.mostSplits { proposals.append(JoinProposal(gap: gap, splits: splits)) }
        }
        return proposals
    }

    /// The block borders between the last page that is sound in its place only and the first that is sound behind the
    /// gap only.
    private func splits(
        _ pages: SQLitePages, gap: Int, last: Int, _ search: JoinSearch
    ) throws(ReadFailure) -> [Int] {
        var low = 0
        for page in 1..<max(1, last) {
            search.spend(32)
            let isHere = try pages.isSound(page, shiftedBy: 0)
            let isThere = try pages.isSound(page, shiftedBy: gap)
            if isHere, !isThere { low = page * pages.size }
            if isThere, !isHere { return JoinSearch.borders(from: low + 1, through: page * pages.size) }
        }
        return JoinSearch.borders(from: low + 1, through: last * pages.size)
    }
}

/// The pages of a database, judged by their first bytes alone.
private struct SQLitePages {
    let reader: ByteReader
    let size: Int
    let count: Int

    /// True when the head of a b-tree page, or of a page of a long row, stands where a page belongs, or as much further.
    func isSound(_ page: Int, shiftedBy gap: Int) throws(ReadFailure) -> Bool {
        let start = page * size + gap
        guard start >= 0, reader.count - start >= 16 else { return false }
        // The pages of a long row mostly follow each other, and each names the next.
        if try reader.u32be(start) == page + 2, page + 2 <= count { return true }
        let kind = try reader.u8(start)
        guard kind == 13 || kind == 10 || kind == 5 || kind == 2, try reader.u8(start + 7) <= 60 else { return false }
        let cells = try reader.u16be(start + 3)
        let stated = try reader.u16be(start + 5)
        let content = stated == 0 ? 65_536 : stated
        let head = kind == 13 || kind == 10 ? 8 : 12
        guard cells > 0, head + 2 * cells <= content, content <= size, try reader.u16be(start + 1) < size else {
            return cells == 0 && content == size && head == 8
        }
        let first = try reader.u16be(start + head)
        return first >= content && first < size
    }
}
