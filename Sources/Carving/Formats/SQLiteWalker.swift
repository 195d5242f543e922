internal import EvidenceModel

/// SQLite database files (https://www.sqlite.org/fileformat2.html).
///
/// The header's page count is believed where the "version-valid-for" rule says so, else the furthest page that the
/// trees and the freelist reach. All trees are walked: each page must be what its place in the tree says.
struct SQLiteWalker: FormatWalker {
    let name = "sqlite"
    let signatures = [WalkerSignature(Array("SQLite format 3".utf8) + [0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try SQLiteWalk(reader).verdict() }
}

private struct SQLiteWalk: FileWalk {
    /// Most pages whose content is checked.
    static let mostPages = WalkLimit.sqlitePages.value
    /// Most tables whose names are listed.
    static let mostTables = 32
    /// Most trees that are followed.
    static let mostTrees = WalkLimit.sqliteTrees.value
    /// Deepest tree: SQLite itself allows 20 levels.
    static let deepestTree = WalkLimit.sqliteDepth.value

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "sqlite", fileExtension: "sqlite", mime: "application/vnd.sqlite3")
    var isRecognised = false

    var pageSize = 0
    var usable = 0
    /// Pages that the source can hold, or the header's count where that is valid.
    var pageLimit = 0
    var furthest = 1
    /// Where the last record begins that is one.
    var shownEnd = 0
    var visited: Set<Int> = []
    var roots: [Int] = []
    var tables: [CanonicalValue] = []
    /// Overflow chains still to be followed: first page, bytes they carry, and the page they start from.
    var chains: [(page: Int, bytes: Int, parent: Int)] = []
    /// The lowest page that is not what it must be: where the valid prefix ends.
    var firstBad: (page: Int, reason: String)?

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let count = try header()
        try trees()
        if firstBad == nil { try freelist() }
        if let count { try pointerMaps(count) }
        if let firstBad {
            // Of the first page at least the header makes sense.
            file.length = min(max(100, (firstBad.page - 1) * pageSize), input.count)
            throw .broken("page \(firstBad.page): " + firstBad.reason)
        }
        let length = (count ?? furthest) * pageSize
        guard input.fits(0, length) else {
            file.length = input.count - input.count % pageSize
            throw .broken("the source ends before the last page")
        }
        file.length = length
        // Pages of trees are shown by their cells; nothing shows what overflow and free pages hold.
        file.leaveUnchecked(min(shownEnd, length)..<length)
        file.note("page_count", file.length / pageSize)
        if !tables.isEmpty { file.facts["tables"] = .array(tables) }
    }

    // MARK: Header

    /// Checks the header (1.3); answers the page count where it is valid.
    private mutating func header() throws(WalkStop) -> Int? {
        let stated = try input.u16be(16)
        pageSize = stated == 1 ? 65_536 : stated
        let reserved = try input.u8(20)
        usable = pageSize - reserved
        let versions = [try input.u8(18), try input.u8(19)]
        let encoding = try input.u32be(56)
        guard pageSize >= 512, pageSize & (pageSize - 1) == 0, usable >= 480,
            versions.allSatisfy({ (1...2).contains($0) }), try input.matches([64, 32, 32], at: 21),
            encoding <= 3, try input.u32be(44) <= 4, try input.isZero(72..<92)
        else { throw .rejected("not a SQLite header") }
        guard try [0x0D, 0x05].contains(input.u8(100)) else { throw .rejected("the first page is no table") }
        isRecognised = true
        file.note("page_size", pageSize)
        file.note("user_version", try input.u32be(60))
        file.note("application_id", try input.u32be(68))
        file.note("encoding", text: Array(["", "UTF-8", "UTF-16le", "UTF-16be"][encoding].utf8))
        if versions[0] == 2 { file.note("write_ahead_log") }
        let version = try input.u32be(96)
        if version > 0 {
            file.note(
                "written_by", text: Array("\(version / 1_000_000).\(version / 1000 % 1000).\(version % 1000)".utf8))
        }
        let count = try input.u32be(28)
        if count > 0, try input.u32be(24) == input.u32be(92) {
            // A file that the source cuts short: name the pages that are there.
            pageLimit = count
            return count
        }
        pageLimit = min(input.count / pageSize, 0xFFFF_FFFE)
        file.warnings.append("the header states no valid page count; the size is that of the furthest page in use")
        return nil
    }

    // MARK: Trees

    private mutating func trees() throws(WalkStop) {
        roots = [1]
        var next = 0
        while next < roots.count {
            try tree(root: roots[next], isSchema: next == 0)
            next += 1
        }
        for chain in chains { try overflow(from: chain.page, bytes: chain.bytes, parent: chain.parent) }
    }

