internal import EvidenceModel

/// xz (the .xz file format 1.1): blocks, an index that lists their sizes, and a footer.
///
/// The chunks of LZMA2 state their sizes, so blocks are walked without decompressing them; index and footer must agree. Only
/// then the content is decompressed, and compared with the checks that most files have.
struct XZWalker: FormatWalker {
    let name = "xz"
    let signatures = [WalkerSignature([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try XZWalk(reader).verdict() }
}

private struct XZWalk: FileWalk {
    static let signature: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
    static let mostBlocks = WalkLimit.xzBlocks.value
    /// Bytes that decompressing may use: the largest window of xz's presets, and its tables.
    static let memory = 68 << 20

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
        try compareContent()
    }

    /// Decompresses everything; proven where every stream has a check, and all of them hold.
    private mutating func compareContent() throws(WalkStop) {
        let isBomb = content > InflateLimit.ratioMatters && content / InflateLimit.highestRatio > file.length
        guard content <= InflateLimit.mostBytes, !isBomb, content <= input.reader.decodingAllowance else { return }
        var decompressor: LZMADecompressor?
        var output = [UInt8](repeating: 0, count: Inflater.pieceSize)
        var isChecked = true
        let end = file.length
        var at = 0
        while at < end {
            let piece = try input.bytes(at: at, count: min(ByteReader.windowSize / 4, end - at))
            var rest = piece[...]
            while !rest.isEmpty {
                if decompressor == nil { decompressor = LZMADecompressor(.xz, memory: Self.memory) }
                guard let step = decompressor?.step(rest, into: &output) else { return }
                rest = rest.dropFirst(step.consumed)
                input.reader.charge(step.produced)
                switch step.status {
                case .finished:
                    isChecked = isChecked && decompressor?.isChecked == true
                    decompressor = nil
                case .invalid:
                    // A window that is not worth the memory, or a filter without a decoder, is no damage.
                    guard decompressor?.wantsMore == false, decompressor?.isDamaged == true else { return }
                    file.length = at + piece.count - rest.count
                    throw .broken("the content does not decompress, or a check of it does not hold")
                case .more: if step.consumed == 0, step.produced == 0 { return }
                }
            }
            at += piece.count
        }
        if isChecked, decompressor == nil { file.confidence = .proven }
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
            guard blocks.count < Self.mostBlocks else {
                throw input.stop(at: .xzBlocks, "more blocks than any real file has")
            }
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
        guard let value = try input.base128(&at, atMost: 9) else {
            throw .broken("a number longer than any real one")
        }
        return value
    }
}
