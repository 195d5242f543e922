/// The header says where the allocation table, the directory and the table of small streams stand.
///
/// Each of these is recognised by its own numbers: what stands in its place and what stands further back by one and the
/// same number of blocks bound the gap and tell its size. Which border in between it is, the streams' own records tell.
extension CompoundFileWalker: GapBoundingWalker {
    /// Readings of the gap's size that are tried.
    private static let mostGaps = 4
    /// Displaced parts that may stand nowhere.
    private static let mostMissing = 4

    var boundedReachBehindBreak: Int? { 512 * 1024 }

    func boundGaps(_ search: JoinSearch) throws(ReadFailure) -> [BoundedGap] {
        guard let marks = try CompoundLandmarks(search.reader) else { return [] }
        // A mark that stands nowhere may be one that its writer left odd.
        for index in marks.displaced.indices.prefix(Self.mostMissing) {
            let told = try gaps(marks, Array(marks.displaced[index...]), search)
            if !told.isEmpty { return told }
        }
        return []
    }

    /// The gaps behind which displaced parts stand, the first of them or, where there is one, all.
    private func gaps(
        _ marks: CompoundLandmarks, _ displaced: [CompoundLandmarks.Mark], _ search: JoinSearch
    ) throws(ReadFailure) -> [BoundedGap] {
        guard let first = displaced.first else { return [] }
        let low = marks.inPlace.last { $0.offset < first.offset }?.end ?? FreeSpace.block
        let splits = JoinSearch.borders(from: low, through: first.offset)
        guard !splits.isEmpty else { return [] }
        var all: [BoundedGap] = []
        var some: [BoundedGap] = []
        let most = search.isTurned ? search.space.size : search.limits.farJoinGap
        for gap in JoinSearch.borders(from: 1, through: most) where all.count < Self.mostGaps {
            guard first.offset + gap < search.reader.count, !search.isExhausted else { break }
            search.spend(16)
            guard try marks.stands(first, shiftedBy: gap) else { continue }
            let told = BoundedGap(gap: gap, splits: splits)
            var isAll = true
            for mark in displaced.dropFirst() where isAll {
                search.spend(64)
                isAll = try marks.stands(mark, shiftedBy: gap)
            }
            if isAll { all.append(told) } else if some.count < Self.mostGaps { some.append(told) }
        }
        // Where no one gap explains them all, there are several.
        return all.isEmpty ? some : all
    }
}

/// The parts of a compound file whose places its header states.
private struct CompoundLandmarks {
    enum Kind {
        /// A sector of the allocation table, by its position in it.
        case table(Int)
        case directory
        /// A further sector of the directory.
        case entries
        case miniTable
        /// The first bytes of a stream that its format recognises.
        case stream(String)
    }

    struct Mark {
        var kind: Kind
        var offset: Int
        var end: Int
    }

    /// Most sectors of the allocation table that are looked at.
    private static let mostTables = 109
    private static let root: [UInt8] = [0x52, 0, 0x6F, 0, 0x6F, 0, 0x74, 0, 0x20, 0]
    private static let largestSector = 0xFFFF_FFFA
    private static let tableMark = 0xFFFF_FFFD

    private let reader: ByteReader
    private let sectorSize: Int
    /// Sectors that the allocation table can name.
    private let capacity: Int
    /// Ascending by offset.
    private(set) var inPlace: [Mark] = []
    private(set) var displaced: [Mark] = []

    init?(_ reader: ByteReader) throws(ReadFailure) {
        self.reader = reader
        guard reader.count >= 512 else { return nil }
        let shift = try reader.u16le(30)
        guard shift == 9 || shift == 12 else { return nil }
        sectorSize = 1 << shift
        let tables = try reader.u32le(44)
        guard tables > 0, tables <= WalkLimit.compoundTableSectors.value else { return nil }
        capacity = tables * sectorSize / 4
        var marks: [Mark] = []
        let size = sectorSize
        let sectors = capacity
        func add(_ kind: Kind, sector: Int) {
            guard sector < sectors else { return }
            marks.append(Mark(kind: kind, offset: (sector + 1) * size, end: (sector + 2) * size))
        }
        for index in 0..<min(tables, Self.mostTables) { add(.table(index), sector: try reader.u32le(76 + 4 * index)) }
        add(.directory, sector: try reader.u32le(48))
        if try reader.u32le(64) > 0 { add(.miniTable, sector: try reader.u32le(60)) }
        try sort(marks)
        guard displaced.isEmpty else { return }
        let further = try furtherMarks(tables: marks.filter { if case .table = $0.kind { true } else { false } })
        inPlace = []
        try sort(marks + further)
    }

    private mutating func sort(_ marks: [Mark]) throws(ReadFailure) {
        for mark in marks.sorted(by: { $0.offset < $1.offset }) {
            if try stands(mark, shiftedBy: 0) { inPlace.append(mark) } else { displaced.append(mark) }
        }
    }

