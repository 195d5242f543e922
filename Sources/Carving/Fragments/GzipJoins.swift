/// The compressed data state no lengths: inflating goes on from the block borders before the place where it failed, at
/// each block that may begin the second piece, until the CRC-32 and the length of the content hold.
extension GzipWalker: JoinProvingWalker {
    /// Most members that are passed over before the broken one.
    private static let mostMembers = 65_536

    /// Inflating fails behind the place where the data go wrong, never before.
    var reachBehindBreak: Int { 0 }

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        guard let start = try brokenMember(search) else { return }
        let deflate = DeflateJoin(search: search)
        try deflate.run(from: start) { (joint, end, crc, produced) throws(ReadFailure) in
            guard joint.count - end >= 8 else { return false }
            let stated = (crc: try joint.u32le(end), length: try joint.u32le(end + 4))
            return stated.crc == Int(crc) && stated.length == produced & 0xFFFF_FFFF
        }
    }

    /// Where the data of the first member begin whose checksum does not hold.
    private func brokenMember(_ search: JoinSearch) throws(ReadFailure) -> Int? {
        let reader = search.reader
        var at = 0
        var budget = search.limits.joinWork
        for _ in 0..<Self.mostMembers {
            guard let length = try GzipWalker.headerLength(reader, at: at) else { return nil }
            let start = at + length
            let outcome = try reader.inflate(from: start, to: reader.count, budget: &budget)
            search.spend(outcome.consumed)
            let end = start + outcome.consumed
            guard outcome.end == .finished, reader.count - end >= 8 else { return start }
            guard try reader.u32le(end) == Int(outcome.crc) else { return start }
            at = end + 8
        }
        return nil
    }
}

/// Looks for the second piece of one DEFLATE stream.
struct DeflateJoin {
    /// Bytes that are inflated at a time where a piece is only tried.
    private static let trialPiece = 2048

    let search: JoinSearch

    /// The state of inflating at a block border.
    private final class Mark {
        var inflater: Inflater
        let split: Int
        let crc: CRC32
        let produced: Int

        init(_ inflater: consuming Inflater, split: Int, crc: CRC32, produced: Int) {
            self.inflater = inflater
            self.split = split
            self.crc = crc
            self.produced = produced
        }
    }

    /// - Parameters:
    ///   - start: where the stream begins in the free space.
    ///   - isProven: told a reader of the joined pieces, where the stream ends in it, and CRC-32 and length of the
    ///     content.
    func run(
        from start: Int, isProven: (ByteReader, Int, UInt32, Int) throws(ReadFailure) -> Bool
    ) throws(ReadFailure) {
        let marks = try marks(from: start)
        guard let last = marks.last else { return }
        let (places, further) = try places(from: marks[0].split, near: last.split)
        var furthest: (partial: PartialJoin, start: Int)?
        func attempt(_ mark: Mark, _ place: Int) throws(ReadFailure) {
            let gap = place - mark.split
            guard gap > 0, !search.isOver else { return }
            let end = try goOn(mark, gap: gap)
            if end.isFinished {
                let joint = ByteReader(search.space.without(mark.split..<place), at: 0)
                if try isProven(joint, end.offset - gap, end.crc, end.produced) {
                    try search.attempt(split: mark.split, gap: gap)
                }
            } else if end.offset - place > max(Self.farEnough, furthest.map { $0.partial.prefix - $0.start } ?? 0) {
                furthest = (PartialJoin(split: mark.split, gap: gap, prefix: end.offset - gap), mark.split)
            }
        }
        let near = search.isTurned ? 0 : search.limits.nearJoinGap
        for mark in marks.reversed() {
            for place in places where place - mark.split <= near { try attempt(mark, place) }
        }
        let most = search.cost + search.limits.joinWork / 8
        // Another file's piece may lie between, as dense as this one.
        for mark in marks.suffix(Self.denseMarks).reversed() {
            for place in further where place - mark.split > near && place - mark.split <= Self.denseGap {
                guard search.cost < most else { break }
                try attempt(mark, place)
            }
        }
        // Far away, only where something else ends a piece is looked for, behind the last marks.
        for mark in marks.suffix(Self.farMarks).reversed() {
            for place in places where place - mark.split > near { try attempt(mark, place) }
        }
        if let furthest { search.note(furthest.partial) }
    }

    /// Marks before the last one from which pieces far away are tried.
    private static let farMarks = 32
    /// Marks before the last one from which every place up to ``denseGap`` is tried.
    private static let denseMarks = 24
    /// Largest gap of data as dense as compressed ones.
    private static let denseGap = 512 * 512
    /// Bytes that must inflate behind a gap for a join to be followed that does not come to the end: wrong data seldom
    /// come as far.
    private static let farEnough = 48 * 1024

