/// Where a chain of parts, each of which says where the next one begins, goes wrong.
struct ChainBreak {
    /// Where the last part begins that stands in its place: the gap lies in it.
    var last: Int
    /// Where the next one must begin.
    var next: Int
    /// Where the chain ends by what stands above it; nil when nothing says so.
    var end: Int?
}

/// A format whose parts follow each other: where they go on behind a gap tells how large it is, and the part in which the
/// chain goes wrong bounds the split.
///
/// What is in a part is not checked, so that mostly several borders fit: then the best is believed as far as `header`.
protocol ChainedWalker: JoinTyingWalker, GapTellingWalker {
    /// Where the file's chain goes wrong; nil when it has none, or too little of one.
    func findBreak(_ input: WalkInput) throws(WalkStop) -> ChainBreak?
    /// True when the chain goes on at `place`, which lies `gap` bytes further back than it should.
    func goesOn(_ input: WalkInput, at place: Int, gap: Int, _ chain: ChainBreak) throws(WalkStop) -> Bool
}

extension ChainedWalker {
    var ranksGaps: Bool { true }
    var tiesForeignRuns: Bool { false }
    var tiedReachBehindBreak: Int? { 64 * 1024 }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        guard let (gap, chain) = try told(search) else { return [] }
        let splits = JoinSearch.borders(from: chain.last + 1, through: chain.next + 3)
        return splits.count <= ChainLimit.mostSplits ? [JoinProposal(gap: gap, splits: splits)] : []
    }

    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int) {
        guard let (gap, chain) = try told(search) else { return ([], 0) }
        return ([gap], chain.next + gap)
    }

    private func told(_ search: JoinSearch) throws(ReadFailure) -> (gap: Int, chain: ChainBreak)? {
        let input = WalkInput(search.reader)
        do throws(WalkStop) {
            guard let chain = try findBreak(input) else { return nil }
            for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) where !search.isExhausted {
                search.spend(16)
                guard input.fits(chain.next + gap, 1) else { break }
                if try goesOn(input, at: chain.next + gap, gap: gap, chain) { return (gap, chain) }
            }
        } catch {
            if case .failed(let failure) = error { throw failure }
        }
        return nil
    }
}

private enum ChainLimit {
    /// Most borders in one part that are tried.
    static let mostSplits = 64
}

/// Tags of Flash video repeat their size behind them.
extension FlashVideoWalker: ChainedWalker {
    var tiesContent: Bool { false }
    private static let tagsLookedAt = 3

    func findBreak(_ input: WalkInput) throws(WalkStop) -> ChainBreak? {
        var at = 13
        while let next = try FlashVideoTag.end(input, at: at), try FlashVideoTag.repeats(input, at: at, to: next) {
            at = next
        }
        guard let next = try FlashVideoTag.end(input, at: at) else { return nil }
        return ChainBreak(last: at, next: next)
    }

    func goesOn(_ input: WalkInput, at place: Int, gap: Int, _ chain: ChainBreak) throws(WalkStop) -> Bool {
        guard input.fits(place - 4, 4), try input.u32be(place - 4) == chain.next - 4 - chain.last else { return false }
        var at = place
        for _ in 0..<Self.tagsLookedAt {
            guard let next = try FlashVideoTag.end(input, at: at), try FlashVideoTag.repeats(input, at: at, to: next)
            else { return false }
            at = next
        }
        return true
    }
}

private enum FlashVideoTag {
    /// First byte behind the tag at an offset and the size that is repeated behind it; nil when none stands there.
    static func end(_ input: WalkInput, at: Int) throws(WalkStop) -> Int? {
        guard input.fits(at, 11), try [8, 9, 18].contains(input.u8(at)), try input.u24be(at + 8) == 0 else {
            return nil
        }
        return at + 15 + (try input.u24be(at + 1))
    }

    static func repeats(_ input: WalkInput, at: Int, to next: Int) throws(WalkStop) -> Bool {
        guard input.fits(next - 4, 4) else { return false }
        return try input.u32be(next - 4) == next - 4 - at
    }
}

/// Packets of Windows Media are of one size and begin alike.
extension AdvancedSystemsWalker: ChainedWalker {
    var tiesContent: Bool { false }
    private static let packetsLookedAt = 4

