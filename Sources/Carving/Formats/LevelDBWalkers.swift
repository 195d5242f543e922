internal import EvidenceModel

/// LevelDB logs and manifests (`doc/log_format.md`): records in blocks of 32 KiB, each with a CRC-32C.
///
/// A manifest names its comparator at the start; a log of changes is known by its first batch: a small count, and a key that
/// is stored or deleted.
struct LevelDBLogWalker: FormatWalker {
    let name = "leveldb-log"
    let signatures: [WalkerSignature] = {
        let comparators = ["leveldb.BytewiseComparator", "idb_cmp1"]
        let manifests = comparators.flatMap { name in
            [1, 2].map { WalkerSignature([UInt8($0), 1, UInt8(name.utf8.count)] + Array(name.utf8), at: 6) }
        }
        // The high half of the batch's number, its count, and the first change: 1 stores a key, 0 deletes one.
        let batches = (1...8).flatMap { count in
            [0, 1].map { WalkerSignature([0, 0, 0, 0, UInt8(count), 0, 0, 0, UInt8($0)], at: 11) }
        }
        return manifests + batches
    }()

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try LevelDBLogWalk(reader).verdict() }
}

private struct LevelDBLogWalk: FileWalk {
    static let block = 32_768
    static let mostRecords = 1 << 24
    /// CRCs are stored rotated, with a constant added, because logs may hold CRCs themselves.
    static let mask: UInt32 = 0xA282_EAD8

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "leveldb-log", fileExtension: "log", mime: "application/x-leveldb")
    var isRecognised = false
    var records = 0
    /// A record that began in a block goes on in the next one.
    var isOpen = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let head = try input.available(at: 7, count: 29)
        guard try record(at: 0) else { throw .rejected("the first record's CRC-32C does not hold") }
        isRecognised = true
        var at = file.length
        while records < Self.mostRecords {
            let left = Self.block - at % Self.block
            if left < 7 {
                guard input.fits(at, left), try input.isZero(at..<at + left) else { break }
                at += left
            }
            guard try record(at: at) else { break }
            at = file.length
        }
        if head.first == 1, head.count > 2,
            head[2...].starts(with: Array("leveldb".utf8)) || head[2...].starts(with: Array("idb_".utf8))
        {
            file.format = "leveldb-manifest"
            file.fileExtension = "manifest"
            file.note("comparator", text: head[2...].prefix(Int(head[1])))
        } else {
            note(head)
        }
        file.note("records", records)
        if isOpen {
            file.confidence = .header
            file.warnings.append("the last record goes on in a block that is not there")
        } else if try !input.showsEnd(file.length) {
            file.confidence = .header
            file.warnings.append("a log has no end of its own: ended where no further record follows")
        }
    }

    private mutating func note(_ head: [UInt8]) {
        guard head.count >= 8 else { return }
        file.note("first_sequence", head[..<7].reversed().reduce(0) { $0 << 8 | Int($1) })
    }

    /// True when a record's checksum holds; steps behind it.
    private mutating func record(at start: Int) throws(WalkStop) -> Bool {
        let left = Self.block - start % Self.block
        guard input.fits(start, 7) else { return false }
        let length = try input.u16le(start + 4)
        let kind = try input.u8(start + 6)
        // A record is whole, or begins, goes on, or ends here.
        guard (1...4).contains(kind), length <= left - 7, input.fits(start + 7, length),
            isOpen == (kind == 3 || kind == 4)
        else { return false }
        let crc = CRC32C.value(of: try input.bytes(at: start + 6, count: 1 + length))
        let masked = (crc >> 15 | crc << 17) &+ Self.mask
        guard try Int(masked) == input.u32le(start) else { return false }
        isOpen = kind == 2 || kind == 3
        records += 1
        file.length = start + 7 + length
        return true
    }
}

/// LevelDB tables (`doc/table_format.md`), as Chromium's stores keep them: blocks with a CRC-32C each, an index, a footer.
///
/// A table's magic number stands at its end. Its first block begins with its lowest key, which for local and session storage
/// is a known word: tables of other stores are not found.
struct LevelDBTableWalker: FormatWalker {
    let name = "leveldb-table"
    let signatures: [WalkerSignature] = {
        let words = ["META:http", "META:chrome", "META:file", "_http", "_chrome", "map-", "namespace-"]
        // Behind three lengths; or, compressed, behind the block's length and a literal's.
        return words.flatMap { word in [3, 4, 6, 7, 8].map { WalkerSignature(word, at: $0) } }
    }()

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try LevelDBTableWalk(reader).verdict() }
}