    /// Most sectors of the directory, and streams, that are looked at.
    private static let mostFurther = 1024

    /// What the allocation table and the directory lead to, as far as they stand in their place.
    private func furtherMarks(tables: [Mark]) throws(ReadFailure) -> [Mark] {
        guard tables.count * sectorSize / 4 == capacity else { return [] }
        func next(_ sector: Int) throws(ReadFailure) -> Int {
            let table = tables.firstIndex { if case .table(sector * 4 / sectorSize) = $0.kind { true } else { false } }
            guard let table else { return Self.largestSector }
            return try reader.u32le(tables[table].offset + sector * 4 % sectorSize)
        }
        func mark(_ kind: Kind, _ sector: Int) -> Mark {
            Mark(kind: kind, offset: (sector + 1) * sectorSize, end: (sector + 2) * sectorSize)
        }
        var marks: [Mark] = []
        var sector = try reader.u32le(48)
        let cutoff = try reader.u32le(56)
        var seen: Set<Int> = []
        while sector < capacity, marks.count < Self.mostFurther, seen.insert(sector).inserted {
            let here = mark(.entries, sector)
            if seen.count > 1 { marks.append(here) }
            if try stands(here, shiftedBy: 0) {
                for at in stride(from: here.offset, to: here.end, by: 128) {
                    let size = try reader.u32le(at + 120)
                    let start = try reader.u32le(at + 116)
                    guard try reader.u8(at + 66) == 2, size >= cutoff, start < capacity,
                        let name = try name(at), Self.heads[name] != nil
                    else { continue }
                    marks.append(mark(.stream(name), start))
                }
            }
            sector = try next(sector)
        }
        sector = try reader.u32le(60)
        seen = []
        while sector < capacity, marks.count < Self.mostFurther, seen.insert(sector).inserted {
            if seen.count > 1 { marks.append(mark(.miniTable, sector)) }
            sector = try next(sector)
        }
        return marks
    }

    /// The name in the directory entry at an offset.
    private func name(_ at: Int) throws(ReadFailure) -> String? {
        let length = try reader.u16le(at + 64)
        guard (2...64).contains(length), length % 2 == 0 else { return nil }
        let bytes = try reader.bytes(at: at, count: length - 2)
        return EvidenceText.cleanUTF16(bytes[...], bigEndian: false)
    }

    /// Bytes of a stream's head, at an offset from its start, by its name.
    private static let heads: [String: (offset: Int, bytes: [[UInt8]])] = [
        "Workbook": (0, [[0x09, 0x08]]), "Book": (0, [[0x09, 0x08]]),
        "WordDocument": (0, [[0xEC, 0xA5], [0xDC, 0xA5]]),
        "PowerPoint Document": (2, [[0xE8, 0x03]]),
        "Pictures": (3, [[0xF0]]),
    ]

    /// True when every entry of the sector is one of a directory.
    private func isDirectory(at start: Int) throws(ReadFailure) -> Bool {
        for at in stride(from: start, to: start + sectorSize, by: 128) {
            let kind = try reader.u8(at + 66)
            let length = try reader.u16le(at + 64)
            if kind == 0 {
                // What was never used is empty.
                guard length == 0, try reader.u16le(at) == 0 else { return false }
                continue
            }
            guard kind == 1 || kind == 2 || kind == 5, try reader.u8(at + 67) <= 1, (4...64).contains(length),
                length % 2 == 0, try reader.u16le(at + length - 2) == 0, try reader.u16le(at) != 0
            else { return false }
        }
        return true
    }

    /// True when what belongs at the mark stands there, behind a gap.
    func stands(_ mark: Mark, shiftedBy gap: Int) throws(ReadFailure) -> Bool {
        let start = mark.offset + gap
        guard reader.count - start >= sectorSize else { return false }
        switch mark.kind {
        case .directory: return try reader.matches(Self.root, at: start)
        case .entries: return try isDirectory(at: start)
        case .stream(let name):
            guard let head = Self.heads[name] else { return false }
            for bytes in head.bytes where try reader.matches(bytes, at: start + head.offset) { return true }
            return false
        case .miniTable: return try isTable(at: start, limit: capacity * sectorSize / 64)
        case .table(let index):
            // A sector of the table that names itself says that it is one.
            let own = mark.offset / sectorSize - 1 - index * sectorSize / 4
            if own >= 0, own < sectorSize / 4 {
                guard try reader.u32le(start + 4 * own) == Self.tableMark else { return false }
            }
            return try isTable(at: start, limit: capacity)
        }
    }

    /// True when the numbers there can be those of chains: each sector follows one other at most.
    private func isTable(at start: Int, limit: Int) throws(ReadFailure) -> Bool {
        var seen: Set<Int> = []
        for at in stride(from: start, to: start + sectorSize, by: 4) {
            let value = try reader.u32le(at)
            if value > Self.largestSector { continue }
            guard value < limit, seen.insert(value).inserted else { return false }
        }
        return true
    }
}
