internal import EvidenceModel
internal import SourceMedia

/// A format whose own checks can prove that two pieces of a medium are one file.
///
/// The walker proposes where the first piece may end and how far away the second may begin; each proposal is tried by
/// walking the joined pieces, and only a walk that proves the content is believed.
protocol JoinProvingWalker: FormatWalker {
    /// Tries what is plausible, in a fixed order, until ``JoinSearch/isOver``.
    func searchJoin(_ search: JoinSearch) throws(ReadFailure)
}

/// A format without checksums whose structure ties each part of a file to the others.
///
/// Every proposal is tried, and the pieces are believed only when all that the walker accepts have the same content.
protocol JoinTyingWalker: FormatWalker {
    /// Where the first piece may end, and gaps that suit: with the split that is true, splits beside it are among them.
    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> (splits: [Int], gaps: [Int])
    /// True when whole files need not state where they end: then a longer one is joined without being believed more.
    var continuesWithoutEnd: Bool { get }
}

extension JoinTyingWalker {
    var continuesWithoutEnd: Bool { false }
}

/// A file whose pieces were found.
struct JoinedFile: Sendable {
    var file: WalkedFile
    /// Where its pieces lie, in the order of the file.
    var extents: [Extent]
}

/// The search for the second piece of one broken file. Owned by one thread.
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
    let limits: CarveLimits

    private(set) var joined: JoinedFile?
    /// Bytes read so far.
    private(set) var cost = 0
    /// True when a named limit ended the search.
    var isExhausted: Bool { cost > limits.joinWork }
    /// True when there is nothing more to look for.
    var isOver: Bool { joined != nil || isExhausted }

    init(
        walker: any FormatWalker, space: FreeSpace, prefix: Int, isUncertain: Bool = false, limits: CarveLimits
    ) {
        self.walker = walker
        self.space = space
        self.reader = ByteReader(space, at: 0)
        self.prefix = prefix
        self.isUncertain = isUncertain
        self.limits = limits
    }

    /// Notes work that was done outside of ``attempt(split:gap:)``.
    func spend(_ bytes: Int) { cost += bytes }

    /// Walks the free space without a gap: whole files between the pieces are already left out of it.
    func attemptWithoutGap() throws(ReadFailure) {
        let whole = ByteReader(space, at: 0)
        defer { cost += whole.bytesFetched }
        guard case .complete(let file) = try walker.walk(whole), file.length <= whole.count,
            file.confidence == .proven || file.confidence == .structural
        else { return }
        guard let file = try guess(file, whole) else { return }
        keep(file, split: file.length, gap: 0)
    }

    /// A joined file, believed as far as the format goes; nil when the pieces' lying together is as likely.
    private func guess(_ file: WalkedFile, _ joint: ByteReader) throws(ReadFailure) -> WalkedFile? {
        if file.confidence == .proven || walker is any JoinTyingWalker { return file }
        var file = try EndEvidence.judged(file, joint)
        guard !isUncertain || !file.isUncertain else { return nil }
        file.confidence = .header
        return file
    }

    /// Walks the pieces on both sides of each run; keeps a file when no other run gives a different one.
    func attemptRuns(_ runs: [(start: Int, length: Int)]) throws(ReadFailure) {
        var accepted: (file: WalkedFile, split: Int, gap: Int, checksum: UInt32)?
        let most = cost + limits.guessWork
        for (split, gap) in runs where split + gap < space.size {
            // What was not tried might have fitted as well; what fits best was tried first.
            guard cost < most else { break }
            let joint = ByteReader(source(split: split, gap: gap), at: 0, window: Self.window)
            defer { cost += joint.bytesFetched }
            guard case .complete(let file) = try walker.walk(joint), file.length > split, file.length <= joint.count,
                file.confidence == .structural || file.confidence == .proven
            else { continue }
            if file.confidence == .proven {
                keep(file, split: split, gap: gap)
                return
            }
            let checksum = try joint.crc32(of: 0..<file.length)
            if let accepted, accepted.checksum != checksum || accepted.file.length != file.length { return }
            if accepted == nil, let file = try guess(file, joint) { accepted = (file, split, gap, checksum) }
        }
        if let accepted { keep(accepted.file, split: accepted.split, gap: accepted.gap) }
    }

    /// Walks two pieces as one file; keeps the file when its checks prove the whole of it.
    @discardableResult
    func attempt(split: Int, gap: Int) throws(ReadFailure) -> Bool {
        guard split > 0, split % FreeSpace.block == 0, gap > 0, gap % FreeSpace.block == 0,
            split + gap < space.size, !isOver
        else { return false }
        let joint = ByteReader(source(split: split, gap: gap), at: 0, window: Self.window)
        defer { cost += joint.bytesFetched }
        guard case .complete(let file) = try walker.walk(joint), file.confidence == .proven, file.length > split,
            file.length <= joint.count
        else { return false }
        keep(file, split: split, gap: gap)
        return true
    }

    /// Walks every combination; keeps a file when nothing else fits the structure.
    func attemptAll(
        _ walker: any JoinTyingWalker, splits: [Int], gaps: [Int]
    ) throws(ReadFailure) {
        var accepted: [(file: WalkedFile, split: Int, gap: Int, checksum: UInt32)] = []
        for gap in gaps {
            for split in splits where split > 0 && gap > 0 && split + gap < space.size {
                // What was not tried might have fitted as well.
                guard !isExhausted else { return }
                let joint = ByteReader(source(split: split, gap: gap), at: 0, window: Self.window)
                defer { cost += joint.bytesFetched }
                guard case .complete(let file) = try walker.walk(joint), file.length > split,
                    file.length <= joint.count,
                    file.confidence == .structural || file.confidence == .proven
                        || walker.continuesWithoutEnd && file.length > prefix
                else { continue }
                accepted.append((file, split, gap, try joint.crc32(of: 0..<file.length)))
            }
        }
        guard let first = accepted.first,
            accepted.allSatisfy({ $0.checksum == first.checksum && $0.file.length == first.file.length })
        else { return }
        keep(first.file, split: first.split, gap: first.gap)
    }

    /// Some bytes of the joined pieces; nil when the free space ends before them.
    func bytes(at offset: Int, count: Int, split: Int, gap: Int) throws(ReadFailure) -> [UInt8]? {
        guard offset + count + gap <= reader.count else { return nil }
        cost += count
        let first = max(0, min(count, split - offset))
        let head = try reader.bytes(at: offset, count: first)
        return try head + reader.bytes(at: offset + first + gap, count: count - first)
    }

    /// The free space with a gap left out.
    func source(split: Int, gap: Int) -> ExtentSource {
        ExtentSource(
            space,
            extents: [
                Extent(offset: 0, length: split), Extent(offset: split + gap, length: space.size - split - gap),
            ])
    }

    private func keep(_ file: WalkedFile, split: Int, gap: Int) {
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
    }

    /// The block borders in a range, which may be empty or turned round.
    static func borders(from low: Int, through high: Int) -> [Int] {
        let first = max(FreeSpace.block, (low + FreeSpace.block - 1) / FreeSpace.block * FreeSpace.block)
        guard first <= high else { return [] }
        return Array(stride(from: first, through: high, by: FreeSpace.block))
    }
}
