internal import CZlib

/// One DEFLATE stream (RFC 1951), raw or wrapped, inflated piece by piece with zlib.
@safe struct Inflater: ~Copyable {
    /// Bytes of output that one step can give.
    static let pieceSize = 64 * 1024

    /// What one step came to.
    enum Status: Hashable {
        case more
        case finished
        case invalid
    }

    private let stream: UnsafeMutablePointer<z_stream>

    /// What stands around the DEFLATE data; zlib checks the checksum of what it knows.
    enum Wrapping: Int32 {
        case raw = -15
        case zlib = 15
        case gzip = 31
    }

    /// Nil when zlib has no memory.
    init?(_ wrapping: Wrapping = .raw) {
        unsafe stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        guard unsafe inflateInit2_(stream, wrapping.rawValue, ZLIB_VERSION, size) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
    }

    private init(_ stream: UnsafeMutablePointer<z_stream>) { unsafe self.stream = stream }

    /// A second inflater in the same state; nil when zlib has no memory.
    func copy() -> Inflater? {
        let copy = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe copy.initialize(to: z_stream())
        guard unsafe inflateCopy(copy, stream) == Z_OK else {
            unsafe copy.deallocate()
            return nil
        }
        return unsafe Inflater(copy)
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Inflates from `input` into `output`, as much as both allow.
    mutating func step(
        _ input: ArraySlice<UInt8>, into output: inout [UInt8]
    ) -> (status: Status, consumed: Int, produced: Int) {
        let room = output.count
        let outcome: (Int32, Int, Int) = unsafe input.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { destination in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(source.count)
                unsafe stream.pointee.next_out = destination.baseAddress
                unsafe stream.pointee.avail_out = UInt32(destination.count)
                let result = unsafe inflate(stream, Z_NO_FLUSH)
                return unsafe (result, source.count - Int(stream.pointee.avail_in), Int(stream.pointee.avail_out))
            }
        }
        let produced = room - outcome.2
        switch outcome.0 {
        case Z_STREAM_END: return (.finished, outcome.1, produced)
        case Z_OK, Z_BUF_ERROR: return (.more, outcome.1, produced)
        default: return (.invalid, outcome.1, produced)
        }
    }
}

/// Limits on what inflating a candidate may cost.
enum InflateLimit {
    /// Most bytes that one candidate may inflate to.
    static let mostBytes = WalkLimit.inflatedBytes.value
    /// From ``ratioMatters`` bytes on, more output than this many times the input counts as a decompression bomb.
    static let highestRatio = WalkLimit.inflatedRatio.value
    /// Output below which the ratio is not looked at.
    static let ratioMatters = WalkLimit.inflatedRatioAbove.value
}

/// How inflating a range of evidence ended.
struct InflateOutcome {
    enum End: Hashable {
        /// At the stream's own end.
        case finished
        /// At bytes that are not DEFLATE.
        case invalid
        /// At the end of the allowed range, before the stream's end.
        case cut
        /// At one of the limits of ``InflateLimit``.
        case limit
    }
    var end: End
    /// Bytes of input used.
    var consumed: Int
    /// Bytes of output.
    var produced: Int
    /// CRC-32 of the output.
    var crc: UInt32
    /// The first bytes of the output, as many as were asked for.
    var head: [UInt8]
}

extension ByteReader {
    /// Inflates the raw DEFLATE stream at `start`, reading no further than `end`.
    ///
    /// - Parameters:
    ///   - keeping: how many bytes of the output to keep.
    ///   - size: bytes of output, where they are stated.
    ///   - budget: bytes of output that the candidate may still produce; reduced by what was produced.
    func inflate(
        from start: Int, to end: Int, keeping: Int = 0, size: Int? = nil, budget: inout Int
    ) throws(ReadFailure) -> InflateOutcome {
        let most = min(budget, decodingAllowance)
        if let whole = try inflateWhole(from: start, to: min(end, count), keeping: keeping, size: size, most: most) {
            bytesInflated += whole.produced
            budget -= whole.produced
            charge(whole.produced)
            return whole
        }
        var outcome = InflateOutcome(end: .cut, consumed: 0, produced: 0, crc: 0, head: [])
        guard var inflater = Inflater() else {
            outcome.end = .limit
            return outcome
        }
        let stop = min(end, count)
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var crc = CRC32()
        var at = start
        while at < stop {
            let piece = try bytes(at: at, count: min(Self.windowSize / 4, stop - at))
            var used = 0
            // zlib may hold output back after it took all input: step until it neither takes nor gives.
            while true {
                let (status, consumed, produced) = inflater.step(piece[used...], into: &output)
                used += consumed
                crc.update(output[..<produced])
                if outcome.head.count < keeping {
                    outcome.head += output[..<min(produced, keeping - outcome.head.count)]
                }
                outcome.produced += produced
                bytesInflated += produced
                outcome.consumed = at - start + used
                outcome.crc = crc.value
                budget -= produced
                charge(produced)
                if status == .finished || status == .invalid {
                    outcome.end = status == .finished ? .finished : .invalid
                    return outcome
                }
                let isBomb =
                    outcome.produced > InflateLimit.ratioMatters
                    && outcome.produced / InflateLimit.highestRatio > outcome.consumed
                if budget <= 0 || !mayDecode || isBomb {
                    if budget <= 0 { reached(.inflatedBytes) }
                    if isBomb { reached(.inflatedRatio) }
                    outcome.end = .limit
                    return outcome
                }
                if consumed == 0 && produced == 0 { break }
                if used == piece.count && produced < output.count { break }
            }
            // No progress although input is left cannot happen with room in the output.
            if used < piece.count {
                outcome.end = .invalid
                return outcome
            }
            at += piece.count
        }
        return outcome
    }
    /// Room for the content of a stream whose size is not stated, at first and at most.
    private static let firstRoom = 64 * 1024
    private static let lastRoom = 512 * 1024

    /// What the stream at `start` gives, when all of it lies in memory and is sound; nil when nothing is known about it.
    ///
    /// Of a stream whose size is not stated, only what one window holds is looked at.
    /// - Parameter most: bytes that no limit forbids.
    private func inflateWhole(
        from start: Int, to stop: Int, keeping: Int, size: Int?, most: Int
    ) throws(ReadFailure) -> InflateOutcome? {
        guard inflatesWhole, start >= 0, start < stop else { return nil }
        let stated = size.map { max(1, $0) }
        let room = stated ?? Self.firstRoom
        guard room < most, room <= WholeInflater.mostOutput, stated == nil || stop - start <= WholeInflater.mostInput
        else { return nil }
        let input = try run(at: start, count: stop - start, isWhole: stated != nil)
        return WholeInflater.lend { inflater in
            var result = inflater.inflate(input, room: room)
            if result == nil, inflater.lacksRoom, stated == nil, Self.lastRoom < most {
                result = inflater.inflate(input, room: Self.lastRoom)
            }
            guard let (content, consumed) = result else { return nil }
            var crc = CRC32()
            crc.update(content)
            return InflateOutcome(
                end: .finished, consumed: consumed, produced: content.count, crc: crc.value,
                head: Array(content.prefix(keeping)))
        }
    }
}
