internal import EvidenceModel

/// FLAC sound (RFC 9639).
///
/// Frames carry no length: each is followed bit by bit, its CRC-16 must hold, and together they give the stated number
/// of samples. No checksum covers the tags and pictures before them, so the file is structural and not proven.
struct FLACWalker: FormatWalker {
    let name = "flac"
    let signatures = [WalkerSignature("fLaC")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try FLACWalk(WalkInput(reader)).verdict()
    }
}

private struct FLACWalk: FileWalk {
    /// Most metadata blocks.
    static let mostBlocks = 4096

    let input: WalkInput
    var file = WalkedFile(length: 4, confidence: .structural, format: "flac", fileExtension: "flac", mime: "audio/flac")
    var isRecognised = false
    var depth = 0
    var total = 0

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        guard try input.matches("fLaC", at: 0) else { throw .rejected("no FLAC signature") }
        var at = try metadata()
        file.length = at
        var samples = 0
        var crc = FLACChecksum()
        while total == 0 || samples < total {
            guard input.fits(at, 6) else {
                if total == 0, samples > 0 { break }
                throw .broken("the source ends before the last frame")
            }
            var frame = FLACFrame(input, at: at, depth: depth)
            guard try frame.follow() else {
                // A stream of unknown length ends where no frame follows.
                if total == 0, samples > 0 { break }
                try noteCut(at)
                throw .broken("no sound frame where one must start")
            }
            crc.value = 0
            try input.forEachPiece(of: at..<frame.end) { piece in
                for byte in piece { crc.update(byte) }
            }
            guard Int(crc.value) == (try input.u16be(frame.end)) else {
                if total == 0, samples > 0 { break }
                try noteCut(at)
                throw .broken("a frame's CRC does not hold")
            }
            samples += frame.blockSize
            at = frame.end + 2
            file.length = at
        }
        if total == 0 {
            file.confidence = .header
            file.warnings.append("the number of samples is not stated")
        }
        file.length = at
    }

    /// A frame that begins by its own head and is cut: its bytes up to the end of the block may be the file's.
    private mutating func noteCut(_ at: Int) throws(WalkStop) {
        var frame = FLACFrame(input, at: at, depth: depth)
        guard try frame.head() else { return }
        file.likelyLength = try input.endOfCut(at: at, head: 6)
    }

    private mutating func metadata() throws(WalkStop) -> Int {
        var at = 4
        for index in 0..<Self.mostBlocks {
            let head = try input.u8(at)
            let length = try input.u24be(at + 1)
            let type = head & 0x7F
            guard index > 0 || (type == 0 && length == 34) else { throw .rejected("impossible metadata") }
            guard input.fits(at + 4, length), index == 0 || FLACMetadata.types.contains(type) else {
                throw .broken("no metadata where more must be")
            }
            switch type {
            case 0:
                let rate = try input.u24be(at + 14) >> 4
                depth = ((try input.u16be(at + 16)) >> 4) & 0x1F + 1
                total = ((try input.u8(at + 17)) & 15) << 32 | (try input.u32be(at + 18))
                guard rate > 0, depth >= 4, try input.u16be(at + 4) >= 16 else { throw .rejected("impossible stream") }
                isRecognised = true
                file.note("sample_rate", rate)
                file.note("bit_depth", depth)
                file.note("channels", ((try input.u8(at + 16)) >> 1) & 7 + 1)
                file.noteDuration(total, perSecond: rate)
            case 4: try VorbisComment.note(input, at: at + 4, end: at + 4 + length, in: &file)
            case 6: file.note("cover")
            default: break
            }
            at += 4 + length
            file.length = at
            if head & 0x80 != 0 { return at }
        }
        throw .broken("more metadata than any real file has")
    }
}

/// The blocks before the sound (RFC 9639, section 8).
enum FLACMetadata {
    /// Types of blocks that may follow the first one.
    static let types = 1...6
    static let padding = 1
}

/// The tags of Vorbis, Opus and FLAC (Xiph.Org, Vorbis I, section 5).
enum VorbisComment {
    /// Most comments that are looked at.
    static let most = 256

