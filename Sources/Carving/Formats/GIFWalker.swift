internal import EvidenceModel

/// GIF pictures (Graphics Interchange Format, versions 87a and 89a).
///
/// Blocks up to the trailer. The LZW codes of each picture are followed without drawing: their pixels must fill the
/// picture and their end must be the end of its sub-blocks, which bytes of another file would not do.
struct GIFWalker: FormatWalker {
    let name = "gif"
    let signatures = [WalkerSignature("GIF87a"), WalkerSignature("GIF89a")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try GIFWalk(WalkInput(reader)).verdict()
    }
}

private struct GIFWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(length: 13, confidence: .structural, format: "gif", fileExtension: "gif", mime: "image/gif")
    var isRecognised = false
    var at = 13
    var frames = 0
    var hundredths = 0
    var oddPictures = 0
    /// Parts of XMP packets that do not look like such.
    var doubtful: [Range<Int>] = []
    /// Length of what ends an XMP packet here (XMP specification, part 3, 1.1.2).
    static let xmpTrailer = 258

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        let is89 = try input.matches("GIF89a", at: 0)
        let is87 = try input.matches("GIF87a", at: 0)
        guard is89 || is87 else { throw .rejected("no GIF signature") }
        let width = try input.u16le(6)
        let height = try input.u16le(8)
        let flags = try input.u8(10)
        _ = try input.u8(12)
        isRecognised = true
        file.facts["version"] = .string(is89 ? "89a" : "87a")
        file.note("width", width)
        file.note("height", height)
        let hasGlobalTable = flags & 0x80 != 0
        if hasGlobalTable { try skip(3 << ((flags & 7) + 1), "the colour table") }
        while true {
            switch try input.u8(at) {
            case 0x3B:
                guard frames > 0 else { throw .broken("no picture before the trailer") }
                at += 1
                file.length = at
                file.note("frames", frames)
                if hundredths > 0 { file.noteDuration(hundredths, perSecond: 100) }
                file.doubt(doubtful, because: "an extension may hold pieces of other files")
                if oddPictures > 0 {
                    file.doubt(
                        [0..<file.length],
                        because: "\(oddPictures) pictures have other numbers of pixels than stated: pieces of other "
                            + "files may lie in them")
                }
                return
            case 0x2C: try picture(hasTable: hasGlobalTable)
            case 0x21: try extensionBlock()
            case let other: throw .broken("no block begins with \(other)")
            }
            file.length = at
        }
    }

    private mutating func skip(_ count: Int, _ what: String) throws(WalkStop) {
        guard input.fits(at, count) else { throw .broken("the source ends inside \(what)") }
        at += count
        file.length = at
    }

    private mutating func extensionBlock() throws(WalkStop) {
        let label = try input.u8(at + 1)
        let size = try input.u8(at + 2)
        switch label {
        case 0xF9:
            guard size == 4, try input.u8(at + 7) == 0 else { throw .broken("a graphic control block of another size") }
            hundredths += try input.u16le(at + 4)
        case 0xFF:
            guard size == 11 else { throw .broken("an application block of another size") }
            let application = try input.bytes(at: at + 3, count: 11)
            if application == Array("NETSCAPE2.0".utf8), try input.u8(at + 14) == 3 {
                file.note("loops", try input.u16le(at + 16))
            } else if application == Array("XMP DataXMP".utf8) {
                file.note("xmp")
            } else if application == Array("ICCRGBG1012".utf8) {
                file.note("icc_profile")
            } else if application == Array("C2PA_GIF".utf8) + [1, 0, 0] {
                file.note("c2pa")
            }
        case 0xFE: file.note("comment", text: try input.bytes(at: at + 3, count: size))
        case 0x01:
            guard size == 12 else { throw .broken("a plain text block of another size") }
        default:
            // Labels nobody defined occur in the wild; those of the rendering and control ranges do not.
            guard label == 0x00 || label >= 0x80 else { throw .broken("an unknown extension") }
            file.warnings.append("an extension with the unknown label \(label)")
        }
        at += 2
        let start = at
        let isRegular = try subBlocks()
        let isPacket = try input.matches("XMP DataXMP", at: start + 1)
        if label == 0xFF, isPacket {
            try judgeExtension(start..<at)
        } else if !isRegular {
            // Lengths that come from another file's bytes find back to the chain after some time.
            doubtful.append(start..<at)
        }
    }

    /// XMP lies as plain text in its extension, and any text between its first byte and its trailer passes for it.
    private mutating func judgeExtension(_ part: Range<Int>) throws(WalkStop) {
        let packet = part.lowerBound..<max(part.lowerBound, part.upperBound - Self.xmpTrailer)
        var trace = SyntaxTrace()
        trace.mark(packet.lowerBound)
        // The length and name of the extension stand before the text.
        let text = packet.lowerBound + 12
        var position = packet.lowerBound
        var isText = true
        try input.forEachPiece(of: packet) { piece in
            for byte in piece {
                if byte == 0x3C { trace.mark(position) }
                if byte < 0x20, byte != 0x09, byte != 0x0A, byte != 0x0D, position >= text { isText = false }
                position += 1
            }
        }
        trace.mark(packet.upperBound)
        if !isText { doubtful.append(packet) } else { doubtful += try trace.unmarked(input) }
    }

    /// True when all sub-blocks behind the first are of one length, but for the last.
    private mutating func subBlocks() throws(WalkStop) -> Bool {
        var sizes = LineLengths()
        var count = 0
        while true {
            let size = try input.u8(at)
            try skip(size + 1, "a sub-block")
            if size == 0 { return sizes.areEven }
            // The first one may be the head of an application extension.
            if count > 0 { sizes.take(line: size) }
            count += 1
        }
    }

    private mutating func picture(hasTable: Bool) throws(WalkStop) {
        let width = try input.u16le(at + 5)
        let height = try input.u16le(at + 7)
        let flags = try input.u8(at + 9)
        guard width > 0, height > 0 else { throw .broken("a picture without pixels") }
        guard flags & 0x18 == 0 else { throw .broken("reserved bits are set in an image descriptor") }
        at += 10
        if flags & 0x80 != 0 { try skip(3 << ((flags & 7) + 1), "a colour table") }
        let codeSize = try input.u8(at)
        guard (2...8).contains(codeSize) || codeSize == 1 else { throw .broken("an impossible LZW code size") }
        at += 1
        var codes = LZWCodes(codeSize: codeSize, pixels: width * height)
        while true {
            let size = try input.u8(at)
            guard input.fits(at, size + 1) else { throw .broken("the source ends inside a picture") }
            if size == 0 { break }
            let start = at + 1
            var isSound = true
            try input.forEachPiece(of: start..<start + size) { piece in
                for byte in piece where isSound { isSound = codes.take(byte) }
            }
            guard isSound else { throw .broken("the picture's LZW codes make no sense") }
            at += size + 1
            file.length = at
        }
        at += 1
        frames += 1
        // Some writers stop early or leave out the end code; far too few pixels are bytes of something else.
        if codes.pixels != 0 || codes.hasSurplus { oddPictures += 1 }
        guard codes.hasEnded || codes.pixels <= 0 else { throw .broken("a picture ends before its last pixel") }
    }
}

