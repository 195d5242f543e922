/// The page in which the walk failed states its length: the next page's mark tells the gap, the page's CRC-32 the split.
extension OggWalker: JoinProvingWalker {
    private static let mark = Array("OggS\0".utf8)

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        let reader = search.reader
        let start = search.prefix
        guard reader.count - start > 27 else { return }
        if try reader.matches(Self.mark, at: start) {
            let segments = Int(try reader.u8(start + 26))
            var end = start + 27 + segments
            guard reader.count > end else { return }
            for lacing in try reader.bytes(at: start + 27, count: segments) { end += Int(lacing) }
            let isLast = try reader.u8(start + 5) & 4 != 0
            try attempts(search, from: start + 27, through: end, next: isLast ? nil : end)
        }
        // The page's own head is cut, or begins the second piece.
        for split in JoinSearch.borders(from: start, through: start + 27 + 255) where !search.isOver {
            for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isOver {
                guard let head = try search.bytes(at: start, count: Self.mark.count, split: split, gap: gap) else {
                    break
                }
                if head == Self.mark { try search.attempt(split: split, gap: gap) }
                // Where the mark lies in the first piece it says nothing about the gap.
                if split >= start + Self.mark.count, gap >= search.limits.nearJoinGap { break }
            }
        }
    }

    private func attempts(
        _ search: JoinSearch, from low: Int, through high: Int, next: Int?
    ) throws(ReadFailure) {
        let farthest = next == nil ? search.limits.nearJoinGap : search.limits.farJoinGap
        for gap in JoinSearch.borders(from: 1, through: farthest) where !search.isOver {
            if let next {
                search.spend(Self.mark.count)
                guard try search.reader.matches(Self.mark, at: next + gap) else { continue }
            }
            for split in JoinSearch.borders(from: low, through: high) where !search.isOver {
                try search.attempt(split: split, gap: gap)
            }
        }
    }
}
