/// The directories of a TIFF structure (TIFF 6.0, section 2; BigTIFF), bounds-checked.
///
/// A TIFF file is one; so is the Exif block of a JPEG, PNG, WebP or HEIF file. Offsets are relative to the structure's
/// first byte, and nothing past `end` is read.
struct TIFFStructure {
    /// Most entries of one directory.
    static let mostEntries = 4096

    /// One entry of a directory.
    struct Entry {
        let tag: Int
        let type: Int
        let count: Int
        /// Where its values stand: in the entry itself when they fit there.
        let valueAt: Int
        let byteCount: Int
        let isInline: Bool
    }

    struct Directory {
        let entries: [Entry]
        /// The next directory of the chain; 0 for none.
        let next: Int
        /// First byte after the directory.
        let end: Int

        subscript(tag: Int) -> Entry? { entries.first { $0.tag == tag } }
    }

    let input: WalkInput
    let base: Int
    /// Number of bytes that belong to the structure.
    let count: Int
    let isBigEndian: Bool
    let isBigTIFF: Bool
    let magic: Int
    let firstDirectory: Int

    /// Nil when no TIFF header stands at `base`.
    init?(_ input: WalkInput, at base: Int, end: Int) throws(WalkStop) {
        guard base >= 0, end <= input.count, end - base >= 8 else { return nil }
        self.input = input
        self.base = base
        self.count = end - base
        switch try input.u16be(base) {
        case 0x4949: isBigEndian = false
        case 0x4D4D: isBigEndian = true
        default: return nil
        }
        magic = isBigEndian ? try input.u16be(base + 2) : try input.u16le(base + 2)
        isBigTIFF = magic == 43
        if isBigTIFF {
            guard end - base >= 16 else { return nil }
            let head = isBigEndian ? try input.u32be(base + 4) : try input.u32le(base + 4)
            guard head == (isBigEndian ? 0x0008_0000 : 0x0000_0008) else { return nil }
            firstDirectory = isBigEndian ? try input.length64be(base + 8) : try input.length64le(base + 8)
        } else {
            firstDirectory = isBigEndian ? try input.u32be(base + 4) : try input.u32le(base + 4)
        }
    }

    /// True when `length` bytes at `offset` belong to the structure.
    func fits(_ offset: Int, _ length: Int) -> Bool {
        offset >= 0 && length >= 0 && offset <= count && length <= count - offset
    }

    func u16(_ offset: Int) throws(WalkStop) -> Int {
        isBigEndian ? try input.u16be(base + offset) : try input.u16le(base + offset)
    }

    func u32(_ offset: Int) throws(WalkStop) -> Int {
        isBigEndian ? try input.u32be(base + offset) : try input.u32le(base + offset)
    }

    /// A file offset: 32 or 64 bits wide.
    func offset(_ at: Int) throws(WalkStop) -> Int {
        guard isBigTIFF else { return try u32(at) }
        return isBigEndian ? try input.length64be(base + at) : try input.length64le(base + at)
    }

    /// Bytes of one value of a type; nil for a type that TIFF does not know.
    static func width(ofType type: Int) -> Int? {
        switch type {
        case 1, 2, 6, 7: 1
        case 3, 8: 2
        case 4, 9, 11, 13: 4
        case 5, 10, 12, 16, 17, 18: 8
        default: nil
        }
    }

    /// The directory at an offset; nil when none can stand there.
    ///
    /// An entry of unknown type or whose values lie outside is left out when `lenient`, and makes the whole nil when not.
    func directory(at offset: Int, lenient: Bool) throws(WalkStop) -> Directory? {
        let countWidth = isBigTIFF ? 8 : 2
        let entryWidth = isBigTIFF ? 20 : 12
        let offsetWidth = isBigTIFF ? 8 : 4
        guard offset >= 8, fits(offset, countWidth) else { return nil }
        let number = isBigTIFF ? try self.offset(offset) : try u16(offset)
        guard number > 0, number <= Self.mostEntries else { return nil }
        let tableEnd = offset + countWidth + number * entryWidth
        guard fits(offset, tableEnd - offset) else { return nil }
        var entries: [Entry] = []
        entries.reserveCapacity(number)
        for index in 0..<number {
            let at = offset + countWidth + index * entryWidth
            let type = try u16(at + 2)
            let count = try self.offset(at + 4)
            guard let width = Self.width(ofType: type), count <= self.count else {
                if lenient { continue }
                return nil
            }
            let byteCount = width * count
            let isInline = byteCount <= offsetWidth
            let field = at + 4 + offsetWidth
            let valueAt = isInline ? field : try self.offset(field)
            guard fits(valueAt, byteCount) else {
                if lenient { continue }
                return nil
            }
            entries.append(
                Entry(
                    tag: try u16(at), type: type, count: count, valueAt: valueAt, byteCount: byteCount,
                    isInline: isInline))
        }
        // Exif blocks in the wild leave out the last link.
        guard fits(tableEnd, offsetWidth) else { return Directory(entries: entries, next: 0, end: tableEnd) }
        return Directory(entries: entries, next: try self.offset(tableEnd), end: tableEnd + offsetWidth)
    }

    /// The unsigned number at an index of an entry; nil for another kind of value.
    func number(_ entry: Entry, _ index: Int = 0) throws(WalkStop) -> Int? {
        guard index < entry.count else { return nil }
        switch entry.type {
        case 1, 7: return try input.u8(base + entry.valueAt + index)
        case 3: return try u16(entry.valueAt + 2 * index)
        case 4, 13: return try u32(entry.valueAt + 4 * index)
        case 16, 18: return try offset(entry.valueAt + 8 * index)
        default: return nil
        }
    }

    func bytes(_ entry: Entry, most: Int) throws(WalkStop) -> [UInt8] {
        try input.bytes(at: base + entry.valueAt, count: min(entry.byteCount, most))
    }
}
