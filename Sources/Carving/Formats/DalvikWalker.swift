internal import EvidenceModel

/// Dalvik executables (Android, Dalvik executable format): Adler-32 and SHA-1 over the whole file.
struct DalvikWalker: FormatWalker {
    let name = "dex"
    let signatures = [WalkerSignature("dex\n03"), WalkerSignature("dex\n04")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try DalvikWalk(reader).verdict() }
}

private struct DalvikWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 0x70, confidence: .proven, format: "dex", fileExtension: "dex", mime: "application/vnd.android.dex")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let version = try input.bytes(at: 4, count: 3)
        guard try input.matches("dex\n", at: 0), try input.u8(7) == 0, try input.u32le(0x24) == 0x70,
            try input.u32le(0x28) == 0x1234_5678
        else {
            throw .rejected("not a Dalvik header")
        }
        let size = try input.u32le(0x20)
        // Counts and places of the tables that follow the header; a table without entries lies nowhere.
        let tables = [(0x38, 4), (0x40, 4), (0x48, 12), (0x50, 8), (0x58, 8), (0x60, 32)]
        guard size > 0x70 else { throw .rejected("shorter than its header") }
        for (field, width) in tables {
            let count = try input.u32le(field)
            let place = try input.u32le(field + 4)
            guard count == 0 || place >= 0x70 && place + count * width <= size else {
                throw .rejected("a table that lies outside of the file")
            }
        }
        isRecognised = true
        file.note("format_version", text: version)
        file.note("strings", try input.u32le(0x38))
        file.note("methods", try input.u32le(0x58))
        file.note("classes", try input.u32le(0x60))
        guard input.fits(0, size) else { throw .broken("the source ends inside the file") }
        guard try input.adler32(of: 12..<size) == input.u32le(8) else { throw .broken("the checksum does not hold") }
        if let digest = try input.digest(.sha1, of: [32..<size]) {
            guard try input.matches(digest, at: 12) else { throw .broken("the SHA-1 does not hold") }
        }
        file.length = size
    }
}
