/// What a compiled magic database (`.mgc`) says about where formats can start.
///
/// Reads the layout of version 18 (libmagic 5.42 to 5.44): little-endian records of 376 bytes, the first of which is
/// the header. Documentation/Formats/carving.md describes it. Another version is not guessed at.
public struct MagicDatabase: Sendable {
    /// The only version whose layout is known.
    public static let knownVersion = 18

    /// Version of the layout.
    public let version: Int
    /// Number of top-level tests in both sets.
    public let topLevelCount: Int
    /// The top-level tests for equality with fixed bytes at a fixed offset, in the database's order, which is
    /// libmagic's order of strength within each set.
    public let signatures: [FormatSignature]

    /// Reads a compiled database.
    ///
    /// - Throws: ``MagicError`` with code `layout` when these are not the bytes of a version 18 database.
    public init(compiled bytes: Span<UInt8>) throws(MagicError) {
        let file = bytes
        guard bytes.count >= Layout.recordSize, file.u32(0) == Layout.magic else {
            throw MagicError(.layout, "not a compiled little-endian magic database")
        }
        let version = Int(file.u32(4))
        guard version == Self.knownVersion else {
            throw MagicError(
                .layout,
                "the magic database has layout version \(version); only \(Self.knownVersion) is known to this build")
        }
        let records = bytes.count / Layout.recordSize
        let claimed = Int(file.u32(8)) + Int(file.u32(12))
        guard bytes.count % Layout.recordSize == 0, claimed == records - 1 else {
            throw MagicError(
                .layout, "the magic database claims \(claimed) entries and holds \(records - 1): it is damaged")
        }

        var topLevel = 0
        var signatures: [FormatSignature] = []
        for record in 1..<max(records, 1) {
            let start = record * Layout.recordSize
            guard file.u16(start + Layout.level) == 0 else { continue }
            topLevel += 1
            if let signature = Self.signature(in: file, at: start) { signatures.append(signature) }
        }
        self.version = version
        self.topLevelCount = topLevel
        self.signatures = signatures
    }

    /// The fixed bytes that a record tests for; nil when it tests anything else.
    private static func signature(in file: Span<UInt8>, at start: Int) -> FormatSignature? {
        let offset = Int(Int32(bitPattern: file.u32(start + Layout.offset)))
        guard file.u8(start + Layout.relation) == Layout.equals, offset >= 0,
            file.u8(start + Layout.flags) & Layout.indirectFlags == 0
        else { return nil }
        let value = start + Layout.value
        let bytes: [UInt8]
        switch file.u8(start + Layout.type) {
        case TestType.string:
            let length = Int(file.u8(start + Layout.valueLength))
            guard length <= Layout.valueSize,
                file.u32(start + Layout.stringFlags) & ~Layout.harmlessStringFlags == 0
            else { return nil }
            bytes = file.bytes(value, length)
        case TestType.short, TestType.littleShort:
            bytes = file.bytes(value, 2)
        case TestType.bigShort:
            bytes = file.bytes(value, 2).reversed()
        case TestType.long, TestType.littleLong:
            bytes = file.bytes(value, 4)
        case TestType.bigLong:
            bytes = file.bytes(value, 4).reversed()
        case TestType.quad, TestType.littleQuad:
            bytes = file.bytes(value, 8)
        case TestType.bigQuad:
            bytes = file.bytes(value, 8).reversed()
        case TestType.guid:
            bytes = file.bytes(value, 16)
        default:
            return nil
        }
        let isNumber = file.u8(start + Layout.type) != TestType.string
        // A number with a mask, or with arithmetic before the comparison, is not a run of fixed bytes.
        if isNumber, file.u32(start + Layout.mask) != 0 || file.u32(start + Layout.mask + 4) != 0 { return nil }
        guard !bytes.isEmpty else { return nil }
        return FormatSignature(
            offset: offset, bytes: bytes, mime: file.text(start + Layout.mime, Layout.mimeSize),
            extensions: file.text(start + Layout.extensions, Layout.extensionsSize).split(separator: "/")
                .map(String.init),
            description: file.text(start + Layout.description, Layout.descriptionSize))
    }
}

/// Offsets and values of the version 18 layout.
private enum Layout {
    static let recordSize = 376
    static let magic: UInt32 = 0xF11E_041C

    static let level = 0
    static let flags = 2
    static let relation = 4
    static let valueLength = 5
    static let type = 6
    static let offset = 12
    static let mask = 24
    static let stringFlags = 28
    static let value = 32
    static let valueSize = 128
    static let description = 160
    static let descriptionSize = 64
    static let mime = 224
    static let mimeSize = 80
    static let extensions = 312
    static let extensionsSize = 64

    static let equals = UInt8(ascii: "=")
    /// Indirect offset, offset relative to the parent, relative indirection, offset counted from the end.
    static let indirectFlags: UInt8 = 0x01 | 0x02 | 0x04 | 0x80
    /// "only in text", "only in binary", "full word": they narrow a match and never widen it.
    static let harmlessStringFlags: UInt32 = 1 << 5 | 1 << 6 | 1 << 15
}

/// The kinds of test that can compare fixed bytes.
private enum TestType {
    static let short: UInt8 = 2
    static let long: UInt8 = 4
    static let string: UInt8 = 5
    static let bigShort: UInt8 = 7
    static let bigLong: UInt8 = 8
    static let littleShort: UInt8 = 10
    static let littleLong: UInt8 = 11
    static let quad: UInt8 = 24
    static let littleQuad: UInt8 = 25
    static let bigQuad: UInt8 = 26
    /// Stored in the order of the file, mixed-endian as GUIDs are.
    static let guid: UInt8 = 49
}

/// Little-endian numbers and text of a database whose length has been checked to be a whole number of records.
///
/// Every access goes through the span's own bounds check; the callers above stay inside one record.
extension Span<UInt8> {
    fileprivate func u8(_ at: Int) -> UInt8 { self[at] }
    fileprivate func u16(_ at: Int) -> UInt16 { UInt16(self[at]) | UInt16(self[at + 1]) << 8 }
    fileprivate func u32(_ at: Int) -> UInt32 { UInt32(u16(at)) | UInt32(u16(at + 2)) << 16 }

    fileprivate func bytes(_ at: Int, _ count: Int) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(count)
        for index in at..<at + count { copy.append(self[index]) }
        return copy
    }

    /// The text up to the first NUL in a field of `size` bytes.
    fileprivate func text(_ at: Int, _ size: Int) -> String {
        String(decoding: bytes(at, size).prefix { $0 != 0 }, as: UTF8.self)
    }
}
