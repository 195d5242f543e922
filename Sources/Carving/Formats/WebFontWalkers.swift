internal import EvidenceModel

/// Web fonts, first version (W3C, WOFF File Format 1.0): tables compressed with zlib, each with its checksum.
struct WebFontWalker: FormatWalker {
    let name = "woff"
    let signatures = ["\u{0}\u{1}\u{0}\u{0}", "OTTO", "true"].map { WalkerSignature("wOFF" + $0) }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try WebFontWalk(reader).verdict() }
}

private struct WebFontWalk: FileWalk {
    static let largestTable = 16 << 20

    let input: WalkInput
    var file = WalkedFile(length: 44, confidence: .proven, format: "woff", fileExtension: "woff", mime: "font/woff")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let size = try input.u32be(8)
        let count = try input.u16be(12)
        guard (1...FontWalk.mostTables).contains(count), try input.u16be(14) == 0, size >= 44 + 20 * count else {
            throw .rejected("not a web font header")
        }
        var tables: [(offset: Int, length: Int, original: Int, sum: Int, isHead: Bool)] = []
        for index in 0..<count {
            let at = 44 + 20 * index
            let tag = try input.tag(at)
            let entry = (
                offset: try input.u32be(at + 4), length: try input.u32be(at + 8), original: try input.u32be(at + 12),
                sum: try input.u32be(at + 16), isHead: tag == "head"
            )
            guard tag.isPrintable, entry.length <= entry.original, entry.original <= Self.largestTable,
                entry.offset >= 44 + 20 * count, entry.offset + entry.length <= size
            else { throw .rejected("an impossible table") }
            tables.append(entry)
        }
        isRecognised = true
        file.length = 44 + 20 * count
        file.note("tables", count)
        var end = file.length
        for table in tables.sorted(by: { $0.offset < $1.offset }) {
            guard table.offset == (end + 3) / 4 * 4, try input.isZero(end..<table.offset) else {
                throw .broken("a gap between tables")
            }
            let content = try original(table.offset, length: table.length, size: table.original)
            guard let content, Self.sum(content, isHead: table.isHead) == table.sum else {
                throw .broken("a table's checksum does not hold")
            }
            end = table.offset + table.length
            file.length = end
        }
        end = try rest(from: end, size: size)
        guard (end...(end + 3) / 4 * 4).contains(size) else { throw .broken("the file states another size") }
        guard input.fits(0, size) else { throw .broken("the source ends inside the file") }
        guard try input.isZero(end..<size) else { throw .broken("the end is not padded with zeros") }
        file.length = size
    }

    /// Metadata and private data, which may follow the tables; answers their end.
    private mutating func rest(from start: Int, size: Int) throws(WalkStop) -> Int {
        var end = start
        let metadata = try input.u32be(24)
        if metadata != 0 {
            let length = try input.u32be(28)
            guard metadata == (end + 3) / 4 * 4, length <= size, try input.isZero(end..<metadata),
                try original(metadata, length: length, size: try input.u32be(32)) != nil
            else { throw .broken("the metadata are damaged") }
            end = metadata + length
        }
        let own = try input.u32be(36)
        if own != 0 {
            let length = try input.u32be(40)
            guard own == (end + 3) / 4 * 4, length <= size, input.fits(own, length) else {
                throw .broken("the private data lie outside of the file")
            }
            end = own + length
            file.confidence = .structural
            file.leaveUnchecked(own..<end)
        }
        return end
    }

    /// The bytes of a table before compression; nil when they cannot be had.
    private func original(_ at: Int, length: Int, size: Int) throws(WalkStop) -> [UInt8]? {
        guard input.fits(at, length) else { throw .broken("the source ends inside a table") }
        if length == size { return try input.bytes(at: at, count: size) }
        guard size <= Self.largestTable, length > 6, try input.u16be(at) % 31 == 0, try input.u8(at) & 15 == 8 else {
            return nil
        }
        var budget = size + 1
        let outcome = try input.inflate(from: at + 2, to: at + length, keeping: size, budget: &budget)
        guard outcome.end == .finished, outcome.produced == size, outcome.consumed == length - 6,
            WalkInput.adler32(outcome.head) == (try input.u32be(at + length - 4))
        else { return nil }
        return outcome.head
    }

    /// The sum of big-endian 32-bit numbers, padded with zeros; `head` without its adjustment.
    private static func sum(_ bytes: [UInt8], isHead: Bool) -> Int {
        var sum: UInt32 = 0
        for (index, byte) in bytes.enumerated() where !(isHead && (8..<12).contains(index)) {
            sum &+= UInt32(byte) << UInt32(24 - 8 * (index & 3))
        }
        return Int(sum)
    }
}

