internal import EvidenceModel

/// NTFS file records ("FILE", MFT): a run of records with consecutive numbers, as they lie in the master file table.
///
/// Each sector of a record ends with its update sequence number, which shows torn or foreign sectors; the attributes
/// must fill the record's used part.
struct FileRecordWalker: FormatWalker {
    let name = "mft"
    let signatures = [
        WalkerSignature([0x46, 0x49, 0x4C, 0x45, 0x30, 0, 3, 0]),
        WalkerSignature([0x46, 0x49, 0x4C, 0x45, 0x30, 0, 9, 0]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try FileRecordWalk(reader).verdict() }
}

private struct FileRecordWalk: FileWalk {
    static let sector = 512
    static let mostRecords = 1 << 24
    static let mostNames = 64

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "mft", fileExtension: "mft", mime: "application/x-ntfs-mft")
    var isRecognised = false
    var names: [CanonicalValue] = []
    var inUse = 0
    var folders = 0
    var latest: UInt64 = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let size = try input.u32le(28)
        let first = try input.u32le(44)
        guard [1024, 4096].contains(size) else { throw .rejected("not the size of a file record") }
        var count = 0
        while count < Self.mostRecords {
            guard input.fits(file.length, size), try record(at: file.length, size: size, number: first + count) else {
                break
            }
            count += 1
            file.length += size
        }
        guard count > 0 else { throw .rejected("the record contradicts itself") }
        file.note(WalkedFile.pieceFact)
        file.note("first_record", first)
        file.note("records", count)
        file.note("record_bytes", size)
        file.note("records_in_use", inUse)
        file.note("folders", folders)
        if !names.isEmpty { file.facts["names"] = .array(names) }
        file.facts["last_changed"] = EvidenceTime.fileTime(latest)
    }

    /// True when the bytes are the record with this number.
    private mutating func record(at start: Int, size: Int, number: Int) throws(WalkStop) -> Bool {
        guard try input.matches("FILE", at: start), try input.u32le(start + 28) == size,
            try input.u32le(start + 44) == number, try input.u16le(start + 4) == 48,
            try input.u16le(start + 6) == size / Self.sector + 1
        else { return false }
        var record = try input.bytes(at: start, count: size)
        for index in 1...size / Self.sector {
            let end = index * Self.sector - 2
            guard record[end] == record[48], record[end + 1] == record[49] else { return false }
            record[end] = record[48 + 2 * index]
            record[end + 1] = record[49 + 2 * index]
        }
        func word(_ at: Int) -> Int { Int(record[at]) | Int(record[at + 1]) << 8 }
        func long(_ at: Int) -> Int { word(at) | word(at + 2) << 16 }
        let used = long(24)
        var at = word(20)
        guard used <= size, at >= 56, at + 8 <= used else { return false }
        var found: [CanonicalValue] = []
        var change: UInt64 = 0
        while long(at) != 0xFFFF_FFFF {
            let length = long(at + 4)
            guard long(at) > 0, long(at) <= 0x1000, length >= 24, length % 8 == 0, at + length + 8 <= used else {
                return false
            }
            // Resident attributes: standard information and names.
            if record[at + 8] == 0, at + 24 <= size {
                let content = at + word(at + 20)
                let contentLength = long(at + 16)
                guard content + contentLength <= at + length else { return false }
                if long(at) == 0x10, contentLength >= 32 {
                    change = (0..<8).reduce(UInt64(0)) { $0 | UInt64(record[content + 16 + $1]) << UInt64(8 * $1) }
                }
                if long(at) == 0x30, contentLength >= 66, record[content + 65] != 2 {
                    let units = 2 * Int(record[content + 64])
                    guard 66 + units <= contentLength else { return false }
                    let raw = record[content + 66..<content + 66 + units]
                    if let name = EvidenceText.cleanUTF16(raw, bigEndian: false) { found.append(.string(name)) }
                }
            }
            at += length
        }
        // A deleted record keeps its attributes; only records in use count.
        if word(22) & 1 != 0 { inUse += 1 }
        if word(22) & 2 != 0 { folders += 1 }
        if change < 1 << 62 { latest = max(latest, change) }
        names += found.prefix(Self.mostNames - names.count)
        return true
    }
}
