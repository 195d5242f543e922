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