    /// Where the second piece may begin: at each block that may hold compressed data, near the first piece; further
    /// away only where such a block follows one that does not.
    private func places(from first: Int, near last: Int) throws(ReadFailure) -> (places: [Int], further: [Int]) {
        let block = FreeSpace.block
        let reader = search.reader
        let near = search.isTurned ? first : last + search.limits.nearJoinGap
        let dense = last + Self.denseGap
        let far = min(reader.count - 1, first + search.limits.farJoinGap)
        var places: [Int] = []
        var further: [Int] = []
        var wasForeign = false
        for at in JoinSearch.borders(from: first + 1, through: max(near, far)) where at < reader.count {
            search.spend(block)
            let kind = BlockKind(of: try reader.bytes(at: at, count: min(block, reader.count - at)))
            let isForeign = !kind.intersection([.text, .uniform]).isEmpty
            if !isForeign {
                if at <= near || wasForeign { places.append(at) } else if at <= dense { further.append(at) }
            }
            wasForeign = isForeign
        }
        return (places, further)
    }

    /// The last block borders that inflating passed before it failed.
    private func marks(from start: Int) throws(ReadFailure) -> [Mark] {
        guard var inflater = Inflater() else { return [] }
        var marks: [Mark] = []
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var crc = CRC32()
        var produced = 0
        var at = start
        while at < search.reader.count, !search.isExhausted {
            // What is of another kind belongs to something else.
            if at % FreeSpace.block == 0, at > start, try isForeign(at) {
                if let copy = inflater.copy() { marks.append(Mark(copy, split: at, crc: crc, produced: produced)) }
                break
            }
            if at % FreeSpace.block == 0, let copy = inflater.copy() {
                marks.append(Mark(copy, split: at, crc: crc, produced: produced))
                // Twice as many are kept as are used, so that few removals are needed.
                if marks.count > 2 * search.limits.joinBack { marks.removeFirst(marks.count / 2) }
            }
            let end = min((at / FreeSpace.block + 1) * FreeSpace.block, search.reader.count)
            let piece = try search.reader.bytes(at: at, count: end - at)
            let step = inflater.feed(piece, &output, &crc, &produced)
            search.spend(piece.count + step.given)
            guard step.status == .more else { break }
            at = end
        }
        return marks.suffix(search.limits.joinBack)
    }

    private func isForeign(_ at: Int) throws(ReadFailure) -> Bool {
        guard search.reader.count - at >= FreeSpace.block else { return false }
        let kind = BlockKind(of: try search.reader.bytes(at: at, count: FreeSpace.block))
        return !kind.intersection([.text, .uniform]).isEmpty
    }

    /// Goes on behind the gap; answers where the stream ends in the free space, or where it makes no sense any more.
    private func goOn(
        _ mark: Mark, gap: Int
    ) throws(ReadFailure) -> (isFinished: Bool, offset: Int, crc: UInt32, produced: Int) {
        guard var inflater = mark.inflater.copy() else { return (false, 0, 0, 0) }
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var crc = mark.crc
        var produced = mark.produced
        var at = mark.split + gap
        while at < search.reader.count, !search.isExhausted {
            let piece = try search.reader.bytes(at: at, count: min(Self.trialPiece, search.reader.count - at))
            let step = inflater.feed(piece, &output, &crc, &produced)
            // To inflate costs less than to read and walk.
            search.spend(piece.count + step.given / 4)
            switch step.status {
            case .more: at += piece.count
            case .finished: return (true, at + step.consumed, crc.value, produced)
            case .invalid: return (false, at + step.consumed, 0, 0)
            }
        }
        return (false, at, 0, 0)
    }
}

extension Inflater {
    /// Inflates a piece to its end, or to that of the stream.
    fileprivate mutating func feed(
        _ piece: [UInt8], _ output: inout [UInt8], _ crc: inout CRC32, _ produced: inout Int
    ) -> (status: Status, consumed: Int, given: Int) {
        var used = 0
        let before = produced
        while true {
            let (status, consumed, given) = step(piece[used...], into: &output)
            used += consumed
            crc.update(output[..<given])
            produced += given
            guard status == .more else { return (status, used, produced - before) }
            if used == piece.count, given < output.count { return (.more, used, produced - before) }
            if consumed == 0, given == 0 { return (.invalid, used, produced - before) }
        }
    }
}
