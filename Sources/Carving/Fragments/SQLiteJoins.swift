/// Every page is named once by the trees, and must be what its place in them says.
///
/// Pages behind the gap that look like pages tell how large it is; the last page that is sound where it stands and the
/// first one that is sound only behind the gap tell between which of them the split lies.
extension SQLiteWalker: JoinTyingWalker {
    /// Gaps that are tried: those behind which most pages are sound.
    private static let mostGaps = 8
    /// Gaps whose pages are compared with what names them.
    private static let mostJudgedGaps = 256
    /// Named pages that are looked at behind each of them.
    private static let mostNamedPages = 32
    /// Pages at the database's end that are looked at.
    private static let lastPages = 8
    /// Pages behind the split that are looked at.
    private static let pagesLookedAt = 16
    /// Borders that are tried for one gap: more mean that too little tells where the split is.
    private static let mostSplits = 192
    /// Sound pages that a gap needs where the pieces are out of order.
    private static let fewestSoundPages = 3

    var ranksGaps: Bool { true }
    var tiedReachBehindBreak: Int? { 256 * 1024 }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        let reader = search.reader
        guard reader.count >= 100 else { return [] }
        let stated = try reader.u16be(16)
        let pageSize = stated == 1 ? 65_536 : stated
        guard pageSize >= FreeSpace.block, pageSize & (pageSize - 1) == 0 else { return [] }
        // Few bytes of many pages are looked at.
        let pages = SQLitePages(
            reader: ByteReader(search.space, at: 0, window: FreeSpace.block), size: pageSize,
            count: try reader.u32be(28))
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
            gaps.removeLast(max(0, gaps.count - Self.mostJudgedGaps))
            // Gaps that are whole pages apart look alike; what pages are named for, and where the last one stands, does not.
            let named = try pages.namedPages(behind: bad, most: Self.mostNamedPages)
            for index in gaps.indices {
                search.spend(64 * (named.count + Self.lastPages))
                gaps[index].sound += try pages.fit(of: named, lastPages: Self.lastPages, shiftedBy: gaps[index].gap)
            }
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
    /// gap only; pages of long rows may look like either, so the place counts that most pages agree on.
    private func splits(
        _ pages: SQLitePages, gap: Int, last: Int, _ search: JoinSearch
    ) throws(ReadFailure) -> [Int] {
        /// Pages that are sound in their place only less those that are sound behind the gap only, of all before.
        var agreement = 0
        var best = (agreement: 0, page: 1)
        var sides: [Int] = [0]
        for page in 1..<max(1, last) {
            search.spend(32)
            let isHere = try pages.isSound(page, shiftedBy: 0)
            let isThere = try pages.isSound(page, shiftedBy: gap)
            sides.append(isHere == isThere ? 0 : isHere ? 1 : -1)
            agreement += sides[page]
            if agreement > best.agreement { best = (agreement, page + 1) }
        }
        // Where few pages are sound in their place, the first piece is short.
        let low = sides[..<min(best.page, sides.count)].lastIndex { $0 > 0 } ?? 0
        let high = sides[min(best.page, sides.count)...].firstIndex { $0 < 0 } ?? last
        return JoinSearch.borders(from: low * pages.size + 1, through: high * pages.size)
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

    // MARK: What names a page

    /// A page that a table's tree names, with the row numbers that it may hold.
    struct Named {
        var page: Int
        /// The largest row number before it.
        var above: Int
        /// The largest row number on it.
        var most: Int
    }

    /// Pages behind a place that are named by sound pages of tables before it.
    func namedPages(behind bad: Int, most: Int) throws(ReadFailure) -> [Named] {
        var named: [Named] = []
        for page in 0..<min(bad, Self.mostNaming) where named.count < most {
            let start = page * size
            let head = page == 0 ? start + 100 : start
            guard reader.count - start >= size, try reader.u8(head) == 5 else { continue }
            let cells = try reader.u16be(head + 3)
            guard cells > 0, head + 12 + 2 * cells <= start + size else { continue }
            var above = Int.min
            for index in 0...cells where named.count < most {
                guard index < cells else {
                    add(try reader.u32be(head + 8), above, Int.max, behind: bad, to: &named)
                    break
                }
                let cell = try reader.u16be(head + 12 + 2 * index)
                guard cell >= 12 + 2 * cells, cell + 13 <= size else { break }
                var at = start + cell + 4
                let row = try varint(&at)
                guard row > above else { break }
                add(try reader.u32be(start + cell), above, row, behind: bad, to: &named)
                above = row
            }
        }
        return named
    }

    /// Pages that are looked at for the pages that they name.
    private static let mostNaming = 4096

    private func add(_ number: Int, _ above: Int, _ most: Int, behind bad: Int, to named: inout [Named]) {
        if number - 1 > bad, number <= count { named.append(Named(page: number - 1, above: above, most: most)) }
    }

    /// How well pages fit what names them and where the last one must stand, behind a gap.
    func fit(of named: [Named], lastPages: Int, shiftedBy gap: Int) throws(ReadFailure) -> Int {
        var fit = 0
        for name in named { fit += try holds(name, shiftedBy: gap) ? 2 : -1 }
        for page in max(0, count - lastPages)..<max(0, count) where try isSound(page, shiftedBy: gap) { fit += 1 }
        // Where a page stands behind the last one, the last one stands there.
        if try isSound(count, shiftedBy: gap) { fit -= lastPages }
        return fit
    }

    /// True when the page's rows are those for which it is named.
    private func holds(_ name: Named, shiftedBy gap: Int) throws(ReadFailure) -> Bool {
        guard try isSound(name.page, shiftedBy: gap) else { return false }
        let start = name.page * size + gap
        guard reader.count - start >= size else { return false }
        let kind = try reader.u8(start)
        guard kind == 13 else { return kind == 5 }
        let cells = try reader.u16be(start + 3)
        guard cells > 0 else { return true }
        let first = try row(start, cell: 0)
        let last = try row(start, cell: cells - 1)
        guard let first, let last else { return false }
        return first > name.above && last <= name.most && first <= last
    }

    private func row(_ start: Int, cell index: Int) throws(ReadFailure) -> Int? {
        let cell = try reader.u16be(start + 8 + 2 * index)
        guard cell >= 8, cell + 18 <= size else { return cell < size ? try shortRow(start, cell) : nil }
        var at = start + cell
        _ = try varint(&at)
        return try varint(&at)
    }

    /// The row number of a cell at the very end of its page.
    private func shortRow(_ start: Int, _ cell: Int) throws(ReadFailure) -> Int? {
        guard cell >= 8, reader.count - start - cell >= 18 else { return nil }
        var at = start + cell
        _ = try varint(&at)
        return try varint(&at)
    }

    /// A variable-length integer (file format, 1.6).
    private func varint(_ at: inout Int) throws(ReadFailure) -> Int {
        var value: UInt64 = 0
        for index in 0..<9 {
            let byte = UInt64(try reader.u8(at))
            at += 1
            if index == 8 { return Int(truncatingIfNeeded: value << 8 | byte) }
            value = value << 7 | byte & 0x7F
            if byte & 0x80 == 0 { break }
        }
        return Int(truncatingIfNeeded: value)
    }
}
