internal import EvidenceModel
internal import SourceMedia

/// A format whose own checks can prove that two pieces of a medium are one file.
///
/// The walker proposes where the first piece may end and how far away the second may begin; each proposal is tried by
/// walking the joined pieces, and only a walk that proves the content is believed.
protocol JoinProvingWalker: FormatWalker {
    /// Tries what is plausible, in a fixed order, until ``JoinSearch/isOver``.
    func searchJoin(_ search: JoinSearch) throws(ReadFailure)
    /// How far behind the place where a file breaks its first piece may end, in bytes.
    var reachBehindBreak: Int { get }
    /// True when the search is made once more without all text and unused space between the pieces.
    var searchesBare: Bool { get }
}

extension JoinProvingWalker {
    var reachBehindBreak: Int { 1 << 20 }
    var searchesBare: Bool { true }
}

/// A gap, and the places where the first piece may end before it.
struct JoinProposal {
    var gap: Int
    var splits: [Int]
}

/// A format without checksums whose structure ties each part of a file to the others.
///
/// Every proposal is tried, and the pieces are believed only when all that the walker accepts have the same content.
protocol JoinTyingWalker: FormatWalker {
    /// What may be joined: with the split that is true, splits beside it are among the proposals.
    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal]
    /// True when whole files need not state where they end: then a longer one is joined without being believed more.
    var continuesWithoutEnd: Bool { get }
    /// True when the first of the proposed gaps fits best by what the file itself says: then it is chosen among several
    /// that the walker accepts, though not believed.
    var ranksGaps: Bool { get }
    /// True when the format says something of the content behind a gap, such as its sizes or checksums; false where parts
    /// of another file that are as large would do as well.
    var tiesContent: Bool { get }
    /// True when leaving out blocks that are foreign to the format ties the pieces: false where other borders would do as
    /// well.
    var tiesForeignRuns: Bool { get }
    /// How far behind the place where a file breaks its first piece may end, in bytes; nil when later pieces are not
    /// looked for before the first one, because too little would tell them.
    var tiedReachBehindBreak: Int? { get }
}

extension JoinTyingWalker {
    var continuesWithoutEnd: Bool { false }
    var ranksGaps: Bool { false }
    var tiesContent: Bool { true }
    var tiesForeignRuns: Bool { true }
    var tiedReachBehindBreak: Int? { nil }
}

/// A file whose pieces were found.
struct JoinedFile: Sendable {
    var file: WalkedFile
    /// Where its pieces lie, in the order of the file.
    var extents: [Extent]
}

/// Two pieces that hold together further than the first one alone, but do not make the whole file.
struct PartialJoin {
    var split: Int
    var gap: Int
    /// Bytes that the walker believes of the joined pieces.
    var prefix: Int
}

/// The work that the search for one file's pieces has done, and how much it may do. Owned by one thread.
final class JoinWork {
    /// Bytes read and inflated so far.
    private(set) var cost = 0
    let most: Int
    /// True when a named limit ended the search.
    var isExhausted: Bool { cost > most }

    init(most: Int) { self.most = most }

    func spend(_ bytes: Int) { cost += bytes }
}

/// The search for the next piece of one broken file. Owned by one thread.
///
/// Offsets are those of the free space that begins where the file does. A proposal names the first piece by its length
/// and the second one by the gap between them.
final class JoinSearch {
    /// Bytes that are fetched at a time where joined pieces are walked: many walks read little.
    private static let window = 8 * 1024

    let walker: any FormatWalker
    let space: FreeSpace
    /// Reads the free space, gaps and all.
    let reader: ByteReader
    /// Bytes that the walker believed when it walked on without a join.
    let prefix: Int
    /// True when the prefix may be the whole file.
    let isUncertain: Bool
    /// True when what lies before the file on the medium is looked at behind its first piece.
    let isTurned: Bool
    let limits: CarveLimits
    let work: JoinWork

