internal import Digesting
internal import EvidenceModel
internal import SourceMedia

/// What looking into one artifact may still cost.
struct EmbeddedBudget: Sendable {
    /// Embedded files that may still be catalogued.
    var members: Int
    /// Bytes that decoding may still give, the walkers' own decoding counted.
    var bytes: Int
    /// The limit that decided ``bytes``.
    let bytesLimit: String

    /// - Parameters:
    ///   - size: bytes of the outermost artifact.
    ///   - allowance: bytes that the medium still allows to decode.
    init(_ limits: CarveLimits, size: Int, allowance: Int = .max) {
        members = limits.embeddedMembers
        let (product, overflow) = size.multipliedReportingOverflow(by: limits.embeddedRatio)
        let byRatio = max(limits.embeddedRatioAbove, overflow ? Int.max : product)
        let own = min(limits.embeddedTotalBytes, byRatio)
        bytes = min(own, allowance)
        bytesLimit =
            allowance < own
            ? "embedded_decoded_per_byte"
            : byRatio < limits.embeddedTotalBytes ? "embedded_ratio" : "embedded_total_bytes"
    }
}

/// Takes the content of a part while it is decoded: digests it and keeps it.
struct ContentSink: ~Copyable {
    /// Nil where the content is only kept.
    private var sha256: RunningDigest?
    private var md5: RunningDigest?
    private var crc = CRC32()
    private var spool: ContentSpool

    init(folder: String, isDigested: Bool = true) throws(DigestError) {
        let first: RunningDigest?
        let second: RunningDigest?
        if isDigested {
            first = try RunningDigest(.sha256)
            second = try RunningDigest(.md5)
        } else {
            first = nil
            second = nil
        }
        sha256 = first
        md5 = second
        spool = ContentSpool(folder: folder)
    }

    var size: Int { spool.size }

    mutating func take(_ piece: ArraySlice<UInt8>) throws {
        guard !piece.isEmpty else { return }
        try spool.append(piece)
        guard sha256 != nil else { return }
        try sha256?.update(piece)
        try md5?.update(piece)
        crc.update(piece)
    }

    /// The content and its digests; nil where it was only kept.
    consuming func finish() throws(DigestError) -> DigestedContent? {
        guard let sha256 = sha256.take(), let md5 = md5.take() else { return nil }
        return DigestedContent(
            source: spool.content(), sha256: try sha256.finalize(), md5: try md5.finalize(), crc: crc.value)
    }

    /// The content alone.
    consuming func content() -> any ByteSource { spool.content() }
}

/// Content and its digests.
struct DigestedContent: Sendable {
    let source: any ByteSource
    let sha256: Digest
    let md5: Digest
    let crc: UInt32
}

/// Decodes one part of a container into a sink, within the limits.
struct PartDecoder {
    /// How decoding ended.
    enum End: Hashable {
        /// At the content's end; checked when the coding's own checksum held.
        case whole(isChecked: Bool)
        case refused(PartRefusal)
    }

    let part: EmbeddedPart
    let container: any ByteSource
    let limits: CarveLimits
    let buffer: ReadBuffer

    /// - Throws: ``SourceError``, ``DigestError``, or ``CarveError`` when decoded content cannot be kept.
    func decode(into sink: inout ContentSink, _ budget: inout EmbeddedBudget) throws -> End {
        if let size = part.size, !part.sizeIsShort, let limit = refusal(size, consumed: part.storedSize) {
            return limit
        }
        let ranges = part.input.map { [$0] } ?? part.pieces
        switch part.coding {
        case .stored, .member: return .refused(.method)
        case .deflate: return try inflate(ranges, .raw, &sink, &budget)
        case .zlib: return try inflate(ranges, .zlib, &sink, &budget)
        case .gzip: return try inflate(ranges, .gzip, &sink, &budget)
        case .bzip2:
            return try decompress(ranges, &sink, &budget, begins: { $0 == 0x42 }) { Bzip2Decompressor() }
        case .xz: return try unpackLZMA(.xz, begins: 0xFD, ranges, &sink, &budget)
        case .lzip: return try unpackLZMA(.lzip, begins: 0x4C, ranges, &sink, &budget)
        case .lzma: return try unpackLZMA(.alone, begins: nil, ranges, &sink, &budget)
        case .zstd:
            let log = Int.bitWidth - 1 - max(1, limits.embeddedWindowBytes).leadingZeroBitCount
            return try decompress(ranges, &sink, &budget, begins: { $0 == 0x28 || $0 & 0xF0 == 0x50 }) {
                ZstandardStream(windowLog: min(max(10, log), 30))
            }
        case .lz4:
            return try decompress(ranges, &sink, &budget, begins: { $0 == 0x04 || $0 & 0xF0 == 0x50 }) {
                LZ4FrameStream()
            }
        case .base64: return try base64(ranges, &sink, &budget)
        case .quotedPrintable: return try quotedPrintable(ranges, &sink, &budget)
        }
    }

    // MARK: Limits

