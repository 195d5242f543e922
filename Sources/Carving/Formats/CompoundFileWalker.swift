internal import EvidenceModel

/// Compound files (MS-CFB): the binary Office formats, Outlook messages, Windows Installer packages and more.
///
/// The file ends with the last sector that its allocation table does not call free.
struct CompoundFileWalker: FormatWalker {
    let name = "ole2"
    let signatures = [WalkerSignature([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CompoundFileWalk(reader).verdict() }
}

private struct CompoundFileWalk: FileWalk {
    /// Most sectors of the allocation table: 4 GiB of file with 512-byte sectors.
    static let mostTableSectors = WalkLimit.compoundTableSectors.value
    /// Most directory entries.
    static let mostEntries = WalkLimit.compoundEntries.value
    /// Most sectors of streams whose content is looked at.
    static let mostListed = WalkLimit.compoundListed.value
    /// Most bytes of one property stream that are read.
    static let longestProperties = 64 * 1024
    /// Special values of the allocation table (MS-CFB 2.1).
    static let largestSector: UInt32 = 0xFFFF_FFFA
    static let tableOfTables: UInt32 = 0xFFFF_FFFC
    static let table: UInt32 = 0xFFFF_FFFD
    static let endOfChain: UInt32 = 0xFFFF_FFFE
    static let free: UInt32 = 0xFFFF_FFFF

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "ole2", fileExtension: "ole", mime: "application/x-ole-storage")
    var isRecognised = false

    var sectorSize = 0
    var miniCutoff = 0
    var sectors: [UInt32] = []
    var entries: [CompoundEntry] = []
    /// Sectors that a chain has used.
    var used: [Bool] = []
    /// First sector of an allocation table that does not mark its own sectors: believed only if all else fits.
    var misnamedTable: Int?
    var miniTable: [UInt32] = []
    var miniStream: [Int] = []
    var directorySectors: [Int] = []
    var miniTableSectors: [Int] = []
    /// Mini sectors that the chain of a stream has used.
    var usedMini: [Bool] = []

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        try header()
        let tableSectors = try tableSectorNumbers()
        try readTable(tableSectors)
        guard let lastInUse = sectors.lastIndex(where: { $0 != Self.free }) else {
            throw .broken("the allocation table is empty")
        }
        let last = max(lastInUse, tableSectors.max() ?? 0)
        let end = (last + 2) * sectorSize
        used = [Bool](repeating: false, count: sectors.count)
        for sector in tableSectors { used[sector] = true }
        try directory()
        guard input.fits(0, end) else {
            file.length = input.count - input.count % sectorSize
            throw .broken("the source ends before the last allocated sector")
        }
        try streams()
        file.length = end
        CompoundKind(entries).name(&file)
        if file.confidence == .structural { try judgeContent() }
        file.note("streams", entries.count { $0.kind == .stream })
        try describe()
    }

    private func offset(_ sector: Int) -> Int { (sector + 1) * sectorSize }

    // MARK: Header and allocation table

    private mutating func header() throws(WalkStop) {
        let shift = try input.u16le(30)
        let major = try input.u16le(26)
        guard try input.u16le(28) == 0xFFFE, shift == 9 || shift == 12, (3...4).contains(major),
            try input.u16le(32) == 6
        else { throw .rejected("not a compound file header") }
        sectorSize = 1 << shift
        miniCutoff = try input.u32le(56)
        isRecognised = true
        file.length = 512
    }

