/// The page in which the walk failed states its length: the next page's mark tells the gap, the page's CRC-32 the split.
extension OggWalker: JoinProvingWalker {
    private static let mark = Array("OggS\0".utf8)
    /// Bytes of a page before its table of segments.
    private static let headLength = 27
    /// Where in a page its CRC-32 stands, lowest byte first.
    private static let checksumField = 22..<26

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        let reader = search.reader
        let start = search.prefix
        guard reader.count - start > Self.headLength else { return }
        if try reader.matches(Self.mark, at: start) {
            let segments = Int(try reader.u8(start + 26))
            let body = start + Self.headLength + segments
            guard reader.count > body else { return }
            var end = body
            for lacing in try reader.bytes(at: start + Self.headLength, count: segments) { end += Int(lacing) }
            let isLast = try reader.u8(start + 5) & 4 != 0
            try attempts(search, page: start, body: body, end: end, next: isLast ? nil : end)
        }
        // The page's own head is cut, or begins the second piece.
        for split in JoinSearch.borders(from: start, through: start + Self.headLength + 255) where !search.isOver {
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
        _ search: JoinSearch, page: Int, body: Int, end: Int, next: Int?
    ) throws(ReadFailure) {
        // Where the table of segments is cut, it says nothing about the page.
        let cutTable = JoinSearch.borders(from: page + Self.headLength, through: body - 1)
        let farthest = next == nil ? search.limits.nearJoinGap : search.limits.farJoinGap
        for gap in JoinSearch.borders(from: 1, through: farthest) where !search.isOver {
            if let next {
                search.spend(Self.mark.count)
                guard try search.reader.matches(Self.mark, at: next + gap) else { continue }
            }
            let whole = try splits(search, page: page, body: body, end: end, gap: gap)
            for split in cutTable + whole where !search.isOver { try search.attempt(split: split, gap: gap) }
        }
    }

    /// Borders in a page's body at which its CRC-32 holds, when the page goes on behind the gap.
    ///
    /// A checksum is linear: with H the checksum of the page's bytes up to a border as they lie before the gap, T of those
    /// behind it, and n the bytes that follow, the joined page's is T(whole) ⊕ (H ⊕ T) · xⁿ. So one look at the bytes is
    /// enough for all borders.
    private func splits(
        _ search: JoinSearch, page start: Int, body: Int, end: Int, gap: Int
    ) throws(ReadFailure) -> [Int] {
        let length = end - start
        guard end + gap <= search.reader.count else { return [] }
        var near = try search.reader.bytes(at: start, count: length)
        let stated = near[Self.checksumField].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        near.replaceSubrange(Self.checksumField, with: [0, 0, 0, 0])
        let far = try near.prefix(body - start) + search.reader.bytes(at: body + gap, count: end - body)
        search.spend(2 * length)
        let borders = JoinSearch.borders(from: body, through: end).map { $0 - start }
        var differences: [UInt32] = []
        var (before, behind) = (ForwardCRC32(register: 0), ForwardCRC32(register: 0))
        var at = 0
        for border in borders {
            before.update(near[at..<border])
            behind.update(far[at..<border])
            differences.append(before.register ^ behind.register)
            at = border
        }
        behind.update(far[at...])
        var wanted = ForwardCRC32(register: stated ^ behind.register)
        var found: [Int] = []
        at = length
        for (border, difference) in zip(borders, differences).reversed() {
            wanted.takeBackZeros(at - border)
            at = border
            if wanted.register == difference { found.append(start + border) }
        }
        return found.reversed()
    }
}
