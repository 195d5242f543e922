/// The index says where every sample and every item lies: those that stand in their own places lie before the gap, those
/// that stand further back by one length lie behind it.
///
/// Where the index itself lies behind the gap, the box that must follow the data tells its length.
extension ISOMediaWalker: JoinTyingWalker {
    var ranksGaps: Bool { true }
    var tiesForeignRuns: Bool { false }
    var tiedReachBehindBreak: Int? { 64 * 1024 }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        try WalkStop.answer(or: []) { () throws(WalkStop) in
            try ISOMediaJoins(search)?.proposals() ?? []
        }
    }
}

/// Where nothing tells the split, runs of blocks that are as long as the gap are tried.
extension ISOMediaWalker: GapTellingWalker {
    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int) {
        try WalkStop.answer(or: ([], 0)) { () throws(WalkStop) in
            try ISOMediaJoins(search)?.told() ?? ([], 0)
        }
    }
}

/// A sample or an item of which something can be checked.
private struct ISOPart {
    let offset: Int
    let length: Int
    let framing: ISOFraming
}

private struct ISOMediaJoins {
    /// Most borders between two parts that are tried.
    private static let mostSplits = 64
    /// Bits that parts must show together behind a gap before it is believed.
    private static let bitsShown = 24
    private static let mostTailParts = 24
    private static let mostBoxes = 4096
    /// Boxes behind a gap that are looked at, up to the index.
    private static let mostBoxesBehind = 64

    private let search: JoinSearch
    private let input: WalkInput
    /// The boxes that stand in their places, and the first byte behind them.
    private var boxes: [ISOBox] = []
    private var end = 0

    init?(_ search: JoinSearch) throws(WalkStop) {
        self.search = search
        input = WalkInput(search.reader)
        (boxes, end) = try follow(from: 0, most: Self.mostBoxes)
        guard !boxes.isEmpty else { return nil }
    }

    /// The boxes that follow each other from a place on.
    private func follow(from start: Int, most: Int) throws(WalkStop) -> (boxes: [ISOBox], end: Int) {
        var boxes: [ISOBox] = []
        var at = start
        while boxes.count < most, input.fits(at, 8) {
            search.spend(1024)
            let type = try input.tag(at + 4)
            guard ISOMediaWalk.topLevel.contains(type), at == 0 || type != "ftyp", try input.u32be(at) != 0,
                let box = try ISOBox(input, at: at, limit: input.count)
            else { break }
            boxes.append(box)
            at = box.end
        }
        return (boxes, at)
    }

    func proposals() throws(WalkStop) -> [JoinProposal] {
        if let parts = try parts(in: boxes) {
            guard let gap = try gap(of: parts) else { return [] }
            return try proposals(parts, gap: gap, from: 8, to: end + 7)
        }
        guard let last = boxes.last, let (gap, parts) = try gapBehindBoxes() else { return [] }
        if let parts { return try proposals(parts, gap: gap, from: last.body, to: end + 7) }
        let splits = JoinSearch.borders(from: last.start + 8, through: end + 7)
        return splits.count <= Self.mostSplits ? [JoinProposal(gap: gap, splits: splits)] : []
    }

    /// The gap, and where what tells it stands.
    func told() throws(WalkStop) -> (gaps: [Int], end: Int) {
        if let parts = try parts(in: boxes) {
            guard let gap = try gap(of: parts), let last = parts.last else { return ([], 0) }
            return ([gap], last.offset + gap)
        }
        guard let (gap, _) = try gapBehindBoxes() else { return ([], 0) }
        return ([gap], end + gap)
    }

    /// The gap behind which boxes go on up to the index, and what the index says; nil parts where the index stands before
    /// the gap and is cut by it.
    private func gapBehindBoxes() throws(WalkStop) -> (gap: Int, parts: [ISOPart]?)? {
        guard let last = boxes.last else { return nil }
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isExhausted {
            search.spend(16)
            guard input.fits(end + gap, 8), try ISOMediaWalk.topLevel.contains(input.tag(end + gap + 4)) else {
                continue
            }
            let further = try follow(from: end + gap, most: Self.mostBoxesBehind).boxes
            if let parts = try parts(in: further) { return (gap, parts) }
            if ["moov", "meta"].contains(last.type), further.contains(where: { $0.type == "mdat" }) {
                return (gap, nil)
            }
        }
        return nil
    }

    // MARK: The index

    /// The samples and items of an index, in the order in which they lie; nil when none makes sense.
    private func parts(in boxes: [ISOBox]) throws(WalkStop) -> [ISOPart]? {
        var parts: [ISOPart]?
        for box in boxes {
            do throws(WalkStop) {
                if box.type == "moov", let found = try samples(box) { parts = (parts ?? []) + found }
                if box.type == "meta", let found = try items(box) { parts = (parts ?? []) + found }
            } catch {
                if case .failed(.medium) = error { throw error }
            }
        }
        return parts?.sorted { ($0.offset, $0.length) < ($1.offset, $1.length) }
    }

