internal import EvidenceModel

/// Matroska and WebM (RFC 9559; EBML, RFC 8794).
///
/// The segment's elements are walked to its stated end, and the blocks of each cluster fill it. A segment of unknown
/// size ends where no element of a segment follows.
struct MatroskaWalker: FormatWalker {
    let name = "matroska"
    let signatures = [WalkerSignature([0x1A, 0x45, 0xDF, 0xA3])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try MatroskaWalk(WalkInput(reader)).verdict()
    }
}

/// An element of EBML (RFC 8794): its identifier with the length marker, and where its body stands.
struct EBMLElement {
    let identifier: Int
    let body: Int
    /// Nil when unknown.
    let end: Int?

    /// The element at an offset; nil when the bytes up to `limit` make none.
    init?(_ input: WalkInput, at: Int, limit: Int) throws(WalkStop) {
        guard let (bare, width) = try Self.number(input, at, limit: limit, most: 4),
            let (size, sizeWidth) = try Self.number(input, at + width, limit: limit, most: 8)
        else { return nil }
        body = at + width + sizeWidth
        let isUnknown = size == 1 << (7 * sizeWidth) - 1
        guard isUnknown || size <= Int.max / 4 else { return nil }
        identifier = bare | 1 << (7 * width)
        end = isUnknown ? nil : body + size
    }

    /// A variable-size number (RFC 8794, section 4): its value without the marker bit, and its width.
    private static func number(
        _ input: WalkInput, _ at: Int, limit: Int, most: Int
    ) throws(WalkStop) -> (value: Int, width: Int)? {
        guard limit - at >= 1, input.fits(at, 1) else { return nil }
        let first = try input.u8(at)
        let width = first.leadingZeroBitCount - (Int.bitWidth - 8) + 1
        guard width <= most, limit - at >= width else { return nil }
        var value = first & (0xFF >> width)
        for index in 1..<max(1, width) { value = value << 8 | (try input.u8(at + index)) }
        return (value, width)
    }
}

struct MatroskaWalk: FileWalk {
    /// Most elements of one file.
    static let mostElements = WalkLimit.matroskaElements.value

    /// The elements of a segment (RFC 9559, 5.1); EBML's Void and CRC-32 with them.
    static let segmentElements: Set<Int> = [
        0x114D_9B74, 0x1549_A966, 0x1654_AE6B, 0x1C53_BB6B, 0x1F43_B675, 0x1254_C367, 0x1941_A469, 0x1043_A770, 0xEC,
        0xBF,
    ]
    static let clusterElements: Set<Int> = [0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0xEC, 0xBF]