    private func refusal(_ size: Int, consumed: Int) -> End? {
        if size > limits.embeddedMemberBytes { return .refused(.limit("embedded_member_bytes")) }
        if size > limits.embeddedRatioAbove, size / limits.embeddedRatio > consumed {
            return .refused(.limit("embedded_ratio"))
        }
        return nil
    }

    /// Takes some content; answers why no more may come.
    private func take(
        _ piece: ArraySlice<UInt8>, consumed: Int, _ sink: inout ContentSink, _ budget: inout EmbeddedBudget
    ) throws -> End? {
        budget.bytes -= piece.count
        guard budget.bytes >= 0 else {
            budget.bytes = 0
            return .refused(.limit(budget.bytesLimit))
        }
        if let refusal = refusal(sink.size + piece.count, consumed: consumed) { return refusal }
        if let size = part.size, !part.sizeIsShort, sink.size + piece.count > size { return .refused(.damaged) }
        try sink.take(piece)
        return nil
    }

    // MARK: Compressed data

    /// Inflates one stream, or gzip members one behind the other.
    private func inflate(
        _ ranges: [Range<Int>], _ wrapping: Inflater.Wrapping, _ sink: inout ContentSink,
        _ budget: inout EmbeddedBudget
    ) throws -> End {
        if let end = try inflateWhole(ranges, wrapping, &sink, &budget) { return end }
        guard var inflater = Inflater(wrapping) else { return .refused(.damaged) }
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var consumed = 0
        var isFinished = false
        for range in ranges {
            var at = range.lowerBound
            while at < range.upperBound {
                let piece = try buffer.piece(of: container, at: at, upTo: range.upperBound - at)
                if piece.isEmpty { return .refused(.damaged) }
                var rest = piece
                while !rest.isEmpty || !isFinished {
                    if isFinished {
                        // What follows the last member of a gzip file is padding.
                        guard wrapping == .gzip, rest.first == 0x1F else { break }
                        guard let next = Inflater(.gzip) else { return .refused(.damaged) }
                        inflater = next
                        isFinished = false
                    }
                    let step = inflater.step(rest, into: &output)
                    rest = rest.dropFirst(step.consumed)
                    consumed += step.consumed
                    if let end = try take(output[..<step.produced], consumed: consumed, &sink, &budget) { return end }
                    if step.status == .invalid { return .refused(.damaged) }
                    if step.status == .finished {
                        isFinished = true
                        continue
                    }
                    if step.consumed == 0, step.produced == 0 { break }
                    if rest.isEmpty, step.produced < output.count { break }
                }
                if !rest.isEmpty, !isFinished { return .refused(.damaged) }
                at += piece.count
                if isFinished, wrapping != .gzip { return .whole(isChecked: wrapping == .zlib) }
            }
        }
        return isFinished ? .whole(isChecked: wrapping != .raw) : .refused(.damaged)
    }

