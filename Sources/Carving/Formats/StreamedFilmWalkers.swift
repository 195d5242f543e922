internal import EvidenceModel

/// Advanced Systems Format: WMV and WMA (ASF specification, revision 01.20.06).
///
/// A header, the packets of the data object, indices. Packets are of one size and each begins with the same kind of
/// error correction data, so that a gap between two pieces of the file shows.
struct AdvancedSystemsWalker: FormatWalker {
    let name = "asf"
    let signatures = [WalkerSignature(ASFObject.header)]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try AdvancedSystemsWalk(reader).verdict() }
}

/// Identifiers of objects (ASF specification, chapter 10).
private enum ASFObject {
    static let header: [UInt8] = [
        0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C,
    ]
    static let data: [UInt8] = [0x36] + header.dropFirst()
    static let fileProperties: [UInt8] = [
        0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65,
    ]
    static let videoStream: [UInt8] = [0xC0, 0xEF, 0x19, 0xBC, 0x4D, 0x5B, 0xCF, 0x11]
    static let indices: [[UInt8]] = [
        [0x90, 0x08, 0x00, 0x33, 0xB1, 0xE5, 0xCF, 0x11, 0x89, 0xF4, 0x00, 0xA0, 0xC9, 0x03, 0x49, 0xCB],
        [0xD3, 0x29, 0xE2, 0xD6, 0xDA, 0x35, 0xD1, 0x11, 0x90, 0x34, 0x00, 0xA0, 0xC9, 0x03, 0x49, 0xBE],
        [0xF8, 0x03, 0xB1, 0xFE, 0xAD, 0x12, 0x64, 0x4C, 0x84, 0x0F, 0x2A, 0x1D, 0x2F, 0x7A, 0xD4, 0x8C],
        [0xD0, 0x3F, 0xB7, 0x3C, 0x4A, 0x0C, 0x03, 0x48, 0x95, 0x3D, 0xED, 0xF7, 0xB6, 0x22, 0x8F, 0x0C],
    ]
}

private struct AdvancedSystemsWalk: FileWalk {
    static let largestHeader = 16 << 20
    static let mostObjects = 4096

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "wma", fileExtension: "wma", mime: "audio/x-ms-wma")
    var isRecognised = false
    var statedSize = 0
    var packetSize = 0
    var lastPacket = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let headerSize = try input.length64le(16)
        guard headerSize >= 30, headerSize <= Self.largestHeader, input.fits(0, headerSize),
            try input.u8(28) == 1, try input.u8(29) == 2
        else { throw .rejected("an impossible header object") }
        try header(size: headerSize)
        isRecognised = true
        file.length = headerSize
        guard try input.matches(ASFObject.data, at: headerSize) else { throw .broken("no data behind the header") }
        let dataSize = try input.length64le(headerSize + 16)
        guard dataSize >= 50 else { throw .broken("the data have an impossible size") }
        try packets(from: headerSize + 50, to: headerSize + dataSize, count: try input.length64le(headerSize + 40))
        file.length = headerSize + dataSize
        var unshown = min(lastPacket + 3, file.length)
        while try ASFPackets.isIndex(input, at: file.length) {
            let size = try input.length64le(file.length + 16)
            guard size >= 24, input.fits(file.length, size) else { throw .broken("an index of impossible size") }
            unshown = file.length + 24
            file.length += size
        }
        // Packets and indices are shown by what follows them.
        file.leaveUnchecked(unshown..<max(unshown, file.length))
        if file.length != statedSize {
            guard file.length > statedSize else { throw .broken("ends before the size that its header states") }
            file.confidence = .header
            file.warnings.append("the header states another size")
        }
    }

    private mutating func header(size: Int) throws(WalkStop) {
        var at = 30
        var isFound = false
        for _ in 0..<min(try input.u32le(24), Self.mostObjects) {
            guard size - at >= 24 else { throw .rejected("the header's objects do not fill it") }
            let length = try input.length64le(at + 16)
            guard length >= 24, length <= size - at else { throw .rejected("a header object of impossible size") }
            if try input.matches(ASFObject.fileProperties, at: at), length >= 104 {
                isFound = true
                statedSize = try input.length64le(at + 40)
                do { file.facts["created"] = EvidenceTime.fileTime(try input.reader.u64le(at + 48)) } catch {
                    throw .failed(error)
                }
                let duration = try input.length64le(at + 64)
                if duration < 1 << 50 { file.noteDuration(duration, perSecond: 10_000_000) }
                let smallest = try input.u32le(at + 92)
                packetSize = smallest == (try input.u32le(at + 96)) ? smallest : 0
            } else if length >= 40, try input.matches(ASFObject.videoStream, at: at + 24) {
                file.format = "wmv"
                file.fileExtension = "wmv"
                file.mime = "video/x-ms-wmv"
            }
            at += length
        }
        guard isFound else { throw .rejected("a header without the properties of the file") }
    }

    private mutating func packets(from start: Int, to end: Int, count: Int) throws(WalkStop) {
        guard packetSize > 0, count <= (end - start) / packetSize, count * packetSize == end - start else {
            guard input.fits(start, end - start) else { throw .broken("the source ends inside the data") }
            file.confidence = .header
            file.warnings.append("packets of different sizes were not looked at")
            return
        }
        let first = try input.u8(start)
        for at in stride(from: start, to: end, by: packetSize) {
            guard input.fits(at, packetSize) else { throw .broken("the source ends inside a packet") }
            let isNext = try input.u8(at) == first
            let isEmpty = try input.u16le(at + 1) == 0
            guard isNext, first != 0x82 || isEmpty else { throw .broken("no packet where one must begin") }
            file.length = at
            lastPacket = at
        }
    }
}

