internal import EvidenceModel

/// Monkey's Audio from version 3.98 on: a descriptor with the sizes of all parts and an MD5 over them.
struct MonkeysAudioWalker: FormatWalker {
    let name = "ape"
    let signatures = [
        WalkerSignature([0x4D, 0x41, 0x43, 0x20, 0x8C, 0x0F]), WalkerSignature([0x4D, 0x41, 0x43, 0x20, 0x96, 0x0F]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try MonkeysAudioWalk(reader).verdict() }
}

private struct MonkeysAudioWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(length: 52, confidence: .proven, format: "ape", fileExtension: "ape", mime: "audio/x-ape")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let descriptor = try input.u32le(8)
        let header = try input.u32le(12)
        let seek = try input.u32le(16)
        let wave = try input.u32le(20)
        let frames = try input.u32le(24) | input.u32le(28) << 32
        let terminator = try input.u32le(32)
        guard (52...1024).contains(descriptor), (24...1024).contains(header), frames > 0, frames < 1 << 40,
            (1...32).contains(try input.u16le(descriptor + 18)), try input.u32le(descriptor + 20) > 0,
            seek >= 4 * (try input.u32le(descriptor + 12))
        else { throw .rejected("not a descriptor") }
        isRecognised = true
        file.length = descriptor + header
        let sound = descriptor + header + seek
        let end = sound + wave + frames + terminator
        guard input.fits(0, end) else { throw .broken("the source ends inside the sound") }
        // The digest covers the sound first, then header and seek table.
        if let digest = try input.digest(.md5, of: [sound..<end, descriptor..<sound]),
            try input.matches(digest, at: 36)
        {
            file.length = end
        } else {
            file.length = end
            file.confidence = .structural
            file.leaveUnchecked(descriptor + header..<end)
            file.warnings.append("the MD5 of the sound does not hold")
        }
        let tagged = try ID3Tag.endOfTrailers(input, at: end, in: &file)
        if tagged > end { file.confidence = .structural }
        file.length = tagged
        let rate = try input.u32le(descriptor + 20)
        let blocks = try input.u32le(descriptor + 4)
        let last = try input.u32le(descriptor + 8)
        let count = try input.u32le(descriptor + 12)
        file.note("channels", try input.u16le(descriptor + 18))
        file.note("bit_depth", try input.u16le(descriptor + 16))
        file.note("sample_rate", rate)
        if count > 0 { file.noteDuration((count - 1) * blocks + last, perSecond: rate) }
    }
}