    /// Inflates a stream that lies in memory as a whole, states its size and meets no limit; nil when nothing is known.
    private func inflateWhole(
        _ ranges: [Range<Int>], _ wrapping: Inflater.Wrapping, _ sink: inout ContentSink,
        _ budget: inout EmbeddedBudget
    ) throws -> End? {
        guard let range = ranges.first, ranges.count == 1, wrapping != .zlib,
            wrapping == .gzip || part.size != nil && !part.sizeIsShort,
            (18...WholeInflater.mostInput).contains(range.count)
        else { return nil }
        let stored = try container.bytes(at: range.lowerBound, count: range.count)
        guard stored.count == range.count else { return nil }
        let isGzip = wrapping == .gzip
        // zlib compares the header's checksum as well, where there is one (RFC 1952, 2.3.1).
        if isGzip, stored[3] & 2 != 0 { return nil }
        let size = isGzip ? stored.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) } : part.size ?? 0
        let most = min(budget.bytes, limits.embeddedMemberBytes, limits.embeddedRatioAbove, part.size ?? Int.max)
        guard (0...most).contains(size) else { return nil }
        return try WholeInflater.lend { inflater in
            guard let (content, consumed) = inflater.inflate(stored[...], isGzip ? .gzip : .raw, room: max(1, size)),
                content.count <= size, !isGzip || consumed == stored.count
            else { return nil }
            budget.bytes -= content.count
            try sink.take(content)
            return .whole(isChecked: isGzip)
        }
    }

    /// Decompresses streams one behind the other.
    ///
    /// - Parameters:
    ///   - open: a decompressor for the next stream.
    ///   - begins: true when this byte begins another stream; what else follows one is padding.
    private func decompress<Decompressor: StreamDecompressor & ~Copyable>(
        _ ranges: [Range<Int>], _ sink: inout ContentSink, _ budget: inout EmbeddedBudget,
        begins: (UInt8) -> Bool, open: () -> Decompressor?
    ) throws -> End {
        guard var decompressor = open() else { return .refused(.damaged) }
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var consumed = 0
        var isFinished = false
        var isChecked = true
        for range in ranges {
            var at = range.lowerBound
            while at < range.upperBound {
                let piece = try buffer.piece(of: container, at: at, upTo: min(16_384, range.upperBound - at))
                if piece.isEmpty { return .refused(.damaged) }
                var rest = piece
                while !rest.isEmpty || !isFinished {
                    if isFinished {
                        guard let first = rest.first, begins(first), let next = open() else { break }
                        decompressor = next
                        isFinished = false
                    }
                    let step = decompressor.step(rest, into: &output)
                    rest = rest.dropFirst(step.consumed)
                    consumed += step.consumed
                    if let end = try take(output[..<step.produced], consumed: consumed, &sink, &budget) { return end }
                    if step.status == .invalid {
                        return .refused(decompressor.wantsMore ? .limit("embedded_window_bytes") : .damaged)
                    }
                    if step.status == .finished {
                        isFinished = true
                        isChecked = isChecked && decompressor.isChecked
                        continue
                    }
                    if step.consumed == 0, step.produced == 0 { break }
                    if rest.isEmpty, step.produced < output.count { break }
                }
                if !rest.isEmpty, !isFinished { return .refused(.damaged) }
                at += piece.count
            }
        }
        return isFinished ? .whole(isChecked: isChecked && part.codingIsChecked) : .refused(.damaged)
    }

    private func unpackLZMA(
        _ wrapping: LZMADecompressor.Wrapping, begins: UInt8?, _ ranges: [Range<Int>], _ sink: inout ContentSink,
        _ budget: inout EmbeddedBudget
    ) throws -> End {
        // liblzma counts its own tables as well.
        let memory = limits.embeddedWindowBytes + (4 << 20)
        return try decompress(ranges, &sink, &budget, begins: { $0 == begins }) {
            LZMADecompressor(wrapping, memory: memory)
        }
    }

    // MARK: Mail codings

    /// Lines of base64; white space means nothing, other characters make it damaged.
    private func base64(
        _ ranges: [Range<Int>], _ sink: inout ContentSink, _ budget: inout EmbeddedBudget
    ) throws -> End {
        var output: [UInt8] = []
        var bits = 0
        var held = 0
        var padding = 0
        var consumed = 0
        for range in ranges {
            var at = range.lowerBound
            while at < range.upperBound {
                let piece = try buffer.piece(of: container, at: at, upTo: range.upperBound - at)
                if piece.isEmpty { return .refused(.damaged) }
                for byte in piece {
                    let value: Int
                    switch byte {
                    case 0x41...0x5A: value = Int(byte) - 0x41
                    case 0x61...0x7A: value = Int(byte) - 0x61 + 26
                    case 0x30...0x39: value = Int(byte) - 0x30 + 52
                    case 0x2B: value = 62
                    case 0x2F: value = 63
                    case 0x3D:
                        padding += 1
                        continue
                    case 0x09, 0x0A, 0x0D, 0x20: continue
                    default: return .refused(.damaged)
                    }
                    // Some writers encode a file in several parts, each padded; then a new group begins.
                    if padding > 0 {
                        (bits, held, padding) = (0, 0, 0)
                    }
                    bits = (bits << 6 | value) & 0xFFFF
                    held += 6
                    if held >= 8 {
                        held -= 8
                        output.append(UInt8(truncatingIfNeeded: bits >> held))
                    }
                }
                at += piece.count
                consumed += piece.count
                if let end = try take(output[...], consumed: consumed, &sink, &budget) { return end }
                output.removeAll(keepingCapacity: true)
            }
        }
        // Six bits alone are no byte: characters are missing.
        return held == 6 || sink.size == 0 ? .refused(.damaged) : .whole(isChecked: false)
    }

    /// Quoted-printable: `=` and two digits are a byte, `=` at a line's end joins it to the next.
    private func quotedPrintable(
        _ ranges: [Range<Int>], _ sink: inout ContentSink, _ budget: inout EmbeddedBudget
    ) throws -> End {
        var output: [UInt8] = []
        var pending: [UInt8] = []
        var consumed = 0
        for range in ranges {
            var at = range.lowerBound
            while at < range.upperBound {
                let piece = try buffer.piece(of: container, at: at, upTo: range.upperBound - at)
                if piece.isEmpty { return .refused(.damaged) }
                for byte in piece {
                    if pending.isEmpty {
                        if byte == 0x3D { pending = [byte] } else { output.append(byte) }
                        continue
                    }
                    if pending.count == 1, byte == 0x0A || byte == 0x20 || byte == 0x09 {
                        if byte == 0x0A { pending = [] }
                        continue
                    }
                    if pending.count == 1 {
                        pending.append(byte)
                        continue
                    }
                    let first = pending[1]
                    pending = []
                    if first == 0x0D, byte == 0x0A { continue }
                    guard let high = Character(Unicode.Scalar(first)).hexDigitValue,
                        let low = Character(Unicode.Scalar(byte)).hexDigitValue
                    else {
                        // RFC 2045 asks to leave what is wrong as it stands.
                        output += [0x3D, first, byte]
                        continue
                    }
                    output.append(UInt8(high << 4 | low))
                }
                at += piece.count
                consumed += piece.count
                if let end = try take(output[...], consumed: consumed, &sink, &budget) { return end }
                output.removeAll(keepingCapacity: true)
            }
        }
        return sink.size == 0 ? .refused(.damaged) : .whole(isChecked: false)
    }
}