    /// Notes what the comments from `start` to `end` say.
    static func note(_ input: WalkInput, at start: Int, end: Int, in file: inout WalkedFile) throws(WalkStop) {
        let keys = [
            "TITLE": "title", "ARTIST": "artist", "ALBUM": "album", "DATE": "taken", "ENCODER": "software",
            "COMMENT": "comment", "DESCRIPTION": "description", "COPYRIGHT": "copyright",
        ]
        guard end - start >= 8 else { return }
        let vendor = try input.u32le(start)
        guard vendor <= end - start - 8 else { return }
        file.note("library", text: try input.bytes(at: start + 4, count: min(vendor, 1024)))
        var at = start + 8 + vendor
        for _ in 0..<min(try input.u32le(at - 4), most) {
            guard end - at >= 4 else { return }
            let length = try input.u32le(at)
            guard length <= end - at - 4 else { return }
            let text = try input.bytes(at: at + 4, count: min(length, 1024))
            if let equals = text.firstIndex(of: UInt8(ascii: "=")),
                let key = keys[String(decoding: text[..<equals], as: UTF8.self).uppercased()]
            {
                file.note(key, text: text[(equals + 1)...])
            }
            at += 4 + length
        }
    }
}

/// The CRC-16 of FLAC's frames: polynomial 0x8005, highest bit first.
struct FLACChecksum {
    private static let table: [UInt16] = (0..<256).map { byte in
        var value = UInt16(byte) << 8
        for _ in 0..<8 { value = value & 0x8000 != 0 ? value << 1 ^ 0x8005 : value << 1 }
        return value
    }
    private let table = Self.table
    var value: UInt16 = 0

    @inline(__always)
    mutating func update(_ byte: UInt8) { value = value << 8 ^ table[Int(UInt8(value >> 8) ^ byte)] }
}

/// One frame, followed without decoding its samples (RFC 9639, section 9).
struct FLACFrame {
    let input: WalkInput
    let depth: Int
    /// First byte after the subframes: the CRC-16.
    var end: Int
    var blockSize = 0
    /// The frame's number, or that of its first sample where block sizes vary.
    private(set) var number = 0
    private var codes = 0
    private var bits: BitStream

    init(_ input: WalkInput, at start: Int, depth: Int) {
        self.input = input
        self.depth = depth
        end = start
        bits = BitStream(input, at: start)
    }

    /// False when the bits make no frame's head.
    mutating func head() throws(WalkStop) -> Bool {
        let start = end
        guard input.fits(start, 6) else { return false }
        let sync = try input.u16be(start)
        guard sync & 0xFFFE == 0xFFF8 else { return false }
        codes = try input.u16be(start + 2)
        let (sizeCode, rateCode) = (codes >> 12, codes >> 8 & 15)
        let (channelCode, depthCode) = (codes >> 4 & 15, codes >> 1 & 7)
        guard sizeCode != 0, rateCode != 15, channelCode <= 10, depthCode != 3, codes & 1 == 0 else { return false }
        var at = start + 4
        // The frame's or sample's number, coded as UTF-8 codes characters.
        let first = try input.u8(at)
        let more = first < 0x80 ? 0 : (~first & 0xFF | 1).leadingZeroBitCount - (Int.bitWidth - 8) - 1
        guard first < 0x80 || (1...6).contains(more) else { return false }
        number = more == 0 ? first : first & (0x3F >> more)
        for _ in 0..<more {
            at += 1
            let byte = try input.u8(at)
            guard byte & 0xC0 == 0x80 else { return false }
            number = number << 6 | byte & 0x3F
        }
        at += 1
        switch sizeCode {
        case 1: blockSize = 192
        case 2...5: blockSize = 576 << (sizeCode - 2)
        case 6:
            blockSize = try input.u8(at) + 1
            at += 1
        case 7:
            blockSize = try input.u16be(at) + 1
            at += 2
        default: blockSize = 256 << (sizeCode - 8)
        }
        if rateCode == 12 { at += 1 }
        if rateCode == 13 || rateCode == 14 { at += 2 }
        guard try crc8(start..<at) == input.u8(at) else { return false }
        bits = BitStream(input, at: at + 1)
        return true
    }

    /// False when the bits make no frame.
    mutating func follow() throws(WalkStop) -> Bool {
        guard try head() else { return false }
        let (channelCode, depthCode) = (codes >> 4 & 15, codes >> 1 & 7)
        let depths = [depth, 8, 12, 0, 16, 20, 24, 32]
        let channels = channelCode < 8 ? channelCode + 1 : 2
        for channel in 0..<channels {
            let isSide = (channelCode == 8 || channelCode == 10) ? channel == 1 : channelCode == 9 && channel == 0
            guard try subframe(depths[depthCode] + (isSide ? 1 : 0)) else { return false }
        }
        end = bits.alignedOffset
        return true
    }

