internal import EvidenceModel

/// The files in a compound file (MS-CFB): attachments of messages, packaged and embedded objects, pictures, and every
/// other stream in which a walker finds a whole file.
struct CompoundParts {
    private static let mostTableSectors = 65_536
    private static let mostEntries = 65_536
    /// Most bytes of an object's header.
    private static let longestHeader = 4096
    /// Smallest stream that is asked about without a reason.
    private static let smallestStream = 64
    private static let largestSector: UInt32 = 0xFFFF_FFFA
    private static let endOfChain: UInt32 = 0xFFFF_FFFE
    private static let none: UInt32 = 0xFFFF_FFFF

    private let input: WalkInput
    private var sectorSize = 512
    private var miniCutoff = 4096
    private var sectors: [UInt32] = []
    private var miniTable: [UInt32] = []
    private var miniStream: [Int] = []
    private var entries: [CompoundEntry] = []
    private var used: [Bool] = []
    private var usedMini: [Bool] = []

    init(_ input: WalkInput) { self.input = input }

    consuming func list(into list: inout PartList) throws(WalkStop) {
        let shift = try input.u16le(30)
        guard shift == 9 || shift == 12 else { return }
        sectorSize = 1 << shift
        miniCutoff = try input.u32le(56)
        try readTable()
        used = [Bool](repeating: false, count: sectors.count)
        try readDirectory()
        try readMiniStream()
        for stream in streams() { try add(stream, into: &list) }
    }

    private func offset(_ sector: Int) -> Int { (sector + 1) * sectorSize }

    // MARK: Tables

    private mutating func readTable() throws(WalkStop) {
        let count = try input.u32le(44)
        guard count > 0, count <= Self.mostTableSectors, input.fits(0, count * sectorSize) else {
            throw .broken("an impossible count of allocation table sectors")
        }
        var numbers: [Int] = []
        for index in 0..<min(count, 109) { numbers.append(try input.u32le(76 + 4 * index)) }
        var next = try input.u32le(68)
        var lists = 0
        while numbers.count < count {
            guard lists <= count, input.fits(offset(next), sectorSize) else { throw .broken("the list is broken") }
            lists += 1
            for index in 0..<min(sectorSize / 4 - 1, count - numbers.count) {
                numbers.append(try input.u32le(offset(next) + 4 * index))
            }
            next = try input.u32le(offset(next) + sectorSize - 4)
        }
        for number in numbers {
            guard input.fits(offset(number), sectorSize) else { throw .broken("the table lies past the end") }
            sectors += try table(at: offset(number))
        }
    }

    private func table(at start: Int) throws(WalkStop) -> [UInt32] {
        let bytes = try input.bytes(at: start, count: sectorSize)
        return stride(from: 0, to: bytes.count - 3, by: 4).map { at in
            UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
        }
    }

    /// The sectors of a chain; nil when it is broken, circular, or shares a sector with another one.
    private mutating func chain(from start: UInt32, size: Int) -> [Int]? {
        var chain: [Int] = []
        var sector = start
        while chain.count * sectorSize < size {
            guard sector < sectors.count, !used[Int(sector)] else { return nil }
            used[Int(sector)] = true
            chain.append(Int(sector))
            sector = sectors[Int(sector)]
        }
        return chain
    }

    private mutating func readDirectory() throws(WalkStop) {
        var sector = UInt32(truncatingIfNeeded: try input.u32le(48))
        while sector != Self.endOfChain, entries.count < Self.mostEntries {
            guard sector < sectors.count, !used[Int(sector)], input.fits(offset(Int(sector)), sectorSize) else {
                return
            }
            used[Int(sector)] = true
            for index in 0..<sectorSize / 128 {
                guard
                    let entry = try CompoundEntry(
                        input, at: offset(Int(sector)) + 128 * index, isLong: sectorSize == 4096)
                else { return }
                entries.append(entry)
            }
            sector = sectors[Int(sector)]
        }
    }

    private mutating func readMiniStream() throws(WalkStop) {
        guard let root = entries.first, root.kind == .root, root.size > 0 else { return }
        var sector = UInt32(truncatingIfNeeded: try input.u32le(60))
        while sector < sectors.count, !used[Int(sector)], input.fits(offset(Int(sector)), sectorSize) {
            used[Int(sector)] = true
            miniTable += try table(at: offset(Int(sector)))
            sector = sectors[Int(sector)]
        }
        guard input.fits(0, root.size), let chain = chain(from: root.start, size: root.size) else { return }
        miniStream = chain
        usedMini = [Bool](repeating: false, count: miniTable.count)
    }

