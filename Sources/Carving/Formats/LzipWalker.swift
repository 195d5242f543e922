internal import EvidenceModel

/// lzip (lzip manual, "File format"): members that end with their own size.
///
/// The compressed data are not followed; the end is the place whose last eight bytes state how far it is from the
/// member's start. A missing or foreign piece moves it away from there.
struct LzipWalker: FormatWalker {
    let name = "lzip"
    let signatures = [WalkerSignature([0x4C, 0x5A, 0x49, 0x50, 1])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try LzipWalk(reader).verdict() }
}

private struct LzipWalk: FileWalk {
    /// Largest member whose end is searched.
    static let largestMember = 4 << 30

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "lz", fileExtension: "lz", mime: "application/lzip")
    var isRecognised = false
    var content = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var members = 0
        repeat {
            try member()
            members += 1
        } while try input.continues(with: [0x4C, 0x5A, 0x49, 0x50, 1], at: file.length)
        file.note("members", members)
        file.note("content_bytes", content)
    }

    private mutating func member() throws(WalkStop) {
        let start = file.length
        let exponent = try input.u8(start + 5) & 0x1F
        // The first byte of LZMA data is always zero.
        guard (12...29).contains(exponent), try input.u8(start + 6) == 0 else {
            throw isRecognised ? .broken("not a member header") : .rejected("not a member header")
        }
        let limit = min(input.count, start + Self.largestMember)
        var word: UInt64 = 0
        var length: UInt64 = 0
        var end = -1
        try input.scanPieces(of: start..<limit) { piece in
            for byte in piece {
                word = word >> 8 | UInt64(byte) << 56
                length += 1
                if word == length, length >= 36 {
                    end = start + Int(length)
                    return false
                }
            }
            return true
        }
        guard end >= 0 else {
            // Nothing but the first bytes is known to be the file's own.
            file.length = max(file.length, start + 6)
            throw isRecognised ? .broken("the member's end is not found") : .rejected("the member's end is not found")
        }
        let size = try input.length64le(end - 16)
        guard size < 1 << 50 else { throw .broken("an impossible size of the content") }
        isRecognised = true
        content += size
        file.length = end
    }
}
