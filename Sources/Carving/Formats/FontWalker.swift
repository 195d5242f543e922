internal import EvidenceModel

/// TrueType and OpenType fonts (OpenType 1.9, "font file"): a directory of tables, each with a checksum.
struct FontWalker: FormatWalker {
    let name = "sfnt"
    let signatures = [
        WalkerSignature([0, 1, 0, 0, 0]), WalkerSignature("OTTO"), WalkerSignature([0x74, 0x72, 0x75, 0x65, 0]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try FontWalk(reader).verdict() }
}

struct FontWalk: FileWalk {
    static let mostTables = 128

    let input: WalkInput
    var file = WalkedFile(length: 0, confidence: .proven, format: "ttf", fileExtension: "ttf", mime: "font/ttf")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let count = try input.u16be(4)
        var power = 1
        var exponent = 0
        while power * 2 <= count {
            power *= 2
            exponent += 1
        }
        guard count > 0, count <= Self.mostTables, try input.u16be(6) == power * 16, try input.u16be(8) == exponent
        else {
            throw .rejected("not a table directory")
        }
        if try input.matches("OTTO", at: 0) {
            file.format = "otf"
            file.fileExtension = "otf"
            file.mime = "font/otf"
        }
        var end = 12 + 16 * count
        var wrong = 0
        var tags: Set<String> = []
        var tables: [FontTable] = []
        for index in 0..<count {
            let at = 12 + 16 * index
            let tag = try input.bytes(at: at, count: 4)
            guard tag.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw .rejected("a table with an impossible name")
            }
            let text = String(decoding: tag, as: UTF8.self)
            tags.insert(text)
            tables.append(try FontTable(input, at: at))
        }
        guard tags.contains("head") || tags.contains("bhed") || tags.contains("cmap") else {
            throw .rejected("a directory without the tables of a font")
        }
        isRecognised = true
        file.length = end
        for table in tables.sorted(by: { $0.offset < $1.offset }) {
            guard table.offset >= 12 + 16 * count, input.fits(table.offset, table.length) else {
                throw .broken("the source ends before the table \(table.tag)")
            }
            if try !table.holds(input, at: table.offset) { wrong += 1 }
            end = max(end, table.offset + table.length)
            if wrong == 0 { file.length = end }
        }
        guard wrong * 2 <= count else { throw .broken("the checksums of \(wrong) of \(count) tables do not hold") }
        if wrong > 0 {
            file.confidence = .header
            file.warnings.append("the checksums of \(wrong) of \(count) tables do not hold")
        }
        // Tables are padded with zeros to four bytes; the last one usually too.
        let padded = (end + 3) / 4 * 4
        file.length = try input.fits(0, padded) ? (input.isZero(end..<padded) ? padded : end) : end
        file.note("tables", count)
        if let name = tables.first(where: { $0.tag == "name" }) { try describe(name.offset, name.length) }
    }

    /// The full name (name 4) of the `name` table.
    private mutating func describe(_ start: Int, _ length: Int) throws(WalkStop) {
        guard length >= 6 else { return }
        let strings = start + (try input.u16be(start + 4))
        for index in 0..<min(try input.u16be(start + 2), 64) {
            let at = start + 6 + 12 * index
            guard input.fits(at, 12), try input.u16be(at + 6) == 4 else { continue }
            let size = try input.u16be(at + 8)
            let place = strings + (try input.u16be(at + 10))
            guard input.fits(place, size) else { continue }
            let raw = try input.bytes(at: place, count: size)
            let text =
                try input.u16be(at) == 1 ? EvidenceText.clean(raw) : EvidenceText.cleanUTF16(raw, bigEndian: true)
            if let text { file.facts["font"] = .string(text) }
            return
        }
    }
}

/// One entry of a font's table directory.
struct FontTable {
    let tag: String
    let offset: Int
    let length: Int
    private let sum: Int

    /// The entry at a place of the directory.
    init(_ input: WalkInput, at place: Int) throws(WalkStop) {
        tag = String(decoding: try input.bytes(at: place, count: 4), as: UTF8.self)
        sum = try input.u32be(place + 4)
        offset = try input.u32be(place + 8)
        length = try input.u32be(place + 12)
    }

    /// True when the bytes at a place are the table's by their checksum: the sum of big-endian 32-bit numbers, padded
    /// with zeros; `head` without its adjustment.
    func holds(_ input: WalkInput, at place: Int) throws(WalkStop) -> Bool {
        var sum: UInt32 = 0
        var position = 0
        try input.forEachPiece(of: place..<place + length) { (piece: ArraySlice<UInt8>) in
            for byte in piece {
                if tag != "head" || !(8..<12).contains(position) {
                    sum &+= UInt32(byte) << UInt32(24 - 8 * (position & 3))
                }
                position += 1
            }
        }
        return Int(sum) == self.sum
    }
}