    func findBreak(_ input: WalkInput) throws(WalkStop) -> ChainBreak? {
        guard let grid = try ASFPackets(input) else { return nil }
        var at = grid.start
        while at < grid.end, try grid.isPacket(input, at: at) { at += grid.size }
        guard at > grid.start else { return nil }
        return ChainBreak(last: at - grid.size, next: at, end: grid.end)
    }

    func goesOn(_ input: WalkInput, at place: Int, gap: Int, _ chain: ChainBreak) throws(WalkStop) -> Bool {
        guard let end = chain.end else { return false }
        if chain.next == end { return try ASFPackets.isIndex(input, at: place) }
        let size = chain.next - chain.last
        for packet in 0..<Self.packetsLookedAt {
            let at = place + packet * size
            // The last packets have none behind them.
            if packet > 0, at - gap >= end { break }
            guard try ASFPackets.isPacket(input, at: at, like: chain.last) else { return false }
        }
        return true
    }
}

/// Chunks of an AVI's streams fill the list of its film; chunks follow the sound of a WAV.
extension RIFFWalker: ChainedWalker {
    private static let chunksLookedAt = 4

    func findBreak(_ input: WalkInput) throws(WalkStop) -> ChainBreak? {
        guard input.fits(0, 12), try input.tag(0) == "RIFF" else { return nil }
        let form = try input.tag(8)
        guard form == "AVI " || form == "WAVE" else { return nil }
        let end = try input.u32le(4) + 8
        var at = 12
        var last = 0
        var film: Int?
        while at < end, let next = try RIFFChunk.end(input, at: at) {
            if try input.tag(at) == "LIST", try input.tag(at + 8) == "movi" { film = at }
            last = at
            at = next
        }
        // Where all chunks are there, the gap is told by nothing.
        guard last > 0, at < end else { return nil }
        if let film, film == last {
            let filmEnd = at
            (at, last) = (film + 12, film)
            while at < filmEnd, try RIFFChunk.isOfStream(input, at: at), let next = try RIFFChunk.end(input, at: at) {
                (last, at) = (at, next)
            }
        }
        return ChainBreak(last: last, next: at, end: end)
    }

    func goesOn(_ input: WalkInput, at place: Int, gap: Int, _ chain: ChainBreak) throws(WalkStop) -> Bool {
        guard let end = chain.end else { return false }
        let isFilm = try input.tag(8) == "AVI "
        var at = place
        for _ in 0..<Self.chunksLookedAt {
            if at > place, at - gap >= end { return true }
            guard let next = try RIFFChunk.end(input, at: at), next - gap <= end + 1 else { return false }
            let type = try input.tag(at)
            if isFilm {
                let isOfStream = try RIFFChunk.isOfStream(input, at: at)
                guard isOfStream || RIFFChunk.behindFilm.contains(type) else { return false }
            } else {
                guard RIFFChunk.behindSound.contains(type) else { return false }
            }
            at = next
        }
        return true
    }
}

private enum RIFFChunk {
    static let behindFilm: Set<FourCC> = ["idx1", "JUNK", "LIST"]
    static let behindSound: Set<FourCC> = [
        "LIST", "id3 ", "ID3 ", "fact", "cue ", "bext", "_PMX", "iXML", "smpl", "inst", "JUNK", "PAD ", "FLLR", "afsp",
        "note", "plst", "acid", "C2PA",
    ]

    /// First byte behind the chunk at an offset and its pad byte; nil when none stands there.
    static func end(_ input: WalkInput, at: Int) throws(WalkStop) -> Int? {
        guard input.fits(at, 8), try input.tag(at).isPrintable else { return nil }
        let length = try input.u32le(at + 4)
        guard input.fits(at + 8, length) else { return nil }
        return at + 8 + length + length % 2
    }

    /// True when a chunk of a stream stands at an offset: its number and what it holds, an index, or a list of records.
    static func isOfStream(_ input: WalkInput, at: Int) throws(WalkStop) -> Bool {
        guard input.fits(at, 4) else { return false }
        let name = try input.bytes(at: at, count: 4)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        if digits.contains(name[0]), digits.contains(name[1]) {
            return ["dc", "db", "wb", "pc", "tx"].contains(String(decoding: name[2...], as: UTF8.self))
        }
        if name[0] == UInt8(ascii: "i"), name[1] == UInt8(ascii: "x") { return digits.contains(name[2]) }
        return name == Array("JUNK".utf8) || name == Array("LIST".utf8)
    }
}
