internal import EvidenceModel

/// Speech of mobile phones: AMR and AMR-WB, one channel (RFC 4867, section 5).
///
/// A chain of frames, each with a header that gives its length. Nothing states their number.
struct SpeechSoundWalker: FormatWalker {
    let name = "amr"
    let signatures = [WalkerSignature("#!AMR\n"), WalkerSignature("#!AMR-WB\n")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try SpeechSoundWalk(reader).verdict() }
}

private struct SpeechSoundWalk: FileWalk {
    static let fewestFrames = 3
    /// Bytes of a frame by its type, header included (3GPP TS 26.101 and 26.201); 0: no such type.
    static let narrow = [13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1]
    static let wide = [18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1]

    let input: WalkInput
    var file = WalkedFile(length: 6, confidence: .header, format: "amr", fileExtension: "amr", mime: "audio/amr")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let isWide = try input.matches("-WB", at: 5)
        let lengths = isWide ? Self.wide : Self.narrow
        if isWide {
            (file.format, file.fileExtension, file.mime) = ("amr-wb", "awb", "audio/amr-wb")
            file.length = 9
        }
        var at = file.length
        var frames = 0
        var emptyFrames = 0
        while input.fits(at, 1) {
            let header = try input.u8(at)
            let type = header >> 3 & 15
            // Padding bits are zero, and the quality bit is set where there is sound.
            guard header & 0x83 == 0, lengths[type] > 0, header & 4 != 0 || lengths[type] == 1,
                input.fits(at, lengths[type])
            else { break }
            at += lengths[type]
            frames += 1
            if lengths[type] == 1 { emptyFrames += 1 }
        }
        guard frames >= Self.fewestFrames, emptyFrames < frames else { throw .rejected("too few frames") }
        file.length = at
        file.warnings.append("the format has no end mark: the file ends where no frame follows")
        file.note("frames", frames)
        file.note("channels", 1)
        file.note("sample_rate", isWide ? 16000 : 8000)
        // A frame is 20 ms.
        file.noteDuration(frames, perSecond: 50)
    }
}
