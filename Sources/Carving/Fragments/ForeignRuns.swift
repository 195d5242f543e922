/// A format whose fixed structure tells how large a gap is, although nothing tells where it lies.
protocol GapTellingWalker: FormatWalker {
    /// Gaps behind which a part stands that the file states the place of, and where that part ends with the gap.
    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int)
}

/// Joins for every format: what lies between two pieces is often of another kind than the file itself.
///
/// A run of blocks that are all text, or all one byte, or all as dense as random data, is proposed as the gap. The
/// walker decides whether what is left is a file; when it accepts several, with different contents, none is believed.
struct ForeignRuns {
    /// Most runs that are left out together: more are the file's own.
    private static let mostRuns = 3
    /// Most blocks that are looked at.
    private static let mostBlocks = 8192

    /// Blocks of one kind that follow each other.
    struct Run {
        var kind: BlockKind
        var range: Range<Int>
        /// True when it is text that file formats embed.
        var isMarkup = false
    }

    /// What is tried as the gap.
    struct Proposal {
        var split: Int
        var gap: Int
        /// True when nothing else in the file is as foreign to it.
        var isSure = false
    }

    let search: JoinSearch
    /// Kinds that the file's own content is not made of.
    let foreign: BlockKind
    /// True when the file is whole as it stands, but not all of it holds.
    let isWhole: Bool

    /// Tries every run, the one nearest to where the file breaks first.
    func run() throws(ReadFailure) {
        guard !foreign.isEmpty || search.walker is any GapTellingWalker else { return }
        let near = search.limits.nearJoinGap
        let place = search.prefix
        if let walker = search.walker as? any GapTellingWalker {
            let (gaps, end) = try walker.tellGaps(search)
            if !gaps.isEmpty { try attempt(gaps, before: end) }
            if search.isOver || search.isAmbiguous { return }
        }
        // The gap begins before the place at which the file no longer makes sense.
        let runs = try runs(upTo: place + FreeSpace.block + (isWhole ? 0 : near))
        let sure = runs.filter { run in
            // What begins in the file and ends behind it may be the file's own end, unless it is text.
            isSure(run) && (run.range.upperBound <= place || run.kind == .text && run.range.lowerBound < place)
        }
        var proposals = runs.filter { $0.range.count <= near }.map { run in
            Proposal(
                split: run.range.lowerBound, gap: run.range.count,
                isSure: isWhole && sure.count == 1 && sure[0].range == run.range)
        }
        func distance(_ proposal: Proposal) -> Int { abs(proposal.split - place) }
        proposals.sort { (distance($0), $0.split) < (distance($1), $1.split) }
        try search.attemptRuns(proposals)
        if !search.isAmbiguous, !isWhole, runs.count <= Self.mostRuns {
            try search.attempt(without: runs.map(\.range))
        }
    }

    /// Tries runs that are as long as the gap is known to be, or hold as much.
    private func attempt(_ gaps: [Int], before end: Int) throws(ReadFailure) {
        let kinds: BlockKind = foreign.isEmpty ? [.text, .uniform, .dense] : foreign
        let runs = try ForeignRuns(search: search, foreign: kinds, isWhole: isWhole).runs(upTo: end)
        var exact: [Proposal] = []
        var longer: [Proposal] = []
        for run in runs {
            for gap in gaps {
                if run.range.count == gap {
                    exact.append(Proposal(split: run.range.lowerBound, gap: gap))
                } else if run.range.count > gap {
                    longer.append(Proposal(split: run.range.lowerBound, gap: gap))
                    longer.append(Proposal(split: run.range.upperBound - gap, gap: gap))
                }
            }
        }
        try search.attemptRuns(exact)
        if !search.isOver, !search.isAmbiguous { try search.attemptRuns(longer) }
    }

    /// True when the file's format never has a block of this kind inside.
    private func isSure(_ run: Run) -> Bool {
        // Where dense blocks are foreign, unused space seldom is.
        if run.kind == .uniform { return !foreign.contains(.dense) && !(search.walker is RIFFWalker) }
        return !run.isMarkup
    }

    /// The runs that begin before a place, ascending.
    func runs(upTo reach: Int) throws(ReadFailure) -> [Run] {
        let block = FreeSpace.block
        var runs: [Run] = []
        var open: Run?
        let end = search.reader.count / block
        let last = min(min(end, reach / block), Self.mostBlocks)
        for index in 1..<max(1, end) {
            // A run that begins before the reach is followed to its own end.
            guard index < last || open != nil && index < last + search.limits.nearJoinGap / block else { break }
            search.spend(block)
            let at = index * block
            let (kind, isMarkup) = try search.reader.withBytes(at: at, count: block) { bytes in
                let kind = BlockKind(of: bytes, among: foreign)
                return (kind, kind == .text && bytes.contains(UInt8(ascii: "<")))
            }
            if let current = open, current.kind != kind {
                runs.append(current)
                open = nil
            }
            guard !kind.isEmpty, index < last || open != nil else { continue }
            if let current = open {
                open = Run(
                    kind: kind, range: current.range.lowerBound..<at + block, isMarkup: current.isMarkup || isMarkup)
            } else {
                open = Run(kind: kind, range: at..<at + block, isMarkup: isMarkup)
            }
        }
        if let open { runs.append(open) }
        return runs
    }
}
