extension WalkInput {
    /// Up to `count` bytes, fewer at the end of the source.
    func available(at offset: Int, count wanted: Int) throws(WalkStop) -> [UInt8] {
        guard offset >= 0, offset < count else { return [] }
        return try bytes(at: offset, count: min(wanted, count - offset))
    }

    /// True when every byte of `range`, clamped to the source, is zero.
    func isZero(_ range: Range<Int>) throws(WalkStop) -> Bool {
        let clamped = range.clamped(to: 0..<count)
        var at = clamped.lowerBound
        while at < clamped.upperBound {
            let piece = try bytes(at: at, count: min(ByteReader.windowSize / 4, clamped.upperBound - at))
            if piece.contains(where: { $0 != 0 }) { return false }
            at += piece.count
        }
        return true
    }

    /// Offset of the first occurrence of `pattern` that lies wholly in `start..<end`; nil also when that is empty.
    func firstOffset(of pattern: [UInt8], from start: Int, to end: Int) throws(WalkStop) -> Int? {
        guard start < end else { return nil }
        do { return try reader.firstOffset(of: pattern, in: start..<end) } catch { throw .failed(error) }
    }

    /// Inflates the raw DEFLATE stream at `start`; see ``ByteReader/inflate(from:to:keeping:size:budget:)``.
    func inflate(
        from start: Int, to end: Int, keeping: Int = 0, size: Int? = nil, budget: inout Int
    ) throws(WalkStop) -> InflateOutcome {
        do {
            return try reader.inflate(from: start, to: end, keeping: keeping, size: size, budget: &budget)
        } catch {
            throw .failed(error)
        }
    }

    /// A number of seven bits a byte, the lowest first, of at most nine bytes; nil when more follow.
    ///
    /// The position is behind what was read.
    func base128(_ at: inout Int, atMost count: Int) throws(WalkStop) -> Int? {
        var value = 0
        for index in 0..<count {
            let byte = try u8(at)
            at += 1
            value |= (byte & 0x7F) << (7 * index)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    /// Blocks of media: a file that begins at one may be another file.
    static let blockSize = 512

    /// True when `pattern` stands at `offset` inside a block, so that it continues this file.
    func continues(with pattern: some Collection<UInt8>, at offset: Int) throws(WalkStop) -> Bool {
        guard offset % Self.blockSize != 0 else { return false }
        return try matches(pattern, at: offset)
    }
}
