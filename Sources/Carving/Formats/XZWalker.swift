internal import EvidenceModel

/// xz (the .xz file format 1.1): blocks, an index that lists their sizes, and a footer.
///
/// The chunks of LZMA2 state their sizes, so blocks are walked without decompressing them; index and footer must agree.
struct XZWalker: FormatWalker {
    let name = "xz"
    let signatures = [WalkerSignature([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try XZWalk(reader).verdict() }
}

private struct XZWalk: FileWalk {
    static let signature: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
    static let mostBlocks = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "xz", fileExtension: "xz", mime: "application/x-xz")
    var isRecognised = false
    var content = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var streams = 0
        repeat {
            try stream()
            streams += 1
        } while try input.continues(with: Self.signature, at: file.length)
        file.note("streams", streams)
        file.note("content_bytes", content)
    }

    private mutating func stream() throws(WalkStop) {
        let start = file.length
        let check = try input.u8(start + 7)
        guard try input.u8(start + 6) == 0, check <= 15,
            try Int(input.crc32(of: start + 6..<start + 8)) == input.u32le(start + 8)
        else { throw .rejected("the stream header's CRC-32 does not hold") }
        isRecognised = true
        let checkSize = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64][check]
        var blocks: [(unpadded: Int, size: Int)] = []
        var at = start + 12
        while try input.u8(at) != 0 {
            guard blocks.count < Self.mostBlocks else { throw .broken("more blocks than any real file has") }
            blocks.append(try block(&at, checkSize: checkSize))
            file.length = at
        }
        let index = at
        at += 1
        guard try number(&at) == blocks.count else { throw .broken("the index counts other blocks") }
        for block in blocks {
            guard try number(&at) == block.unpadded, try number(&at) == block.size else {
                throw .broken("the index states other sizes")
            }
            content += block.size
        }
        while (at - index) % 4 != 0 {
            guard try input.u8(at) == 0 else { throw .broken("the index is not padded with zeros") }
            at += 1
        }
        guard try Int(input.crc32(of: index..<at)) == input.u32le(at) else {
            throw .broken("the index's CRC-32 does not hold")
        }
        at += 4
        guard try input.matches("YZ", at: at + 10), try Int(input.crc32(of: at + 4..<at + 10)) == input.u32le(at),
            try (input.u32le(at + 4) + 1) * 4 == at - index, try input.u8(at + 9) == check
        else { throw .broken("the stream footer contradicts the stream") }
        file.length = at + 12
    }

    /// One block (3): its size without padding, and that of its content.
    private func block(_ position: inout Int, checkSize: Int) throws(WalkStop) -> (unpadded: Int, size: Int) {
        let start = position
        let headerSize = (try input.u8(start) + 1) * 4
        guard input.fits(start, headerSize),
            try Int(input.crc32(of: start..<start + headerSize - 4)) == input.u32le(start + headerSize - 4)
        else { throw .broken("a block header's CRC-32 does not hold") }
        var at = start + headerSize
        var size = 0
        while true {
            let control = try input.u8(at)
            if control == 0 { break }
            if control >= 0x80 {
                size += (control & 0x1F) << 16 + (try input.u16be(at + 1)) + 1
                at += (control >= 0xC0 ? 6 : 5) + (try input.u16be(at + 3)) + 1
            } else if control <= 2 {
                let length = try input.u16be(at + 1) + 1
                size += length
                at += 3 + length
            } else {
                throw .broken("an LZMA2 chunk of no known kind")
            }
        }
        at += 1
        let unpadded = at - start + checkSize
        while (at - start) % 4 != 0 {
            guard try input.u8(at) == 0 else { throw .broken("a block is not padded with zeros") }
            at += 1
        }
        position = at + checkSize
        return (unpadded, size)
    }

    /// A variable-length integer of at most nine bytes (1.2).
    private func number(_ at: inout Int) throws(WalkStop) -> Int {
        var value = 0
        for index in 0..<9 {
            let byte = try input.u8(at)
            at += 1
            value |= (byte & 0x7F) << (7 * index)
            if byte & 0x80 == 0 { return value }
        }
        throw .broken("a number longer than any real one")
    }
}

/// Zstandard (RFC 8878): frames of blocks that state their sizes.
struct ZstandardWalker: FormatWalker {
    let name = "zstd"
    let signatures = [WalkerSignature([0x28, 0xB5, 0x2F, 0xFD])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ZstandardWalk(reader).verdict() }
}

private struct ZstandardWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "zst", fileExtension: "zst", mime: "application/zstd")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        repeat { try frame() } while try continues()
    }

    /// Another frame follows; those that readers skip are stepped over (3.1.2).
    private mutating func continues() throws(WalkStop) -> Bool {
        while try input.continues(with: [0x2A, 0x4D, 0x18], at: file.length + 1),
            try input.u8(file.length) & 0xF0 == 0x50
        {
            let size = try input.u32le(file.length + 4)
            guard input.fits(file.length + 8, size) else { return false }
            file.length += 8 + size
        }
        return try input.continues(with: [0x28, 0xB5, 0x2F, 0xFD], at: file.length)
    }

    private mutating func frame() throws(WalkStop) {
        let start = file.length
        let descriptor = try input.u8(start + 4)
        guard descriptor & 8 == 0 else { throw .rejected("a reserved bit is set") }
        let isSingle = descriptor & 0x20 != 0
        let sizeField = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]
        var at = start + 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3] + sizeField
        var isLast = false
        var blocks = 0
        while !isLast {
            let header = try input.u24le(at)
            isLast = header & 1 != 0
            let type = header >> 1 & 3
            let size = header >> 3
            // A block holds at most 128 KiB (3.1.1.2.4).
            guard type != 3, size <= 128 * 1024 else {
                throw blocks == 0 ? .rejected("no block behind the header") : .broken("a block of no known kind")
            }
            at += 3 + (type == 1 ? 1 : size)
            guard at <= input.count else { throw .failed(.pastEnd(offset: at)) }
            blocks += 1
            if blocks > 1 { isRecognised = true }
            file.length = at
        }
        if descriptor & 4 != 0 { at += 4 }
        guard at <= input.count else { throw .failed(.pastEnd(offset: at)) }
        isRecognised = true
        // Blocks carry nothing that could be checked without decompressing them.
        file.confidence = .header
        file.length = at
    }
}
