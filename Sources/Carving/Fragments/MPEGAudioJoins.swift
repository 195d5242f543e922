/// Frames follow each other: where the next one stands tells the gap, and the frame before it holds the split.
///
/// Where the encoder left a checksum over the sound, that tells which of the borders in the frame is the right one.
extension MPEGAudioWalker: JoinTyingWalker {
    /// Longest frame, in bytes: layer II at 384 kbit/s and 32 kHz.
    private static let longestFrame = 1729

    var continuesWithoutEnd: Bool { true }
    var ranksGaps: Bool { true }
    var tiedReachBehindBreak: Int? { Self.longestFrame }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        try WalkStop.answer(or: []) { () throws(WalkStop) in
            let input = WalkInput(search.reader)
            guard let chain = try MPEGAudioChain(input) else { return try MPEGAudioTagJoins(search).proposals() }
            return try MPEGAudioJoins(search: search, input: input, chain: chain).proposals()
        }
    }
}

/// The frames that follow each other from the first one on.
private struct MPEGAudioChain {
    let first: MPEGAudioFrame
    let tag: MPEGAudioTag?
    /// Where the last frame begins.
    let last: Int
    /// Where the next one must begin.
    let next: Int
    /// Frames that are stated and missing; nil when none are stated.
    let missing: Int?

    init?(_ input: WalkInput) throws(WalkStop) {
        var at = try ID3Tag.length(input, at: 0) ?? 0
        if at > 0, let second = try ID3Tag.length(input, at: at), input.fits(at, second) { at += second }
        guard input.fits(at, 4), let first = MPEGAudioFrame(try input.u32be(at)) else { return nil }
        self.first = first
        tag = try MPEGAudioTag(input, at: at, first)
        let most = tag.map { $0.frames + 1 } ?? .max
        var (count, last) = (0, at)
        while count < most, input.fits(at, 4), let frame = MPEGAudioFrame(try input.u32be(at)), frame.continues(first),
            input.fits(at, frame.length)
        {
            last = at
            at += frame.length
            count += 1
        }
        self.last = last
        next = at
        missing = tag.map { $0.frames + 1 - count }
    }
}

private struct MPEGAudioJoins {
    /// Frames that must follow each other behind a gap.
    private static let framesLookedAt = 3

    let search: JoinSearch
    let input: WalkInput
    let chain: MPEGAudioChain

    func proposals() throws(WalkStop) -> [JoinProposal] {
        // In whatever lies before a file, frames that fit one without a stated number are met by chance.
        guard !search.isTurned || chain.missing != nil else { return [] }
        if chain.missing == nil {
            // A block that is filled up with zeros shows the end, and so does a tag.
            if try shows(input, end: chain.next) { return [] }
            if try isTag(at: chain.next) { return [] }
        }
        if chain.missing == 0 { return try chain.tag?.music == nil ? [] : checked(lastFrame()) }
        var found: [JoinProposal] = []
        let heads = try JoinSearch.borders(from: chain.next + 1, through: chain.next + 3).map {
            split throws(WalkStop) in
            (split: split, head: try input.bytes(at: chain.next, count: split - chain.next))
        }
        let reach = chain.missing == nil ? search.nearestGaps : search.limits.farJoinGap
        for gap in JoinSearch.borders(from: 1, through: reach) {
            search.spend(16)
            if try goesOn(at: chain.next + gap) {
                found.append(
                    JoinProposal(gap: gap, splits: JoinSearch.borders(from: chain.last + 1, through: chain.next)))
                // Farther ones are met by chance among other sound.
                if gap > search.nearestGaps || found.count >= 4 { break }
            }
            // The head of the next frame is cut.
            for cut in heads {
                let rest = chain.next + 4 - cut.split
                guard input.fits(cut.split + gap, rest),
                    let frame = frame(try cut.head + input.bytes(at: cut.split + gap, count: rest)),
                    try goesOn(at: chain.next + frame.length + gap, having: 1)
                else { continue }
                found.append(JoinProposal(gap: gap, splits: [cut.split]))
            }
        }
        return try checked(found)
    }

    /// What may complete the last frame, behind which nothing follows.
    private func lastFrame() -> [JoinProposal] {
        let splits = JoinSearch.borders(from: chain.last + 1, through: chain.next - 1)
        guard !splits.isEmpty else { return [] }
        return JoinSearch.borders(from: 1, through: search.limits.nearJoinGap).map {
            JoinProposal(gap: $0, splits: splits)
        }
    }

