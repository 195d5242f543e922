/// Frames have a checksum and a number: the frame behind the broken one tells where it ends, its CRC-16 which blocks
/// belong to it.
extension FLACWalker: JoinTyingWalker {
    /// Largest frame that is looked for where the stream states none.
    private static let usualFrame = 16 * 1024
    private static let largestFrame = 64 * 1024
    var tiedReachBehindBreak: Int? { Self.largestFrame }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        do throws(WalkStop) {
            return try propose(search, WalkInput(search.reader))
        } catch {
            if case .failed(let failure) = error { throw failure }
            return []
        }
    }

    private func propose(_ search: JoinSearch, _ input: WalkInput) throws(WalkStop) -> [JoinProposal] {
        let start = search.prefix
        guard input.fits(0, 42), start > 42 else { return [] }
        let depth = ((try input.u16be(20)) >> 4) & 0x1F + 1
        let total = ((try input.u8(21)) & 15) << 32 | (try input.u32be(22))
        let stated = try input.u24be(15)
        let longest = min(stated > 0 ? stated : Self.usualFrame, Self.largestFrame)
        var joins = FLACJoins(search: search, start: start, depth: depth, longest: longest)
        var frame = FLACFrame(input, at: start, depth: depth)
        guard try frame.head() else {
            // The frame's head is cut, or begins the second piece.
            for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) {
                for split in JoinSearch.borders(from: start, through: start + 16) {
                    try joins.attempt(split: split, gap: gap)
                }
            }
            return joins.proposals
        }
        let numbersSamples = try input.u8(start + 1) & 1 == 1
        let first = numbersSamples ? frame.number : frame.number.multipliedReportingOverflow(by: try input.u16be(8)).0
        if first >= total - frame.blockSize {
            try joins.completeLast()
        } else {
            try joins.complete(before: numbersSamples ? frame.number + frame.blockSize : frame.number + 1)
        }
        return joins.proposals
    }
}

/// The search for what completes one frame.
private struct FLACJoins {
    /// Most joins of one frame that are tried with the whole file.
    private static let mostJoins = 32

    let search: JoinSearch
    let start: Int
    let depth: Int
    let longest: Int
    var proposals: [JoinProposal] = []

    private var isOver: Bool { search.isOver || proposals.count >= Self.mostJoins }

    /// Looks for the frame of the next number, which bounds this one.
    mutating func complete(before number: Int) throws(WalkStop) {
        let input = WalkInput(search.reader)
        let mark = try input.bytes(at: start, count: 2)
        let splits = JoinSearch.borders(from: start + 1, through: start + longest)
        var at = start + 2
        let end = min(input.count, start + longest + search.limits.farJoinGap)
        search.spend(max(0, end - at))
        while !isOver, at < end, let next = try input.firstOffset(of: mark, from: at, to: end) {
            at = next + 1
            var frame = FLACFrame(input, at: next, depth: depth)
            guard try frame.head(), frame.number == number else { continue }
            for second in JoinSearch.borders(from: next - longest, through: next) {
                for split in splits where split < second {
                    try attempt(split: split, gap: second - split, end: next)
                }
            }
        }
    }

    /// Looks for the end of the last frame, behind which nothing follows.
    mutating func completeLast() throws(WalkStop) {
        for split in JoinSearch.borders(from: start + 1, through: start + longest) {
            for gap in JoinSearch.borders(from: 1, through: search.limits.nearJoinGap) {
                try attempt(split: split, gap: gap)
            }
        }
    }

    /// Proposes a join when the frame's bits and its CRC-16 hold over it, and it ends where it must.
    mutating func attempt(split: Int, gap: Int, end: Int? = nil) throws(WalkStop) {
        guard !isOver, split + gap < search.space.size, split >= start else { return }
        let length = end.map { $0 - gap - start } ?? 0
        guard length <= longest else { return }
        let joint = ByteReader(search.space.without(split..<split + gap), at: 0, window: 8 * 1024)
        defer { search.spend(4096 + joint.bytesFetched) }
        let input = WalkInput(joint)
        do throws(WalkStop) {
            var frame = FLACFrame(input, at: start, depth: depth)
            guard try frame.follow(), input.fits(frame.end, 2), end == nil || frame.end + 2 + gap == end else { return }
            var crc = FLACChecksum()
            for byte in try input.bytes(at: start, count: frame.end - start) { crc.update(byte) }
            guard Int(crc.value) == (try input.u16be(frame.end)) else { return }
            proposals.append(JoinProposal(gap: gap, splits: [split]))
        } catch {
            guard case .failed(.medium) = error else { return }
            throw error
        }
    }
}