    /// The sectors that hold the allocation table: 109 in the header, the rest in a chain (2.5).
    private mutating func tableSectorNumbers() throws(WalkStop) -> [Int] {
        let count = try input.u32le(44)
        guard count <= Self.mostTableSectors || !input.fits(0, count * sectorSize) else {
            throw input.stop(at: .compoundTableSectors, "a larger allocation table than any real file has")
        }
        guard count > 0, input.fits(0, count * sectorSize) else {
            throw .broken("an impossible count of allocation table sectors")
        }
        // 109 sectors are listed in the header; the last number of a list sector leads to the next one.
        let lists = count <= 109 ? 0 : (count - 109 + sectorSize / 4 - 2) / (sectorSize / 4 - 1)
        if try input.u32le(72) != lists {
            file.confidence = .header
            file.warnings.append("the header states another number of sectors that list the allocation table")
        }
        var numbers: [Int] = []
        func add(_ value: Int) throws(WalkStop) {
            guard input.fits(offset(value), sectorSize) else {
                throw .broken("an allocation table sector lies past the end of the source")
            }
            numbers.append(value)
        }
        for index in 0..<min(count, 109) { try add(try input.u32le(76 + 4 * index)) }
        var next = try input.u32le(68)
        var visited: Set<Int> = []
        while numbers.count < count {
            guard visited.insert(next).inserted, input.fits(offset(next), sectorSize) else {
                throw .broken("the list of allocation table sectors is broken or circular")
            }
            let start = offset(next)
            for index in 0..<min(sectorSize / 4 - 1, count - numbers.count) {
                try add(try input.u32le(start + 4 * index))
            }
            next = try input.u32le(start + sectorSize - 4)
        }
        return numbers
    }

    private mutating func readTable(_ numbers: [Int]) throws(WalkStop) {
        let capacity = numbers.count * sectorSize / 4
        sectors.reserveCapacity(capacity)
        for number in numbers {
            let bytes = try input.bytes(at: offset(number), count: sectorSize)
            for at in stride(from: 0, to: bytes.count, by: 4) {
                let value =
                    UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
                    | UInt32(bytes[at + 3]) << 24
                guard value > Self.largestSector || value < capacity else {
                    file.length = offset(number)
                    throw .broken("the allocation table names a sector past its end")
                }
                sectors.append(value)
            }
        }
        let misnamed = numbers.filter { $0 >= sectors.count || sectors[$0] != Self.table }
        if let first = misnamed.min() {
            guard first < sectors.count else {
                file.length = offset(first)
                throw .broken("the allocation table does not know its own sectors")
            }
            misnamedTable = misnamed.count * 4 >= numbers.count ? first : nil
            file.warnings.append("\(misnamed.count) sectors of the allocation table are not marked as such")
        }
    }

    /// The sectors of a chain, at most `most` of them; each may be used once in the whole file.
    private mutating func chain(from start: UInt32, most: Int, of what: String) throws(WalkStop) -> [Int] {
        var chain: [Int] = []
        var sector = start
        while sector != Self.endOfChain {
            guard sector < sectors.count, chain.count < most else {
                if chain.count >= most, most < sectors.count { input.reached(.compoundEntries) }
                throw .broken("the chain of \(what) is too long")
            }
            let index = Int(sector)
            guard !used[index] else { throw .broken("the chain of \(what) is circular or shares sectors") }
            used[index] = true
            chain.append(index)
            sector = sectors[index]
        }
        return chain
    }

    // MARK: Directory and streams

    private mutating func directory() throws(WalkStop) {
        let first = UInt32(truncatingIfNeeded: try input.u32le(48))
        let most = Self.mostEntries * 128 / sectorSize
        directorySectors = try chain(from: first, most: most, of: "the directory")
        for sector in directorySectors {
            for index in 0..<sectorSize / 128 {
                let at = offset(sector) + 128 * index
                guard input.fits(at, 128) else {
                    file.length = input.count
                    throw .broken("the directory lies past the end of the source")
                }
                guard let entry = try CompoundEntry(input, at: at, isLong: sectorSize == 4096) else {
                    file.length = min(offset(sector), offset(Int(first)))
                    throw .broken("a directory entry is impossible")
                }
                entries.append(entry)
            }
        }
        guard let root = entries.first, root.kind == .root else {
            file.length = offset(Int(min(first, UInt32(Int32.max))))
            throw .broken("the directory has no root")
        }
        for entry in entries where entry.kind != .unused {
            guard entry.links.allSatisfy({ $0 == Self.free || $0 < entries.count }) else {
                throw .broken("a directory entry names another that does not exist")
            }
        }
    }

