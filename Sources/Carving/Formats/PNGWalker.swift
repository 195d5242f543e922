internal import EvidenceModel

/// PNG and APNG pictures (W3C Portable Network Graphics, third edition).
///
/// Chunks up to IEND, each with its CRC-32: a file is proven when every CRC holds and the stream that the image data make up
/// has the Adler-32 and the length that the header calls for.
struct PNGWalker: FormatWalker {
    let name = "png"
    let signatures = [WalkerSignature(Self.magic)]

    static let magic: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try PNGWalk(WalkInput(reader)).verdict()
    }
}

private struct PNGWalk: FileWalk {
    /// Longest text chunk that is looked into.
    static let longestText = 4096
    /// Longest damaged ancillary chunk that leaves the file whole.
    static let longestDamage = 1024

    let input: WalkInput
    var file = WalkedFile(length: 8, confidence: .proven, format: "png", fileExtension: "png", mime: "image/png")
    var isRecognised = false
    var hasPalette = false
    var dataRuns = 0
    var needsPalette = false
    private var pixels: PNGPixels?

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        guard try input.matches(PNGWalker.magic, at: 0) else { throw .rejected("no PNG signature") }
        try header()
        var at = 33
        file.length = at
        var previous: FourCC = "IHDR"
        while true {
            let length = try input.u32be(at)
            let type = try input.tag(at + 4)
            guard Self.isPossible(type), length <= 0x7FFF_FFFF else { throw .broken("no chunk where one must start") }
            guard input.fits(at, length + 12) else { throw .broken("a chunk runs past the end of the source") }
            // The next chunk's name is looked at before the CRC of a chunk that only lies about its length.
            if type != "IEND", input.fits(at + length + 12, 8) {
                guard Self.isPossible(try input.tag(at + length + 16)) else {
                    throw .broken("no chunk follows \(type.text)")
                }
            }
            try check(type, at: at, length: length)
            try order(type, after: previous, body: at + 8, length: length)
            at += length + 12
            file.length = at
            if type == "IEND" {
                guard length == 0 else { throw .broken("IEND is not empty") }
                break
            }
            try note(type, at: at - length - 4, length: length)
            previous = type
        }
        guard dataRuns > 0 else { throw .broken("no image data") }
        try judgePixels()
    }

    private mutating func header() throws(WalkStop) {
        guard try input.u32be(8) == 13, try input.tag(12) == "IHDR" else { throw .rejected("no IHDR") }
        let width = try input.u32be(16)
        let height = try input.u32be(20)
        let depth = try input.u8(24)
        let color = try input.u8(25)
        let depths: [Int: [Int]] = [0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]]
        guard (1...0x7FFF_FFFF).contains(width), (1...0x7FFF_FFFF).contains(height),
            depths[color]?.contains(depth) == true, try input.u8(26) == 0, try input.u8(27) == 0,
            try input.u8(28) <= 1
        else { throw .rejected("impossible IHDR") }
        guard try input.crc32(of: 12..<29) == input.u32be(29) else { throw .rejected("IHDR's CRC does not hold") }
        isRecognised = true
        needsPalette = color == 3
        file.note("width", width)
        file.note("height", height)
        file.note("bit_depth", depth)
        file.facts["color"] = .string(
            [0: "grey", 2: "rgb", 3: "palette", 4: "grey and alpha", 6: "rgb and alpha"][color] ?? "unknown")
        let isInterlaced = try input.u8(28) == 1
        if isInterlaced { file.note("interlaced") }
        let samples = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][color] ?? 1
        pixels = PNGPixels(
            PNGImageData(
                width: width, height: height, bitsPerPixel: samples * depth, isInterlaced: isInterlaced,
                allowance: input.reader.decodingAllowance))
    }

    /// Four letters, the third of them upper case (section 5.4).
    private static func isPossible(_ type: FourCC) -> Bool {
        let characters = type.characters
        return characters.allSatisfy { (65...90).contains($0) || (97...122).contains($0) } && characters[2] < 97
    }

    private mutating func check(_ type: FourCC, at: Int, length: Int) throws(WalkStop) {
        let stored = try input.u32be(at + 8 + length)
        if try input.crc32(of: at + 4..<at + 8 + length) == stored { return }
        let isAncillary = type.characters[0] >= 97
        guard isAncillary, length <= Self.longestDamage else {
            throw .broken("the CRC of \(type.text) does not hold")
        }
        file.confidence = .structural
        file.warnings.append("the CRC of the \(type.text) chunk does not hold")
    }

    private mutating func order(
        _ type: FourCC, after previous: FourCC, body: Int, length: Int
    ) throws(WalkStop) {
        switch type {
        case "IHDR": throw .broken("a second IHDR")
        case "PLTE":
            guard dataRuns == 0, !hasPalette else { throw .broken("a palette out of order") }
            hasPalette = true
        case "IDAT":
            if previous != "IDAT" { dataRuns += 1 }
            guard dataRuns == 1 else { throw .broken("image data in two places") }
            guard hasPalette || !needsPalette else { throw .broken("no palette") }
            let pixels = pixels
            try input.forEachPiece(of: body..<body + length) { pixels?.data.add($0) }
        case "IEND": break
        default:
            guard type.characters[0] >= 97 else { throw .broken("an unknown critical chunk") }
        }
    }

    /// A checksum for each chunk does not tie the chunks together: the stream in them does.
    private mutating func judgePixels() throws(WalkStop) {
        guard let pixels else { return }
        switch pixels.data.verdict() {
        case .whole: break
        case .tooLarge:
            file.confidence = .structural
            if pixels.data.cost > WalkLimit.pngInflatedBytes.value { input.reached(.pngInflatedBytes) }
            file.warnings.append("the picture's data were not inflated to their end: \(input.reader.decodingLimits)")
        case .contradictory:
            file.confidence = .header
            file.warnings.append(
                "the picture's data are not those that its header calls for, although every chunk's CRC holds: chunks of "
                    + "different pictures may lie together here")
        }
        if pixels.data.left > 0 {
            if file.confidence == .proven { file.confidence = .structural }
            file.warnings.append("\(pixels.data.left) bytes follow the end of the picture's data in their chunks")
        }
        input.reader.charge(pixels.data.cost)
    }

    private mutating func note(_ type: FourCC, at body: Int, length: Int) throws(WalkStop) {
        switch type {
        case "acTL" where length == 8:
            file.format = "apng"
            file.mime = "image/apng"
            file.note("frames", try input.u32be(body))
        case "iCCP": file.note("icc_profile")
        case "caBX": file.note("c2pa")
        case "eXIf": try Exif.note(input, at: body, end: body + length, in: &file)
        case "tIME" where length == 7:
            let fields = [
                try input.u8(body + 2), try input.u8(body + 3), try input.u8(body + 4), try input.u8(body + 5),
                try input.u8(body + 6),
            ].map { $0 < 10 ? "0\($0)" : "\($0)" }
            let year = try input.u16be(body)
            let stamp = "\(year)-\(fields[0])-\(fields[1])T\(fields[2]):\(fields[3]):\(fields[4])Z"
            file.note("modified", text: stamp.utf8)
        case "tEXt", "iTXt":
            let text = try input.bytes(at: body, count: min(length, Self.longestText))
            note(text, international: type == "iTXt")
        default: break
        }
    }

    private mutating func note(_ text: [UInt8], international: Bool) {
        guard let end = text.firstIndex(of: 0), let keyword = EvidenceText.clean(text[..<end]) else { return }
        if keyword == "XML:com.adobe.xmp" { return file.note("xmp") }
        let keys = [
            "Title": "title", "Author": "artist", "Description": "description", "Copyright": "copyright",
            "Creation Time": "created", "Software": "software", "Comment": "comment", "Source": "source",
        ]
        guard let key = keys[keyword] else { return }
        var value = text[(end + 1)...]
        if international {
            // Compression flag and method, language, translated keyword; compressed text is left alone.
            guard value.first == 0 else { return }
            value = value.dropFirst(2)
            for _ in 0..<2 {
                guard let zero = value.firstIndex(of: 0) else { return }
                value = value[(zero + 1)...]
            }
        }
        file.note(key, text: value)
    }
}

/// Holds the stream for a walk, which is a value that is copied.
private final class PNGPixels {
    var data: PNGImageData

    init(_ data: consuming PNGImageData) { self.data = data }
}