    /// Enters a page that `parent` names: in range, in the source, and not used twice. Nil when it is bad.
    private mutating func enter(_ page: Int, from parent: Int) -> Int? {
        guard page >= 1, page <= pageLimit else {
            bad(parent, "it names a page past the end of the database")
            return nil
        }
        guard visited.insert(page).inserted else {
            bad(parent, "it names a page that is in use elsewhere")
            return nil
        }
        furthest = max(furthest, page)
        guard input.fits((page - 1) * pageSize, pageSize) else {
            bad(page, "the source ends before it")
            return nil
        }
        return (page - 1) * pageSize
    }

    private mutating func bad(_ page: Int, _ reason: String) {
        if let firstBad, firstBad.page <= page { return }
        firstBad = (page, reason)
    }

    private mutating func tree(root: Int, isSchema: Bool) throws(WalkStop) {
        // All pages of a tree are of one family: those of tables (5, 13) or those of indices (2, 10).
        var isTable: Bool?
        var stack = [(page: root, parent: 1, depth: 0)]
        while let (page, parent, depth) = stack.popLast() {
            guard visited.count < Self.mostPages else {
                input.reached(.sqlitePages)
                file.warnings.append("not all pages were checked: limit \(WalkLimit.sqlitePages.rawValue)")
                return
            }
            guard depth <= Self.deepestTree else {
                input.reached(.sqliteDepth)
                bad(parent, "the tree is deeper than SQLite makes them")
                continue
            }
            guard let start = enter(page, from: parent) else { continue }
            do throws(WalkStop) {
                let kind = try input.u8(page == 1 ? start + 100 : start)
                guard isTable == nil || isTable == (kind == 5 || kind == 13) else {
                    bad(page, "a page of an index in the tree of a table, or the reverse")
                    continue
                }
                isTable = kind == 5 || kind == 13
                for child in try treePage(start, page: page, isSchema: isSchema).reversed() {
                    stack.append((child, page, depth + 1))
                }
            } catch {
                guard case .broken(let reason) = error else { throw error }
                bad(page, reason)
            }
        }
    }

    /// Checks one b-tree page (1.6); answers its children.
    private mutating func treePage(_ start: Int, page: Int, isSchema: Bool) throws(WalkStop) -> [Int] {
        let header = page == 1 ? start + 100 : start
        let kind = try input.u8(header)
        let isInterior = kind == 2 || kind == 5
        guard [2, 5, 10, 13].contains(kind) else { throw .broken("not a b-tree page") }
        let cells = try input.u16be(header + 3)
        let pointers = header + (isInterior ? 12 : 8)
        let stated = try input.u16be(header + 5)
        let content = stated == 0 ? 65_536 : stated
        let pointersEnd = pointers - start + 2 * cells
        guard pointersEnd <= usable, content <= usable, content >= pointersEnd || cells == 0,
            try input.u8(header + 7) <= 60
        else { throw .broken("the b-tree page header is impossible") }
        var children: [Int] = []
        var lastCell = 0
        for index in 0..<cells {
            let cell = try input.u16be(pointers + 2 * index)
            lastCell = max(lastCell, cell)
            guard cell >= pointersEnd, cell + 4 <= usable else { throw .broken("a cell outside of its page") }
            var at = start + cell
            let end = start + usable
            if isInterior {
                children.append(try input.u32be(at))
                at += 4
            }
            if kind == 5 { continue }
            let payload = try varint(&at, end)
            if kind == 13 { _ = try varint(&at, end) }
            let local = localBytes(payload, isTable: kind == 13)
            guard local <= end - at else { throw .broken("a cell longer than its page") }
            try record(at, payload: payload, local: local)
            if isSchema, kind == 13 { try schemaRow(at, local) }
            if payload > local {
                guard end - at - local >= 4 else { throw .broken("a cell longer than its page") }
                chains.append((try input.u32be(at + local), payload - local, page))
            }
        }
        if isInterior { children.append(try input.u32be(header + 8)) }
        if cells > 0 { shownEnd = max(shownEnd, start + lastCell) }
        return children
    }

    /// Bytes of a payload that stay on the page (1.6, "cell payload overflow").
    private func localBytes(_ payload: Int, isTable: Bool) -> Int {
        let most = isTable ? usable - 35 : (usable - 12) * 64 / 255 - 23
        guard payload > most else { return payload }
        let least = (usable - 12) * 32 / 255 - 23
        let fitting = least + (payload - least) % (usable - 4)
        return fitting <= most ? fitting : least
    }