    /// Where a stream's bytes lie; nil when its chain does not hold.
    private mutating func pieces(of entry: CompoundEntry) -> [Range<Int>]? {
        guard entry.size > 0, entry.size <= input.count else { return nil }
        var pieces: [Range<Int>] = []
        var left = entry.size
        func add(_ at: Int, _ length: Int) {
            let length = min(length, left)
            left -= length
            if let last = pieces.last, last.upperBound == at {
                pieces[pieces.count - 1] = last.lowerBound..<at + length
            } else {
                pieces.append(at..<at + length)
            }
        }
        if entry.size >= miniCutoff {
            guard let chain = chain(from: entry.start, size: entry.size) else { return nil }
            for sector in chain { add(offset(sector), sectorSize) }
        } else {
            var sector = entry.start
            while left > 0 {
                let position = Int(sector) * 64
                guard sector < miniTable.count, !usedMini[Int(sector)], position / sectorSize < miniStream.count else {
                    return nil
                }
                usedMini[Int(sector)] = true
                add(offset(miniStream[position / sectorSize]) + position % sectorSize, 64)
                sector = miniTable[Int(sector)]
            }
        }
        guard let end = pieces.map(\.upperBound).max(), end <= input.count else { return nil }
        return pieces
    }

    // MARK: The tree

    private struct Stream {
        var entry: CompoundEntry
        /// Names of the storages it lies in, the outermost first.
        var storages: [String]
        /// Position of its storage in the directory.
        var parent: Int
    }

    /// Every stream with the storages it lies in, in the order of the tree.
    private func streams() -> [Stream] {
        var found: [Stream] = []
        var seen: Set<UInt32> = []
        var pending: [(index: UInt32, storages: [String], parent: Int)] = []
        if let root = entries.first, root.links.count == 3 { pending = [(root.links[2], [], 0)] }
        while let (index, storages, parent) = pending.popLast() {
            guard index < entries.count, seen.insert(index).inserted else { continue }
            let entry = entries[Int(index)]
            if entry.kind == .stream { found.append(Stream(entry: entry, storages: storages, parent: parent)) }
            pending.append((entry.links[1], storages, parent))
            if entry.kind == .storage, storages.count < 32 {
                pending.append((entry.links[2], storages + [entry.name], Int(index)))
            }
            pending.append((entry.links[0], storages, parent))
        }
        return found
    }

    // MARK: Files

    /// Streams that are the document's own structure.
    private static let structure: Set<String> = [
        "WordDocument", "0Table", "1Table", "Data", "Workbook", "Book", "PowerPoint Document", "Current User",
        "\u{1}CompObj", "\u{1}Ole", "\u{3}ObjInfo", "\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation",
        "__properties_version1.0", "VisioDocument", "Quill", "DestList", "Catalog",
    ]

    private mutating func add(_ stream: Stream, into list: inout PartList) throws(WalkStop) {
        let entry = stream.entry
        let path = (stream.storages + [entry.name]).map { PartPath.escapedName($0.utf8) }.joined(separator: "/")
        let isAttachment = stream.storages.last?.hasPrefix("__attach_version1.0_") == true
        switch entry.name {
        case "\u{1}Ole10Native":
            guard let pieces = pieces(of: entry) else { return list.refuse(.damaged) }
            try addPackager(pieces, path, into: &list)
        case "Package":
            guard let pieces = pieces(of: entry) else { return list.refuse(.damaged) }
            list.add(EmbeddedPart(path, pieces))
        case "__substg1.0_37010102" where isAttachment:
            guard let pieces = pieces(of: entry) else { return list.refuse(.damaged) }
            let folder = stream.storages.map { PartPath.escapedName($0.utf8) }.joined(separator: "/")
            let name = try attachmentName(in: stream.parent).map { PartPath.escapedName($0.utf8) }
            list.add(EmbeddedPart(name.map { folder + "/" + $0 } ?? path, pieces))
        case "Pictures":
            if let pieces = pieces(of: entry) { try addPictures(pieces, path, into: &list) }
        default:
            guard entry.size >= Self.smallestStream, !Self.structure.contains(entry.name),
                !entry.name.hasPrefix("__substg1.0_") || entry.name.hasSuffix("0102"), let pieces = pieces(of: entry)
            else { return }
            var part = EmbeddedPart(path, try withoutThumbnailHeader(pieces))
            part.isOptional = true
            list.add(part)
        }
    }

    /// Windows' thumbs.db puts 12, 16 or 24 bytes before each picture.
    private func withoutThumbnailHeader(_ pieces: [Range<Int>]) throws(WalkStop) -> [Range<Int>] {
        let head = try bytes(of: pieces, from: 0, count: 28)
        for skip in [12, 16, 24] where head.count >= skip + 4 && Int(head[0]) == skip {
            if head[skip] == 0xFF, head[skip + 1] == 0xD8, head[skip + 2] == 0xFF {
                return Self.part(of: pieces, from: skip, count: Int.max)
            }
        }
        return pieces
    }

    /// The long or the short name of an attachment (MS-OXCMSG 2.2.3; MS-OXPROPS 2.594, 2.589).
    private mutating func attachmentName(in storage: Int) throws(WalkStop) -> String? {
        guard storage < entries.count, entries[storage].links.count == 3 else { return nil }
        var pending = [entries[storage].links[2]]
        var seen: Set<UInt32> = []
        var names: [String: CompoundEntry] = [:]
        while let index = pending.popLast() {
            guard index < entries.count, seen.insert(index).inserted else { continue }
            let entry = entries[Int(index)]
            names[entry.name] = entry
            pending += [entry.links[0], entry.links[1]]
        }
        for property in ["3707", "3704", "3001"] {
            if let entry = names["__substg1.0_\(property)001F"], let pieces = pieces(of: entry) {
                let text = try bytes(of: pieces, from: 0, count: 1024)
                if let name = EvidenceText.cleanUTF16(text, bigEndian: false) { return name }
            }
            if let entry = names["__substg1.0_\(property)001E"], let pieces = pieces(of: entry) {
                if let name = EvidenceText.clean(try bytes(of: pieces, from: 0, count: 1024)) { return name }
            }
        }
        return nil
    }

