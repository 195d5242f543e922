internal import EvidenceModel

/// Windows and OS/2 bitmaps, every header version (Microsoft, "Bitmap Storage"; OS/2 Presentation Manager).
///
/// Two letters are a weak signature, so every field of both headers must make sense. The end follows from the
/// picture's size; run-length codes are followed to their end mark.
struct BMPWalker: FormatWalker {
    let name = "bmp"
    let signatures = [WalkerSignature("BM")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try BMPWalk(WalkInput(reader)).verdict()
    }
}

private struct BMPWalk: FileWalk {
    /// Largest width or height that is believed.
    static let longestSide = 1 << 17
    /// Most bytes between the end of the pixels and the stated end of the file.
    static let mostTrailing = 64 * 1024

    let input: WalkInput
    var file = WalkedFile(length: 14, confidence: .structural, format: "bmp", fileExtension: "bmp", mime: "image/bmp")
    var isRecognised = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        guard try input.matches("BM", at: 0) else { throw .rejected("no bitmap signature") }
        let stated = try input.u32le(2)
        guard try input.u32le(6) == 0 else { throw .rejected("reserved bytes are set") }
        let pixelsAt = try input.u32le(10)
        let headerSize = try input.u32le(14)
        let versions = [
            12: "OS/2 1", 16: "OS/2 2", 40: "Windows 3", 52: "Windows 3 with masks", 56: "Windows 3 with alpha mask",
            64: "OS/2 2", 108: "Windows 4", 124: "Windows 5",
        ]
        guard let version = versions[headerSize] else { throw .rejected("a header of no known version") }
        let isCore = headerSize == 12
        let width = isCore ? try input.u16le(18) : Int(Int32(truncatingIfNeeded: try input.u32le(18)))
        let signedHeight = isCore ? try input.u16le(20) : Int(Int32(truncatingIfNeeded: try input.u32le(22)))
        let height = abs(signedHeight)
        let planes = try input.u16le(isCore ? 22 : 26)
        let depth = try input.u16le(isCore ? 24 : 28)
        let compression = headerSize < 40 ? 0 : try input.u32le(30)
        let statedSize = headerSize < 40 ? 0 : try input.u32le(34)
        let isOS2 = headerSize == 64
        guard (1...Self.longestSide).contains(width), (1...Self.longestSide).contains(height), planes == 1,
            [1, 2, 4, 8, 16, 24, 32].contains(depth)
        else { throw .rejected("impossible picture size") }
        let isPossible =
            switch compression {
            case 0: true
            case 1: depth == 8
            case 2: depth == 4
            case 3: isOS2 ? depth == 1 : depth == 16 || depth == 32
            case 4, 5: headerSize >= 40 && (isOS2 ? depth == 24 : true)
            case 6: depth == 16 || depth == 32
            default: false
            }
        guard isPossible else { throw .rejected("compression and depth contradict each other") }
        let colors = headerSize < 40 ? 0 : try input.u32le(46)
        guard colors <= 1 << 16 else { throw .rejected("impossible number of colours") }
        let paletteEntries = depth <= 8 ? (colors == 0 || colors > 1 << depth ? 0 : colors) : 0
        let tableEnd = 14 + headerSize + paletteEntries * (isCore ? 3 : 4)
        guard pixelsAt >= tableEnd, pixelsAt <= tableEnd + (1 << 16) else {
            throw .rejected("the pixels start in an impossible place")
        }
        isRecognised = true
        file.length = min(pixelsAt, input.count)
        file.note("width", width)
        file.note("height", height)
        file.note("bit_depth", depth)
        file.facts["version"] = .string(version)
        let isRunLength = compression == 1 || compression == 2 || (isOS2 && compression == 4)
        var end: Int
        if isRunLength {
            file.facts["compression"] = "RLE"
            let unit = compression == 2 ? 4 : compression == 1 ? 8 : 24
            end = try runs(at: pixelsAt, width: width, height: height, unit: unit)
            let spare = (statedSize > 0 ? pixelsAt + statedSize : stated) - end
            if spare > Self.mostPadding, statedSize > 0 || headerSize < 124 {
                // The mark that ends the runs is two bytes: other data hold it too.
                file.warnings.append("the runs end \(spare) bytes before the end that is stated")
                file.confidence = .header
            }
            if statedSize > 0, pixelsAt + statedSize >= end, statedSize <= end - pixelsAt + Self.mostTrailing {
                end = pixelsAt + statedSize
            }
        } else if (!isOS2 && (compression == 4 || compression == 5)) || (isOS2 && compression == 3) {
            // A JPEG, PNG or fax picture inside: only its stated size is known.
            guard statedSize > 0 else { throw .broken("the embedded picture has no size") }
            end = pixelsAt + statedSize
            file.leaveUnchecked(pixelsAt..<max(pixelsAt, end))
        } else {
            end = pixelsAt + (width * depth + 31) / 32 * 4 * height
            file.leaveUnchecked(pixelsAt..<max(pixelsAt, end))
        }
        // The colour space's name is stored as a little-endian number: "MBED" and "LINK" read backwards.
        if headerSize == 124, ["DEBM", "KNIL"].contains(try input.tag(14 + 56)) {
            let profileAt = try input.u32le(14 + 112)
            let profileSize = try input.u32le(14 + 116)
            if profileSize > 0 {
                guard profileAt >= headerSize, profileAt <= end + Self.mostTrailing, profileSize <= 1 << 26 else {
                    throw .broken("the colour profile lies in an impossible place")
                }
                file.note("icc_profile")
                end = max(end, 14 + profileAt + profileSize)
            }
        }
        if stated > end, stated <= end + Self.mostTrailing {
            end = stated
        } else if stated != end {
            file.warnings.append("the header states \(stated) bytes, the picture needs \(end)")
            file.confidence = .header
        }
        guard input.fits(0, end) else {
            file.length = input.count
            throw .broken("the source ends inside the pixels")
        }
        file.length = end
    }

    /// Bytes that fill a picture's runs to whole words.
    private static let mostPadding = 3

    /// Follows run-length codes to the end of the bitmap; answers the offset after the end mark.
    private mutating func runs(at start: Int, width: Int, height: Int, unit: Int) throws(WalkStop) -> Int {
        var at = start
        var column = 0
        var row = 0
        while true {
            let count = try input.u8(at)
            let value = try input.u8(at + 1)
            if count > 0 {
                column += count
                at += unit == 24 ? 4 : 2
            } else {
                switch value {
                case 0:
                    column = 0
                    row += 1
                    at += 2
                case 1: return at + 2
                case 2:
                    column += try input.u8(at + 2)
                    row += try input.u8(at + 3)
                    at += 4
                default:
                    column += value
                    let bytes = unit == 4 ? (value + 1) / 2 : unit == 8 ? value : 3 * value
                    at += 2 + bytes + bytes % 2
                }
            }
            // One pixel more than the width occurs where four-bit runs are padded.
            guard column <= width + 1, row <= height else { throw .broken("runs leave the picture") }
            file.length = min(at, input.count)
        }
    }
}
