internal import EvidenceModel

/// Outlook stores (MS-PST): the header states the size; two trees name every page and block in use, and each of these
/// carries a checksum.
struct OutlookStoreWalker: FormatWalker {
    let name = "pst"
    let signatures = [WalkerSignature("!BDN")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try OutlookStoreWalk(reader).verdict() }
}

private struct OutlookStoreWalk: FileWalk {
    /// Where the first allocation map page lies (MS-PST 2.2.2.7.2), and how far apart they lie.
    static let firstMap = 0x4400
    static let mapDistance = 253_952
    static let pageSize = 512
    /// Most pages of one tree, and its deepest level (2.2.2.7.7).
    static let mostPages = WalkLimit.outlookPages.value
    static let deepestTree = 16

    /// Where the fields lie in stores with numbers of 32 bits and of 64.
    struct Layout {
        let isWide: Bool
        /// Bytes of a key, of an identifier and of an offset.
        var number: Int { isWide ? 8 : 4 }
        /// Bytes of a page before its trailer, which ends it.
        var pageBytes: Int { isWide ? 496 : 500 }
        /// Bytes of a block's trailer.
        var trailer: Int { isWide ? 16 : 12 }
        /// Where the references to the trees of nodes and of blocks lie.
        var roots: [Int] { isWide ? [216, 232] : [184, 192] }
        /// Where a page of a tree counts its entries.
        var count: Int { isWide ? 488 : 496 }
    }

    let input: WalkInput
    var file = WalkedFile(
        length: 512, confidence: .structural, format: "pst", fileExtension: "pst",
        mime: "application/vnd.ms-outlook-pst")
    var isRecognised = false
    var layout = Layout(isWide: true)
    var size = 0
    /// Where the furthest page or block ends whose checksum holds.
    var checkedEnd = 512
    /// Bytes that may still be read for checksums: blocks do not overlap in a sound store.
    var left = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let version = try input.u16le(10)
        guard try input.matches("SM", at: 8), [14, 15, 23, 36].contains(version) else {
            throw .rejected("not a store header")
        }
        layout = Layout(isWide: version >= 23)
        size = layout.isWide ? try input.length64le(184) : try input.u32le(168)
        guard size > Self.firstMap, size % 512 == 0 else { throw .rejected("a store of impossible size") }
        isRecognised = true
        try maps()
        guard input.fits(0, size) else { throw .broken("the source ends inside the store") }
        // Stores of Outlook 2013 have pages of another size, which Microsoft does not describe.
        if version < 36 { try trees() }
        file.length = size
        file.note("format_version", version)
        if try !input.isZero(checkedEnd..<size) { file.leaveUnchecked(checkedEnd..<size) }
    }

    private mutating func maps() throws(WalkStop) {
        var map = Self.firstMap
        while map + Self.pageSize <= size {
            let type = try input.u8(map + layout.pageBytes)
            guard type == 0x84, try input.u8(map + layout.pageBytes + 1) == type else {
                file.length = map
                throw .broken("no allocation map where one must be")
            }
            file.length = map + Self.pageSize
            map += Self.mapDistance
        }
    }

    // MARK: Pages and blocks

    /// Checks every page of both trees, and every block that the tree of blocks names.
    private mutating func trees() throws(WalkStop) {
        left = 2 * size
        var places: [(offset: Int, count: Int, isPage: Bool)] = []
        for (index, root) in layout.roots.enumerated() {
            let type = index == 0 ? 0x81 : 0x80
            var visited: Set<Int> = []
            var pages = [(offset: try number(root + layout.number), depth: 0)]
            while let (page, depth) = pages.popLast() {
                guard visited.count < Self.mostPages else {
                    throw input.stop(at: .outlookPages, "more pages than any real store has")
                }
                guard visited.insert(page).inserted, depth < Self.deepestTree else {
                    throw failed(page, "the tree of pages is circular or too large")
                }
                guard page % 64 == 0, page >= 512, page + Self.pageSize <= size else {
                    throw failed(page, "a page lies outside of the store")
                }
                places.append((page, Self.pageSize, true))
                guard try isPage(page, type: type) else { continue }
                let entries = try input.u8(page + layout.count)
                let entry = try input.u8(page + layout.count + 2)
                let level = try input.u8(page + layout.count + 3)
                guard entry >= layout.number * 3 || level == 0, entries * entry <= layout.count else {
                    throw failed(page, "a page of a tree is impossible")
                }
                if level > 0 {
                    for at in 0..<entries {
                        pages.append((try number(page + at * entry + 2 * layout.number), depth + 1))
                    }
                } else if type == 0x80, entry >= 2 * layout.number + 4 {
                    for at in 0..<entries {
                        let place = page + at * entry
                        places.append(
                            (
                                try number(place + layout.number), try input.u16le(place + 2 * layout.number), false
                            ))
                    }
                }
            }
        }
        // In the order of the store, so that the first that does not hold bounds the valid prefix.
        for place in places.sorted(by: { $0.offset < $1.offset }) {
            if place.isPage {
                let type = try input.u8(place.offset + layout.pageBytes)
                guard try isPage(place.offset, type: type) else {
                    throw failed(place.offset, "a page's checksum does not hold")
                }
                checkedEnd = max(checkedEnd, place.offset + Self.pageSize)
            } else {
                try block(place.offset, count: place.count)
            }
        }
    }

    private func number(_ at: Int) throws(WalkStop) -> Int {
        layout.isWide ? try input.length64le(at) : try input.u32le(at)
    }

    private mutating func failed(_ place: Int, _ reason: String) -> WalkStop {
        file.length = min(max(place, 512), size)
        return .broken(reason)
    }

    /// A page ends with its type, twice, and the checksum of what is before (2.2.2.7.1).
    private func isPage(_ page: Int, type: Int) throws(WalkStop) -> Bool {
        let trailer = page + layout.pageBytes
        guard type == 0x80 || type == 0x81, try input.u8(trailer) == type, try input.u8(trailer + 1) == type else {
            return false
        }
        let stated = try input.u32le(layout.isWide ? trailer + 4 : trailer + 8)
        return try checksum(page..<trailer) == stated
    }

    /// A block is padded to a multiple of 64 bytes, which its trailer ends (2.2.2.8.1).
    private mutating func block(_ start: Int, count: Int) throws(WalkStop) {
        let end = start + (count + layout.trailer + 63) / 64 * 64
        guard start >= 512, end <= size, left >= count else { throw failed(start, "a block lies outside of the store") }
        left -= count
        let trailer = end - layout.trailer
        let stated = try input.u32le(layout.isWide ? trailer + 4 : trailer + 8)
        guard try input.u16le(trailer) == count, try checksum(start..<start + count) == stated else {
            throw failed(start, "a block's checksum does not hold")
        }
        checkedEnd = max(checkedEnd, end)
    }

    /// CRC-32 with a register that begins with 0 and is not inverted (5.3).
    private func checksum(_ range: Range<Int>) throws(WalkStop) -> Int {
        var crc = CRC32(register: 0)
        try input.forEachPiece(of: range) { piece in crc.update(piece) }
        return Int(crc.register)
    }
}
