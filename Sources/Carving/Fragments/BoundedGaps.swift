internal import EvidenceModel

/// A format whose structure tells how large a gap is, and between which borders it lies.
protocol GapBoundingWalker: FormatWalker {
    /// What the next gap can be, the likeliest first; where the file has several gaps, only the first one counts.
    func boundGaps(_ search: JoinSearch) throws(ReadFailure) -> [BoundedGap]
    /// How far behind the place where a file breaks its first piece may end, in bytes; nil when later pieces are not
    /// looked for before the first one.
    var boundedReachBehindBreak: Int? { get }
}

extension GapBoundingWalker {
    var boundedReachBehindBreak: Int? { nil }
}

/// A gap of known size, and the places where the first piece may end before it.
struct BoundedGap {
    var gap: Int
    var splits: [Int]
    /// True when the size itself is a guess: then nothing that is joined by it is believed more than a header.
    var isGuess = false
    /// True when a checksum holds over each of the splits.
    var isTied = false
    /// True when a file of which something does not hold is accepted as well.
    var acceptsDoubt = false
}

/// Joins pieces by what the structure tells about the gaps between them, one gap after the other.
///
/// Every border between which a gap can lie is tried. When the walker accepts a single content, and a checksum or a chain
/// of records goes over the border, the structure ties the pieces; of several, those count in which most of the content
/// recognises itself, and of these the one that leaves out what is least like the rest of the file is given, with
/// confidence `header`.
struct BoundedGapSearch {
    /// Most pieces of one file that are joined so.
    private static let mostPieces = 3

    let limits: CarveLimits

    func run(_ search: JoinSearch, pieces: Int = 2) throws(ReadFailure) -> JoinedFile? {
        guard let walker = search.walker as? any GapBoundingWalker else { return nil }
        var told: [BoundedGap] = []
        do throws(ReadFailure) { told = try walker.boundGaps(search) } catch {
            if case .medium = error { throw error }
        }
        try search.attempt(told)
        if var joined = search.joined {
            // A join on the way was one of several.
            if pieces > 2, joined.file.confidence == .structural { joined.file.confidence = .header }
            return joined
        }
        // Out of order, too much can be the next piece to go on from a guess.
        guard !search.isTurned else { return nil }
        guard pieces < Self.mostPieces else { return nil }
        for bounded in told.prefix(limits.joinBranches) where !search.isExhausted {
            let splits = bounded.splits.filter { $0 + bounded.gap < search.space.size }
            guard let split = try search.likeliest(of: splits, gap: bounded.gap) else { continue }
            let space = search.space.without(split..<split + bounded.gap)
            let reader = ByteReader(space, at: 0)
            let prefix: Int
            switch try walker.walk(reader) {
            case .complete(let file), .broken(let file, _): prefix = min(file.length, reader.count)
            case .rejected: continue
            }
            search.count(reader)
            let next = JoinSearch(
                walker: walker, space: space, prefix: prefix, isTurned: search.isTurned, limits: limits,
                work: search.work)
            if let joined = try run(next, pieces: pieces + 1) { return joined }
        }
        return nil
    }
}

/// A content that a walker accepts.
private struct AcceptedSplit {
    var file: WalkedFile
    var split: Int
    var bounded: BoundedGap
    var checksum: UInt32

    /// True when the walker finds nothing against it.
    var isSound: Bool { file.confidence == .structural || file.confidence == .proven }

    /// True when a checksum or a chain of records goes over the border between the pieces.
    var isTied: Bool {
        bounded.isTied || file.ties.contains { $0.lowerBound < split && split < $0.upperBound }
    }
}

extension JoinSearch {
    /// Walks every split of gaps of known size; keeps the only content that is accepted, or the likeliest.
    func attempt(_ told: [BoundedGap]) throws(ReadFailure) {
        var accepted: [AcceptedSplit] = []
        for bounded in told { try walk(bounded, into: &accepted) }
        // What was not tried might have fitted as well.
        guard !isExhausted, let first = accepted.first else { return }
        // What contradicts itself does not count beside what does not.
        if accepted.contains(where: \.isSound) { accepted.removeAll { !$0.isSound } }
        if accepted.count == 1 {
            let only = accepted[0]
            if only.file.confidence == .proven, !only.bounded.isGuess {
                try attempt(split: only.split, gap: only.bounded.gap)
                return
            }
            var file = try EndEvidence.judged(
                only.file, joint(split: only.split, gap: only.bounded.gap))
            if only.bounded.isGuess || !only.isTied { file.confidence = .header }
            keep(file, split: only.split, gap: only.bounded.gap)
            return
        }
        // The nearest gap that gives anything.
        let gap = accepted.first?.bounded.gap ?? first.bounded.gap
        accepted.removeAll { $0.bounded.gap != gap }
        let most = accepted.map(\.file.recognised).max() ?? 0
        accepted.removeAll { $0.file.recognised < most }
        guard let split = try likeliest(of: accepted.map(\.split), gap: gap),
            var best = accepted.first(where: { $0.split == split })?.file
        else { return }
        best.confidence = .header
        best.warnings.append(
            "other borders of its pieces fit the structure as well; these leave out what is least like it")
        keep(best, split: split, gap: gap)
    }

    private func walk(_ bounded: BoundedGap, into accepted: inout [AcceptedSplit]) throws(ReadFailure) {
        let gap = bounded.gap
        for split in bounded.splits where split > 0 && gap > 0 && split + gap < space.size && !isExhausted {
            let joint = self.joint(split: split, gap: gap)
            defer { count(joint) }
            guard case .complete(let file) = try walker.walk(joint), file.length > split, file.length <= joint.count
            else { continue }
            let next = AcceptedSplit(
                file: file, split: split, bounded: bounded, checksum: try joint.crc32(of: 0..<file.length))
            guard next.isSound || file.isUncertain || bounded.acceptsDoubt,
                !accepted.contains(where: { $0.checksum == next.checksum && $0.file.length == file.length })
            else { continue }
            accepted.append(next)
        }
    }

    /// The split that leaves out what is least like the rest; nil when none is.
    func likeliest(of splits: [Int], gap: Int) throws(ReadFailure) -> Int? {
        guard splits.count > 1 else { return splits.first }
        // A run of blocks of one kind that is as long as the gap is known to be.
        if gap <= limits.nearJoinGap {
            let runs = try ForeignRuns(search: self, foreign: [.text, .uniform, .dense], isWhole: false)
                .runs(upTo: (splits.last ?? 0) + gap + FreeSpace.block)
            let exact = runs.filter { $0.range.count == gap && splits.contains($0.range.lowerBound) }
            if exact.count == 1 { return exact[0].range.lowerBound }
        }
        return try GapNovelty(self, splits: splits, gap: gap)?.best
    }
}
