internal import EvidenceModel

/// Extensible Storage Engine databases (ESE, "JET Blue"): WebCacheV01.dat, SRUDB.dat, Windows.edb, ntds.dit.
///
/// The header stands twice; then come the pages, numbered from 1. Each page has an exclusive-or checksum that starts with
/// the page's number, so a page in the wrong place fails too. How many pages the file has stands in its tree of owned
/// space, whose root is page 2.
struct ExtensibleStorageWalker: FormatWalker {
    let name = "ese"
    let signatures = [WalkerSignature([0xEF, 0xCD, 0xAB, 0x89, 0x20, 0x06, 0, 0], at: 4)]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ExtensibleStorageWalk(reader).verdict() }
}

private struct ExtensibleStorageWalk: FileWalk {
    /// The flag of a page with the checksums of Exchange 2003 SP1 and later.
    static let newChecksum = 0x2000
    static let root = 1
    static let leaf = 2
    static let mostPages = 1 << 26

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "ese", fileExtension: "edb", mime: "application/x-ms-ese")
    var isRecognised = false
    var pageSize = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let stated = try input.u32le(236)
        pageSize = stated == 0 ? 4096 : stated
        guard [2048, 4096, 8192, 16_384, 32_768].contains(pageSize), try input.u32le(12) == 0,
            (1...7).contains(try input.u32le(52))
        else { throw .rejected("not the header of a database") }
        try describe()
        guard try input.matches([0xEF, 0xCD, 0xAB, 0x89], at: pageSize + 4) else {
            throw .rejected("no second header")
        }
        guard try pageHolds(1) else { throw .rejected("the first page's checksum does not hold") }
        isRecognised = true
        file.length = 2 * pageSize
        let last = try lastOwnedPage()
        var page = 1
        var unused = 0
        var endsUnused = false
        while page <= last ?? Self.mostPages {
            let start = (page + 1) * pageSize
            if try pageHolds(page) {
                file.length = start + pageSize
                endsUnused = false
            } else if last != nil, input.fits(start, pageSize), try input.isZero(start..<start + pageSize) {
                // Never used; an exclusive-or over zeros never holds, because it starts with the page's number.
                unused += 1
                endsUnused = true
                file.length = start + pageSize
            } else if last == nil {
                break
            } else {
                throw .broken(
                    input.fits(start, pageSize)
                        ? "the checksum of page \(page) does not hold" : "the source ends before page \(page)")
            }
            page += 1
        }
        file.note("pages", page - 1)
        if unused > 0 {
            file.confidence = .structural
            file.note("unused_pages", unused)
        }
        if endsUnused {
            file.confidence = .header
            file.warnings.append("the last page is empty: nothing shows that it belongs to the file")
        } else if last == nil {
            file.confidence = .header
            file.warnings.append("the tree of owned space could not be followed: ended with the last page that holds")
        } else if try !headersHold() {
            file.confidence = .structural
            file.warnings.append("the header's checksum does not hold")
        }
    }

    private mutating func describe() throws(WalkStop) {
        file.note("page_size", pageSize)
        file.note(
            "format_version", text: Array("0x\(String(try input.u32le(8), radix: 16)).\(try input.u32le(232))".utf8))
        let states = [
            1: "just created", 2: "dirty shutdown", 3: "clean shutdown", 4: "being converted", 5: "force detach",
        ]
        if let state = states[try input.u32le(52)] { file.facts["state"] = .string(state) }
        file.facts["created"] = try time(28)
        file.facts["last_consistent"] = try time(64)
        file.facts["last_attached"] = try time(72)
        file.facts["last_detached"] = try time(88)
        let windows = [try input.u32le(216), try input.u32le(220), try input.u32le(224)]
        if (4...20).contains(windows[0]), windows[1] < 100, windows[2] < 100_000 {
            file.note("windows_version", text: Array("\(windows[0]).\(windows[1]).\(windows[2])".utf8))
        }
    }

    /// A time of the log: second, minute, hour, day, month, and years since 1900, a byte each.
    private func time(_ offset: Int) throws(WalkStop) -> CanonicalValue? {
        let parts = try input.bytes(at: offset, count: 6).map { Int($0) }
        guard parts[0] < 60, parts[1] < 60, parts[2] < 24, (1...31).contains(parts[3]), (1...12).contains(parts[4]),
            (70...250).contains(parts[5])
        else { return nil }
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        // Whether the writer meant UTC is not said before Windows 8, so no time zone stands behind it.
        return .string(
            "\(1900 + parts[5])-\(two(parts[4]))-\(two(parts[3]))T\(two(parts[2])):\(two(parts[1])):\(two(parts[0]))")
    }

    /// Exclusive or of the little-endian words of some bytes.
    private func words(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var sums: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
        var at = bytes.startIndex
        while at + 4 <= bytes.endIndex {
            sums.0 ^= bytes[at]
            sums.1 ^= bytes[at + 1]
            sums.2 ^= bytes[at + 2]
            sums.3 ^= bytes[at + 3]
            at += 4
        }
        return UInt32(sums.0) | UInt32(sums.1) << 8 | UInt32(sums.2) << 16 | UInt32(sums.3) << 24
    }

    /// Both headers: an exclusive or from 89ABCDEF over all words but the first.
    private func headersHold() throws(WalkStop) -> Bool {
        for start in [0, pageSize] {
            let page = try input.bytes(at: start, count: pageSize)
            let stated = UInt32(truncatingIfNeeded: try input.u32le(start))
            let holds = [pageSize, min(4096, pageSize)].contains { 0x89AB_CDEF ^ words(page[4..<$0]) == stated }
            guard holds else { return false }
        }
        return true
    }

    /// True when the page's checksum holds in its place.
    private func pageHolds(_ number: Int) throws(WalkStop) -> Bool {
        let start = (number + 1) * pageSize
        guard input.fits(start, pageSize) else { return false }
        let page = try input.bytes(at: start, count: pageSize)
        func word(_ at: Int) -> UInt32 { words(page[at..<at + 4]) }
        let seed = UInt32(truncatingIfNeeded: number)
        guard Int(word(36)) & Self.newChecksum != 0 else {
            return word(4) == seed && 0x89AB_CDEF ^ words(page[4...]) == word(0)
        }
        // Large pages are checked in four parts, the sums of the last three stand in the header behind the first part's.
        let part = pageSize <= 8192 ? pageSize : pageSize / 4
        guard seed ^ words(page[8..<part]) == word(0) else { return false }
        for index in 1..<max(1, pageSize / part) {
            guard seed ^ words(page[index * part..<(index + 1) * part]) == word(32 + 8 * index) else { return false }
        }
        return true
    }

    /// The last page of the database, from the tree of owned space (its root holds all extents but in huge files).
    private func lastOwnedPage() throws(WalkStop) -> Int? {
        // The space header of the database's root: pages at first, parent, flags, root of the owned-space tree.
        guard let header = try entry(0, of: 1), header.count >= 16 else { return nil }
        let tree = Int(words(header[header.startIndex + 12..<header.startIndex + 16]))
        guard (2...Self.mostPages).contains(tree), try pageHolds(tree) else { return nil }
        let start = (tree + 1) * pageSize
        let flags = try input.u32le(start + 36)
        guard flags & Self.root != 0, flags & Self.leaf != 0 else { return nil }
        let entries = try input.u16le(start + 34)
        var last = 0
        for index in 1..<max(1, entries) {
            guard let entry = try entry(index, of: tree), entry.count >= 2 else { return nil }
            // Length of the key, the key (the extent's last page, big-endian), then the count of its pages.
            let at = entry.startIndex
            let key = (Int(entry[at]) | Int(entry[at + 1]) << 8) & 0x1FFF
            guard key == 4, entry.count >= 10 else { return nil }
            let page = entry[at + 2..<at + 6].reduce(0) { $0 << 8 | Int($1) }
            let pages = Int(words(entry[at + 6..<at + 10]))
            guard pages > 0, pages <= page, page - pages == last else { return nil }
            last = page
        }
        return last >= tree && last <= Self.mostPages ? last : nil
    }

    /// The bytes of one entry of a page: tags at the page's end give size and place of each.
    private func entry(_ index: Int, of page: Int) throws(WalkStop) -> ArraySlice<UInt8>? {
        let start = (page + 1) * pageSize
        let isLarge = pageSize > 8192
        let header = isLarge ? 80 : 40
        let tag = start + pageSize - 4 * (index + 1)
        guard index < pageSize / 8, input.fits(start, pageSize) else { return nil }
        let mask = isLarge ? 0x7FFF : 0x1FFF
        let size = try input.u16le(tag) & mask
        let place = try input.u16le(tag + 2) & mask
        guard header + place + size <= pageSize else { return nil }
        return try input.bytes(at: start + header + place, count: size)[...]
    }
}
