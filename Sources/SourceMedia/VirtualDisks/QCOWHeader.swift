import EvidenceModel

/// Reads what a QCOW2 or QCOW image says of itself, and which of its clusters lie beyond its end.
///
/// See `Documentation/Formats/virtual-disks.md`.
enum QCOWHeader {
    /// Bits of a cluster that qemu writes: 512 bytes to 2 MiB.
    static let clusterBits = 9...21
    /// Largest level-1 table, in bytes, as qemu limits it.
    static let largestLevel1 = 32 << 20
    /// Largest medium: what 64 bits of a signed offset address in practice.
    static let largestMedium = 1 << 60
    static let longestName = 1023

    // MARK: Versions 2 and 3

    static func readVersion2(_ file: HeaderFile) throws(SourceError) -> VirtualDiskFacts {
        let header = try file.bytes(at: 0, count: 72, "header") + (try file.available(at: 72, count: 40))
        let version = header.bigEndian32(at: 4)
        guard version == 2 || version == 3 else {
            throw file.unsupported(
                "is a QCOW image of version \(version), which is not known", "Convert it with the program that made it."
            )
        }
        let bits = header.bigEndian32(at: 20)
        guard clusterBits.contains(bits) else { throw file.damaged("it claims clusters of 2^\(bits) bytes") }
        guard let size = fileOffset(header.bigEndian64(at: 24)), (1...largestMedium).contains(size) else {
            throw file.damaged("it claims a medium of \(header.bigEndian64(at: 24)) bytes")
        }
        var facts = VirtualDiskFacts(format: .qcow2, size: size)
        let layout = QCOW2Layout(file: file, header: header, version: version, clusterBits: bits, size: size)
        try refuseWhatCannotBeRead(file, header, layout)
        facts.backing = try backing(file, header)
        facts.backingFormat = try layout.headerExtension(0xE279_2ACA).map { headerText($0) }
        facts.properties = [
            SourceProperty("format_version", "\(version)"), SourceProperty("cluster_size", "\(1 << bits)"),
            SourceProperty("compression", layout.compression == 1 ? "zstd" : "zlib"),
        ]
        let snapshots = header.bigEndian32(at: 60)
        if snapshots > 0 {
            facts.properties.append(SourceProperty("internal_snapshots", "\(snapshots)"))
            facts.warnings.append(
                "the image holds \(snapshots) internal snapshots, earlier states of the medium; they were not read")
        }
        if layout.incompatible & 1 != 0 {
            facts.warnings.append("the image was not closed properly (its dirty bit is set)")
        }
        if layout.incompatible & 2 != 0 {
            facts.damage.append("the image is marked as corrupt by the program that wrote it")
        }
        try layout.findLost(&facts)
        return facts
    }

    private static func refuseWhatCannotBeRead(
        _ file: HeaderFile, _ header: [UInt8], _ layout: QCOW2Layout
    ) throws(SourceError) {
        if header.bigEndian32(at: 32) != 0 {
            throw file.unsupported("is encrypted and cannot be read", "Decrypt it with the program that made it.")
        }
        if layout.incompatible & 4 != 0 {
            throw file.unsupported(
                "keeps its medium in another file, an external data file, which is never followed",
                "Convert the image into one file, or take in the data file itself.")
        }
        guard layout.incompatible >> 5 == 0 else {
            throw file.unsupported(
                "uses features of QCOW2 that are not known (bits \(String(layout.incompatible, radix: 16)))",
                "Convert it with the program that made it.")
        }
        guard layout.compression <= 1 else {
            throw file.unsupported(
                "is compressed with method \(layout.compression), which is not known",
                "Convert it with the program that made it.")
        }
    }

