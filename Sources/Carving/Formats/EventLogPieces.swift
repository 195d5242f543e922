internal import EvidenceModel

/// Chunks of Windows event logs (EVTX) whose log is gone: each carries two CRC-32 of its own.
struct EventChunkWalker: FormatWalker {
    let name = "evtx-chunk"
    let signatures = [WalkerSignature(Array("ElfChnk".utf8) + [0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try EventChunkWalk(reader).verdict() }
}

private struct EventChunkWalk: FileWalk {
    static let size = 65_536
    static let mostChunks = 1 << 16

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "evtx-chunk", fileExtension: "evtx", mime: "application/x-ms-evtx")
    var isRecognised = false
    var records = 0
    var first: Int?
    var last: Int?
    var next: Int?

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var chunks = 0
        while chunks < Self.mostChunks {
            guard try chunk(at: file.length) else { break }
            chunks += 1
            file.length += Self.size
        }
        guard chunks > 0 else { throw .rejected("the chunk's CRC-32 does not hold") }
        file.note(WalkedFile.pieceFact)
        file.note("chunks", chunks)
        file.note("records", records)
        if let first { file.note("first_record_number", first) }
        if let last { file.note("last_record_number", last) }
        if let name = try input.eventComputer(inChunkAt: 0, to: file.length) { file.facts["computer"] = .string(name) }
    }

    /// True for a sound chunk that continues the record numbers.
    private mutating func chunk(at start: Int) throws(WalkStop) -> Bool {
        guard input.fits(start, Self.size), try input.matches(Array("ElfChnk".utf8) + [0], at: start),
            try input.u32le(start + 40) == 128
        else { return false }
        let end = try input.u32le(start + 48)
        let lowest = try input.length64le(start + 24)
        let highest = try input.length64le(start + 32)
        guard end >= 512, end <= Self.size, next == nil || next == lowest else { return false }
        var header = CRC32()
        header.update(try input.bytes(at: start, count: 120)[...])
        header.update(try input.bytes(at: start + 128, count: 384)[...])
        guard try Int(header.value) == input.u32le(start + 124),
            try Int(input.crc32(of: start + 512..<start + end)) == input.u32le(start + 52)
        else { return false }
        if try !input.isZero(start + end..<start + Self.size) {
            file.confidence = .structural
            file.leaveUnchecked(start + end..<start + Self.size)
        }
        if first == nil { first = lowest }
        last = highest
        next = highest + 1
        var at = start + 512
        while at + 24 <= start + end, try input.matches([0x2A, 0x2A, 0, 0], at: at) {
            let size = try input.u32le(at + 4)
            guard size >= 28, size <= start + end - at else { break }
            if records == 0 { file.facts["first_record"] = try input.fileTime(at + 16) }
            file.facts["last_record"] = try input.fileTime(at + 16)
            records += 1
            at += size
        }
        return true
    }
}

extension WalkInput {
    /// The computer's name out of the first record of an event log's chunk: the text value behind the name "Computer" in its
    /// binary XML.
    func eventComputer(inChunkAt chunk: Int, to limit: Int) throws(WalkStop) -> String? {
        let element = Array("Computer".utf16).flatMap { [UInt8](littleEndian: $0) }
        let end = min(limit, chunk + 512 + 8192)
        guard let name = try firstOffset(of: element, from: chunk + 512, to: end) else { return nil }
        // Behind the name and its NUL: the element is opened, then a value of text with its length.
        let value = name + element.count + 2
        guard value < end - 4 else { return nil }
        for at in value..<min(value + 8, end - 4) where try matches([0x02, 0x05, 0x01], at: at) {
            let units = try u16le(at + 3)
            guard (1...64).contains(units), fits(at + 5, 2 * units) else { return nil }
            return EvidenceText.cleanUTF16(try bytes(at: at + 5, count: 2 * units), bigEndian: false)
        }
        return nil
    }
}

extension [UInt8] {
    /// The two bytes of a UTF-16 unit, low one first.
    fileprivate init(littleEndian unit: UInt16) { self = [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
}

/// Event logs of Windows NT to 2003 (MS-EVEN, "LfLe"): a ring of records behind a header of 48 bytes.
struct OldEventLogWalker: FormatWalker {
    let name = "evt"
    let signatures = [WalkerSignature([0x30, 0, 0, 0, 0x4C, 0x66, 0x4C, 0x65, 1, 0, 0, 0, 1, 0, 0, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try OldEventLogWalk(reader).verdict() }
}

private struct OldEventLogWalk: FileWalk {
    static let largest = 1 << 30
    static let header = 48
    static let endRecord: [UInt8] = [
        0x28, 0, 0, 0, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22, 0x33, 0x33, 0x33, 0x33, 0x44, 0x44, 0x44, 0x44,
    ]

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "evt", fileExtension: "evt", mime: "application/x-ms-evt")
    var isRecognised = false
    var size = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = try input.u32le(16)
        size = try input.u32le(32)
        guard size >= 1024, size <= Self.largest, size % 512 == 0, try input.u32le(44) == Self.header,
            at >= Self.header,
            at < size
        else { throw .rejected("not the header of an event log") }
        isRecognised = true
        file.length = Self.header
        guard input.fits(0, size) else { throw .broken("the source ends inside the log") }
        let start = at
        var records = 0
        var wrapped = false
        while true {
            // A record that begins near the end goes on behind the header.
            if at + 8 > size {
                at = Self.header
                wrapped = true
            }
            if try input.matches(Self.endRecord, at: at) { break }
            let length = try input.u32le(at)
            // Space too short for a header is filled with a pattern (the number 27 hexadecimal).
            if length == 0x27 {
                at += 4
                continue
            }
            guard length >= 56, length <= size - Self.header, length % 4 == 0, try input.matches("LfLe", at: at + 4)
            else {
                throw .broken("no record where one must be")
            }
            if records == 0 {
                file.facts["first_record"] = EvidenceTime.posix(try input.u32le(at + 12))
                try names(at: at, length: length)
            }
            file.facts["last_record"] = EvidenceTime.posix(try input.u32le(at + 12))
            records += 1
            at += length
            if at > size {
                guard !wrapped else { throw .broken("the records go round more than once") }
                at = Self.header + at - size
                wrapped = true
            }
            if wrapped, at > start { throw .broken("the records run into each other") }
            if !wrapped { file.length = min(at, size) }
        }
        file.length = size
        // What lies between the last record and the oldest one is of an earlier round.
        file.leaveUnchecked(Self.header..<size)
        file.note("records", records)
        if try input.u32le(36) & 1 != 0 { file.note("dirty") }
    }

    /// The source's and the computer's name, behind the fixed part of a record.
    private mutating func names(at start: Int, length: Int) throws(WalkStop) {
        guard start + length <= size, length > 64 else { return }
        let text = try input.bytes(at: start + 56, count: min(length - 56, 512))
        var units: [[UInt8]] = [[]]
        for index in stride(from: 0, to: text.count - 1, by: 2) {
            if text[index] == 0, text[index + 1] == 0 {
                units.append([])
                if units.count > 2 { break }
            } else {
                units[units.count - 1] += [text[index], text[index + 1]]
            }
        }
        for (fact, raw) in zip(["source", "computer"], units) {
            if let name = EvidenceText.cleanUTF16(raw, bigEndian: false) { file.facts[fact] = .string(name) }
        }
    }
}
