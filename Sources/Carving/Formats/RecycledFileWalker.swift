internal import EvidenceModel

/// What Windows notes of a file in the recycle bin (`$I…`, versions 1 and 2): path, size, and when it was deleted.
struct RecycledFileWalker: FormatWalker {
    let name = "recycled"
    // The colon and backslash behind the drive's letter, in UTF-16.
    let signatures = [WalkerSignature([0x3A, 0, 0x5C, 0], at: 26), WalkerSignature([0x3A, 0, 0x5C, 0], at: 30)]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try RecycledFileWalk(reader).verdict() }
}

private struct RecycledFileWalk: FileWalk {
    static let longestPath = 32_767

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "recycled", fileExtension: "i",
        mime: "application/x-ms-recycle-bin")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let version = try input.length64le(0)
        let size = try input.length64le(8)
        guard version == 1 || version == 2, size < 1 << 48, let deleted = try input.fileTime(16) else {
            throw .rejected("not the fields of a deleted file")
        }
        // Version 1 has room for 260 units, version 2 a length that counts the closing NUL.
        let path = version == 1 ? 24 : 28
        let units = version == 1 ? 260 : try input.u32le(24)
        guard units > 3, units <= Self.longestPath else { throw .rejected("a path of impossible length") }
        isRecognised = false
        guard input.fits(path, 2 * units) else { throw .rejected("the source ends inside the path") }
        let raw = try input.bytes(at: path, count: 2 * units)
        var count = 0
        while count < units, raw[2 * count] != 0 || raw[2 * count + 1] != 0 {
            let unit = Int(raw[2 * count]) | Int(raw[2 * count + 1]) << 8
            guard unit >= 0x20, ![0x22, 0x2A, 0x3C, 0x3E, 0x3F, 0x7C].contains(unit), !(0xFFFE...0xFFFF).contains(unit)
            else { throw .rejected("a character that no path has") }
            count += 1
        }
        guard (0x41...0x5A).contains(raw[0] & 0xDF), raw[1] == 0, count < units,
            version == 1 ? raw[(2 * count)...].allSatisfy({ $0 == 0 }) : count == units - 1
        else { throw .rejected("a path that does not end where it must") }
        file.length = path + 2 * units
        file.note("original_bytes", size)
        file.facts["deleted"] = deleted
        if let text = EvidenceText.cleanUTF16(raw, bigEndian: false) { file.facts["path"] = .string(text) }
        file.leaveUnchecked(0..<file.length)
    }
}