    private(set) var joined: JoinedFile?
    /// The join that ``joined`` came of.
    private(set) var kept: PartialJoin?
    /// True when different contents fit the structure.
    private(set) var isAmbiguous = false
    /// What came furthest without being whole, the furthest first.
    private(set) var partials: [PartialJoin] = []
    /// Bytes read so far.
    var cost: Int { work.cost }
    /// True when a named limit ended the search.
    var isExhausted: Bool { work.isExhausted }
    /// Largest gap that is tried where every one must be.
    var nearestGaps: Int { isTurned ? limits.farJoinGap : limits.nearJoinGap }
    /// True when there is nothing more to look for.
    var isOver: Bool { joined != nil || isExhausted }

    init(
        walker: any FormatWalker, space: FreeSpace, prefix: Int, isUncertain: Bool = false, isTurned: Bool = false,
        limits: CarveLimits, work: JoinWork
    ) {
        self.isTurned = isTurned
        self.walker = walker
        self.space = space
        self.reader = ByteReader(space, at: 0)
        self.prefix = prefix
        self.isUncertain = isUncertain
        self.limits = limits
        self.work = work
    }

    /// Notes work that was done outside of ``attempt(split:gap:)``.
    func spend(_ bytes: Int) { work.spend(bytes) }

    /// Bytes that one walk costs at least: what it sets up.
    private static let leastCost = 4096

    /// The joined pieces, for a walk whose cost is counted by ``count(_:)``.
    func joint(split: Int, gap: Int) -> ByteReader {
        ByteReader(space.without(split..<split + gap), at: 0, window: Self.window)
    }

    func count(_ joint: ByteReader) {
        work.spend(Self.leastCost + joint.bytesFetched + joint.bytesInflated)
    }

    /// Walks the free space without a gap: whole files between the pieces are already left out of it.
    func attemptWithoutGap() throws(ReadFailure) {
        let whole = ByteReader(space, at: 0)
        defer { count(whole) }
        guard case .complete(let file) = try walker.walk(whole), file.length <= whole.count,
            file.confidence == .proven || file.confidence == .structural || file.isUncertain
        else { return }
        // Content that the format spreads over its own pages never holds a whole file in one piece.
        let leavesOut = walker is any JoinTyingWalker && space.places(of: 0..<file.length).count > 1
        guard let file = try guess(file, whole, bringsTogether: leavesOut) else { return }
        keep(file, split: file.length, gap: 0)
    }

    /// A joined file, believed as far as the format goes; nil when the pieces' lying together is as likely.
    ///
    /// - Parameter bringsTogether: true when a whole file lay between the pieces that cannot be part of this one.
    private func guess(
        _ file: WalkedFile, _ joint: ByteReader, bringsTogether: Bool = false
    ) throws(ReadFailure) -> WalkedFile? {
        var file = try EndEvidence.judged(file, joint)
        let isTied = (walker as? any JoinTyingWalker)?.tiesForeignRuns == true && !isAmbiguous && !file.isUncertain
        if file.confidence == .proven || isTied { return file }
        guard !isUncertain || !file.isUncertain || bringsTogether else { return nil }
        file.confidence = .header
        return file
    }

