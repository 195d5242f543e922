/// Frames have a checksum and a number: the frame behind the broken one tells where it ends, its CRC-16 which blocks
/// belong to it.
extension FLACWalker: JoinTyingWalker {
    /// Largest frame that is looked for where the stream states none.
    private static let usualFrame = 16 * 1024
    private static let largestFrame = 64 * 1024
    var tiedReachBehindBreak: Int? { Self.largestFrame }
    var ranksGaps: Bool { true }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        try WalkStop.answer(or: []) { () throws(WalkStop) in
            try propose(search, WalkInput(search.reader))
        }
    }

    private func propose(_ search: JoinSearch, _ input: WalkInput) throws(WalkStop) -> [JoinProposal] {
        let start = search.prefix
        guard input.fits(0, 42) else { return [] }
        let depth = ((try input.u16be(20)) >> 4) & 0x1F + 1
        let total = ((try input.u8(21)) & 15) << 32 | (try input.u32be(22))
        let stated = try input.u24be(15)
        let longest = min(stated > 0 ? stated : Self.usualFrame, Self.largestFrame)
        if let metadata = try FLACMetadataJoins(search, input, depth: depth) { return try metadata.proposals() }
        guard start > 42 else { return [] }
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

/// The gap lies in the metadata: the next block, or the first frame, stands in its place behind it.
private struct FLACMetadataJoins {
    /// Most borders in one block that are tried.
    private static let mostSplits = 64
    private static let mostBlocks = 4096
    private static let mostBlocksBehind = 64
    /// Blocks before the place where the metadata go wrong that are looked at: what lies there may begin like one.
    private static let mostDoubted = 4

    private struct Block {
        var type: Int
        var start: Int
        var end: Int
        /// True when sound follows it.
        var isLast: Bool
    }

    private let search: JoinSearch
    private let input: WalkInput
    private let depth: Int
    /// The blocks in which the gap may lie, the likeliest first.
    private var doubted: [Block] = []

    /// Nil when the metadata hold.
    init?(_ search: JoinSearch, _ input: WalkInput, depth: Int) throws(WalkStop) {
        (self.search, self.input, self.depth) = (search, input, depth)
        var blocks: [Block] = []
        var at = 4
        while blocks.count < Self.mostBlocks, blocks.last?.isLast != true, input.fits(at, 4) {
            let head = try input.u8(at)
            let block = Block(
                type: head & 0x7F, start: at, end: at + 4 + (try input.u24be(at + 1)), isLast: head & 0x80 != 0)
            guard input.fits(at, block.end - at), at == 4 || FLACMetadata.types.contains(block.type) else { break }
            blocks.append(block)
            at = block.end
        }
        if blocks.last?.isLast == true {
            var frame = FLACFrame(input, at: at, depth: depth)
            if try frame.head() {
                guard frame.number != 0 else { return nil }
            }
        }
        guard !blocks.isEmpty else { return nil }
        doubted = blocks.suffix(Self.mostDoubted).reversed()
        // Padding that holds something else is where they went wrong.
        for block in blocks where block.type == FLACMetadata.padding {
            guard try input.isZero(block.start + 4..<block.end) else {
                doubted = [block]
                return
            }
        }
    }

    func proposals() throws(WalkStop) -> [JoinProposal] {
        for block in doubted {
            let splits = JoinSearch.borders(from: block.start + 4, through: block.end + 3)
            guard splits.count <= Self.mostSplits else { continue }
            for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isExhausted {
                search.spend(16)
                guard input.fits(block.end + gap, 4) else { break }
                guard try goesOn(behind: block, at: block.end + gap) else { continue }
                var fitting: [Int] = []
                for split in splits where split + gap < search.space.size {
                    if block.type == FLACMetadata.padding, try !isZero(block, split: split, gap: gap) { continue }
                    fitting.append(split)
                }
                if !fitting.isEmpty { return [JoinProposal(gap: gap, splits: fitting)] }
            }
        }
        return []
    }

    /// True when padding is nothing but zeros with the gap left out.
    private func isZero(_ block: Block, split: Int, gap: Int) throws(WalkStop) -> Bool {
        search.spend(block.end - block.start)
        let (start, border) = (block.start + 4, min(split, block.end))
        guard try input.isZero(start..<max(start, border)) else { return false }
        return try input.isZero(border + gap..<block.end + gap)
    }

    /// True when the metadata go on at a place up to the first frame.
    private func goesOn(behind block: Block, at place: Int) throws(WalkStop) -> Bool {
        var at = place
        var isLast = block.isLast
        for _ in 0..<Self.mostBlocksBehind where !isLast {
            search.spend(16)
            guard input.fits(at, 4) else { return false }
            let head = try input.u8(at)
            let length = try input.u24be(at + 1)
            guard FLACMetadata.types.contains(head & 0x7F), input.fits(at + 4, length) else { return false }
            at += 4 + length
            isLast = head & 0x80 != 0
        }
        var frame = FLACFrame(input, at: at, depth: depth)
        guard isLast, try frame.head() else { return false }
        return frame.number == 0
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