    /// Every stream's chain must be as long as the stream.
    private mutating func streams() throws(WalkStop) {
        let miniSectors = try input.u32le(64)
        var problems = 0
        do throws(WalkStop) {
            let start = UInt32(truncatingIfNeeded: try input.u32le(60))
            if miniSectors > 0 {
                miniTableSectors = try chain(from: start, most: sectors.count, of: "the mini allocation table")
                for sector in miniTableSectors {
                    for at in stride(from: offset(sector), to: offset(sector + 1), by: 4) {
                        miniTable.append(UInt32(truncatingIfNeeded: try input.u32le(at)))
                    }
                }
            }
            if let root = entries.first, root.size > 0 {
                miniStream = try chain(from: root.start, most: sectors.count, of: "the mini stream")
                if miniStream.count * sectorSize < root.size { problems += 1 }
            }
        } catch {
            guard case .broken = error else { throw error }
            problems += 1
        }
        for entry in entries where entry.kind == .stream && entry.size >= miniCutoff {
            do throws(WalkStop) {
                let length = try chain(from: entry.start, most: sectors.count, of: "a stream").count
                if length * sectorSize < entry.size { problems += 1 }
            } catch {
                guard case .broken = error else { throw error }
                problems += 1
            }
        }
        noteMiniSectors()
        if problems > 0 {
            if let misnamedTable {
                file.length = offset(misnamedTable)
                throw .broken("the allocation table does not know its own sectors")
            }
            file.confidence = .header
            file.warnings.append("\(problems) streams do not have the sectors that their size needs")
        }
    }

    /// Notes which mini sectors the streams use whose chains are as long as they must be.
    private mutating func noteMiniSectors() {
        usedMini = [Bool](repeating: false, count: miniTable.count)
        for entry in entries where entry.kind == .stream && entry.size > 0 && entry.size < miniCutoff {
            var chain: [Int] = []
            var sector = entry.start
            while sector < miniTable.count, chain.count <= min(entry.size / 64, miniTable.count),
                !usedMini[Int(sector)]
            {
                chain.append(Int(sector))
                sector = miniTable[Int(sector)]
            }
            guard sector == Self.endOfChain, chain.count == (entry.size + 63) / 64 else { continue }
            for index in chain { usedMini[index] = true }
        }
    }

    // MARK: What recognises itself in its place

    /// Notes where content stands that its own format recognises in this place; what lies behind the last such place is
    /// unchecked, because a piece of another file would only push it further back.
    private mutating func judgeContent() throws(WalkStop) {
        var last = lastTableSector
        func note(_ place: Int) {
            last = max(last, place / sectorSize - 1)
            file.recognised += 1
        }
        var listed = 0
        for entry in entries where entry.kind == .stream && entry.size > 0 && CompoundContent.isKnown(entry.name) {
            guard let stream = stream(entry) else { continue }
            guard listed <= Self.mostListed else {
                input.reached(.compoundListed)
                continue
            }
            listed += stream.places.count
            if let head = try CompoundContent.recognisedHead(stream, name: entry.name) { note(stream.place(head)) }
            switch entry.name {
            case "Workbook", "Book":
                let (places, isWhole) = try CompoundContent.sheetRecords(stream)
                if isWhole {
                    places.forEach { note(stream.place($0)) }
                    tie(stream, places)
                } else {
                    mistrustRecords()
                }
            case "PowerPoint Document", "Pictures":
                let (places, isWhole) = try CompoundContent.presentationRecords(stream)
                if isWhole {
                    places.forEach { note(stream.place($0)) }
                    tie(stream, places)
                } else if entry.name != "Pictures" {
                    mistrustRecords()
                }
            case "WordDocument":
                guard let flags = try stream.u16(10) else { continue }
                let name = flags & 0x200 != 0 ? "1Table" : "0Table"
                guard let table = entries.first(where: { $0.name == name }).flatMap({ self.stream($0) }) else {
                    continue
                }
                try CompoundContent.formattedPages(stream, table: table).forEach { note(stream.place($0)) }
                if let end = try CompoundContent.pieceTable(stream, table: table) { note(table.place(end)) }
            case let name where name.hasPrefix("__substg1.0_1009"):
                if try CompoundContent.compressedTextHolds(stream) { note(stream.place(stream.size - 1)) }
            default: break
            }
        }
        file.leaveUnchecked(offset(last + 1)..<max(offset(last + 1), file.length))
    }