/// Web fonts, second version (W3C, WOFF File Format 2.0): one Brotli stream, which is not followed.
struct WebFont2Walker: FormatWalker {
    let name = "woff2"
    let signatures = ["\u{0}\u{1}\u{0}\u{0}", "OTTO", "true", "ttcf"].map { WalkerSignature("wOF2" + $0) }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try WebFont2Walk(reader).verdict() }
}

private struct WebFont2Walk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 48, confidence: .structural, format: "woff2", fileExtension: "woff2", mime: "font/woff2")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let size = try input.u32be(8)
        let count = try input.u16be(12)
        let compressed = try input.u32be(20)
        guard (1...FontWalk.mostTables).contains(count), try input.u16be(14) == 0, compressed > 0, size > compressed
        else { throw .rejected("not a web font header") }
        let isCollection = try input.matches("ttcf", at: 4)
        var at = 48
        for _ in 0..<count {
            let flags = try input.u8(at)
            at += 1
            let known = flags & 63
            var isGlyph = known == 10 || known == 11
            if known == 63 {
                let tag = try input.tag(at)
                guard tag.isPrintable else { throw .rejected("a table with an impossible name") }
                isGlyph = tag == "glyf" || tag == "loca"
                at += 4
            }
            guard try number(&at) != nil else { throw .rejected("a number longer than any real one") }
            // Version 0 of the transformation is none, but for the two tables of outlines, where 3 is none.
            if isGlyph ? flags >> 6 != 3 : flags >> 6 != 0 {
                guard try number(&at) != nil else { throw .rejected("a number longer than any real one") }
            }
        }
        isRecognised = true
        file.note("tables", count)
        if isCollection { return try ended(by: size, warning: "a collection: only its stated size ends it") }
        let metadata = try input.u32be(28)
        let own = try input.u32be(40)
        file.leaveUnchecked(at..<at + compressed)
        var end = at + compressed
        if metadata != 0 {
            guard metadata == (end + 3) / 4 * 4 else { throw .broken("the metadata lie elsewhere") }
            end = metadata + (try input.u32be(32))
        }
        if own != 0 {
            guard own == (end + 3) / 4 * 4 else { throw .broken("the private data lie elsewhere") }
            end = own + (try input.u32be(44))
        }
        guard (end...(end + 3) / 4 * 4).contains(size) else { throw .broken("the file states another size") }
        guard input.fits(0, size) else { throw .broken("the source ends inside the file") }
        file.leaveUnchecked(at..<size)
        if let foreign = try ForeignBlocks.first(input, in: at..<at + compressed) {
            file.length = foreign
            throw .broken("a block inside the font is not compressed data")
        }
        file.length = size
    }

    private mutating func ended(by size: Int, warning: String) throws(WalkStop) {
        guard input.fits(0, size) else { throw .broken("the source ends inside the file") }
        file.confidence = .header
        file.warnings.append(warning)
        file.length = size
    }

    /// A number of at most five bytes, seven bits each, highest first (UIntBase128); nil when it is longer.
    private func number(_ at: inout Int) throws(WalkStop) -> Int? {
        var value = 0
        for _ in 0..<5 {
            let byte = try input.u8(at)
            at += 1
            value = value << 7 | byte & 0x7F
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
