internal import EvidenceModel

/// Raw AAC sound in ADTS frames (ISO/IEC 13818-7, 6.2; ISO/IEC 14496-3, 1.A.3.2).
///
/// A chain of frames; nothing states their number. The signatures are the first three bytes of every AAC-LC header, and
/// all frames must share the parts of the header that cannot change.
struct ADTSWalker: FormatWalker {
    let name = "adts"
    let signatures = [UInt8](0..<12).flatMap { rate in
        [UInt8](arrayLiteral: 0xF0, 0xF1, 0xF8, 0xF9).map { WalkerSignature([0xFF, $0, 0x40 | rate << 2]) }
    }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ADTSWalk(reader).verdict() }
}

private struct ADTSWalk: FileWalk {
    static let fewestFrames = 8
    static let rates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000]

    let input: WalkInput
    var file = WalkedFile(length: 7, confidence: .header, format: "aac", fileExtension: "aac", mime: "audio/aac")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        // Of 28 fixed bits, all but the highest of the channels' number stand in these bytes.
        let first = try input.u32be(0) & 0xFFFF_FFF0
        let hasCheck = first & 0x1_0000 == 0
        let smallest = hasCheck ? 9 : 7
        var at = 0
        var frames = 0
        var blocks = 0
        while input.fits(at, 7), try input.u32be(at) & 0xFFFF_FFF0 == first {
            let length = try input.u24be(at + 3) >> 5 & 0x1FFF
            guard length > smallest, input.fits(at, length) else { break }
            blocks += try input.u8(at + 6) & 3 + 1
            at += length
            frames += 1
        }
        guard frames >= Self.fewestFrames else { throw .rejected("too few frames") }
        file.length = at
        file.warnings.append("the format has no end mark: the file ends where no frame follows")
        let rate = Self.rates[first >> 10 & 15]
        file.facts["codec"] = "AAC-LC"
        file.note("frames", frames)
        file.note("channels", first >> 6 & 7)
        file.note("sample_rate", rate)
        file.noteDuration(blocks * 1024, perSecond: rate)
    }
}
