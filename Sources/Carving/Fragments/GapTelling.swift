/// The header says where the directory and the allocation table begin.
extension CompoundFileWalker: GapTellingWalker {
    private static let root: [UInt8] = [0x52, 0, 0x6F, 0, 0x6F, 0, 0x74, 0, 0x20, 0]

    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int) {
        let reader = search.reader
        guard reader.count >= 512 else { return ([], 0) }
        let shift = try reader.u16le(30)
        guard shift == 9 || shift == 12 else { return ([], 0) }
        let directory = (try reader.u32le(48) + 1) << shift
        let sector = try reader.u32le(76)
        let table = (sector + 1) << shift
        // The first sector of the table knows itself, unless the table is long.
        let entry = sector < 1 << (shift - 2) ? table + 4 * sector : nil
        func isDirectory(_ gap: Int) throws(ReadFailure) -> Bool {
            try reader.matches(Self.root, at: directory + gap)
        }
        func isTable(_ gap: Int) throws(ReadFailure) -> Bool {
            guard let entry else { return true }
            return try reader.matches([0xFD, 0xFF, 0xFF, 0xFF], at: entry + gap)
        }
        let directoryIsHere = try isDirectory(0)
        let tableIsHere = try isTable(0)
        guard !directoryIsHere || !tableIsHere else { return ([], 0) }
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) {
            search.spend(16)
            if !directoryIsHere { guard try isDirectory(gap) else { continue } }
            if !tableIsHere { guard try isTable(gap) else { continue } }
            let first = min(directoryIsHere ? Int.max : directory, tableIsHere ? Int.max : table)
            return ([gap], first + gap)
        }
        return ([], 0)
    }
}

/// The header says where the first directory stands, which many writers put behind the picture.
extension TIFFWalker: GapTellingWalker {
    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int) {
        let reader = search.reader
        guard reader.count >= 16 else { return ([], 0) }
        let isBig = try reader.u8(0) == 0x4D
        func u16(_ at: Int) throws(ReadFailure) -> Int { isBig ? try reader.u16be(at) : try reader.u16le(at) }
        guard try u16(2) == 42 else { return ([], 0) }
        let first = isBig ? try reader.u32be(4) : try reader.u32le(4)
        func isDirectory(_ gap: Int) throws(ReadFailure) -> Bool {
            let at = first + gap
            guard at >= 8, reader.count - at >= 2 else { return false }
            let count = try u16(at)
            guard (4...512).contains(count), reader.count - at >= 2 + 12 * count else { return false }
            var last = 0
            var hasWidth = false
            for index in 0..<count {
                let tag = try u16(at + 2 + 12 * index)
                guard tag >= last, (1...13).contains(try u16(at + 4 + 12 * index)) else { return false }
                last = tag
                if tag == 0x100 { hasWidth = true }
            }
            return hasWidth
        }
        guard try !isDirectory(0) else { return ([], 0) }
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) {
            search.spend(8)
            if try isDirectory(gap) { return ([gap], first + gap) }
        }
        return ([], 0)
    }
}

/// The start header says where the end header stands, and what its checksum is.
extension SevenZipWalker: GapTellingWalker {
    /// Longest end header whose checksum is computed at every place.
    private static let longestHeader = 64 * 1024

    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int) {
        let reader = search.reader
        guard reader.count >= 32 else { return ([], 0) }
        let offset = try reader.u64le(12)
        let size = try reader.u64le(20)
        guard offset < UInt64(search.limits.joinReach), size > 0, size <= UInt64(Self.longestHeader) else {
            return ([], 0)
        }
        let start = 32 + Int(offset)
        let length = Int(size)
        let checksum = try reader.u32le(28)
        for gap in JoinSearch.borders(from: 1, through: search.limits.farJoinGap) {
            search.spend(8)
            guard !search.isExhausted, reader.count - start - gap >= length else { break }
            // 1 begins a plain header, 0x17 a packed one.
            guard [0x01, 0x17].contains(try reader.u8(start + gap)) else { continue }
            search.spend(length)
            if try Int(reader.crc32(of: start + gap..<start + gap + length)) == checksum { return ([gap], start + gap) }
        }
        return ([], 0)
    }
}

/// The header of the next member stands behind the content of the one before.
extension TarWalker: GapTellingWalker {
    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int) {
        let reader = search.reader
        for gap in JoinSearch.borders(from: 1, through: search.limits.nearJoinGap) {
            search.spend(8)
            let at = search.prefix + gap
            if try reader.matches("ustar", at: at + 257) { return ([gap], at) }
        }
        return ([], 0)
    }
}

/// The end of the file says where the cross-reference section stands.
extension PDFWalker: GapTellingWalker {
    private static let mostEnds = 8

    func tellGaps(_ search: JoinSearch) throws(ReadFailure) -> (gaps: [Int], end: Int) {
        let reader = search.reader
        var at = search.prefix
        var gaps: [Int] = []
        var end = 0
        for _ in 0..<Self.mostEnds {
            let limit = min(reader.count, search.prefix + search.limits.farJoinGap)
            guard at < limit, let found = try reader.firstOffset(of: Array("startxref".utf8), in: at..<limit) else {
                break
            }
            search.spend(found - at)
            at = found + 9
            guard let stated = try number(reader, behind: at) else { continue }
            for gap in JoinSearch.borders(from: 1, through: found - stated) where gap <= search.limits.farJoinGap {
                search.spend(8)
                let isTable = try reader.matches("xref", at: stated + gap)
                let isStream = try isObject(reader, at: stated + gap)
                guard isTable || isStream else { continue }
                if !gaps.contains(gap) { gaps.append(gap) }
                end = max(end, stated + gap)
            }
        }
        return (gaps, end)
    }

    private func number(_ reader: ByteReader, behind at: Int) throws(ReadFailure) -> Int? {
        var value: Int?
        for byte in try reader.bytes(at: at, count: min(24, reader.count - at)) {
            if (0x30...0x39).contains(byte) {
                guard value ?? 0 < 1 << 40 else { return nil }
                value = (value ?? 0) * 10 + Int(byte - 0x30)
            } else if value != nil {
                break
            }
        }
        return value
    }

    /// True when an object's number, generation and keyword stand at an offset.
    private func isObject(_ reader: ByteReader, at offset: Int) throws(ReadFailure) -> Bool {
        guard reader.count - offset >= 24 else { return false }
        let bytes = try reader.bytes(at: offset, count: 24)
        guard (0x30...0x39).contains(bytes[0]) else { return false }
        return String(decoding: bytes, as: UTF8.self).contains(" obj")
    }
}