/// The grid of an ASF file's packets.
struct ASFPackets {
    let start: Int
    let end: Int
    let size: Int

    /// Nil when the header states no packets of one size.
    init?(_ input: WalkInput) throws(WalkStop) {
        guard input.fits(0, 30), try input.matches(ASFObject.header, at: 0) else { return nil }
        let headerSize = try input.length64le(16)
        guard input.fits(headerSize, 50), try input.matches(ASFObject.data, at: headerSize) else { return nil }
        var at = 30
        var size = 0
        for _ in 0..<min(try input.u32le(24), AdvancedSystemsWalk.mostObjects) {
            guard headerSize - at >= 24 else { return nil }
            let length = try input.length64le(at + 16)
            guard length >= 24, length <= headerSize - at else { return nil }
            if length >= 104, try input.matches(ASFObject.fileProperties, at: at) {
                size = try input.u32le(at + 92)
                guard try input.u32le(at + 96) == size else { return nil }
            }
            at += length
        }
        let dataSize = try input.length64le(headerSize + 16)
        guard size > 3, dataSize >= 50, (dataSize - 50) % size == 0 else { return nil }
        (start, end, self.size) = (headerSize + 50, headerSize + dataSize, size)
    }

    func isPacket(_ input: WalkInput, at: Int) throws(WalkStop) -> Bool {
        try Self.isPacket(input, at: at, like: start)
    }

    /// True when a packet begins at an offset as the one at another offset does.
    static func isPacket(_ input: WalkInput, at: Int, like other: Int) throws(WalkStop) -> Bool {
        guard input.fits(at, 3), try input.u8(at) == input.u8(other) else { return false }
        return try input.u16le(at + 1) == input.u16le(other + 1)
    }

    static func isIndex(_ input: WalkInput, at start: Int) throws(WalkStop) -> Bool {
        for index in ASFObject.indices where try input.matches(index, at: start) { return true }
        return false
    }
}

/// Flash video (Adobe Flash Video File Format Specification 10.1, annex E): tags, each followed by its size.
struct FlashVideoWalker: FormatWalker {
    let name = "flv"
    let signatures = [WalkerSignature([0x46, 0x4C, 0x56, 0x01])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try FlashVideoWalk(reader).verdict() }
}