    private static func backing(_ file: HeaderFile, _ header: [UInt8]) throws(SourceError) -> String? {
        let offset = header.bigEndian64(at: 8)
        guard offset != 0 else { return nil }
        let length = header.bigEndian32(at: 16)
        guard let start = fileOffset(offset), (1...longestName).contains(length) else {
            throw file.damaged("the name of its backing file is given as \(length) bytes at \(offset)")
        }
        return headerText(try file.bytes(at: start, count: length, "name of the backing file"))
    }

    // MARK: Version 1

    static func readVersion1(_ file: HeaderFile) throws(SourceError) -> VirtualDiskFacts {
        let header = try file.bytes(at: 0, count: 48, "header")
        guard let size = fileOffset(header.bigEndian64(at: 24)), (1...largestMedium).contains(size) else {
            throw file.damaged("it claims a medium of \(header.bigEndian64(at: 24)) bytes")
        }
        let clusterBits = Int(header[32])
        let level2Bits = Int(header[33])
        guard (9...16).contains(clusterBits), (6...13).contains(level2Bits) else {
            throw file.damaged("it claims clusters of 2^\(clusterBits) bytes and tables of 2^\(level2Bits) entries")
        }
        guard header.bigEndian32(at: 36) == 0 else {
            throw file.unsupported("is encrypted and cannot be read", "Decrypt it with the program that made it.")
        }
        var facts = VirtualDiskFacts(format: .qcow, size: size)
        facts.backing = try backing(file, header)
        facts.properties = [
            SourceProperty("format_version", "1"), SourceProperty("cluster_size", "\(1 << clusterBits)"),
        ]
        let clusterSize = 1 << clusterBits
        let perTable = 1 << level2Bits
        let covered = clusterSize * perTable
        let tables = (size - 1) / covered + 1
        guard let start = fileOffset(header.bigEndian64(at: 40)), tables <= largestLevel1 / 8 else {
            throw file.damaged("its level-1 table lies outside of any file")
        }
        var budget = TableBudget(file)
        let present = try file.entries(at: start, count: tables, width: 8) { (table, bytes, at) throws(SourceError) in
            let offset = bytes.bigEndian64(at: at)
            guard offset != 0 else { return }
            let end = min(size, (table + 1) * covered)
            guard let offset = fileOffset(offset), offset <= file.size - perTable * 8 else {
                try facts.lost.add(
                    offset: table * covered, length: end - table * covered,
                    "its level-2 table lies beyond the end of the file")
                return
            }
            try budget.spend(perTable * 8)
            _ = try file.entries(at: offset, count: perTable, width: 8) { (entry, bytes, at) throws(SourceError) in
                let value = bytes.bigEndian64(at: at)
                let guest = table * covered + entry * clusterSize
                guard value != 0, guest < size else { return }
                let isCompressed = value >> 63 == 1
                let shift = UInt64(63 - clusterBits)
                let host = isCompressed ? value & (1 << shift - 1) : value
                let length =
                    isCompressed ? Int(value >> shift) & (clusterSize - 1) : min(clusterSize, size - guest)
                guard let host = fileOffset(host), host <= file.size - length else {
                    try facts.lost.add(
                        offset: guest, length: min(clusterSize, size - guest),
                        "its cluster lies beyond the end of the file")
                    return
                }
            }
        }
        if present < tables {
            try facts.lost.add(
                offset: present * covered, length: size - present * covered,
                "the level-1 table lies beyond the end of the file")
        }
        return facts
    }
}

/// Where a QCOW2 image keeps what, as far as its header says.
struct QCOW2Layout {
    let file: HeaderFile
    let header: [UInt8]
    let version: Int
    let clusterBits: Int
    let size: Int

    var incompatible: UInt64 { version == 3 && header.count >= 80 ? header.bigEndian64(at: 72) : 0 }

    /// 0 for deflate, 1 for zstd.
    var compression: Int {
        version == 3 && incompatible & 8 != 0 && header.count >= 105 ? Int(header[104]) : 0
    }

