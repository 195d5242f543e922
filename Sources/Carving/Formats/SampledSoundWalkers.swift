internal import EvidenceModel

/// NeXT and Sun sound (.au, .snd): the header states where the samples begin and how long they are.
struct SunSoundWalker: FormatWalker {
    let name = "au"
    let signatures = [WalkerSignature([0x2E, 0x73, 0x6E, 0x64, 0, 0, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try SunSoundWalk(reader).verdict() }
}

private struct SunSoundWalk: FileWalk {
    /// Bytes of a sample by encoding; nil where they are not a whole number.
    static let encodings: [Int: (name: String, width: Int?)] = [
        1: ("mu-law", 1), 2: ("PCM 8", 1), 3: ("PCM 16", 2), 4: ("PCM 24", 3), 5: ("PCM 32", 4), 6: ("float 32", 4),
        7: ("float 64", 8), 23: ("G.721", nil), 24: ("G.722", nil), 25: ("G.723.3", nil), 26: ("G.723.5", nil),
        27: ("A-law", 1),
    ]

    let input: WalkInput
    var file = WalkedFile(length: 24, confidence: .structural, format: "au", fileExtension: "au", mime: "audio/basic")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let start = try input.u32be(4)
        let size = try input.u32be(8)
        let rate = try input.u32be(16)
        let channels = try input.u32be(20)
        guard (24...65_536).contains(start), let encoding = Self.encodings[try input.u32be(12)],
            (1000...384_000).contains(rate), (1...32).contains(channels)
        else { throw .rejected("not a sound header") }
        isRecognised = true
        file.facts["codec"] = .string(encoding.name)
        file.note("channels", channels)
        file.note("sample_rate", rate)
        if start > 24 { file.note("comment", text: try input.available(at: 24, count: start - 24)) }
        guard size != 0xFFFF_FFFF else { throw .broken("the file was never finished: its size is not known") }
        guard size > 0 else { throw .broken("a file without sound") }
        guard input.fits(start, size) else { throw .broken("the source ends inside the sound") }
        if let width = encoding.width {
            guard size % (width * channels) == 0 else { throw .broken("the last sample is not whole") }
            file.noteDuration(size / (width * channels), perSecond: rate)
        }
        file.leaveUnchecked(24..<start + size)
        file.length = start + size
    }
}

/// Creative Voice files (.voc): blocks that state their lengths, up to one that ends the file.
struct CreativeVoiceWalker: FormatWalker {
    let name = "voc"
    let signatures = [WalkerSignature("Creative Voice File\u{1A}")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CreativeVoiceWalk(reader).verdict() }
}

private struct CreativeVoiceWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(length: 26, confidence: .structural, format: "voc", fileExtension: "voc", mime: "audio/x-voc")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let version = try input.u16le(22)
        guard try input.u16le(20) == 26, try input.u16le(24) == (~version + 0x1234) & 0xFFFF else {
            throw .rejected("not a voice header")
        }
        isRecognised = true
        var at = 26
        var blocks = 0
        while true {
            let type = try input.u8(at)
            guard type != 0 else { break }
            let length = try input.u24le(at + 1)
            guard type <= 9, input.fits(at + 4, length) else { throw .broken("no block where one must start") }
            if type == 1, length > 2 {
                let divisor = try input.u8(at + 4)
                file.note("sample_rate", 1_000_000 / (256 - divisor))
            } else if type == 9, length > 12 {
                file.note("sample_rate", try input.u32le(at + 4))
                file.note("bit_depth", try input.u8(at + 8))
                file.note("channels", try input.u8(at + 9))
            } else if type == 5 {
                file.note("comment", text: try input.bytes(at: at + 4, count: min(length, 1024)))
            }
            file.leaveUnchecked(at + 4..<at + 4 + length)
            at += 4 + length
            blocks += 1
            file.length = at
        }
        guard blocks > 0 else { throw .broken("a file without sound") }
        file.length = at + 1
        file.note("blocks", blocks)
    }
}

/// Apple's Core Audio Format (Core Audio Format Specification 1.0): chunks that state their sizes.
///
/// Nothing states which chunk is the last.
struct CoreAudioWalker: FormatWalker {
    let name = "caf"
    let signatures = [WalkerSignature([0x63, 0x61, 0x66, 0x66, 0, 1, 0, 0, 0x64, 0x65, 0x73, 0x63])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CoreAudioWalk(reader).verdict() }
}

private struct CoreAudioWalk: FileWalk {
    static let kinds: Set<FourCC> = [
        "desc", "data", "pakt", "chan", "kuki", "strg", "info", "mark", "regn", "inst", "midi", "ovvw", "peak", "uuid",
        "umid", "edct", "free", "mdat",
    ]

    let input: WalkInput
    var file = WalkedFile(length: 8, confidence: .header, format: "caf", fileExtension: "caf", mime: "audio/x-caf")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.length64be(12) == 32 else { throw .rejected("not a sound description") }
        var at = 8
        var sound = -1
        var framesPerPacket = 0
        var bytesPerPacket = 0
        var rate = 0
        var frames: Int?
        while input.fits(at, 12), Self.kinds.contains(try input.tag(at)) {
            let type = try input.tag(at)
            let size = try input.length64be(at + 4)
            let body = at + 12
            // -1, for sound that was still being recorded.
            guard try input.u32be(at + 4) != 0xFFFF_FFFF else {
                throw .broken("the file was never finished: its size is not known")
            }
            guard input.fits(body, size) else { throw .broken("the source ends inside \(type.text)") }
            if type == "desc", size == 32 {
                let value = Double(bitPattern: UInt64(try input.u32be(body)) << 32 | UInt64(try input.u32be(body + 4)))
                guard value >= 1, value <= 1e6, try input.tag(body + 8).isPrintable else {
                    throw .rejected("an impossible sound description")
                }
                isRecognised = true
                rate = Int(value)
                file.note("sample_rate", rate)
                file.facts["codec"] = .string(try input.tag(body + 8).text)
                bytesPerPacket = try input.u32be(body + 16)
                framesPerPacket = try input.u32be(body + 20)
                file.note("channels", try input.u32be(body + 24))
                file.note("bit_depth", try input.u32be(body + 28))
            } else if type == "data" {
                sound = size - 4
            } else if type == "pakt", size >= 24 {
                frames = try input.length64be(body + 8)
            } else if type == "info", size >= 4 {
                try texts(from: body + 4, to: body + size)
            }
            at = body + size
            file.length = at
        }
        guard sound >= 0 else { throw .broken("a file without sound") }
        if frames == nil, bytesPerPacket > 0 {
            let (product, overflow) = (sound / bytesPerPacket).multipliedReportingOverflow(by: framesPerPacket)
            frames = overflow ? nil : product
        }
        file.warnings.append("the format has no end mark: the file ends where no chunk follows")
        if let frames { file.noteDuration(frames, perSecond: rate) }
    }

    private mutating func texts(from start: Int, to end: Int) throws(WalkStop) {
        let keys = [
            "title": "title", "artist": "artist", "album": "album", "comments": "comment", "copyright": "copyright",
            "recorded date": "taken", "encoding application": "software",
        ]
        var rest = try input.bytes(at: start, count: min(end - start, 16 * 1024))[...]
        while let key = Self.text(&rest), let value = Self.text(&rest) {
            if let name = keys[String(decoding: key, as: UTF8.self)] { file.note(name, text: value) }
        }
    }

    private static func text(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: 0) else { return nil }
        defer { rest = rest[(end + 1)...] }
        return rest[..<end]
    }
}
