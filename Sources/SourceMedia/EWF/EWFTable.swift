/// Where the chunks of one `sectors` section lie, as a `table` section lists them.
///
/// Only where the list lies in the file is kept: the entries are read again when they are needed.
struct EWFTable: Hashable {
    /// Index of the segment file.
    let file: Int
    /// Where the entries begin in the file, in bytes.
    let entriesAt: Int
    /// Number of chunks.
    let count: Int
    /// What is added to the offset of every entry.
    let base: Int
    /// First byte after the last chunk's data, as far as the sections tell.
    let dataEnd: Int
    /// Index of the first entry whose highest bit is part of the offset, as EnCase 6.7 wrote beyond 2 GiB.
    let overflowFrom: Int
    /// What is wrong with it; nil when all of it holds.
    let flaw: String?

    /// Bytes of the header: count, base, their Adler-32.
    static let headerSize = 24
    /// Most chunks that one table may list.
    static let mostEntries = 1 << 26

    /// An entry, made plain.
    struct Place: Hashable {
        let isDeflated: Bool
        let offset: Int
    }

    /// - Parameter index: of the entry in this table.
    func place(of entry: UInt32, index: Int) -> Place {
        if index >= overflowFrom { return Place(isDeflated: false, offset: base + Int(entry)) }
        return Place(isDeflated: entry & 0x8000_0000 != 0, offset: base + Int(entry & 0x7FFF_FFFF))
    }

    /// Reads a table and checks it: the Adler-32 of its header and of its entries, and that they lie in the file.
    ///
    /// - Parameter sectors: the `sectors` section before it, if there is one.
    /// - Returns: nil when not even the number of its entries can be believed.
    static func read(
        _ section: EWFSection, of files: EWFFiles, in file: Int, sectors: Range<Int>?
    ) throws(SourceError) -> EWFTable? {
        let fileSize = files.size(of: file)
        let end = section.end(fileSize: fileSize)
        let header = try files.bytes(of: file, at: section.contentStart, count: headerSize)
        guard header.count == headerSize else { return nil }
        let entriesAt = section.contentStart + headerSize
        let count = header.littleEndian32(at: 0)
        var base = header.littleEndian64(at: 8)
        var flaw: String?
        if !Adler32.holds(header, count: 20, storedAt: 20) {
            flaw = "the checksum of its header does not hold"
            // With a damaged header the size of the section still tells how many entries there are.
            guard (end - entriesAt - 4) % 4 == 0, count * 4 == end - entriesAt - 4 else { return nil }
        }
        guard count > 0, count <= mostEntries, entriesAt + count * 4 <= end else { return nil }
        if base >= UInt64(fileSize) {
            flaw = flaw ?? "its base offset lies outside the file"
            base = 0
        }
        var scan = EntryScan(base: Int(base), fileSize: fileSize)
        let entriesEnd = entriesAt + count * 4
        var at = entriesAt
        while at < entriesEnd {
            let piece = try files.bytes(of: file, at: at, count: min(1 << 16, entriesEnd - at))
            guard !piece.isEmpty else { return nil }
            scan.take(piece)
            at += piece.count
        }
        // The first versions of the format and SMART have no checksum there: the data follow at once.
        let hasChecksum = entriesEnd + 4 <= end && scan.first != entriesEnd
        if hasChecksum {
            let stored = try files.bytes(of: file, at: entriesEnd, count: 4)
            if stored.count < 4 || stored.littleEndian32(at: 0) != Int(scan.sum.value) {
                flaw = flaw ?? "the checksum of its entries does not hold"
            }
        }
        if let outside = scan.firstOutside {
            flaw = flaw ?? "the offset of its chunk \(outside) lies outside the file"
        }
        var dataEnd = fileSize
        if let first = scan.first, (section.offset..<end).contains(first) {
            dataEnd = end
        } else if let first = scan.first, let sectors, sectors.contains(first) {
            dataEnd = sectors.upperBound
        }
        return EWFTable(
            file: file, entriesAt: entriesAt, count: count, base: Int(base), dataEnd: dataEnd,
            overflowFrom: scan.overflowFrom ?? .max, flaw: flaw)
    }

    /// Looks at the entries of a table one after the other.
    private struct EntryScan {
        let base: Int
        let fileSize: Int
        var sum = Adler32()
        var index = 0
        var previous = 0
        /// Offset in the file of the first chunk.
        var first: Int?
        var firstOutside: Int?
        var overflowFrom: Int?

        init(base: Int, fileSize: Int) {
            self.base = base
            self.fileSize = fileSize
        }

        /// - Parameter piece: whole entries, but for the last piece of a file that was cut off.
        mutating func take(_ piece: [UInt8]) {
            sum.update(piece.span)
            for at in stride(from: 0, to: piece.count - piece.count % 4, by: 4) {
                let entry = piece.littleEndian32(at: at)
                var offset = overflowFrom == nil ? entry & 0x7FFF_FFFF : entry
                if overflowFrom == nil, offset < previous, entry >= previous, base + entry < fileSize {
                    overflowFrom = index
                    offset = entry
                }
                if first == nil { first = base + offset }
                if firstOutside == nil, base + offset < EWFFileHeader.size || base + offset >= fileSize {
                    firstOutside = index
                }
                previous = offset
                index += 1
            }
        }
    }
}