    /// Content of a header extension; nil when there is none.
    func headerExtension(_ wanted: Int) throws(SourceError) -> [UInt8]? {
        var position = version == 3 && header.count >= 104 ? header.bigEndian32(at: 100) : 72
        // Each one has at least 8 bytes, and all of them lie in the first cluster.
        let end = min(file.size, 1 << clusterBits)
        while position >= 72, position <= end - 8 {
            let head = try file.bytes(at: position, count: 8, "header extension")
            let length = head.bigEndian32(at: 4)
            guard head.bigEndian32(at: 0) != 0, length <= end - position - 8 else { return nil }
            if head.bigEndian32(at: 0) == wanted {
                return try file.bytes(at: position + 8, count: length, "header extension")
            }
            position += 8 + (length + 7) / 8 * 8
        }
        return nil
    }

    /// Lists what of the medium should lie beyond the end of the file: qemu reads zeros there, without a word.
    func findLost(_ facts: inout VirtualDiskFacts) throws(SourceError) {
        let isExtended = incompatible & 16 != 0
        let width = isExtended ? 16 : 8
        let clusterSize = 1 << clusterBits
        let perTable = clusterSize / width
        let covered = clusterSize * perTable
        let tables = (size - 1) / covered + 1
        let claimed = header.bigEndian32(at: 36)
        guard let start = fileOffset(header.bigEndian64(at: 40)), claimed >= tables,
            claimed <= QCOWHeader.largestLevel1 / 8
        else {
            throw file.damaged("its level-1 table has \(claimed) entries; the medium needs \(tables)")
        }
        var lost = facts.lost
        var budget = TableBudget(file)
        let present = try file.entries(at: start, count: tables, width: 8) { (table, bytes, at) throws(SourceError) in
            let offset = bytes.bigEndian64(at: at) & 0x00FF_FFFF_FFFF_FE00
            guard offset != 0 else { return }
            let first = table * covered
            let end = min(size, first + covered)
            guard let offset = fileOffset(offset), offset <= file.size - clusterSize else {
                try lost.add(offset: first, length: end - first, "its level-2 table lies beyond the end of the file")
                return
            }
            let needed = (end - first - 1) / clusterSize + 1
            try budget.spend(needed * width)
            _ = try file.entries(at: offset, count: needed, width: width) { (entry, bytes, at) throws(SourceError) in
                let guest = first + entry * clusterSize
                let length = min(clusterSize, size - guest)
                let value = bytes.bigEndian64(at: at)
                var needed = length
                if isExtended, value >> 62 & 1 == 0 {
                    // Only some parts may be allocated: what counts is where the last one of them ends.
                    let allocated = bytes.bigEndian64(at: at + 8) & 0xFFFF_FFFF
                    guard allocated != 0 else { return }
                    needed = min(length, clusterSize / 32 * (64 - allocated.leadingZeroBitCount))
                }
                guard !holds(value, needed) else { return }
                try lost.add(offset: guest, length: length, "its cluster lies beyond the end of the file")
            }
        }
        if present < tables {
            try lost.add(
                offset: present * covered, length: size - present * covered,
                "the level-1 table lies beyond the end of the file")
        }
        facts.lost = lost
    }

    /// Whether the file holds the cluster that a level-2 entry speaks of.
    private func holds(_ entry: UInt64, _ length: Int) -> Bool {
        if entry >> 62 & 1 == 1 {
            let shift = UInt64(62 - (clusterBits - 8))
            let host = entry & (1 << shift - 1)
            let sectors = (entry & ~(3 << 62)) >> shift
            // The last sector of a compressed cluster need not be whole.
            let end = (host & ~511) + (sectors + 1) * 512
            return end <= UInt64((file.size + 511) / 512 * 512)
        }
        let host = entry & 0x00FF_FFFF_FFFF_FE00
        guard host != 0, entry & 1 == 0 else { return true }
        guard let host = fileOffset(host) else { return false }
        return host <= file.size - length
    }
}
