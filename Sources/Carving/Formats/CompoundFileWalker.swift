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
    static let mostTableSectors = 65_536
    /// Most directory entries.
    static let mostEntries = 262_144
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
        try records()
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
        guard count > 0, count <= Self.mostTableSectors, input.fits(0, count * sectorSize) else {
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
            guard sector < sectors.count, chain.count < most else { throw .broken("the chain of \(what) is too long") }
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
        for sector in try chain(from: first, most: most, of: "the directory") {
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
                for sector in try chain(from: start, most: sectors.count, of: "the mini allocation table") {
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
        if problems > 0 {
            if let misnamedTable {
                file.length = offset(misnamedTable)
                throw .broken("the allocation table does not know its own sectors")
            }
            file.confidence = .header
            file.warnings.append("\(problems) streams do not have the sectors that their size needs")
        }
    }

    // MARK: Records inside streams

    /// Spreadsheets and presentations are streams of records that state their lengths: they must fill the stream.
    private mutating func records() throws(WalkStop) {
        let isSheet = file.format == "xls"
        guard isSheet || file.format == "ppt",
            let entry = entries.first(where: {
                isSheet ? $0.name == "Workbook" || $0.name == "Book" : $0.name == "PowerPoint Document"
            }), entry.size >= miniCutoff
        else { return }
        var chain: [Int] = []
        var sector = entry.start
        while sector < sectors.count, chain.count * sectorSize < entry.size {
            chain.append(Int(sector))
            sector = sectors[Int(sector)]
        }
        guard chain.count * sectorSize >= entry.size else { return }
        let header = isSheet ? 4 : 8
        var position = 0
        while position + header <= entry.size {
            var bytes: [Int] = []
            for at in position..<position + header {
                bytes.append(try input.u8(offset(chain[at / sectorSize]) + at % sectorSize))
            }
            // Zeros pad what follows the last record, to the end of the stream.
            if bytes.allSatisfy({ $0 == 0 }) {
                if try !isZero(chain, from: position, to: entry.size) { mistrustRecords() }
                return
            }
            let type = isSheet ? bytes[0] | bytes[1] << 8 : bytes[2] | bytes[3] << 8
            let length =
                isSheet ? bytes[2] | bytes[3] << 8 : bytes[4] | bytes[5] << 8 | bytes[6] << 16 | bytes[7] << 24
            let isPlausible =
                isSheet ? length <= 8228 && type < 0x1200 : (0x3E8...0x2FFF).contains(type) || type >= 0xF000
            guard isPlausible, length <= entry.size - position - header else {
                mistrustRecords()
                return
            }
            position += header + length
        }
    }

    private mutating func mistrustRecords() {
        file.confidence = .header
        file.warnings.append("the records of the stream \(file.format) do not follow on each other")
    }

    private func isZero(_ chain: [Int], from start: Int, to end: Int) throws(WalkStop) -> Bool {
        var at = start
        while at < end {
            let next = min(end, (at / sectorSize + 1) * sectorSize)
            let place = offset(chain[at / sectorSize]) + at % sectorSize
            guard try input.isZero(place..<place + next - at) else { return false }
            at = next
        }
        return true
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
