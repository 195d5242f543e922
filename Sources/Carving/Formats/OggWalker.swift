internal import EvidenceModel

/// Ogg: Vorbis, Opus, Speex, FLAC, Theora (RFC 3533, RFC 7845).
///
/// Pages, each with its CRC-32, until every logical stream has said that it ends.
struct OggWalker: TextWalker {
    let name = "ogg"
    let signatures = [WalkerSignature("OggS\0\u{02}")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try OggWalk(WalkInput(reader)).verdict()
    }
}

private struct OggWalk: FileWalk {
    /// Most logical streams of one file.
    static let mostStreams = 256
    /// Unit in which other files would follow: a chained stream does not begin there.
    static let block = 512

    private struct Stream {
        var next: Int
        var isOpen = true
    }

    let input: WalkInput
    var file = WalkedFile(length: 27, confidence: .proven, format: "ogg", fileExtension: "ogg", mime: "audio/ogg")
    var isRecognised = false
    private var streams: [Int: Stream] = [:]
    private var rate = 0
    private var preSkip = 0
    private var timed = -1
    private var lastGranule = 0
    private var hasVideo = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        var at = 0
        repeat {
            at = try page(at)
            isRecognised = true
            file.length = at
        } while try goesOn(at)
        if rate > 0 { file.noteDuration(max(0, lastGranule - preSkip), perSecond: rate) }
    }

    private func goesOn(_ at: Int) throws(WalkStop) -> Bool {
        if streams.values.contains(where: \.isOpen) { return true }
        guard at % Self.block != 0 else { return false }
        return try input.matches("OggS\0\u{02}", at: at)
    }

    private mutating func page(_ at: Int) throws(WalkStop) -> Int {
        guard try input.matches("OggS\0", at: at) else { throw .broken("no page where one must start") }
        let flags = try input.u8(at + 5)
        let granule = try input.length64le(at + 6)
        let serial = try input.u32le(at + 14)
        let sequence = try input.u32le(at + 18)
        let segments = try input.u8(at + 26)
        guard flags <= 7 else { throw .broken("a page with impossible flags") }
        let body = at + 27 + segments
        var length = 0
        for lacing in try input.bytes(at: at + 27, count: segments) { length += Int(lacing) }
        guard input.fits(body, length) else { throw .broken("the source ends inside a page") }
        file.likelyLength = try input.endOfCut(at: at, head: 27 + segments)
        guard try checksum(at..<body + length) == UInt32(truncatingIfNeeded: input.u32le(at + 22)) else {
            throw .broken("a page's CRC does not hold")
        }
        file.likelyLength = nil
        if flags & 2 != 0 {
            guard streams[serial]?.isOpen != true, streams.count < Self.mostStreams else {
                throw .broken("a stream begins twice")
            }
            streams[serial] = Stream(next: sequence)
            try begin(at: body, length: length, serial: serial)
        } else {
            guard let stream = streams[serial], stream.isOpen else { throw .broken("a page of an unknown stream") }
            if sequence != stream.next {
                file.warnings.append("page \(stream.next) is missing")
                file.confidence = .structural
            }
            if sequence <= 2 { try comments(at: body, end: body + length) }
        }
        streams[serial]?.next = (sequence + 1) & 0xFFFF_FFFF
        if flags & 4 != 0 { streams[serial]?.isOpen = false }
        // All ones: no packet ends on the page.
        if serial == timed, granule < 1 << 48 { lastGranule = max(lastGranule, granule) }
        return body + length
    }

    /// CRC-32 with the polynomial 0x04C11DB7, highest bit first, its own field taken as zeros.
    private func checksum(_ range: Range<Int>) throws(WalkStop) -> UInt32 {
        let field = range.lowerBound + 22
        var crc = ForwardCRC32(register: 0)
        try input.forEachPiece(of: range.lowerBound..<field) { crc.update($0) }
        crc.update([0, 0, 0, 0])
        try input.forEachPiece(of: field + 4..<range.upperBound) { crc.update($0) }
        return crc.register
    }

    private mutating func begin(at: Int, length: Int, serial: Int) throws(WalkStop) {
        if try input.matches([1] + Array("vorbis".utf8), at: at), length >= 30 {
            become("Vorbis", "ogg", "audio/ogg")
            file.note("channels", try input.u8(at + 11))
            rate = try input.u32le(at + 12)
            timed = serial
        } else if try input.matches("OpusHead", at: at), length >= 19 {
            become("Opus", "opus", "audio/opus")
            file.note("channels", try input.u8(at + 9))
            preSkip = try input.u16le(at + 10)
            rate = 48000
            timed = serial
        } else if try input.matches("Speex   ", at: at), length >= 52 {
            become("Speex", "spx", "audio/x-speex")
            rate = try input.u32le(at + 36)
            timed = serial
        } else if try input.matches([0x7F] + Array("FLAC".utf8), at: at) {
            become("FLAC", "oga", "audio/ogg")
        } else if try input.matches([0x80] + Array("theora".utf8), at: at), length >= 22 {
            hasVideo = true
            file.fileExtension = "ogv"
            file.mime = "video/ogg"
            file.facts["codec"] = "Theora"
            file.note("width", try input.u24be(at + 14))
            file.note("height", try input.u24be(at + 17))
        }
        if rate > 0 { file.note("sample_rate", rate) }
    }

    private mutating func become(_ codec: String, _ ending: String, _ mime: String) {
        if hasVideo {
            file.facts["audio_codec"] = .string(codec)
            return
        }
        file.note("codec", text: codec.utf8)
        file.fileExtension = ending
        file.mime = mime
        if codec == "Opus" { file.format = "opus" }
    }

    private mutating func comments(at: Int, end: Int) throws(WalkStop) {
        for prefix in [[3] + Array("vorbis".utf8), Array("OpusTags".utf8), [0x81] + Array("theora".utf8)]
        where try input.matches(prefix, at: at) {
            try VorbisComment.note(input, at: at + prefix.count, end: end, in: &file)
        }
    }
}