private struct LevelDBTableWalk: FileWalk {
    static let magic: [UInt8] = [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
    static let footer = 48
    /// Largest table that is looked for; LevelDB itself makes them of 2 MiB.
    static let largest = 8 << 20
    static let mostTries = 64

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "leveldb-table", fileExtension: "ldb", mime: "application/x-leveldb")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        // The first key shares nothing with a key before it.
        guard try input.available(at: 0, count: 6).contains(0) else { throw .rejected("not a block's first key") }
        var from = 0
        for _ in 0..<Self.mostTries {
            let stop = min(input.count, Self.largest)
            guard let magic = try input.firstOffset(of: Self.magic, from: from, to: stop) else { break }
            if try table(end: magic + 8) {
                file.length = magic + 8
                return
            }
            from = magic + 8
        }
        throw .rejected("no footer that describes a table from here")
    }

    /// True when the footer before `end` describes blocks that fill the table and hold.
    private mutating func table(end: Int) throws(WalkStop) -> Bool {
        let footer = end - Self.footer
        guard footer > 0 else { return false }
        var at = footer
        guard let meta = try handle(&at, before: end), let index = try handle(&at, before: end) else { return false }
        // The index is the last block; the one of filters stands right before it.
        guard index.upperBound + 5 == footer, meta.upperBound + 5 == index.lowerBound,
            try holds(meta), try holds(index), let content = try content(of: index)
        else { return false }
        var blocks = 0
        var next = 0
        var key = 0
        while key < content.count {
            guard let block = Self.entry(content, &key), block.lowerBound == next, block.upperBound + 5 <= footer,
                try holds(block)
            else { return false }
            next = block.upperBound + 5
            blocks += 1
            file.length = next
            if key == content.count { break }
        }
        guard blocks > 0 else { return false }
        // Between the last data block and the filters' index lies the filter itself.
        if next < meta.lowerBound {
            guard meta.lowerBound - next > 5, try holds(next..<meta.lowerBound - 5) else { return false }
        } else if next != meta.lowerBound {
            return false
        }
        file.note("blocks", blocks)
        return true
    }

    /// A block's place: offset and size, as variable-length numbers.
    private func handle(_ at: inout Int, before end: Int) throws(WalkStop) -> Range<Int>? {
        let bytes = try input.bytes(at: at, count: min(20, end - at))
        var position = 0
        guard let handle = Self.handle(bytes[...], &position) else { return nil }
        at += position
        return handle.upperBound + 5 <= end ? handle : nil
    }

    private static func handle(_ bytes: ArraySlice<UInt8>, _ at: inout Int) -> Range<Int>? {
        guard let offset = number(bytes, &at), let size = number(bytes, &at), offset <= largest, size <= largest else {
            return nil
        }
        return offset..<offset + size
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ at: inout Int) -> Int? {
        var value = 0
        for index in 0..<8 {
            guard at < bytes.count else { return nil }
            let byte = Int(bytes[bytes.startIndex + at])
            at += 1
            value |= (byte & 0x7F) << (7 * index)
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }

    /// The handle that one entry of the index holds: shared and own length of its key, length of its value.
    private static func entry(_ content: [UInt8], _ at: inout Int) -> Range<Int>? {
        guard number(content[...], &at) != nil, let own = number(content[...], &at),
            let length = number(content[...], &at), own <= content.count - at, length <= content.count - at - own
        else { return nil }
        at += own
        var position = 0
        let handle = handle(content[at..<at + length], &position)
        at += length
        return handle
    }

    /// True when a block's CRC-32C holds over its content and kind.
    private func holds(_ block: Range<Int>) throws(WalkStop) -> Bool {
        guard input.fits(block.lowerBound, block.count + 5), try input.u8(block.upperBound) <= 2 else { return false }
        let crc = CRC32C.value(of: try input.bytes(at: block.lowerBound, count: block.count + 1))
        return try Int((crc >> 15 | crc << 17) &+ 0xA282_EAD8) == input.u32le(block.upperBound + 1)
    }

    /// The entries of a block, without its restart points.
    private func content(of block: Range<Int>) throws(WalkStop) -> [UInt8]? {
        let kind = try input.u8(block.upperBound)
        var bytes = try input.bytes(at: block.lowerBound, count: block.count)
        if kind == 1 {
            guard let plain = Snappy.decoded(bytes, most: Self.largest) else { return nil }
            bytes = plain
        } else if kind != 0 {
            return nil
        }
        guard bytes.count >= 4 else { return nil }
        let restarts = bytes.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard restarts <= (bytes.count - 4) / 4 else { return nil }
        return Array(bytes.dropLast(4 + 4 * restarts))
    }
}

/// Snappy's raw format (`format_description.txt`), as far as the index of a LevelDB table needs it.
enum Snappy {
    /// The plain bytes, at most `most`; nil when the bytes are not Snappy.
    static func decoded(_ bytes: [UInt8], most: Int) -> [UInt8]? {
        var at = 0
        var length = 0
        for index in 0..<5 {
            guard at < bytes.count else { return nil }
            length |= Int(bytes[at] & 0x7F) << (7 * index)
            at += 1
            if bytes[at - 1] & 0x80 == 0 { break }
        }
        guard length <= most else { return nil }
        var plain: [UInt8] = []
        func number(_ count: Int) -> Int? {
            guard count <= bytes.count - at else { return nil }
            defer { at += count }
            return (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
        }
        while at < bytes.count {
            let tag = Int(bytes[at])
            at += 1
            if tag & 3 == 0 {
                var count = tag >> 2
                if count >= 60 {
                    guard let stated = number(count - 59) else { return nil }
                    count = stated
                }
                count += 1
                guard count <= bytes.count - at, count <= length - plain.count else { return nil }
                plain += bytes[at..<at + count]
                at += count
                continue
            }
            let count = tag & 3 == 1 ? 4 + (tag >> 2 & 7) : 1 + tag >> 2
            guard let low = number(tag & 3 == 1 ? 1 : tag & 3 == 2 ? 2 : 4) else { return nil }
            let back = tag & 3 == 1 ? (tag >> 5) << 8 | low : low
            guard back > 0, back <= plain.count, count <= length - plain.count else { return nil }
            for _ in 0..<count { plain.append(plain[plain.count - back]) }
        }
        return plain.count == length ? plain : nil
    }
}