private struct FlashVideoWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 9, confidence: .structural, format: "flv", fileExtension: "flv", mime: "video/x-flv")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.u8(4) & 0xFA == 0, try input.u32be(5) == 9, try input.u32be(9) == 0 else {
            throw .rejected("not a Flash video header")
        }
        file.length = 13
        var tags = 0
        while input.fits(file.length, 15), try [8, 9, 18].contains(input.u8(file.length)),
            try input.u24be(file.length + 8) == 0
        {
            let size = 11 + (try input.u24be(file.length + 1))
            guard input.fits(file.length, size + 4), try input.u32be(file.length + size) == size else {
                throw .broken("a tag whose size is not repeated behind it")
            }
            file.length += size + 4
            tags += 1
            isRecognised = true
        }
        guard tags > 1 else { throw .rejected("no tags") }
        file.note("tags", tags)
        // Nothing marks the last tag: at a block's border the rest may lie elsewhere.
        if file.length % FreeSpace.block == 0 {
            file.confidence = .header
            file.warnings.append("ends at the border of a block: more may follow elsewhere")
        }
    }
}

/// Flash films (SWF File Format Specification 19): plain, or compressed with zlib.
struct FlashFilmWalker: FormatWalker {
    let name = "swf"
    let signatures = [WalkerSignature("FWS"), WalkerSignature("CWS")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try FlashFilmWalk(reader).verdict() }
}

private struct FlashFilmWalk: FileWalk {
    static let highestVersion = 50

    let input: WalkInput
    var file = WalkedFile(
        length: 8, confidence: .structural, format: "swf", fileExtension: "swf",
        mime: "application/vnd.adobe.flash.movie")
    var isRecognised = false
    var budget = InflateLimit.mostBytes
    /// Content of the tag met last.
    var lastContent = 0..<0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let version = try input.u8(3)
        let length = try input.u32le(4)
        guard (1...Self.highestVersion).contains(version), length >= 16, length <= 1 << 30 else {
            throw .rejected("not a Flash header")
        }
        file.note("version", text: Array(String(version).utf8))
        if try input.matches("C", at: 0) {
            guard try input.u16be(8) % 31 == 0, try input.u8(8) & 15 == 8, try input.u8(9) & 0x20 == 0 else {
                throw .rejected("no zlib stream behind the header")
            }
            let outcome = try input.inflate(from: 10, to: input.count, budget: &budget)
            isRecognised = outcome.produced >= 64
            file.length = 10 + outcome.consumed
            guard outcome.end == .finished, outcome.produced == length - 8 else {
                throw .broken("the compressed film is not as long as the header states")
            }
            file.length += 4
            guard input.fits(0, file.length) else { throw .broken("the source ends before the film's checksum") }
            return
        }
        guard input.fits(0, length) else { throw .rejected("longer than the source") }
        // The picture's rectangle: four numbers of as many bits as the first five say; then rate and count of frames.
        var at = 8 + (5 + 4 * (try input.u8(8) >> 3) + 7) / 8 + 4
        while true {
            if at == length, isRecognised {
                file.confidence = .header
                file.warnings.append("no end tag: ended where the header says")
                break
            }
            let head = try input.u16le(at)
            var size = head & 63
            at += 2
            if size == 63 {
                size = try input.u32le(at)
                at += 4
            }
            guard at <= length, size <= length - at else {
                throw isRecognised ? .broken("a tag reaches past the end") : .rejected("a tag reaches past the end")
            }
            if size > 0 { lastContent = at..<at + size }
            at += size
            if head == 0 { break }
            isRecognised = true
            file.length = at
        }
        guard at == length else { throw .broken("the end tag is not at the end") }
        file.length = length
        // Tags show where they end by what follows them: two zeros behind the last one are little.
        file.leaveUnchecked(lastContent)
    }
}