    private func samples(_ box: ISOBox) throws(WalkStop) -> [ISOPart]? {
        guard let children = try ISOBox.children(input, from: box.body, to: box.end),
            children.contains(where: { $0.type == "mvhd" })
        else { return nil }
        var parts: [ISOPart] = []
        for child in children where child.type == "trak" {
            let track = try ISOTrack(input, child)
            guard track.framing != .unknown else { continue }
            let places = track.samplePlaces()
            let framing = try track.framing.learned(input, places.prefix(ISOFraming.learnedFrom + 1))
            guard framing != .unknown else { continue }
            parts += places.map { ISOPart(offset: $0.offset, length: $0.length, framing: framing) }
        }
        return parts
    }

    private func items(_ box: ISOBox) throws(WalkStop) -> [ISOPart]? {
        guard box.end - box.body >= 12, let children = try ISOBox.children(input, from: box.body + 4, to: box.end),
            let handler = children.first(where: { $0.type == "hdlr" }), handler.end - handler.body >= 12,
            try input.tag(handler.body + 8) == "pict"
        else { return nil }
        return try ISOItem.list(input, children).compactMap { item in
            guard let framing = item.framing, item.extents[0].length > 0 else { return nil }
            return ISOPart(offset: item.extents[0].offset, length: item.extents[0].length, framing: framing)
        }
    }

    // MARK: The gap

    /// True when a part stands in its place, or further back by some bytes.
    private func holds(_ part: ISOPart, shift: Int = 0) throws(WalkStop) -> Bool {
        guard input.fits(part.offset + shift, part.length) else { return false }
        search.spend(part.framing.isWeak ? 16 : 16 + part.length / 16)
        return try part.framing.holds(input, at: part.offset + shift, length: part.length)
    }

    private func hold(_ parts: [ISOPart], shift: Int = 0) throws(WalkStop) -> Bool {
        for part in parts {
            guard try holds(part, shift: shift) else { return false }
        }
        return true
    }

    /// The gap behind which the last parts stand; nil when they stand in their own places, or too little shows them.
    private func gap(of parts: [ISOPart]) throws(WalkStop) -> Int? {
        var tail: [ISOPart] = []
        var bits = 0
        for part in parts.reversed().prefix(Self.mostTailParts) where bits < Self.bitsShown {
            tail.append(part)
            bits += part.framing.bits
        }
        guard bits >= Self.bitsShown, let last = tail.first, last.offset < search.space.size else { return nil }
        if try hold(tail) { return nil }
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isExhausted {
            guard last.offset + gap < search.space.size else { break }
            if try hold(tail, shift: gap) { return gap }
        }
        return nil
    }

    // MARK: The split

    /// Most parts of a hundred that may fail on both sides.
    private static let failingPercent = 5

    /// The borders between the last part that stands in its place and the first that stands behind the gap.
    private func proposals(
        _ parts: [ISOPart], gap: Int, from low: Int, to high: Int
    ) throws(WalkStop) -> [JoinProposal] {
        var (low, high) = (low, high)
        let near = try parts.map { part throws(WalkStop) in try holds(part) }
        let far = try parts.map { part throws(WalkStop) in try holds(part, shift: gap) }
        // As many as hold when the gap lies before the part of each index.
        var score = far.count { $0 }
        var best = (score: score, first: 0, last: 0)
        for index in parts.indices {
            score += (near[index] ? 1 : 0) - (far[index] ? 1 : 0)
            if score > best.score {
                best = (score, index + 1, index + 1)
            } else if score == best.score {
                best.last = index + 1
            }
        }
        let failing = parts.count - best.score
        guard failing <= max(1, parts.count * Self.failingPercent / 100) else { return [] }
        if let last = parts[..<best.first].indices.last(where: { near[$0] }) {
            low = max(low, try lastUnit(parts[last]) + 1)
        }
        if let first = parts[best.last...].indices.first(where: { far[$0] }) {
            high = min(high, parts[first].offset + 3)
        }
        if best.last > best.first || failing > 0 {
            // The part in which the gap lies: its units before the gap stand in their places.
            for part in parts[best.first..<best.last] { low = max(low, min(try lastUnit(part) + 1, high)) }
        }
        let splits = JoinSearch.borders(from: low, through: high)
        return splits.isEmpty || splits.count > Self.mostSplits ? [] : [JoinProposal(gap: gap, splits: splits)]
    }

    /// Where the last unit of a part begins that stands in its place.
    private func lastUnit(_ part: ISOPart) throws(WalkStop) -> Int {
        guard case .units(let lengthSize, _) = part.framing else { return part.offset }
        let end = part.offset + part.length
        var at = part.offset
        var last = at
        while end - at > lengthSize, input.fits(at, lengthSize + 1) {
            var length = 0
            for index in 0..<lengthSize { length = length << 8 | (try input.u8(at + index)) }
            guard length <= end - at - lengthSize else { break }
            if length > 0 {
                guard try input.u8(at + lengthSize) & 0x80 == 0 else { break }
            }
            last = at
            at += lengthSize + length
        }
        return last
    }
}

extension ISOFraming {
    /// Bits of one part that chance would have to meet, about.
    fileprivate var bits: Int {
        switch self {
        case .unknown, .elements: 0
        case .element: 7
        case .begins(let bytes): 8 * bytes.count
        case .av1: 3
        case .jpeg: 16
        case .proRes, .exif: 32
        case .markup: 8
        // The lengths must fill the sample.
        case .units: 16
        }
    }
}