    /// The last sector that holds an allocation table or the directory: these are checked number by number.
    private var lastTableSector: Int {
        var last = 0
        for (index, value) in sectors.enumerated() where value == Self.table || value == Self.tableOfTables {
            last = max(last, index)
        }
        for (position, sector) in directorySectors.enumerated() {
            let range = position * sectorSize / 128..<(position + 1) * sectorSize / 128
            if entries[range.clamped(to: 0..<entries.count)].contains(where: { $0.kind != .unused }) {
                last = max(last, sector)
            }
        }
        for (position, sector) in miniTableSectors.enumerated() {
            let range = position * sectorSize / 4..<(position + 1) * sectorSize / 4
            if usedMini[range.clamped(to: 0..<usedMini.count)].contains(true) { last = max(last, sector) }
        }
        return last
    }

    /// The sectors of a stream; nil when they are too few for it.
    private func stream(_ entry: CompoundEntry) -> CompoundStream? {
        let isMini = entry.size < miniCutoff
        let unit = isMini ? 64 : sectorSize
        let most = (entry.size + unit - 1) / unit
        guard most <= (isMini ? miniTable.count : sectors.count) else { return nil }
        var places: [Int] = []
        var sector = entry.start
        while places.count < most {
            if isMini {
                let position = Int(sector) * 64
                guard sector < miniTable.count, position / sectorSize < miniStream.count else { return nil }
                places.append(offset(miniStream[position / sectorSize]) + position % sectorSize)
                sector = miniTable[Int(sector)]
            } else {
                guard sector < sectors.count, input.fits(offset(Int(sector)), sectorSize) else { return nil }
                places.append(offset(Int(sector)))
                sector = sectors[Int(sector)]
            }
        }
        return CompoundStream(input: input, places: places, unit: unit, size: entry.size)
    }

    /// Notes which part of the file a chain of records goes through.
    private mutating func tie(_ stream: CompoundStream, _ places: [Int]) {
        guard let first = places.first, let last = places.last, first < last else { return }
        let (start, end) = (stream.place(first), stream.place(last))
        file.ties.append(min(start, end)..<max(start, end))
    }

    private mutating func mistrustRecords() {
        file.confidence = .header
        file.warnings.append("the records of the stream \(file.format) do not follow on each other")
    }

    /// The first bytes of a stream, at most ``longestProperties``; empty when it cannot be read.
    private func content(_ entry: CompoundEntry) throws(WalkStop) -> [UInt8] {
        var content: [UInt8] = []
        let wanted = min(entry.size, Self.longestProperties)
        var sector = entry.start
        while content.count < wanted {
            if entry.size >= miniCutoff {
                guard sector < sectors.count, input.fits(offset(Int(sector)), sectorSize) else { return [] }
                content += try input.bytes(at: offset(Int(sector)), count: sectorSize)
                sector = sectors[Int(sector)]
            } else {
                let position = Int(sector) * 64
                guard sector < miniTable.count, position / sectorSize < miniStream.count else { return [] }
                let at = offset(miniStream[position / sectorSize]) + position % sectorSize
                guard input.fits(at, 64) else { return [] }
                content += try input.bytes(at: at, count: 64)
                sector = miniTable[Int(sector)]
            }
        }
        return Array(content.prefix(wanted))
    }

