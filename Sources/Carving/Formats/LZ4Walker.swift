internal import EvidenceModel

/// LZ4 frames (LZ4 Frame Format 1.6.4): decompressed, so that the content's xxHash-32 can be compared.
struct LZ4Walker: FormatWalker {
    let name = "lz4"
    let signatures = [WalkerSignature([0x04, 0x22, 0x4D, 0x18])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try LZ4Walk(reader).verdict() }
}

private struct LZ4Walk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "lz4", fileExtension: "lz4", mime: "application/x-lz4")
    var isRecognised = false
    var content = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var frames = 0
        repeat {
            try frame()
            frames += 1
        } while try goesOn()
        file.note("frames", frames)
        file.note("content_bytes", content)
    }

    /// Another frame follows; those that readers skip are stepped over.
    private mutating func goesOn() throws(WalkStop) -> Bool {
        guard try file.stepOverSkippableFrames(input) else { return false }
        return try input.continues(with: [0x04, 0x22, 0x4D, 0x18], at: file.length)
    }

    private mutating func frame() throws(WalkStop) {
        let start = file.length
        let flags = try input.u8(start + 4)
        let descriptor = try input.u8(start + 5)
        let blockSize = 1 << (8 + 2 * (descriptor >> 4 & 7))
        guard try input.matches([0x04, 0x22, 0x4D, 0x18], at: start), flags >> 6 == 1, flags & 2 == 0,
            descriptor & 0x8F == 0, blockSize >= 1 << 16
        else {
            throw .rejected("not a frame header")
        }
        let hasBlockChecks = flags & 0x10 != 0
        let hasContentCheck = flags & 4 != 0
        let needsDictionary = flags & 1 != 0
        var at = start + 7 + (flags & 8 != 0 ? 8 : 0) + (needsDictionary ? 4 : 0)
        var stream = needsDictionary ? nil : LZ4FrameStream()
        let isChecked = stream != nil
        var size = try decompress(start..<at, with: &stream)
        while true {
            let word = try input.u32le(at)
            let length = word & 0x7FFF_FFFF
            guard length <= blockSize else { throw stop("a block larger than the frame allows") }
            let end = at + 4 + (word == 0 ? 0 : length + (hasBlockChecks ? 4 : 0))
            guard input.fits(0, end) else { throw .failed(.pastEnd(offset: at)) }
            size += try decompress(at..<end, with: &stream)
            guard content + size <= InflateLimit.mostBytes else {
                throw input.stop(at: .inflatedBytes, "not decompressed to its end")
            }
            guard input.reader.mayDecode else { throw .broken("not decompressed to its end") }
            if word != 0, !(hasBlockChecks || hasContentCheck) || !isChecked {
                file.leaveUnchecked(at + 4..<at + 4 + length)
            }
            at = end
            if word == 0 { break }
            isRecognised = true
            file.length = at
        }
        if hasContentCheck {
            guard input.fits(at, 4) else { throw .failed(.pastEnd(offset: at)) }
            size += try decompress(at..<at + 4, with: &stream)
            at += 4
        }
        if !isChecked {
            // Without its dictionary, nothing was decompressed.
            file.confidence = .header
        } else if !hasBlockChecks, !hasContentCheck, file.confidence == .proven {
            file.confidence = .structural
        }
        isRecognised = true
        content += size
        file.length = at
    }

    /// Bytes of content that a part of the frame gives; 0 where content is not looked at.
    private mutating func decompress(_ part: Range<Int>, with stream: inout LZ4FrameStream?) throws(WalkStop) -> Int {
        let bytes = try input.bytes(at: part.lowerBound, count: part.count)
        guard stream != nil else { return 0 }
        guard let size = stream?.take(bytes) else {
            throw stop("not LZ4 data, or its size or checksum does not hold")
        }
        input.reader.charge(size)
        return size
    }

    private func stop(_ reason: String) -> WalkStop { isRecognised ? .broken(reason) : .rejected(reason) }
}
