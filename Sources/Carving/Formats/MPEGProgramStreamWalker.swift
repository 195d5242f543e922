internal import EvidenceModel

/// MPEG program streams: .mpg, .vob (ISO/IEC 11172-1; ISO/IEC 13818-1, 2.5).
///
/// Packs and packets state their lengths, so a piece of another file among them breaks the chain. Only the end code
/// says where the stream ends, and many files, all those of DVDs, have none.
struct MPEGProgramStreamWalker: FormatWalker {
    let name = "mpeg-ps"
    let signatures = [WalkerSignature([0, 0, 1, 0xBA])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try MPEGProgramStreamWalk(reader).verdict() }
}

private struct MPEGProgramStreamWalk: FileWalk {
    static let fewestPacks = 2
    /// A clock that goes on by more than this between packs was set anew, in units of 90 kHz.
    static let largestStep = 90_000 * 10

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "mpeg-ps", fileExtension: "mpg", mime: "video/mpeg")
    var isRecognised = false
    var packs = 0
    var isSecondVersion = false
    var clock: Int?
    var duration = 0
    var videoStreams: Set<Int> = []
    var audioStreams: Set<Int> = []
    var navigationPackets = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = 0
        var hasEnd = false
        while !hasEnd, input.fits(at, 4), let length = try unit(at) {
            hasEnd = length == 4
            guard input.fits(at, length) else {
                guard isRecognised else { throw .rejected("the source ends inside the first packets") }
                throw .broken("the source ends inside a packet")
            }
            at += length
            if packs >= Self.fewestPacks, !videoStreams.isEmpty || !audioStreams.isEmpty {
                isRecognised = true
                file.length = at
            }
        }
        guard isRecognised else { throw .rejected("no packs of a program stream") }
        if !hasEnd {
            file.confidence = .header
            file.warnings.append("the stream has no end code: it ends where no packet follows")
        }
        if navigationPackets > 1 {
            file.fileExtension = "vob"
            file.note("dvd")
        }
        file.facts["codec"] = isSecondVersion ? "MPEG-2" : "MPEG-1"
        file.note("video_streams", videoStreams.count)
        file.note("audio_streams", audioStreams.count)
        file.noteDuration(duration, perSecond: 90_000)
    }

    /// Length of the pack header, packet or end code at a place; nil when none stands there.
    private mutating func unit(_ at: Int) throws(WalkStop) -> Int? {
        let code = try input.u32be(at)
        switch code {
        case 0x1B9: return packs > 0 ? 4 : nil
        case 0x1BA: return try packHeader(at)
        case 0x1BB...0x1FF:
            guard packs > 0, input.fits(at, 10) else { return nil }
            let length = try input.u16be(at + 4)
            guard length > 0, try isPacket(code & 0xFF, at: at, length: length) else { return nil }
            if 0xC0...0xDF ~= code & 0xFF { audioStreams.insert(code & 0xFF) }
            if 0xE0...0xEF ~= code & 0xFF { try video(code & 0xFF, at: at, length: length) }
            if code == 0x1BF, length == 980 || length == 1018 { navigationPackets += 1 }
            return 6 + length
        default: return nil
        }
    }

    private mutating func packHeader(_ at: Int) throws(WalkStop) -> Int? {
        guard input.fits(at, 14) else { return nil }
        let head = try input.bytes(at: at + 4, count: 10).map(Int.init)
        let length: Int
        let time: Int
        if head[0] & 0xC4 == 0x44, head[2] & 4 == 4, head[4] & 4 == 4, head[5] & 1 == 1, head[8] & 3 == 3 {
            isSecondVersion = true
            length = 14 + head[9] & 7
            let high = (head[0] >> 3 & 7) << 30 | (head[0] & 3) << 28
            time = high | head[1] << 20 | (head[2] >> 3) << 15 | (head[2] & 3) << 13 | head[3] << 5 | head[4] >> 3
        } else if head[0] & 0xF1 == 0x21, head[2] & 1 == 1, head[4] & 1 == 1, head[5] & 0x80 != 0, head[7] & 1 == 1 {
            length = 12
            let high = (head[0] >> 1 & 7) << 30 | head[1] << 22
            time = high | (head[2] >> 1) << 15 | head[3] << 7 | head[4] >> 1
        } else {
            return nil
        }
        if let clock, time > clock, time - clock < Self.largestStep { duration += time - clock }
        clock = time
        packs += 1
        return length
    }

    /// True when a packet's header is one of its kind.
    private mutating func isPacket(_ id: Int, at: Int, length: Int) throws(WalkStop) -> Bool {
        switch id {
        case 0xBB: return try input.u8(at + 6) & 0x80 != 0 && length >= 6
        case 0xBC, 0xBE, 0xBF, 0xF0, 0xF1, 0xF2, 0xF8, 0xFF: return true
        default:
            guard isSecondVersion else {
                // Stuffing, a buffer's size, a time, or none of them.
                let byte = try input.u8(at + 6)
                return byte == 0xFF || byte == 0x0F || 0x20...0x7F ~= byte
            }
            guard length >= 3, try input.u8(at + 6) & 0xC0 == 0x80 else { return false }
            let body = 9 + (try input.u8(at + 8))
            guard body <= 6 + length else { return false }
            if id == 0xBD, body < 6 + length, input.fits(at, body + 1) {
                // DVD: AC-3, DTS and LPCM are substreams of private stream 1.
                let substream = try input.u8(at + body)
                if 0x80...0xAF ~= substream { audioStreams.insert(substream << 8) }
            }
            return true
        }
    }

    /// Notes a stream of pictures, and their size from the first sequence header.
    private mutating func video(_ id: Int, at: Int, length: Int) throws(WalkStop) {
        videoStreams.insert(id)
        guard file.facts["width"] == nil else { return }
        let end = min(at + 6 + length, input.count)
        guard let start = try input.firstOffset(of: [0, 0, 1, 0xB3], from: at + 6, to: min(end, at + 262)),
            end - start >= 8
        else { return }
        let size = try input.u24be(start + 4)
        let rates = [0, 23976, 24000, 25000, 29970, 30000, 50000, 59940, 60000]
        let rate = try input.u8(start + 7) & 15
        file.note("width", size >> 12)
        file.note("height", size & 0xFFF)
        if rate > 0, rate < rates.count { file.note("frames_per_1000_s", rates[rate]) }
    }
}
