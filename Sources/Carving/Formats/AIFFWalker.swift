internal import EvidenceModel

/// AIFF and AIFF-C sound (Apple, Audio Interchange File Format 1.3; AIFF-C draft 1991).
struct AIFFWalker: FormatWalker {
    let name = "aiff"
    let signatures = [WalkerSignature("FORM")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try AIFFWalk(WalkInput(reader)).verdict()
    }
}

private struct AIFFWalk: FileWalk {
    /// Most chunks of one file.
    static let mostChunks = 1 << 16

    let input: WalkInput
    var file = WalkedFile(
        length: 12, confidence: .structural, format: "aiff", fileExtension: "aif", mime: "audio/x-aiff")
    var isRecognised = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        guard try input.matches("FORM", at: 0) else { throw .rejected("no IFF signature") }
        let form = try input.tag(8)
        guard form == "AIFF" || form == "AIFC" else { throw .rejected("an IFF form of another kind") }
        let end = 8 + (try input.u32be(4))
        guard end >= 12 + 8 + 18 else { throw .rejected("too short for AIFF") }
        isRecognised = true
        file.facts["codec"] = "PCM"
        var at = 12
        var hasCommon = false
        var chunks = 0
        while at < end {
            if end - at == 1 { break }
            let type = try input.tag(at)
            let length = try input.u32be(at + 4)
            chunks += 1
            guard type.isPrintable, chunks <= Self.mostChunks else { throw .broken("no chunk where one must start") }
            guard length <= end - at - 8 else { throw .broken("the chunk \(type.text) is longer than the file") }
            guard input.fits(at + 8, length) else { throw .broken("the source ends inside \(type.text)") }
            switch type {
            case "COMM" where length >= 18:
                hasCommon = true
                try noteCommon(at: at + 8, length: length, isCompressed: form == "AIFC")
            case "NAME": file.note("title", text: try input.bytes(at: at + 8, count: min(length, 1024)))
            case "AUTH": file.note("artist", text: try input.bytes(at: at + 8, count: min(length, 1024)))
            case "ANNO": file.note("comment", text: try input.bytes(at: at + 8, count: min(length, 1024)))
            case "(c) ": file.note("copyright", text: try input.bytes(at: at + 8, count: min(length, 1024)))
            case "ID3 ": file.note("id3")
            default: break
            }
            file.leaveUnchecked(at + 8..<at + 8 + length)
            at += 8 + length
            if length % 2 == 1, at < end { at += 1 }
            file.length = at
        }
        guard input.fits(0, end) else { throw .broken("the source ends inside the file") }
        guard hasCommon else { throw .broken("no common chunk") }
        file.length = end
    }

    private mutating func noteCommon(at: Int, length: Int, isCompressed: Bool) throws(WalkStop) {
        let frames = try input.u32be(at + 2)
        file.note("channels", try input.u16be(at))
        file.note("bit_depth", try input.u16be(at + 6))
        // The rate is an 80-bit extended number: exponent, then a 64-bit mantissa with its integer bit.
        let exponent = try input.u16be(at + 8) & 0x7FFF
        let mantissa = try input.u32be(at + 10)
        let shift = 16383 + 31 - exponent
        if (0...31).contains(shift) {
            let rate = mantissa >> shift
            file.note("sample_rate", rate)
            file.noteDuration(frames, perSecond: rate)
        }
        if isCompressed, length >= 22 { file.facts["codec"] = .string(try input.tag(at + 18).text) }
    }
}