    // MARK: Facts

    private mutating func describe() throws(WalkStop) {
        if let entry = entries.first(where: { $0.name == "DestList" && $0.kind == .stream }) {
            DestinationList(try content(entry))?.describe(&file)
        }
        if let entry = entries.first(where: { $0.name == "\u{5}SummaryInformation" }) {
            CompoundProperties(try content(entry)).describe(&file)
        }
        let messageFacts = [
            ("__substg1.0_0037", "subject"), ("__substg1.0_0C1A", "sender"), ("__substg1.0_0E04", "recipients"),
        ]
        for (prefix, fact) in messageFacts where file.format == "msg" {
            guard let entry = entries.first(where: { $0.name.hasPrefix(prefix) }) else { continue }
            let text = try content(entry)
            if entry.name.hasSuffix("001F") {
                if let clean = EvidenceText.cleanUTF16(text, bigEndian: false) { file.facts[fact] = .string(clean) }
            } else {
                file.note(fact, text: text)
            }
        }
    }
}

/// One entry of the directory (MS-CFB 2.6).
struct CompoundEntry {
    enum Kind: Int { case unused = 0, storage = 1, stream = 2, root = 5 }

    let kind: Kind
    let name: String
    let links: [UInt32]
    let classIdentifier: [UInt8]
    let start: UInt32
    let size: Int

    /// Nil when the bytes cannot be an entry.
    init?(_ input: WalkInput, at start: Int, isLong: Bool) throws(WalkStop) {
        guard let kind = Kind(rawValue: try input.u8(start + 66)) else { return nil }
        let nameLength = try input.u16le(start + 64)
        let colour = try input.u8(start + 67)
        guard nameLength <= 64, nameLength % 2 == 0, colour <= 1 || kind == .unused else { return nil }
        self.kind = kind
        let nameBytes = try input.bytes(at: start, count: max(0, nameLength - 2))
        var units: [UInt16] = []
        for at in stride(from: 0, to: nameBytes.count, by: 2) {
            units.append(UInt16(nameBytes[at]) | UInt16(nameBytes[at + 1]) << 8)
        }
        name = String(decoding: units, as: UTF16.self)
        guard kind != .stream && kind != .storage || !name.isEmpty else { return nil }
        var links: [UInt32] = []
        for at in [68, 72, 76] { links.append(UInt32(truncatingIfNeeded: try input.u32le(start + at))) }
        self.links = links
        classIdentifier = try input.bytes(at: start + 80, count: 16)
        self.start = UInt32(truncatingIfNeeded: try input.u32le(start + 116))
        // With 512-byte sectors the high half of the size may hold anything (2.6.3).
        size = isLong ? try input.length64le(start + 120) : try input.u32le(start + 120)
    }
}

/// Tells the formats apart that are compound files.
private struct CompoundKind {
    private let names: Set<String>
    private let root: [UInt8]

    init(_ entries: [CompoundEntry]) {
        names = Set(entries.lazy.filter { $0.kind != .unused }.map(\.name))
        root = entries.first?.classIdentifier ?? []
    }

    /// A stream that only one format has.
    private static let byStream: [(name: String, format: String, mime: String)] = [
        ("WordDocument", "doc", "application/msword"),
        ("PowerPoint Document", "ppt", "application/vnd.ms-powerpoint"),
        ("PP40", "ppt", "application/vnd.ms-powerpoint"),
        ("PP97_DUALSTORAGE", "ppt", "application/vnd.ms-powerpoint"),
        ("__properties_version1.0", "msg", "application/vnd.ms-outlook"),
        ("VisioDocument", "vsd", "application/vnd.visio"),
        ("Workbook", "xls", "application/vnd.ms-excel"),
        ("Book", "xls", "application/vnd.ms-excel"),
        ("Quill", "pub", "application/x-mspublisher"),
        ("MatOST", "wps", "application/vnd.ms-works"),
        ("EncryptedPackage", "ooxml-encrypted", "application/encrypted"),
        ("DestList", "automaticDestinations-ms", "application/x-ms-jumplist"),
        ("HwpSummaryInformation", "hwp", "application/x-hwp"),
        ("\u{5}HwpSummaryInformation", "hwp", "application/x-hwp"),
        ("Catalog", "thumbs.db", "application/x-ms-thumbnails"),
    ]

