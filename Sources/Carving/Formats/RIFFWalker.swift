internal import EvidenceModel

/// RIFF files: WebP, AVI with OpenDML extensions, WAV with RF64 and BW64, animated cursors, MIDI, sound fonts
/// (Microsoft Multimedia Programming Interface 1.0; OpenDML 1.02; EBU Tech 3306; RFC 9649).
struct RIFFWalker: FormatWalker {
    let name = "riff"
    let signatures = [WalkerSignature("RIFF"), WalkerSignature("RF64"), WalkerSignature("BW64")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try RIFFWalk(WalkInput(reader)).verdict()
    }
}

private struct RIFFWalk: FileWalk {
    /// Most chunks of one file.
    static let mostChunks = WalkLimit.riffChunks.value
    /// Deepest nesting of lists.
    static let deepest = 8

    let input: WalkInput
    var file = WalkedFile(
        length: 12, confidence: .structural, format: "riff", fileExtension: "riff", mime: "application/octet-stream")
    var isRecognised = false
    var form: FourCC = "    "
    var is64 = false
    var chunks = 0
    /// Of a WAV: length of the sound and its bytes a second.
    var soundBytes = -1
    var byteRate = 0
    /// From a ds64 chunk.
    var dataSize64 = 0
    var seen: Set<FourCC> = []
    var streamType: FourCC = "    "
    var frames = 0

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        let magic = try input.tag(0)
        is64 = magic == "RF64" || magic == "BW64"
        guard is64 || magic == "RIFF" else { throw .rejected("no RIFF signature") }
        form = try input.tag(8)
        guard try name(form) else { throw .rejected("a RIFF form of no known kind") }
        var size = try input.u32le(4)
        if is64 {
            guard form == "WAVE", try input.tag(12) == "ds64", try input.u32le(16) >= 24 else {
                throw .rejected("RF64 without its sizes")
            }
            size = try input.length64le(20)
            dataSize64 = try input.length64le(28)
        }
        guard size >= 12, try input.tag(12).isPrintable else { throw .rejected("no chunk in the RIFF form") }
        isRecognised = true
        if size == 0xFFFF_FFFF || size == 0xFFFF_FFF7 {
            throw .broken("the file was never finished: its size is not known")
        }
        var end = try body(from: 12, size: size)
        file.length = end
        if form == "AVI " {
            // OpenDML: further RIFF chunks continue the film.
            while input.fits(end, 12), try input.tag(end) == "RIFF", try input.tag(end + 8) == "AVIX" {
                let more = try input.u32le(end + 4)
                end = try body(from: end + 12, size: more)
                file.length = end
                file.note("opendml")
            }
        }
        try conclude()
    }

    private mutating func name(_ form: FourCC) throws(WalkStop) -> Bool {
        let kinds: [FourCC: (String, String, String)] = [
            "WEBP": ("webp", "webp", "image/webp"), "AVI ": ("avi", "avi", "video/x-msvideo"),
            "WAVE": ("wav", "wav", "audio/x-wav"), "ACON": ("ani", "ani", "application/x-navi-animation"),
            "RMID": ("rmi", "rmi", "audio/midi"), "sfbk": ("sf2", "sf2", "audio/x-sfbk"),
        ]
        guard let kind = kinds[form] else { return false }
        (file.format, file.fileExtension, file.mime) = kind
        return true
    }

    /// Walks the chunks of one RIFF form, whose name ends at `start`; answers the form's end.
    private mutating func body(from start: Int, size: Int) throws(WalkStop) -> Int {
        let end = start - 4 + size
        if !input.fits(0, end) {
            // A wrong size and a cut file look alike; the chunks say how far the file is valid.
            try walkChunks(from: start, to: input.count, depth: 0)
            throw .broken("the source ends inside the file")
        }
        return try walkChunks(from: start, to: end, depth: 0)
    }

    /// Walks chunks that must fill the range; answers its end.
    @discardableResult
    private mutating func walkChunks(from start: Int, to end: Int, depth: Int) throws(WalkStop) -> Int {
        var at = start
        while at < end {
            // A lone pad byte after the last chunk.
            if end - at == 1 { return end }
            guard end - at >= 8 else { throw .broken("a few bytes where a chunk must start") }
            let type = try input.tag(at)
            guard type.isPrintable else { throw .broken("no chunk where one must start") }
            chunks += 1
            guard chunks <= Self.mostChunks else {
                throw input.stop(at: .riffChunks, "more chunks than any real file has")
            }
            var length = try input.u32le(at + 4)
            if is64, type == "data", length == 0xFFFF_FFFF { length = dataSize64 }
            guard length <= end - at - 8 else { throw .broken("the chunk \(type.text) is longer than the file") }
            try visit(type, at: at + 8, length: length, depth: depth)
            at += 8 + length
            // The pad byte of an odd chunk is left out by some writers at the very end.
            if length % 2 == 1, at < end { at += 1 }
            if depth == 0 { file.length = at }
        }
        return end
    }

    private mutating func visit(_ type: FourCC, at: Int, length: Int, depth: Int) throws(WalkStop) {
        if depth == 0 { seen.insert(type) }
        switch form {
        case "WEBP": try visitPicture(type, at: at, length: length)
        case "AVI ": try visitFilm(type, at: at, length: length, depth: depth)
        case "WAVE": try visitSound(type, at: at, length: length)
        default: break
        }
        if type != "LIST" { file.leaveUnchecked(at..<at + length) }
        if type == "LIST", length >= 4, depth < Self.deepest {
            let list = try input.tag(at)
            if list == "INFO" {
                try noteInfo(from: at + 4, to: at + length)
            } else if form == "AVI ", ["hdrl", "strl", "movi", "rec ", "odml"].contains(list) {
                try walkChunks(from: at + 4, to: at + length, depth: depth + 1)
            }
        }
    }

    private mutating func noteInfo(from start: Int, to end: Int) throws(WalkStop) {
        let keys: [FourCC: String] = [
            "INAM": "title", "IART": "artist", "ICMT": "comment", "ICRD": "created", "ISFT": "software",
            "ICOP": "copyright", "IPRD": "album", "IENG": "engineer", "IDIT": "taken",
        ]
        var at = start
        while end - at >= 8 {
            let length = try input.u32le(at + 4)
            guard length <= end - at - 8 else { return }
            if let key = keys[try input.tag(at)] {
                file.note(key, text: try input.bytes(at: at + 8, count: min(length, 4 * EvidenceText.longest)))
            }
            at += 8 + length + length % 2
        }
    }

    // MARK: WebP

    private mutating func visitPicture(_ type: FourCC, at: Int, length: Int) throws(WalkStop) {
        if type == "VP8 " || type == "VP8L", let foreign = try ForeignBlocks.first(input, in: at..<at + length) {
            file.length = foreign
            throw .broken("a block inside the picture is not compressed data")
        }
        switch type {
        case "VP8X" where length >= 10:
            file.note("width", try input.u24le(at + 4) + 1)
            file.note("height", try input.u24le(at + 7) + 1)
            file.facts["codec"] = "extended"
        case "VP8 ":
            guard length >= 10, try input.u8(at) & 1 == 0, try input.matches([0x9D, 0x01, 0x2A], at: at + 3) else {
                throw .broken("no VP8 key frame")
            }
            // The first partition's size stands in the frame tag (RFC 6386, 9.1).
            guard try input.u24le(at) >> 5 <= length - 10 else { throw .broken("VP8 partitions do not fit") }
            file.note("width", try input.u16le(at + 6) & 0x3FFF)
            file.note("height", try input.u16le(at + 8) & 0x3FFF)
            file.facts["codec"] = "VP8"
        case "VP8L":
            guard length >= 5, try input.u8(at) == 0x2F, try input.u8(at + 4) >> 5 == 0 else {
                throw .broken("no VP8L picture")
            }
            let size = try input.u32le(at + 1)
            file.note("width", size & 0x3FFF + 1)
            file.note("height", size >> 14 & 0x3FFF + 1)
            file.facts["codec"] = "VP8L"
        case "ANMF": frames += 1
        case "EXIF":
            let hasPrefix = try input.matches("Exif\0\0", at: at)
            try Exif.note(input, at: at + (hasPrefix ? 6 : 0), end: at + length, in: &file)
        case "XMP ": file.note("xmp")
        case "ICCP": file.note("icc_profile")
        case "C2PA": file.note("c2pa")
        default: break
        }
    }

    // MARK: AVI

    private mutating func visitFilm(_ type: FourCC, at: Int, length: Int, depth: Int) throws(WalkStop) {
        switch type {
        case "avih" where length >= 40:
            let microseconds = try input.u32le(at)
            let total = try input.u32le(at + 16)
            file.note("frames", total)
            file.note("width", try input.u32le(at + 32))
            file.note("height", try input.u32le(at + 36))
            // Both are 32 bits: their product may be more than a number holds.
            let (duration, overflow) = total.multipliedReportingOverflow(by: microseconds)
            if microseconds > 0, !overflow { file.noteDuration(duration / 1000, perSecond: 1000) }
        case "strh" where length >= 8:
            streamType = try input.tag(at)
            if streamType == "vids", try input.tag(at + 4).isPrintable {
                file.note("codec", text: try input.bytes(at: at + 4, count: 4))
            }
        case "strf" where length >= 20 && streamType == "vids":
            file.note("codec", text: try input.bytes(at: at + 16, count: 4))
        case "strf" where length >= 8 && streamType == "auds":
            file.note("audio_format", try input.u16le(at))
            file.note("channels", try input.u16le(at + 2))
            file.note("sample_rate", try input.u32le(at + 4))
        case "IDIT": file.note("taken", text: try input.bytes(at: at, count: min(length, 64)))
        default: break
        }
    }

    // MARK: WAV

    private mutating func visitSound(_ type: FourCC, at: Int, length: Int) throws(WalkStop) {
        switch type {
        case "fmt " where length >= 16:
            let codecs = [
                1: "PCM", 2: "MS ADPCM", 3: "IEEE float", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10",
                0x50: "MPEG", 0x55: "MP3", 0xFFFE: "extensible",
            ]
            let codec = try input.u16le(at)
            file.facts["codec"] = .string(codecs[codec] ?? String(codec))
            let channels = try input.u16le(at + 2)
            let rate = try input.u32le(at + 4)
            byteRate = try input.u32le(at + 8)
            guard channels > 0, rate > 0 else { throw .broken("impossible sound format") }
            file.note("channels", channels)
            file.note("sample_rate", rate)
            file.note("bit_depth", try input.u16le(at + 14))
        case "data": soundBytes = max(soundBytes, 0) + length
        case "bext" where length >= 602:
            file.note("description", text: try input.bytes(at: at, count: 256))
            file.note("artist", text: try input.bytes(at: at + 256, count: 32))
            file.note("created", text: try input.bytes(at: at + 320, count: 18))
        case "C2PA": file.note("c2pa")
        case "_PMX": file.note("xmp")
        case "id3 ", "ID3 ": file.note("id3")
        default: break
        }
    }

    private mutating func conclude() throws(WalkStop) {
        switch form {
        case "WEBP":
            guard !seen.isDisjoint(with: ["VP8 ", "VP8L", "ANMF"]) else { throw .broken("no picture") }
            if frames > 0 {
                file.note("frames", frames)
                file.facts["codec"] = "animation"
            }
        case "AVI ": guard seen.contains("LIST") else { throw .broken("no film") }
        case "WAVE":
            guard soundBytes >= 0 else { throw .broken("no sound") }
            file.noteDuration(soundBytes, perSecond: byteRate)
        default: break
        }
    }
}