    let input: WalkInput
    var file = WalkedFile(
        length: 4, confidence: .structural, format: "mkv", fileExtension: "mkv", mime: "video/x-matroska")
    var isRecognised = false
    private var elements = 0
    private var scale = 1_000_000

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        guard let header = try element(0, limit: input.count), header.identifier == 0x1A45_DFA3, let end = header.end,
            end <= 4096
        else { throw .rejected("no EBML header") }
        try documentType(from: header.body, to: end)
        guard let segment = try element(end, limit: input.count), segment.identifier == 0x1853_8067 else {
            throw .rejected("no segment")
        }
        isRecognised = true
        file.length = segment.body
        if let end = segment.end, end > input.count {
            _ = try walkSegment(from: segment.body, to: input.count, isOpen: false)
            throw .broken("the source ends inside the segment")
        }
        let reached = try walkSegment(
            from: segment.body, to: segment.end ?? input.count, isOpen: segment.end == nil)
        if segment.end == nil {
            file.confidence = .header
            file.warnings.append("the size of the film is not stated")
        }
        file.length = reached
    }

    private func element(_ at: Int, limit: Int) throws(WalkStop) -> EBMLElement? {
        try EBMLElement(input, at: at, limit: limit)
    }

    private mutating func documentType(from start: Int, to end: Int) throws(WalkStop) {
        var at = start
        while at < end, let child = try element(at, limit: end), let next = child.end, next <= end {
            if child.identifier == 0x4282 {
                let type = try input.bytes(at: child.body, count: min(next - child.body, 64))
                if type.starts(with: Array("webm".utf8)) {
                    file.format = "webm"
                    file.fileExtension = "webm"
                    file.mime = "video/webm"
                    return
                }
                guard type.starts(with: Array("matroska".utf8)) else {
                    throw .rejected("an EBML document of another type")
                }
                return
            }
            at = next
        }
        throw .rejected("an EBML document without a type")
    }

    private mutating func walkSegment(from start: Int, to end: Int, isOpen: Bool) throws(WalkStop) -> Int {
        var at = start
        var hasTracks = false
        while at < end {
            elements += 1
            guard elements <= Self.mostElements else {
                throw input.stop(at: .matroskaElements, "more elements than any real file has")
            }
            guard let child = try element(at, limit: end), Self.segmentElements.contains(child.identifier) else {
                if isOpen, hasTracks { break }
                throw .broken("no element of a segment where one must start")
            }
            let limit = child.end ?? end
            guard limit <= end else { throw .broken("an element is longer than the film") }
            switch child.identifier {
            case 0x1549_A966: try information(from: child.body, to: limit)
            case 0x1654_AE6B:
                hasTracks = true
                try tracks(from: child.body, to: limit)
            case 0x1F43_B675:
                at = try cluster(from: child.body, to: limit, isOpen: child.end == nil)
                file.length = at
                continue
            default: break
            }
            guard child.end != nil else { throw .broken("an element of unknown size") }
            at = limit
            file.length = at
        }
        guard hasTracks else { throw .broken("the film has no tracks") }
        return at
    }

    private mutating func cluster(from start: Int, to end: Int, isOpen: Bool) throws(WalkStop) -> Int {
        var at = start
        while at < end {
            elements += 1
            guard elements <= Self.mostElements else {
                throw input.stop(at: .matroskaElements, "more elements than any real file has")
            }
            guard let child = try element(at, limit: end), Self.clusterElements.contains(child.identifier),
                let next = child.end, next <= end
            else {
                if isOpen { return at }
                throw .broken("a cluster's blocks do not fill it")
            }
            at = next
        }
        return at
    }

    private mutating func information(from start: Int, to end: Int) throws(WalkStop) {
        var at = start
        var duration = 0.0
        while at < end, let child = try element(at, limit: end), let next = child.end, next <= end {
            let length = next - child.body
            switch child.identifier {
            case 0x2AD7B1: scale = try unsigned(child.body, length)
            case 0x4489:
                if length == 4 {
                    duration = Double(Float(bitPattern: UInt32(truncatingIfNeeded: try input.u32be(child.body))))
                } else if length == 8 {
                    let high = UInt64(truncatingIfNeeded: try input.u32be(child.body))
                    let low = UInt64(truncatingIfNeeded: try input.u32be(child.body + 4))
                    duration = Double(bitPattern: high << 32 | low)
                }
            case 0x7BA9: file.note("title", text: try input.bytes(at: child.body, count: min(length, 1024)))
            case 0x4D80: file.note("library", text: try input.bytes(at: child.body, count: min(length, 1024)))
            case 0x5741: file.note("software", text: try input.bytes(at: child.body, count: min(length, 1024)))
            case 0x4461 where length == 8:
                // Nanoseconds since 2001-01-01.
                let value = try input.length64be(child.body)
                if let time = EvidenceTime.posix(value / 1_000_000_000 + 978_307_200) { file.facts["created"] = time }
            default: break
            }
            at = next
        }
        let milliseconds = duration * Double(scale) / 1_000_000
        if milliseconds > 0, milliseconds < 1e12 { file.note("duration_ms", Int(milliseconds)) }
    }

    private func unsigned(_ at: Int, _ length: Int) throws(WalkStop) -> Int {
        guard length <= 7 else { return 0 }
        var value = 0
        for index in 0..<length { value = value << 8 | (try input.u8(at + index)) }
        return value
    }

    private mutating func tracks(from start: Int, to end: Int) throws(WalkStop) {
        var at = start
        while at < end, let entry = try element(at, limit: end), let next = entry.end, next <= end {
            if entry.identifier == 0xAE { try track(from: entry.body, to: next) }
            at = next
        }
    }

    private mutating func track(from start: Int, to end: Int) throws(WalkStop) {
        var at = start
        var type = 0
        var codec: [UInt8] = []
        while at < end, let child = try element(at, limit: end), let next = child.end, next <= end {
            switch child.identifier {
            case 0x83: type = try unsigned(child.body, next - child.body)
            case 0x86: codec = try input.bytes(at: child.body, count: min(next - child.body, 64))
            case 0xE0:
                var inner = child.body
                while inner < next, let value = try element(inner, limit: next), let after = value.end, after <= next {
                    if value.identifier == 0xB0 { file.note("width", try unsigned(value.body, after - value.body)) }
                    if value.identifier == 0xBA { file.note("height", try unsigned(value.body, after - value.body)) }
                    inner = after
                }
            default: break
            }
            at = next
        }
        if type == 1 { file.note("codec", text: codec) }
        if type == 2 { file.note("audio_codec", text: codec) }
    }
}
