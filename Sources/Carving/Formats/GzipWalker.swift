internal import EvidenceModel

/// gzip (RFC 1952): one or more members, each with the CRC-32 and the length of its content.
struct GzipWalker: FormatWalker {
    let name = "gzip"
    let signatures = [WalkerSignature([0x1F, 0x8B, 0x08])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try GzipWalk(reader).verdict()
    }
}

extension GzipWalker {
    /// Length of the member's header at an offset; nil when no member begins there.
    static func headerLength(_ reader: ByteReader, at start: Int) throws(ReadFailure) -> Int? {
        do {
            return try GzipHeader(WalkInput(reader), at: start)?.length
        } catch {
            guard case .failed(let failure) = error else { return nil }
            throw failure
        }
    }
}

private struct GzipWalk: FileWalk {
    /// Blocks of media: where a member ends on such a boundary, what follows may be another file.
    static let blockSize = 512

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "gz", fileExtension: "gz", mime: "application/gzip")
    var isRecognised = false
    var members = 0
    var content = 0
    var budget = InflateLimit.mostBytes
    /// Set once two members met inside a block: such a file is made of many members.
    var joinsInsideBlocks = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard let first = try header(at: 0) else { throw .rejected("not a gzip member header") }
        file.note("original_name", text: first.originalName)
        file.note("comment", text: first.comment)
        file.facts["modified"] = EvidenceTime.posix(first.modified)
        try member(first)
        while let next = try header(at: file.length) {
            let meetsAtBlock = file.length % Self.blockSize == 0
            if meetsAtBlock, !joinsInsideBlocks, !next.isBlocked {
                file.warnings.append("another gzip member follows at a block boundary: taken for another file")
                break
            }
            if !meetsAtBlock { joinsInsideBlocks = true }
            try member(next)
        }
        file.note("members", members)
        file.note("content_bytes", content)
    }

    private mutating func member(_ header: GzipHeader) throws(WalkStop) {
        let start = file.length + header.length
        let outcome = try input.inflate(
            from: start, to: input.count, keeping: members == 0 ? 512 : 0, budget: &budget)
        isRecognised = isRecognised || outcome.produced > 0 || outcome.end == .finished
        let end = start + outcome.consumed
        if outcome.end != .finished { file.length = end }
        switch outcome.end {
        case .finished: break
        case .limit: throw .broken("not inflated to its end: \(input.reader.decodingLimits)")
        case .cut: throw .broken("the source ends inside the compressed data")
        case .invalid: throw .broken("the compressed data is not valid deflate")
        }
        file.length = end
        guard try input.u32le(end) == Int(outcome.crc), try input.u32le(end + 4) == outcome.produced & 0xFFFF_FFFF
        else { throw .broken("CRC-32 or length of member \(members + 1) does not match its content") }
        if members == 0, outcome.head.count >= 512, outcome.head[257..<262].elementsEqual("ustar".utf8) {
            file.facts["content"] = "tar"
        }
        members += 1
        content += outcome.produced
        file.length = end + 8
    }

    /// The header at `start`; nil when no member starts there.
    private func header(at start: Int) throws(WalkStop) -> GzipHeader? {
        do {
            return try GzipHeader(input, at: start)
        } catch {
            if case .failed(.pastEnd) = error { return nil }
            throw error
        }
    }
}

/// A member's header (RFC 1952, 2.3).
private struct GzipHeader {
    /// Longest name or comment that is believed.
    static let longestText = 4096

    var length: Int
    var originalName: [UInt8] = []
    var comment: [UInt8] = []
    var modified: Int
    /// A block of a BGZF file: members of at most 64 KiB that belong together.
    var isBlocked = false

    /// Nil when no member starts here.
    init?(_ input: WalkInput, at start: Int) throws(WalkStop) {
        guard input.fits(start, 10), try input.matches([0x1F, 0x8B, 0x08], at: start) else { return nil }
        let flags = try input.u8(start + 3)
        // Reserved bits must be zero (2.3.1.2); XFL is 0, 2 or 4 for deflate; OS is 0 to 19 or 255.
        let system = try input.u8(start + 9)
        guard flags & 0xE0 == 0, try [0, 2, 4].contains(input.u8(start + 8)), system <= 19 || system == 255 else {
            return nil
        }
        modified = try input.u32le(start + 4)
        var at = start + 10
        if flags & 4 != 0 {
            let extra = try input.u16le(at)
            isBlocked = try input.matches([0x42, 0x43, 2, 0], at: at + 2)
            at += 2 + extra
        }
        if flags & 8 != 0 {
            guard let name = try Self.text(input, at: at) else { return nil }
            originalName = name
            at += name.count + 1
        }
        if flags & 16 != 0 {
            guard let text = try Self.text(input, at: at) else { return nil }
            comment = text
            at += text.count + 1
        }
        if flags & 2 != 0 {
            let stated = try input.u16le(at)
            guard try Int(input.crc32(of: start..<at) & 0xFFFF) == stated else { return nil }
            at += 2
        }
        length = at - start
    }

    private static func text(_ input: WalkInput, at start: Int) throws(WalkStop) -> [UInt8]? {
        guard let end = try input.firstOffset(of: [0], from: start, to: start + longestText) else { return nil }
        return try input.bytes(at: start, count: end - start)
    }
}