    /// Last bytes of the class identifiers {000C1084…86-0000-0000-C000-000000000046}.
    private static let installer: [UInt8: (String, String)] = [
        0x84: ("msi", "application/x-msi"), 0x86: ("msp", "application/x-ms-patch"),
        0x82: ("mst", "application/x-ms-transform"),
    ]

    func name(_ file: inout WalkedFile) {
        if root.count == 16, root[1...3].elementsEqual([0x10, 0x0C, 0x00]), let found = Self.installer[root[0]] {
            set(&file, found.0, found.1)
            return
        }
        guard let found = Self.byStream.first(where: { names.contains($0.name) }) else { return }
        set(&file, found.format, found.mime)
    }

    private func set(_ file: inout WalkedFile, _ format: String, _ mime: String) {
        file.format = format
        file.mime = mime
        file.fileExtension =
            switch format {
            case "thumbs.db": "db"
            case "ooxml-encrypted": "ole"
            default: format
            }
    }
}

/// A property set (MS-OLEPS), read for the summary that Office writes (MS-OSHARED 2.3.3.2).
private struct CompoundProperties {
    /// Most properties looked at.
    static let mostProperties = 64

    private let bytes: [UInt8]
    private var offsets: [Int: Int] = [:]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard u16(0) == 0xFFFE, let section = u32(44), let count = u32(section + 4) else { return }
        for index in 0..<min(count, Self.mostProperties) {
            guard let identifier = u32(section + 8 + 8 * index), let offset = u32(section + 12 + 8 * index) else {
                return
            }
            offsets[identifier] = section + offset
        }
    }

    private func u16(_ at: Int) -> Int? {
        at >= 0 && at + 2 <= bytes.count ? Int(bytes[at]) | Int(bytes[at + 1]) << 8 : nil
    }

    private func u32(_ at: Int) -> Int? {
        guard let low = u16(at), let high = u16(at + 2) else { return nil }
        return low | high << 16
    }

    private func text(_ identifier: Int) -> String? {
        guard let at = offsets[identifier], let type = u32(at), let count = u32(at + 4) else { return nil }
        let start = at + 8
        let isWide = type == 31
        guard type == 30 || isWide, start <= bytes.count else { return nil }
        let raw = bytes[start..<min(bytes.count, start + min(count, 4096) * (isWide ? 2 : 1))]
        let codePage = offsets[1].flatMap { u16($0 + 4) }
        if isWide || codePage == 1200 { return EvidenceText.cleanUTF16(raw, bigEndian: false) }
        return EvidenceText.clean(raw)
    }

    private func number(_ identifier: Int) -> Int? {
        guard let at = offsets[identifier], u32(at) == 3, let value = u32(at + 4), value < 1 << 31 else { return nil }
        return value
    }

    private func time(_ identifier: Int) -> CanonicalValue? {
        guard let at = offsets[identifier], u32(at) == 64, let low = u32(at + 4), let high = u32(at + 8) else {
            return nil
        }
        return EvidenceTime.fileTime(UInt64(low) | UInt64(high) << 32)
    }

    func describe(_ file: inout WalkedFile) {
        let texts = [
            (2, "title"), (3, "subject"), (4, "author"), (5, "keywords"), (8, "last_modified_by"), (18, "producer"),
        ]
        for (identifier, fact) in texts {
            if let text = text(identifier) { file.facts[fact] = .string(text) }
        }
        file.facts["created"] = time(12)
        file.facts["modified"] = time(13)
        file.facts["printed"] = time(11)
        if let pages = number(14), pages > 0 { file.note("pages", pages) }
    }
}