/// Follows GIF's LZW codes without the pixels: only how many pixels each code stands for.
private struct LZWCodes {
    /// Bytes that may follow the end code inside the sub-blocks.
    static let mostTrailing = 8

    /// Pixels still to come.
    var pixels: Int
    var hasEnded = false
    private let codeSize: Int
    private var width: Int
    private var bits = 0
    private var held = 0
    private var next: Int
    private var previous = -1
    private var trailing = 0
    /// True when data follow the end code or the last pixel.
    var hasSurplus: Bool { trailing > 1 }
    private var lengths = [Int32](repeating: 1, count: 4096)

    init(codeSize: Int, pixels: Int) {
        self.codeSize = codeSize
        self.pixels = pixels
        width = codeSize + 1
        next = (1 << codeSize) + 2
    }

    /// False when the codes cannot be those of a picture.
    mutating func take(_ byte: UInt8) -> Bool {
        if hasEnded || pixels <= 0 {
            if hasEnded {
                trailing += 1
                return trailing <= Self.mostTrailing
            }
        }
        bits |= Int(byte) << held
        held += 8
        while held >= width {
            let code = bits & ((1 << width) - 1)
            bits >>= width
            held -= width
            let clear = 1 << codeSize
            if code == clear {
                width = codeSize + 1
                next = clear + 2
                previous = -1
                continue
            }
            if code == clear + 1 {
                hasEnded = true
                return true
            }
            guard code < next || (code == next && previous >= 0) else { return false }
            if pixels <= 0 {
                // Pixels past the last one: a few encoders pad; more is another file's bytes.
                trailing += 1
                guard trailing <= Self.mostTrailing else { return false }
            }
            if previous >= 0, next < 4096 {
                lengths[next] = lengths[previous] &+ 1
                next += 1
                if next == 1 << width, width < 12 { width += 1 }
            }
            guard code < next else { return false }
            pixels -= code < clear ? 1 : Int(lengths[code])
            previous = code
        }
        return true
    }
}
