/// The end record states where the central directory begins and how long it is: where it stands instead tells the gap.
/// The directory tells between which members the split lies, and their CRC-32 where.
extension ZipWalker: JoinProvingWalker {
    /// Most end records that are tried for one archive.
    private static let mostEndRecords = 64
    /// Most members of which the search knows the place.
    private static let mostMembers = 65_535

    func searchJoin(_ search: JoinSearch) throws(ReadFailure) {
        let reader = search.reader
        var at = 0
        var tried = 0
        while !search.isOver, tried < Self.mostEndRecords,
            let record = try reader.firstOffset(
                of: [0x50, 0x4B, 5, 6], in: at..<min(reader.count, search.limits.joinReach))
        {
            search.spend(record - at)
            at = record + 4
            guard reader.count - record >= 22 else { return }
            tried += 1
            do throws(ReadFailure) {
                let (end, size, start) = try directory(reader, end: record)
                guard size >= 46, size <= end, start <= end - size else { continue }
                let gap = end - size - start
                guard gap >= FreeSpace.block, gap % FreeSpace.block == 0 else { continue }
                try attempts(search, gap: gap, directory: start, size: size)
            } catch {
                // A record of another archive may lead out of the space.
                if case .medium = error { throw error }
            }
        }
    }

    /// Where the central directory ends in the free space, its size, and where the archive says that it starts.
    ///
    /// Where the end record has no room for the numbers, a Zip64 one stands before it and its locator (4.3.14).
    private func directory(
        _ reader: ByteReader, end record: Int
    ) throws(ReadFailure) -> (end: Int, size: Int, start: Int) {
        let size = try reader.u32le(record + 12)
        let start = try reader.u32le(record + 16)
        let zip64 = record - 20 - 56
        guard zip64 >= 0, try reader.matches([0x50, 0x4B, 6, 6], at: zip64),
            let longSize = Int(exactly: try reader.u64le(zip64 + 40)),
            let longStart = Int(exactly: try reader.u64le(zip64 + 48))
        else { return (record, size, start) }
        return (zip64, longSize, longStart)
    }

    private func attempts(
        _ search: JoinSearch, gap: Int, directory start: Int, size: Int
    ) throws(ReadFailure) {
        let reader = search.reader
        var low = FreeSpace.block
        var high = start + size
        if let members = try members(reader, from: start + gap, to: start + gap + size) {
            // The first member begins the file, and the directory must know it.
            guard members.first == 0, try isHead(reader, at: 0, describedAt: start + gap) else { return }
            high = start
            for member in members {
                if try isMember(reader, at: member) {
                    low = max(low, member)
                } else {
                    high = min(start, member + 30)
                    // Where the member stands nearer than the directory, another gap follows.
                    if let nearer = try place(of: member, search, directory: start + gap, size: size, before: gap) {
                        for split in JoinSearch.borders(from: low, through: high).reversed() where !search.isOver {
                            try search.attempt(split: split, gap: nearer)
                        }
                        return
                    }
                    break
                }
            }
        } else if try !reader.matches([0x50, 0x4B, 1, 2], at: start + gap) {
            // The directory itself lies in both pieces.
            low = start
        }
        // What was inflated without an error may hold a few blocks of the gap, rarely many.
        let first = min(max(low, search.prefix), high)
        for split in JoinSearch.borders(from: low, through: first).reversed() where !search.isOver {
            try search.attempt(split: split, gap: gap)
        }
        for split in JoinSearch.borders(from: first + 1, through: high) where !search.isOver {
            try search.attempt(split: split, gap: gap)
        }
    }

    /// Offsets of the members that a central directory names, ascending; nil when no directory fills the range.
    private func members(_ reader: ByteReader, from start: Int, to end: Int) throws(ReadFailure) -> [Int]? {
        var offsets: [Int] = []
        var at = start
        while at < end {
            guard end - at >= 46, try reader.matches([0x50, 0x4B, 1, 2], at: at), offsets.count < Self.mostMembers
            else {
                return nil
            }
            let offset = try reader.u32le(at + 42)
            // A 64-bit offset: the members' checksums alone must tell the split.
            guard offset != 0xFFFF_FFFF else { return nil }
            offsets.append(offset)
            at += 46 + (try reader.u16le(at + 28)) + (try reader.u16le(at + 30)) + (try reader.u16le(at + 32))
        }
        return at == end ? offsets.sorted() : nil
    }

    /// The gap in front of a member, where it is smaller than the one in front of the directory.
    private func place(
        of member: Int, _ search: JoinSearch, directory: Int, size: Int, before gap: Int
    ) throws(ReadFailure) -> Int? {
        let reader = search.reader
        guard let entry = try entry(of: member, reader, directory: directory, size: size) else { return nil }
        let length = try reader.u16le(entry + 28)
        guard reader.count - entry >= 46 + length else { return nil }
        let name = try reader.bytes(at: entry + 46, count: length)
        for nearer in JoinSearch.borders(from: 1, through: gap - 1) where !search.isOver {
            search.spend(4)
            if try isMember(reader, at: member + nearer), try reader.matches(name, at: member + nearer + 30) {
                return nearer
            }
        }
        return nil
    }

    /// Where the directory describes the member at an offset.
    private func entry(
        of member: Int, _ reader: ByteReader, directory: Int, size: Int
    ) throws(ReadFailure) -> Int? {
        var at = directory
        while directory + size - at >= 46 {
            if try reader.u32le(at + 42) == member { return at }
            at += 46 + (try reader.u16le(at + 28)) + (try reader.u16le(at + 30)) + (try reader.u16le(at + 32))
        }
        return nil
    }

    private func isMember(_ reader: ByteReader, at offset: Int) throws(ReadFailure) -> Bool {
        try reader.matches([0x50, 0x4B, 3, 4], at: offset)
    }

    /// True when the member at an offset has the name that some entry of the directory, the first one, gives it.
    private func isHead(_ reader: ByteReader, at offset: Int, describedAt entry: Int) throws(ReadFailure) -> Bool {
        guard try isMember(reader, at: offset) else { return false }
        guard try reader.u32le(entry + 42) == offset else { return true }
        let length = try reader.u16le(entry + 28)
        guard try reader.u16le(offset + 26) == length, reader.count - entry >= 46 + length else { return false }
        return try reader.matches(reader.bytes(at: entry + 46, count: length), at: offset + 30)
    }
}