    /// Walks the pieces on both sides of each run; keeps a file when no other run gives a different one.
    ///
    /// - Parameter atMost: the confidence of a file that no checksum proves.
    func attemptRuns(
        _ runs: [ForeignRuns.Proposal], atMost: Confidence = .structural
    ) throws(ReadFailure) {
        var accepted: (file: WalkedFile, split: Int, gap: Int, checksum: UInt32)?
        let most = cost + limits.guessWork
        for run in runs where run.split > 0 && run.gap > 0 && run.split + run.gap < space.size {
            // What was not tried might have fitted as well; what fits best was tried first.
            guard cost < most else { break }
            let (split, gap) = (run.split, run.gap)
            let joint = self.joint(split: split, gap: gap)
            defer { count(joint) }
            guard case .complete(var file) = try walker.walk(joint), file.length > split, file.length <= joint.count,
                file.confidence == .structural || file.confidence == .proven || file.isUncertain || run.isSure
            else { continue }
            if file.confidence == .proven {
                keep(try EndEvidence.judged(file, joint), split: split, gap: gap)
                return
            }
            let checksum = try joint.crc32(of: 0..<file.length)
            if let accepted, accepted.checksum != checksum || accepted.file.length != file.length {
                isAmbiguous = true
                return
            }
            guard accepted == nil else { continue }
            if run.isSure {
                file.confidence = .header
                accepted = (file, split, gap, checksum)
            } else if var file = try guess(file, joint) {
                if atMost == .header { file.confidence = .header }
                accepted = (file, split, gap, checksum)
            }
        }
        if let accepted { keep(accepted.file, split: accepted.split, gap: accepted.gap) }
    }

    /// Walks the free space without all that cannot belong to the file.
    func attempt(without runs: [Range<Int>]) throws(ReadFailure) {
        guard !isOver, let bare = space.without(runs) else { return }
        let bareSearch = JoinSearch(
            walker: walker, space: bare, prefix: prefix, isUncertain: isUncertain, limits: limits, work: work)
        try bareSearch.attemptWithoutGap()
        joined = bareSearch.joined
    }

    /// Walks two pieces as one file; keeps the file when its checks prove the whole of it.
    ///
    /// - Parameters:
    ///   - atMost: the confidence of the joined file, where something else than the format's checks led to it.
    ///   - warning: what speaks against the join.
    @discardableResult
    func attempt(
        split: Int, gap: Int, atMost: Confidence = .proven, warning: String? = nil
    ) throws(ReadFailure) -> Bool {
        guard split > 0, split % FreeSpace.block == 0, gap > 0, gap % FreeSpace.block == 0,
            split + gap < space.size, !isOver
        else { return false }
        let joint = self.joint(split: split, gap: gap)
        defer { count(joint) }
        switch try walker.walk(joint) {
        case .complete(var file):
            guard file.confidence == .proven || (atMost != .proven && file.confidence == .structural),
                file.length > split, file.length <= joint.count
            else { return false }
            let isProven = file.confidence == .proven
            file = try EndEvidence.judged(file, joint)
            if atMost != .proven {
                if file.confidence != .header { file.confidence = atMost }
                if let warning { file.warnings.append(warning) }
            } else if isProven, try hasTwin(joint, length: file.length, split: split, gap: gap) {
                file.confidence = .header
                file.warnings.append("other borders of its pieces hold as well: its content repeats itself there")
            }
            keep(file, split: split, gap: gap)
            return true
        case .broken(let file, _):
            note(PartialJoin(split: split, gap: gap, prefix: min(file.length, joint.count)))
            return false
        case .rejected: return false
        }
    }

    /// Blocks on each side of a split that are looked at for another one.
    private static let twinBlocks = 8
    /// Values that occur in a block whose compressed data may say the same in another way.
    private static let fewValues = 48

    /// True when another split beside this one is proven as well and gives other bytes.
    ///
    /// Compressed data that repeat themselves can be exchanged for their like without a change to what they decode to, so
    /// no checksum over it would show. Data of many values cannot.
    private func hasTwin(
        _ joint: ByteReader, length: Int, split: Int, gap: Int
    ) throws(ReadFailure) -> Bool {
        let block = FreeSpace.block
        var checksum: UInt32?
        for step in [-block, block] {
            var at = split
            for _ in 0..<Self.twinBlocks {
                let part = step < 0 ? at - block..<at : at..<at + block
                guard part.lowerBound > 0, part.upperBound <= min(length, joint.count),
                    Set(try joint.bytes(at: part.lowerBound, count: block)).count <= Self.fewValues
                else { break }
                at += step
                guard at > 0, at + gap < space.size, !isExhausted else { break }
                let other = self.joint(split: at, gap: gap)
                defer { count(other) }
                guard case .complete(let twin) = try walker.walk(other), twin.confidence == .proven,
                    twin.length <= other.count
                else { continue }
                if twin.length != length { return true }
                if checksum == nil { checksum = try joint.crc32(of: 0..<length) }
                let own = checksum
                if try other.crc32(of: 0..<length) != own { return true }
            }
        }
        return false
    }

