internal import EvidenceModel

/// Cabinets (MS-CAB): folders of data blocks, each with a checksum.
struct CabinetWalker: FormatWalker {
    let name = "cab"
    let signatures = [WalkerSignature([0x4D, 0x53, 0x43, 0x46, 0, 0, 0, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CabinetWalk(reader).verdict() }
}

private struct CabinetWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "cab", fileExtension: "cab", mime: "application/vnd.ms-cab-compressed")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let size = try input.u32le(8)
        let files = try input.u32le(16)
        let folders = try input.u16le(26)
        let flags = try input.u16le(30)
        guard try input.u8(24) == 3, try input.u8(25) == 1, files >= 36, files < size, folders > 0 else {
            throw .rejected("not a cabinet header")
        }
        var at = 36
        var reserves = (header: 0, folder: 0, data: 0)
        if flags & 4 != 0 {
            reserves = (try input.u16le(36), try input.u8(38), try input.u8(39))
            at += 4 + reserves.header
        }
        // Names of the cabinets before and after this one, and of their disks.
        for bit in [1, 2] where flags & bit != 0 {
            for _ in 0..<2 {
                guard let end = try input.firstOffset(of: [0], from: at, to: at + 256) else {
                    throw .rejected("a cabinet name without an end")
                }
                at = end + 1
            }
        }
        isRecognised = true
        file.length = at
        var end = files
        for _ in 0..<folders {
            let blocks = try input.u16le(at + 4)
            end = max(end, try data(from: try input.u32le(at), blocks: blocks, reserve: reserves.data))
            at += 8 + reserves.folder
        }
        guard input.fits(0, size) else { throw .broken("the source ends inside the cabinet") }
        guard end == size else { throw .broken("the data blocks do not end where the cabinet does") }
        file.length = size
        file.note("members", try input.u16le(28))
    }

    /// Walks the data blocks of a folder; answers where they end.
    private mutating func data(from start: Int, blocks: Int, reserve: Int) throws(WalkStop) -> Int {
        var at = start
        for _ in 0..<blocks {
            let stated = try input.u32le(at)
            let length = try input.u16le(at + 4)
            let content = at + 8 + reserve
            guard input.fits(content, length) else { throw .broken("the source ends inside a data block") }
            if stated == 0 {
                file.confidence = .structural
            } else {
                let bytes = try input.bytes(at: content, count: length)
                let head = try input.bytes(at: at + 4, count: 4 + reserve)
                guard checksum(head, seed: checksum(bytes, seed: 0)) == stated else {
                    throw .broken("a data block's checksum does not hold")
                }
            }
            at = content + length
            file.length = max(file.length, min(at, input.count))
        }
        return at
    }

    /// Exclusive or of little-endian numbers; the last one to three bytes count in the other order (MS-CAB 3.1).
    private func checksum(_ bytes: [UInt8], seed: Int) -> Int {
        var sum = seed
        let whole = bytes.count / 4 * 4
        for at in stride(from: 0, to: whole, by: 4) {
            sum ^= Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
        }
        return sum ^ bytes[whole...].reduce(0) { $0 << 8 | Int($1) }
    }
}

/// Compiled HTML help (CHM, "ITSF"): the header states the size; directory chunks are checked.
struct HelpFileWalker: FormatWalker {
    let name = "chm"
    let signatures = [WalkerSignature([0x49, 0x54, 0x53, 0x46, 3, 0, 0, 0, 0x60, 0, 0, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try HelpFileWalk(reader).verdict() }
}

private struct HelpFileWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 96, confidence: .header, format: "chm", fileExtension: "chm", mime: "application/vnd.ms-htmlhelp")
    var isRecognised = true

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let start = try input.length64le(0x38)
        let directory = try input.length64le(0x48)
        let directoryLength = try input.length64le(0x50)
        guard input.fits(start, 24), try input.u32le(start) == 0x1FE else {
            throw .rejected("no section with the size")
        }
        let size = try input.length64le(start + 8)
        guard input.fits(directory, directoryLength), directoryLength >= 84, try input.matches("ITSP", at: directory)
        else {
            throw .broken("no directory where the header says")
        }
        let chunk = try input.u32le(directory + 16)
        let chunks = try input.u32le(directory + 44)
        guard chunk >= 256, chunk <= 65_536, 84 + chunk * chunks == directoryLength else {
            throw .broken("a directory of impossible size")
        }
        for index in 0..<chunks {
            let at = directory + 84 + index * chunk
            let isListing = try input.matches("PMGL", at: at)
            guard try isListing ? true : input.matches("PMGI", at: at) else {
                throw .broken("a directory chunk of no known kind")
            }
            file.length = at + chunk
        }
        guard input.fits(0, size), size >= directory + directoryLength else {
            throw .broken("the source ends inside the file")
        }
        file.length = size
    }
}

/// BitTorrent metadata (BEP 3): one bencoded dictionary.
struct TorrentWalker: FormatWalker {
    let name = "torrent"
    let signatures = [
        "d8:announce", "d13:announce-list", "d7:comment", "d10:created by", "d13:creation date", "d4:info",
    ]
    .map { WalkerSignature($0) }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try TorrentWalk(reader).verdict() }
}