    /// A variable-length integer (1.6), bounded so that sums with it cannot overflow.
    private func varint(_ at: inout Int, _ end: Int) throws(WalkStop) -> Int {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard at < end else { throw .broken("a number runs over the end of its page") }
            let byte = try input.u8(at)
            at += 1
            if index == 8 {
                value = value << 8 | UInt64(byte)
                break
            }
            value = value << 7 | UInt64(byte & 0x7F)
            if byte & 0x80 == 0 { break }
        }
        return min(Int(exactly: value) ?? Int.max / 4, Int.max / 4)
    }

    /// A record (2.1): its header's types must add up to its length.
    private func record(_ start: Int, payload: Int, local: Int) throws(WalkStop) {
        let end = start + local
        var at = start
        let headerLength = try varint(&at, end)
        // A header that runs over to another page is not followed.
        guard headerLength <= local else {
            guard headerLength <= payload else { throw .broken("a record header longer than its record") }
            return
        }
        var length = headerLength
        while at < start + headerLength {
            let serial = try varint(&at, start + headerLength)
            guard serial != 10, serial != 11 else { throw .broken("a record with a reserved type") }
            length += serial >= 12 ? (serial - 12) / 2 : [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][serial]
            guard length <= payload else { throw .broken("a record longer than its cell") }
        }
        guard length == payload else { throw .broken("a record shorter than its cell") }
    }

    /// A row of sqlite_schema: type, name, tbl_name, rootpage, sql (2.6).
    private mutating func schemaRow(_ start: Int, _ length: Int) throws(WalkStop) {
        let end = start + length
        var at = start
        let headerLength = try varint(&at, end)
        guard headerLength <= length else { return }
        var value = start + headerLength
        var columns: [(start: Int, length: Int, serial: Int)] = []
        while at < start + headerLength, columns.count < 4 {
            let serial = try varint(&at, end)
            let size = serial >= 12 ? (serial - 12) / 2 : [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][serial]
            guard size <= end - value else { return }
            columns.append((value, size, serial))
            value += size
        }
        guard columns.count == 4 else { return }
        let type = try input.bytes(at: columns[0].start, count: min(columns[0].length, 16))
        if type.starts(with: Array("table".utf8)), tables.count < Self.mostTables,
            let name = EvidenceText.clean(try input.bytes(at: columns[1].start, count: min(columns[1].length, 1024)))
        {
            tables.append(.string(name))
        }
        var root = 0
        switch columns[3].serial {
        case 1...6:
            for index in 0..<columns[3].length where root < 1 << 32 {
                root = root << 8 | (try input.u8(columns[3].start + index))
            }
        case 9: root = 1
        default: break
        }
        guard root > 1 else { return }
        if roots.count < Self.mostTrees { roots.append(root) } else { input.reached(.sqliteTrees) }
    }

    // MARK: Overflow and free pages

    private mutating func overflow(from first: Int, bytes: Int, parent: Int) throws(WalkStop) {
        var page = first
        var parent = parent
        var left = bytes
        while left > 0, visited.count < Self.mostPages {
            guard let start = enter(page, from: parent) else { return }
            left -= usable - 4
            let next = try input.u32be(start)
            guard (next == 0) == (left <= 0) else {
                bad(page, "an overflow chain of the wrong length")
                return
            }
            parent = page
            page = next
        }
    }

    /// Pages of an auto-vacuum database that say what each page is and which one names it (1.8).
    private mutating func pointerMaps(_ count: Int) throws(WalkStop) {
        // The page at 1 GiB is left out of everything, which would shift those behind it.
        guard try input.u32be(52) > 0, count < (1 << 30) / pageSize, count < Self.mostPages else { return }
        let entries = usable / 5
        for map in stride(from: 2, through: count, by: entries + 1) {
            let start = (map - 1) * pageSize
            guard input.fits(start, pageSize) else { return }
            for index in 0..<min(entries, count - map) {
                let kind = try input.u8(start + 5 * index)
                let parent = try input.u32be(start + 5 * index + 1)
                guard kind <= 5, kind <= 2 ? parent == 0 : (1...count).contains(parent) else {
                    bad(map, "a pointer map that names impossible pages")
                    return
                }
            }
        }
    }

    /// The freelist (1.5): trunk pages that list leaves.
    private mutating func freelist() throws(WalkStop) {
        var trunk = try input.u32be(32)
        var parent = 1
        let stated = try input.u32be(36)
        var found = 0
        while trunk != 0, visited.count < Self.mostPages {
            guard let start = enter(trunk, from: parent) else { return }
            let leaves = try input.u32be(start + 4)
            guard leaves <= usable / 4 - 2 else {
                bad(trunk, "an impossible freelist page")
                return
            }
            found += 1 + leaves
            for index in 0..<leaves {
                let leaf = try input.u32be(start + 8 + 4 * index)
                guard leaf >= 1, leaf <= pageLimit, visited.insert(leaf).inserted else {
                    bad(trunk, "the freelist names a page that is in use")
                    return
                }
                furthest = max(furthest, leaf)
            }
            parent = trunk
            trunk = try input.u32be(start)
        }
        if found > 0 { file.note("free_pages", found) }
        if found != stated { file.warnings.append("the header states \(stated) free pages; the freelist has \(found)") }
    }
}