    /// Keeps a join that comes further than the file did, among the furthest ones.
    func note(_ partial: PartialJoin) {
        // Where not every byte is checked, the same prefix may be different content.
        let splitsDiffer = (walker as? any JoinTyingWalker)?.ranksGaps == true
        guard partial.prefix > max(partial.split, prefix),
            // The same content, cut at another border.
            !partials.contains(where: { same in
                same.gap == partial.gap && same.prefix == partial.prefix
                    && (!splitsDiffer || same.split == partial.split)
            })
        else { return }
        let place = partials.firstIndex { $0.prefix < partial.prefix } ?? partials.count
        partials.insert(partial, at: place)
        if partials.count > limits.joinBranches + (splitsDiffer ? 1 : 0) { partials.removeLast() }
    }

    /// A join that a walker accepts.
    private struct Accepted {
        var file: WalkedFile
        var split: Int
        var gap: Int
        var checksum: UInt32
    }

    /// Most different contents that are compared.
    private static let mostAccepted = 64

    /// Walks every proposal; keeps a file when nothing else fits the structure, or what fits best.
    func attemptAll(_ walker: any JoinTyingWalker, _ proposals: [JoinProposal]) throws(ReadFailure) {
        // A file that is whole as far as its structure goes is tied to nothing by leaving something out of it.
        guard !isUncertain else { return }
        var accepted: [Accepted] = []
        search: for proposal in proposals {
            let gap = proposal.gap
            for split in proposal.splits where split > 0 && gap > 0 && split + gap < space.size {
                // What was not tried might have fitted as well.
                guard !isExhausted else { return }
                let joint = self.joint(split: split, gap: gap)
                defer { count(joint) }
                switch try walker.walk(joint) {
                case .broken(let file, _):
                    note(PartialJoin(split: split, gap: gap, prefix: min(file.length, joint.count)))
                case .complete(let file):
                    guard file.length > split, file.length <= joint.count,
                        file.confidence == .structural || file.confidence == .proven
                            || walker.continuesWithoutEnd && file.length > prefix
                    else { continue }
                    let checksum = try joint.crc32(of: 0..<file.length)
                    guard
                        !accepted.contains(where: { $0.checksum == checksum && $0.file.length == file.length })
                    else { continue }
                    if let first = accepted.first {
                        isAmbiguous = true
                        guard walker.ranksGaps else { return }
                        if first.gap != gap || accepted.count == Self.mostAccepted { break search }
                    }
                    let judged = try EndEvidence.judged(file, joint)
                    accepted.append(Accepted(file: judged, split: split, gap: gap, checksum: checksum))
                case .rejected: break
                }
            }
        }
        guard isAmbiguous else {
            guard var only = accepted.first else { return }
            if !walker.tiesContent, only.file.confidence == .structural {
                only.file.confidence = .header
                only.file.warnings.append("parts of another file of the same kind would fit as well")
            }
            keep(only.file, split: only.split, gap: only.gap)
            return
        }
        guard var best = try mostPlausible(accepted, foreign: walker.foreign) else { return }
        best.file.confidence = .header
        best.file.warnings.append(
            "other borders of its pieces fit the structure as well; these leave out what is least like it")
        keep(best.file, split: best.split, gap: best.gap)
    }