private struct TorrentWalk: FileWalk {
    static let deepest = 64

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "torrent", fileExtension: "torrent",
        mime: "application/x-bittorrent")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var depth = 0
        var at = 0
        var last: [UInt8] = []
        repeat {
            file.length = at
            let byte = try input.u8(at)
            switch byte {
            case 0x64, 0x6C:
                depth += 1
                at += 1
                guard depth < Self.deepest else { throw .broken("nested deeper than any real file") }
            case 0x65:
                depth -= 1
                at += 1
            case 0x69:
                guard let end = try input.firstOffset(of: [0x65], from: at + 1, to: at + 22) else {
                    throw .broken("a number without an end")
                }
                at = end + 1
            case 0x30...0x39:
                guard let colon = try input.firstOffset(of: [0x3A], from: at, to: at + 11),
                    let length = Int(String(decoding: try input.bytes(at: at, count: colon - at), as: UTF8.self)),
                    length >= 0, input.fits(colon + 1, length)
                else { throw .broken("a string of impossible length") }
                let text = try input.bytes(at: colon + 1, count: min(length, 512))
                if last == Array("name".utf8) { file.note("name", text: text) }
                if last == Array("announce".utf8) { file.note("tracker", text: text) }
                if last == Array("created by".utf8) { file.note("producer", text: text) }
                if text == Array("pieces".utf8) { isRecognised = true }
                last = text
                at = colon + 1 + length
            default: throw .broken("not bencoded")
            }
        } while depth > 0
        guard isRecognised else { throw .rejected("a dictionary without pieces") }
        file.length = at
    }
}

/// Captured network traffic: pcap and pcapng (IETF opsawg drafts).
struct CaptureWalker: FormatWalker {
    let name = "pcap"
    let signatures = [
        WalkerSignature([0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0]), WalkerSignature([0xA1, 0xB2, 0xC3, 0xD4, 0, 2, 0, 4]),
        WalkerSignature([0x4D, 0x3C, 0xB2, 0xA1, 2, 0, 4, 0]), WalkerSignature([0xA1, 0xB2, 0x3C, 0x4D, 0, 2, 0, 4]),
        WalkerSignature([0x0A, 0x0D, 0x0D, 0x0A]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CaptureWalk(reader).verdict() }
}

private struct CaptureWalk: FileWalk {
    static let largestPacket = 1 << 20
    static let largestBlock = 16 << 20
    /// Packets of one capture lie within this many seconds.
    static let longestCapture = 3600 * 24 * 366

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .header, format: "pcap", fileExtension: "pcap", mime: "application/vnd.tcpdump.pcap")
    var isRecognised = false
    var packets = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        if try input.matches([0x0A, 0x0D, 0x0D, 0x0A], at: 0) { try blocks() } else { try records() }
        file.note("packets", packets)
    }

    private mutating func records() throws(WalkStop) {
        let isBig = try input.u8(0) == 0xA1
        let fraction = try input.u8(isBig ? 2 : 1) == 0xC3 ? 1_000_000 : 1_000_000_000
        func word(_ at: Int) throws(WalkStop) -> Int { isBig ? try input.u32be(at) : try input.u32le(at) }
        let longest = min(max(try word(16), 65_535), Self.largestPacket)
        var first: Int?
        var at = 24
        while input.fits(at, 16) {
            let seconds = try word(at)
            let length = try word(at + 8)
            let original = try word(at + 12)
            guard try word(at + 4) < fraction, length <= longest, length <= original, original <= Self.largestPacket,
                length > 0, abs(seconds - (first ?? seconds)) < Self.longestCapture
            else { break }
            isRecognised = true
            guard input.fits(at + 16, length) else {
                file.length = at
                throw .broken("the source ends inside a packet")
            }
            if first == nil { file.facts["first_packet"] = EvidenceTime.posix(seconds) }
            first = first ?? seconds
            packets += 1
            at += 16 + length
        }
        guard packets > 0 else { throw .rejected("no packet behind the header") }
        file.length = at
        file.warnings.append("a capture has no end of its own: ended where no further packet follows")
    }

    private mutating func blocks() throws(WalkStop) {
        file.format = "pcapng"
        file.fileExtension = "pcapng"
        file.mime = "application/x-pcapng"
        let isBig = try input.u32be(8) == 0x1A2B_3C4D
        guard try isBig ? true : input.u32le(8) == 0x1A2B_3C4D else { throw .rejected("not a section header") }
        func word(_ at: Int) throws(WalkStop) -> Int { isBig ? try input.u32be(at) : try input.u32le(at) }
        var at = 0
        while input.fits(at, 12) {
            let type = try word(at)
            let length = try word(at + 4)
            let isKnown = (1...10).contains(type) || type == 0x0A0D_0D0A || (0x8000_0000...0xFFFF_FFFF).contains(type)
            guard isKnown, length >= 12, length % 4 == 0, length <= Self.largestBlock else { break }
            guard input.fits(at, length) else {
                file.length = at
                throw .broken("the source ends inside a block")
            }
            guard try word(at + length - 4) == length else { break }
            // A second section at a block of the medium may be another file.
            if type == 0x0A0D_0D0A, at > 0, at % WalkInput.blockSize == 0 { break }
            if [2, 3, 6].contains(type) { packets += 1 }
            isRecognised = true
            at += length
        }
        guard isRecognised else { throw .rejected("no whole block") }
        file.length = at
    }
}
