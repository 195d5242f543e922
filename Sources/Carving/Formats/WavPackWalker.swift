internal import EvidenceModel

/// WavPack sound (WavPack 4 and 5 Binary File / Block Format): blocks that state their sizes and which samples they hold.
///
/// Version 5 gives each block a checksum of its own.
struct WavPackWalker: FormatWalker {
    let name = "wavpack"
    let signatures = [WalkerSignature("wvpk")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try WavPackWalk(reader).verdict() }
}

private struct WavPackWalk: FileWalk {
    static let largestBlock = 1 << 20
    static let rates = [
        6000, 8000, 9600, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000, 192000,
    ]

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "wavpack", fileExtension: "wv", mime: "audio/x-wavpack")
    var isRecognised = false
    var hasChecksums = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let total = try input.u32le(12) | input.u8(11) << 32
        guard total > 0, try input.u32le(12) != 0xFFFF_FFFF else {
            throw .rejected("the number of samples is not known")
        }
        let flags = try input.u32le(24)
        var samples = 0
        var at = 0
        var channels = 0
        while try input.matches("wvpk", at: at) {
            let size = try input.u32le(at + 4) + 8
            let version = try input.u16le(at + 8)
            guard size >= 32, size <= Self.largestBlock, size % 2 == 0, 0x402...0x410 ~= version else { break }
            let count = try input.u32le(at + 20)
            // Further blocks of the same samples hold more channels; ones without samples hold metadata.
            let start = try input.u32le(at + 16) | input.u8(at + 10) << 32
            guard count == 0 || start == samples else { break }
            // Where all samples have been seen, another file may begin at a block's border.
            guard samples < total || count == 0 && at % WalkInput.blockSize != 0 else { break }
            guard input.fits(at, size) else { throw .broken("the source ends inside a block") }
            guard try holds(at, size: size) else { throw .broken("a block's checksum does not hold") }
            let blockFlags = try input.u32le(at + 24)
            if start == 0, count > 0 { channels += blockFlags & 4 == 0 ? 2 : 1 }
            // Bit 12 marks the last block of these samples.
            if count > 0, blockFlags & 0x1000 != 0 { samples += count }
            at += size
            file.length = at
            isRecognised = true
        }
        guard at > 0 else { throw .rejected("no block") }
        guard samples == total else { throw .broken("\(total) samples are stated, \(samples) are there") }
        let end = try ID3Tag.endOfTrailers(input, at: at, in: &file)
        if end > at { file.confidence = .structural }
        file.length = end
        file.note("channels", channels)
        let rate = flags >> 23 & 15
        if rate < Self.rates.count {
            file.note("sample_rate", Self.rates[rate])
            file.noteDuration(total, perSecond: Self.rates[rate])
        }
    }

    /// False when the block has a checksum that does not hold; notes when it has none.
    private mutating func holds(_ start: Int, size: Int) throws(WalkStop) -> Bool {
        var at = start + 32
        while at + 2 <= start + size {
            let kind = try input.u8(at)
            let isLarge = kind & 0x80 != 0
            var length = try input.u8(at + 1) * 2
            if isLarge { length = try input.u24le(at + 1) * 2 }
            let body = at + (isLarge ? 4 : 2)
            guard body + length <= start + size else { return false }
            if kind & 0x3F == 0x2F, length == 2 || length == 4 {
                hasChecksums = true
                let bytes = try input.bytes(at: start, count: body - start)
                var sum: UInt32 = 0xFFFF_FFFF
                for word in stride(from: 0, to: bytes.count - 1, by: 2) {
                    sum = sum &* 3 &+ UInt32(bytes[word]) &+ UInt32(bytes[word + 1]) << 8
                }
                if length == 4 { return try input.u32le(body) == Int(sum) }
                return try input.u16le(body) == Int((sum ^ sum >> 16) & 0xFFFF)
            }
            at = body + length
        }
        // What writes a checksum into one block writes it into all that hold sound.
        if hasChecksums, try input.u32le(start + 20) > 0 { return false }
        file.confidence = .structural
        file.leaveUnchecked(start + 32..<start + size)
        return true
    }
}