    /// The join that leaves out the most blocks of one foreign kind, or those most like the rest of what is left out,
    /// where several leave out as much at borders that nothing checks; nil when two are as good.
    private func mostPlausible(_ accepted: [Accepted], foreign: BlockKind) throws(ReadFailure) -> Accepted? {
        let block = FreeSpace.block
        let splits = accepted.map(\.split)
        guard let low = splits.min(), let high = splits.max(), let gap = accepted.first?.gap,
            high + gap <= reader.count
        else { return nil }
        guard low < high else { return accepted.first }
        var blocks: [[UInt8]] = []
        for at in stride(from: low, to: high + gap, by: block) {
            work.spend(block)
            blocks.append(try reader.bytes(at: at, count: block))
        }
        let kinds = blocks.map { BlockKind(of: $0).intersection(foreign) }
        let alike = GapLikeness(blocks, shared: min((high - low) / block, gap / block)..<gap / block)
        let judged = accepted.map { join in
            let part = (join.split - low) / block..<(join.split - low + gap) / block
            var counts: [UInt8: Int] = [:]
            for kind in kinds[part] where !kind.isEmpty { counts[kind.rawValue, default: 0] += 1 }
            return (join: join, foreign: counts.values.max() ?? 0, alike: alike.sum(of: part))
        }.sorted { ($0.foreign, $0.alike) > ($1.foreign, $1.alike) }
        guard let best = judged.first, judged.count > 1 else { return nil }
        let isClear = best.foreign > judged[1].foreign || best.alike > judged[1].alike + GapLikeness.margin
        return isClear ? best.join : nil
    }

    /// Some bytes of the joined pieces; nil when the free space ends before them.
    func bytes(at offset: Int, count: Int, split: Int, gap: Int) throws(ReadFailure) -> [UInt8]? {
        guard offset + count + gap <= reader.count else { return nil }
        work.spend(count)
        let first = max(0, min(count, split - offset))
        let head = try reader.bytes(at: offset, count: first)
        return try head + reader.bytes(at: offset + first + gap, count: count - first)
    }

    func keep(_ file: WalkedFile, split: Int, gap: Int) {
        var extents: [Extent] = []
        let second = split + gap..<split + gap + file.length - split
        for place in space.places(of: 0..<split) + space.places(of: second) {
            if let last = extents.last, last.end == place.offset {
                extents[extents.count - 1] = Extent(offset: last.offset, length: last.length + place.length)
            } else {
                extents.append(place)
            }
        }
        guard extents.count > 1 else { return }
        joined = JoinedFile(file: file, extents: extents)
        kept = PartialJoin(split: split, gap: gap, prefix: file.length)
    }

    /// The block borders in a range, which may be empty or turned round.
    static func borders(from low: Int, through high: Int) -> [Int] {
        let first = max(FreeSpace.block, (low + FreeSpace.block - 1) / FreeSpace.block * FreeSpace.block)
        guard first <= high else { return [] }
        return Array(stride(from: first, through: high, by: FreeSpace.block))
    }
}

/// How much each block of a gap is like the part of it that every proposal leaves out, by the bytes that occur in it.
private struct GapLikeness {
    /// Thousandths by which the sum must be larger to tell anything.
    static let margin = 30

    /// For each block, in thousandths: the cosine of its counts of bytes and those of the shared part.
    private let likeness: [Int]

    init(_ blocks: [[UInt8]], shared: Range<Int>) {
        func counts(_ blocks: ArraySlice<[UInt8]>) -> [Double] {
            var counts = [Double](repeating: 0, count: 256)
            for block in blocks { for byte in block { counts[Int(byte)] += 1 } }
            return counts
        }
        func product(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }
        let whole = counts(shared.isEmpty ? [] : blocks[shared])
        likeness = blocks.indices.map { index in
            let own = counts(blocks[index...index])
            let norm = (product(own, own) * product(whole, whole)).squareRoot()
            return norm > 0 ? Int(1000 * product(own, whole) / norm) : 0
        }
    }

    func sum(of part: Range<Int>) -> Int { likeness[part].reduce(0, +) }
}