    private func crc8(_ range: Range<Int>) throws(WalkStop) -> Int {
        var value = 0
        for at in range {
            value ^= try input.u8(at)
            for _ in 0..<8 { value = value & 0x80 != 0 ? (value << 1 ^ 0x07) & 0xFF : value << 1 }
        }
        return value
    }

    private mutating func subframe(_ sampleDepth: Int) throws(WalkStop) -> Bool {
        let head = try bits.take(8)
        guard head & 0x80 == 0 else { return false }
        var depth = sampleDepth
        if head & 1 == 1 { depth -= try bits.unary(most: 32) + 1 }
        guard depth > 0 else { return false }
        let type = head >> 1
        switch type {
        case 0: try bits.skip(depth)
        case 1: try bits.skip(depth * blockSize)
        case 8...12:
            try bits.skip(depth * (type - 8))
            return try residual(type - 8)
        case 32...63:
            let order = type - 31
            try bits.skip(depth * order)
            let precision = try bits.take(4) + 1
            guard precision < 16 else { return false }
            try bits.skip(5 + precision * order)
            return try residual(order)
        default: return false
        }
        return true
    }

    private mutating func residual(_ order: Int) throws(WalkStop) -> Bool {
        let method = try bits.take(2)
        guard method <= 1 else { return false }
        let width = method == 0 ? 4 : 5
        let partitionOrder = try bits.take(4)
        let partitions = 1 << partitionOrder
        guard blockSize % partitions == 0, blockSize >> partitionOrder >= order else { return false }
        for partition in 0..<partitions {
            let count = (blockSize >> partitionOrder) - (partition == 0 ? order : 0)
            let parameter = try bits.take(width)
            if parameter == (1 << width) - 1 {
                try bits.skip(try bits.take(5) * count)
            } else {
                for _ in 0..<count {
                    // A quotient is as long as the deepest sample allows.
                    guard try bits.unary(most: 1 << 17) >= 0 else { return false }
                    try bits.skip(parameter)
                }
            }
        }
        return true
    }
}

/// Bits from the highest of each byte down.
struct BitStream {
    /// Bytes fetched at a time.
    static let pieceSize = 16 * 1024

    private let input: WalkInput
    private var piece: [UInt8] = []
    private var pieceStart: Int
    private var index = 0
    private var bits: UInt64 = 0
    private var held = 0

    init(_ input: WalkInput, at offset: Int) {
        self.input = input
        pieceStart = offset
    }

    /// Offset of the first byte of which no bit was taken.
    var alignedOffset: Int { pieceStart + index - held / 8 }

    private mutating func fill() throws(WalkStop) {
        while held <= 56 {
            if index == piece.count {
                let start = pieceStart + index
                let count = min(Self.pieceSize, input.count - start)
                guard count > 0 else { return }
                piece = try input.bytes(at: start, count: count)
                pieceStart = start
                index = 0
            }
            bits |= UInt64(piece[index]) &<< UInt64(truncatingIfNeeded: 56 - held)
            held += 8
            index += 1
        }
    }

    /// The next 1 to 32 bits.
    mutating func take(_ count: Int) throws(WalkStop) -> Int {
        if held < count { try fill() }
        guard held >= count else { throw .failed(.pastEnd(offset: input.count)) }
        let value = Int(truncatingIfNeeded: bits &>> UInt64(truncatingIfNeeded: 64 - count))
        bits &<<= UInt64(truncatingIfNeeded: count)
        held -= count
        return value
    }

    /// Steps over bits.
    mutating func skip(_ count: Int) throws(WalkStop) {
        var left = count
        while left > 0 {
            let step = min(left, 32)
            if held < step { try fill() }
            guard held >= step else { throw .failed(.pastEnd(offset: input.count)) }
            bits &<<= UInt64(truncatingIfNeeded: step)
            held -= step
            left -= step
        }
    }

    /// Zeros up to the next one, which is stepped over; broken when there are more than `most`.
    mutating func unary(most: Int) throws(WalkStop) -> Int {
        var zeros = 0
        while true {
            if held == 0 { try fill() }
            guard held > 0 else { throw .failed(.pastEnd(offset: input.count)) }
            let here = min(bits.leadingZeroBitCount, held)
            zeros += here
            guard zeros <= most else { throw .broken("a sound frame's codes make no sense") }
            if here < held {
                bits = here == 63 ? 0 : bits &<< UInt64(truncatingIfNeeded: here + 1)
                held -= here + 1
                return zeros
            }
            bits = 0
            held = 0
        }
    }
}