    /// Those for which the encoder's checksum over the sound holds, where there are any; else all of them.
    ///
    /// Where nothing but the checksum's 16 bits tells a gap, the end must show as well.
    private func checked(_ proposals: [JoinProposal]) throws(WalkStop) -> [JoinProposal] {
        guard let music = chain.tag?.music else { return proposals }
        let start = max(chain.last, music.range.lowerBound)
        var before = ReflectedCRC16()
        search.spend(start - music.range.lowerBound)
        try input.forEachPiece(of: music.range.lowerBound..<start) { before.update($0) }
        var held: [JoinProposal] = []
        for proposal in proposals {
            for split in proposal.splits where split + proposal.gap < search.space.size && !search.isExhausted {
                let space = search.space.without(split..<split + proposal.gap)
                let joint = WalkInput(ByteReader(space, at: 0, window: 16 * 1024))
                guard joint.fits(0, music.range.upperBound) else { continue }
                defer { search.spend(joint.reader.bytesFetched) }
                var crc = before
                try joint.forEachPiece(of: start..<max(start, music.range.upperBound)) { crc.update($0) }
                guard crc.value == music.checksum else { continue }
                if chain.missing == 0, try !shows(joint, end: music.range.upperBound) { continue }
                held.append(JoinProposal(gap: proposal.gap, splits: [split]))
            }
        }
        return held.isEmpty && chain.missing != 0 ? proposals : held
    }

    private func shows(_ joint: WalkInput, end: Int) throws(WalkStop) -> Bool {
        do { return try EndEvidence.shows(joint.reader, end: end) } catch { throw .failed(error) }
    }

    private func frame(_ head: [UInt8]) -> MPEGAudioFrame? {
        guard let frame = MPEGAudioFrame(head.reduce(0) { $0 << 8 | Int($1) }), frame.continues(chain.first)
        else { return nil }
        return frame
    }

    /// True when frames follow each other from a place on, as many as are missing or enough to tell, or a tag ends them.
    private func goesOn(at start: Int, having: Int = 0) throws(WalkStop) -> Bool {
        let wanted = min(chain.missing ?? Self.framesLookedAt, Self.framesLookedAt)
        var at = start
        var frames = having
        while frames < wanted, input.fits(at, 4), let frame = MPEGAudioFrame(try input.u32be(at)),
            frame.continues(chain.first)
        {
            frames += 1
            at += frame.length
        }
        if frames == wanted { return true }
        guard chain.missing == nil else { return false }
        // The last frames of a file have none behind them.
        if frames > 0, input.count - at < 4 { return true }
        return try isTag(at: at)
    }

    private func isTag(at offset: Int) throws(WalkStop) -> Bool {
        if try input.matches("TAG", at: offset) { return true }
        return try input.matches("APETAGEX", at: offset)
    }
}

/// The gap lies in the tag before the sound.
private struct MPEGAudioTagJoins {
    /// Frames that must follow each other behind a tag.
    private static let framesLookedAt = 6
    /// Most borders of a tag that are tried.
    private static let mostSplits = 64

    private let search: JoinSearch
    private let input: WalkInput

    init(_ search: JoinSearch) {
        self.search = search
        input = WalkInput(search.reader)
    }

    func proposals() throws(WalkStop) -> [JoinProposal] {
        guard let end = try ID3Tag.length(input, at: 0), input.fits(0, end) else { return [] }
        let last = try ID3Tag.frames(input, at: 0, length: end).last
        let splits = JoinSearch.borders(from: last + 1, through: end + 3)
        guard splits.count <= Self.mostSplits else { return [] }
        for gap in JoinSearch.borders(from: 1, through: search.nearestGaps) {
            search.spend(16)
            guard try isSound(at: end + gap) else { continue }
            var fitting: [Int] = []
            for split in splits where split + gap < search.space.size {
                let joint = WalkInput(ByteReader(search.space.without(split..<split + gap), at: 0, window: 8 * 1024))
                defer { search.spend(joint.reader.bytesFetched) }
                if try ID3Tag.frames(joint, at: 0, length: end).isWhole { fitting.append(split) }
            }
            if !fitting.isEmpty { return [JoinProposal(gap: gap, splits: fitting)] }
        }
        return []
    }

    private func isSound(at start: Int) throws(WalkStop) -> Bool {
        guard input.fits(start, 4), let first = MPEGAudioFrame(try input.u32be(start)) else { return false }
        var at = start
        for _ in 0..<Self.framesLookedAt {
            guard input.fits(at, 4), let frame = MPEGAudioFrame(try input.u32be(at)), frame.continues(first) else {
                return false
            }
            at += frame.length
        }
        return true
    }
}
