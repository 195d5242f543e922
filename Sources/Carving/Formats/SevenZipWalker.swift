internal import EvidenceModel

/// 7z archives (7zFormat.txt of the 7-Zip distribution): a start header that leads to the end header, both with CRC-32.
struct SevenZipWalker: FormatWalker {
    let name = "7z"
    let signatures = [WalkerSignature([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try SevenZipWalk(reader).verdict() }
}

private struct SevenZipWalk: FileWalk {
    /// Largest end header whose checksum is computed.
    static let largestHeader = 1 << 30

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "7z", fileExtension: "7z", mime: "application/x-7z-compressed")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.u8(6) == 0, try Int(input.crc32(of: 12..<32)) == input.u32le(8) else {
            throw .rejected("the start header's CRC-32 does not hold")
        }
        isRecognised = true
        file.length = 32
        file.note("format_version", text: Array("0.\(try input.u8(7))".utf8))
        let offset = try input.length64le(12)
        let size = try input.length64le(20)
        guard size <= Self.largestHeader, input.fits(32 + offset, size) else {
            throw .broken("the end header lies past the end of the source")
        }
        let start = 32 + offset
        guard try Int(input.crc32(of: start..<start + size)) == input.u32le(28) else {
            throw .broken("the end header's CRC-32 does not hold")
        }
        // 1 is a plain header, 0x17 a packed one; nothing at all is an empty archive.
        let kind = size == 0 ? 1 : try input.u8(start)
        guard kind == 0x01 || kind == 0x17 else {
            throw .broken("no end header where the start header says")
        }
        file.length = start + size
    }
}
