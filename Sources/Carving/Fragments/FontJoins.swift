/// Every table has a checksum: the last one tells the gap, the first one that does not hold tells where the split is.
extension FontWalker: JoinProvingWalker {
    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        try WalkStop.answer(or: ()) { () throws(WalkStop) in
            try propose(search, WalkInput(search.reader))
        }
    }

    private func propose(_ search: JoinSearch, _ input: WalkInput) throws(WalkStop) {
        let count = try input.u16be(4)
        guard (1...FontWalk.mostTables).contains(count) else { return }
        var tables: [FontTable] = []
        for index in 0..<count { tables.append(try FontTable(input, at: 12 + 16 * index)) }
        tables.sort { $0.offset < $1.offset }
        guard tables.allSatisfy({ input.fits($0.offset, $0.length) }), let last = tables.last else { return }
        var damaged: FontTable?
        for table in tables where damaged == nil {
            search.spend(table.length)
            if try !table.holds(input, at: table.offset) { damaged = table }
        }
        guard let damaged else { return }
        // A short table's sum may hold by chance in the wrong place; the walk then says no.
        for gap in JoinSearch.borders(from: 1, through: search.nearestGaps) where !search.isOver {
            let telling = damaged.offset == last.offset ? nil : last
            if let telling {
                search.spend(telling.length)
                guard input.fits(telling.offset + gap, telling.length),
                    try telling.holds(input, at: telling.offset + gap)
                else { continue }
            }
            for split in JoinSearch.borders(from: damaged.offset - 3, through: damaged.offset + damaged.length) {
                do { try search.attempt(split: split, gap: gap) } catch { throw .failed(error) }
            }
        }
    }
}
