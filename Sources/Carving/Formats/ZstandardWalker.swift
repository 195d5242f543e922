internal import EvidenceModel

/// Zstandard (RFC 8878): frames of blocks that state their sizes, decompressed to compare the content's xxHash-64.
struct ZstandardWalker: FormatWalker {
    let name = "zstd"
    let signatures = [WalkerSignature([0x28, 0xB5, 0x2F, 0xFD])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ZstandardWalk(reader).verdict() }
}

private struct ZstandardWalk: FileWalk {
    /// Most bytes of content in a block (3.1.1.2.4).
    static let largestBlock = 128 << 10

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "zst", fileExtension: "zst", mime: "application/zstd")
    var isRecognised = false
    var content = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var frames = 0
        repeat {
            try frame()
            frames += 1
        } while try continues()
        file.note("frames", frames)
        if content > 0 { file.note("content_bytes", content) }
    }

    /// Another frame follows; those that readers skip are stepped over (3.1.2).
    private mutating func continues() throws(WalkStop) -> Bool {
        guard try file.stepOverSkippableFrames(input) else { return false }
        return try input.continues(with: [0x28, 0xB5, 0x2F, 0xFD], at: file.length)
    }

    private mutating func frame() throws(WalkStop) {
        let start = file.length
        let descriptor = try input.u8(start + 4)
        guard descriptor & 8 == 0 else { throw stop("a reserved bit is set") }
        let isSingle = descriptor & 0x20 != 0
        let sizeField = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]
        let dictionaryField = [0, 1, 2, 4][descriptor & 3]
        var at = start + 5 + (isSingle ? 0 : 1) + dictionaryField
        var stated: Int?
        switch sizeField {
        case 1: stated = try input.u8(at)
        case 2: stated = try input.u16le(at) + 256
        case 4: stated = try input.u32le(at)
        case 8: stated = try input.length64le(at)
        default: break
        }
        at += sizeField
        var window = stated ?? 0
        if !isSingle {
            let byte = try input.u8(start + 5)
            let base = 1 << (10 + byte >> 3)
            window = base + base / 8 * (byte & 7)
        }
        var stream: ZstandardStream?
        if dictionaryField == 0, window <= 1 << ZstandardStream.largestWindowLog { stream = ZstandardStream() }
        let isChecked = stream != nil
        var size = try decompress(start..<at, with: &stream)
        let hasChecksum = descriptor & 4 != 0
        var isLast = false
        var blocks = 0
        while !isLast {
            let header = try input.u24le(at)
            isLast = header & 1 != 0
            let type = header >> 1 & 3
            let length = header >> 3
            guard type != 3, length <= Self.largestBlock else { throw stop("a block of no known kind") }
            let stored = type == 1 ? 1 : length
            guard input.fits(at + 3, stored) else { throw .failed(.pastEnd(offset: at)) }
            size += try decompress(at..<at + 3 + stored, with: &stream)
            let isBomb = size > InflateLimit.ratioMatters && size / InflateLimit.highestRatio > at - start
            guard content + size <= InflateLimit.mostBytes, !isBomb else {
                throw input.stop(at: isBomb ? .inflatedRatio : .inflatedBytes, "not decompressed to its end")
            }
            guard input.reader.mayDecode else { throw .broken("not decompressed to its end") }
            if !hasChecksum || !isChecked { file.leaveUnchecked(at + 3..<at + 3 + stored) }
            at += 3 + stored
            blocks += 1
            if blocks > 1 { isRecognised = true }
            file.length = at
        }
        if hasChecksum {
            size += try decompress(at..<at + 4, with: &stream)
            at += 4
        }
        guard at <= input.count else { throw .failed(.pastEnd(offset: at)) }
        if isChecked, let stated, stated != size { throw stop("the frame states another size of its content") }
        isRecognised = true
        content += size
        if !isChecked {
            // A dictionary is missing, or the window is larger than is worth the memory.
            file.confidence = .header
        } else if !hasChecksum, file.confidence == .proven {
            file.confidence = .structural
        }
        file.length = at
    }

    /// Bytes of content that a part of the frame gives; 0 where content is not looked at.
    private mutating func decompress(
        _ part: Range<Int>, with stream: inout ZstandardStream?
    ) throws(WalkStop) -> Int {
        let bytes = try input.bytes(at: part.lowerBound, count: part.count)
        guard stream != nil else { return 0 }
        guard let size = stream?.take(bytes) else {
            throw stop("not Zstandard data, or its size or checksum does not hold")
        }
        input.reader.charge(size)
        return size
    }

    private func stop(_ reason: String) -> WalkStop { isRecognised ? .broken(reason) : .rejected(reason) }
}
