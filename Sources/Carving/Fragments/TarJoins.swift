/// The header of the next member, which holds its own checksum, stands behind the content of the one before.
extension TarWalker: GapBoundingWalker {
    private static let block = 512
    /// What most writers pad an archive to: 20 blocks.
    private static let record = 10_240
    /// Readings of the gap's size that are tried.
    private static let mostGaps = 3
    private static let mostMembers = 1 << 16

    var boundedReachBehindBreak: Int? { 64 * 1024 }

    func boundGaps(_ search: JoinSearch) throws(ReadFailure) -> [BoundedGap] {
        let reader = search.reader
        var last = 0
        var next = 0
        var members = 0
        while members < Self.mostMembers, let end = try member(reader, at: next) {
            last = next
            next = end
            members += 1
        }
        guard members > 0 else { return [] }
        let splits = JoinSearch.borders(from: last + Self.block, through: next)
        let zeros = try zeroBlocks(reader, at: next)
        let isEnd = zeros > 1 || next >= reader.count
        var told: [BoundedGap] = []
        if !isEnd || !isNaturalEnd(zeros, behind: next) {
            told = try headers(search, behind: next, splits: splits)
        }
        if told.isEmpty, !isEnd { told = try ends(search, behind: next, zeros: zeros, splits: splits) }
        if told.isEmpty, isEnd { told = try paddings(search, behind: next, zeros: zeros) }
        return told
    }

    /// Where the member at an offset ends; nil when none begins there.
    private func member(_ reader: ByteReader, at start: Int) throws(ReadFailure) -> Int? {
        guard reader.count - start >= Self.block, try reader.matches("ustar", at: start + 257) else { return nil }
        let header = try reader.bytes(at: start, count: Self.block)
        guard TarNumber.checksumHolds(header), let size = TarNumber.value(header[124..<136]), size < 1 << 40 else {
            return nil
        }
        let content = (0x31...0x36).contains(header[156]) ? 0 : size
        return start + Self.block + (content + Self.block - 1) / Self.block * Self.block
    }

    /// How many blocks of zeros follow each other, up to one more than fill a record.
    private func zeroBlocks(_ reader: ByteReader, at start: Int) throws(ReadFailure) -> Int {
        var zeros = 0
        while zeros <= Self.record / Self.block, reader.count - start - zeros * Self.block >= Self.block {
            let bytes = try reader.bytes(at: start + zeros * Self.block, count: Self.block)
            guard bytes.allSatisfy({ $0 == 0 }) else { break }
            zeros += 1
        }
        return zeros
    }

    /// True when zeros end an archive as writers do: with two blocks, or at the end of a record.
    private func isNaturalEnd(_ zeros: Int, behind end: Int) -> Bool {
        zeros == 2 || zeros * Self.block >= Self.record || (end + zeros * Self.block) % Self.record == 0
    }

    private func headers(_ search: JoinSearch, behind next: Int, splits: [Int]) throws(ReadFailure) -> [BoundedGap] {
        var told: [BoundedGap] = []
        for gap in JoinSearch.borders(from: 1, through: search.nearestGaps) where told.count < Self.mostGaps {
            guard next + gap < search.reader.count else { break }
            search.spend(8)
            if try member(search.reader, at: next + gap) != nil {
                told.append(BoundedGap(gap: gap, splits: splits, acceptsDoubt: true))
            }
        }
        return told
    }

    /// Behind the last member stand two blocks of zeros: wherever they are, they are the same.
    private func ends(
        _ search: JoinSearch, behind next: Int, zeros: Int, splits: [Int]
    ) throws(ReadFailure) -> [BoundedGap] {
        guard !search.isTurned else { return [] }
        for gap in JoinSearch.borders(from: 1, through: search.limits.nearJoinGap) {
            search.spend(8)
            guard try zeroBlocks(search.reader, at: next + gap) > 1 else { continue }
            // One block of zeros was the archive's own already.
            let borders = zeros == 1 ? [next + Self.block] : splits
            return [BoundedGap(gap: gap, splits: borders, isGuess: true, acceptsDoubt: true)]
        }
        return []
    }

    /// Zeros fill the last record: where they are cut, other zeros of the same number stand for them.
    private func paddings(_ search: JoinSearch, behind next: Int, zeros: Int) throws(ReadFailure) -> [BoundedGap] {
        let reader = search.reader
        guard zeros > 2, !isNaturalEnd(zeros, behind: next), !search.isTurned else { return [] }
        let border = next + zeros * Self.block
        let missing = (Self.record - border % Self.record) / Self.block
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) {
            guard border + gap < reader.count else { break }
            search.spend(8)
            guard try zeroBlocks(reader, at: border + gap) >= missing else { continue }
            return [BoundedGap(gap: gap, splits: [border], isGuess: true, acceptsDoubt: true)]
        }
        return []
    }
}