    /// A file that was dropped into a document: label, paths, length, content (MS-OLEDS 2.3.6, and what Packager writes).
    private func addPackager(
        _ pieces: [Range<Int>], _ path: String, into list: inout PartList
    ) throws(WalkStop) {
        let head = try bytes(of: pieces, from: 0, count: Self.longestHeader)
        var reader = PackagerHeader(head)
        let size = pieces.reduce(0) { $0 + $1.count }
        guard let header = reader.read(), header.length > 0, header.length <= size - header.start else {
            guard size > 4 else { return }
            var part = EmbeddedPart(path, Self.part(of: pieces, from: 4, count: Int.max))
            part.isOptional = true
            return list.add(part)
        }
        var part = EmbeddedPart(
            path + "/" + (header.label.isEmpty ? "content" : PartPath.escapedName(header.label)),
            Self.part(of: pieces, from: header.start, count: header.length))
        if let text = EvidenceText.clean(header.path) { part.facts["original_path"] = .string(text) }
        if let text = EvidenceText.clean(header.temporary) { part.facts["temporary_path"] = .string(text) }
        list.add(part)
    }

    /// The pictures of a presentation (MS-ODRAW 2.2.23): those that are stored as they are.
    private func addPictures(
        _ pieces: [Range<Int>], _ path: String, into list: inout PartList
    ) throws(WalkStop) {
        let size = pieces.reduce(0) { $0 + $1.count }
        var at = 0
        var number = 0
        while at + 8 <= size {
            let head = try bytes(of: pieces, from: at, count: 8)
            guard head.count == 8 else { return }
            let instance = (Int(head[0]) | Int(head[1]) << 8) >> 4
            let type = Int(head[2]) | Int(head[3]) << 8
            let length = Int(head[4]) | Int(head[5]) << 8 | Int(head[6]) << 16 | Int(head[7]) << 24
            guard (0xF007...0xF129).contains(type), length <= size - at - 8 else { return }
            number += 1
            let extensions = [0xF01D: "jpg", 0xF01E: "png", 0xF029: "tif", 0xF02A: "jpg"]
            if let suffix = extensions[type] {
                // Two identifiers instead of one in these instances; then one byte (2.2.27 to 2.2.30).
                let isDouble = [0x46B, 0x6E3, 0x6E1, 0x6E5].contains(instance)
                let skip = 8 + (isDouble ? 33 : 17)
                if length > skip - 8 {
                    list.add(
                        EmbeddedPart(
                            "\(path)/picture-\(number).\(suffix)",
                            Self.part(of: pieces, from: at + skip, count: length - (skip - 8))))
                }
            }
            at += 8 + length
        }
    }

    // MARK: Bytes of streams

    private static func part(of pieces: [Range<Int>], from start: Int, count: Int) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var skip = start
        var left = count
        for piece in pieces where left > 0 {
            guard skip < piece.count else {
                skip -= piece.count
                continue
            }
            let length = min(left, piece.count - skip)
            result.append(piece.lowerBound + skip..<piece.lowerBound + skip + length)
            left -= length
            skip = 0
        }
        return result
    }

    private func bytes(of pieces: [Range<Int>], from start: Int, count: Int) throws(WalkStop) -> [UInt8] {
        var result: [UInt8] = []
        for piece in Self.part(of: pieces, from: start, count: count) {
            result += try input.bytes(at: piece.lowerBound, count: piece.count)
        }
        return result
    }
}

/// The header that Windows' object packager puts before a file.
private struct PackagerHeader {
    struct Fields {
        var label: [UInt8]
        var path: [UInt8]
        var temporary: [UInt8]
        var start: Int
        var length: Int
    }

    private let bytes: [UInt8]
    private var at = 6

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read() -> Fields? {
        guard bytes.count > 16, bytes[4] == 2, bytes[5] == 0, let label = text(), let path = text() else { return nil }
        at += 4
        guard let length = number(), length <= 1024, at + length <= bytes.count else { return nil }
        let temporary = Array(bytes[at..<at + length].prefix { $0 != 0 })
        at += length
        guard let size = number() else { return nil }
        return Fields(label: label, path: path, temporary: temporary, start: at, length: size)
    }

    private mutating func text() -> [UInt8]? {
        guard at < bytes.count, let end = bytes[at...].firstIndex(of: 0) else { return nil }
        let text = Array(bytes[at..<end])
        at = end + 1
        return text
    }

    private mutating func number() -> Int? {
        guard at + 4 <= bytes.count else { return nil }
        let value =
            Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
        at += 4
        return value
    }
}
