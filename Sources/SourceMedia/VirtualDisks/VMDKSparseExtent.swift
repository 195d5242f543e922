import EvidenceModel

/// A sparse extent of a VMDK image: `KDMV` (hosted and stream-optimised) or `COWD` (ESX).
struct VMDKSparseExtent {
    /// Most bytes of a grain: qemu's own limit is 64 MiB.
    static let grainSectors = 1...(64 << 20) / 512
    static let mostDirectoryEntries = 512 << 20 / 8

    let file: HeaderFile
    /// Bytes of the medium that it holds.
    let size: Int
    private(set) var properties: [SourceProperty] = []
    private(set) var warnings: [String] = []
    private let header: [UInt8]
    private let isHosted: Bool
    private let isCompressed: Bool
    private let grainSize: Int
    private let entriesPerTable: Int
    /// Where the grain directory lies, in bytes.
    private let directory: Int

    init(_ file: HeaderFile) throws(SourceError) {
        self.file = file
        let first = try file.bytes(at: 0, count: 512, "header")
        if first.starts(with: Array("COWD".utf8)) {
            header = first
            isHosted = false
            isCompressed = false
            let sectors = first.littleEndian32(at: 12)
            grainSize = first.littleEndian32(at: 16) * 512
            directory = first.littleEndian32(at: 20) * 512
            entriesPerTable = 4096
            size = sectors * 512
            guard sectors > 0, Self.grainSectors.contains(grainSize / 512) else {
                throw file.damaged("it claims \(sectors) sectors in grains of \(grainSize) bytes")
            }
            return
        }
        guard first.starts(with: Array("KDMV".utf8)) else {
            throw file.damaged("it is no sparse extent of a VMDK image")
        }
        // qemu takes such a header for one that stands before a descriptor, and follows that.
        guard first.littleEndian64(at: 12) != 0 else { throw file.damaged("its header claims a medium of no bytes") }
        isHosted = true
        let flags = first.littleEndian32(at: 8)
        isCompressed = flags & 0x1_0000 != 0
        header = try Self.countingHeader(file, first)
        let sectors = header.littleEndian64(at: 12)
        let grain = header.littleEndian64(at: 20)
        entriesPerTable = header.littleEndian32(at: 44)
        guard (1...1 << 51).contains(sectors), grain <= UInt64(Self.grainSectors.upperBound),
            Self.grainSectors.contains(Int(grain)), (1...512 << 10).contains(entriesPerTable)
        else {
            throw file.damaged(
                "it claims \(sectors) sectors in grains of \(grain), and tables of \(entriesPerTable) entries")
        }
        size = Int(sectors) * 512
        grainSize = Int(grain) * 512
        let place = header.littleEndian64(at: 56)
        guard place <= 1 << 51 else { throw file.damaged("its grain directory lies outside of any file") }
        directory = Int(place) * 512
        properties = [
            SourceProperty("format_version", "\(first.littleEndian32(at: 4))"),
            SourceProperty("grain_size", "\(grainSize)"),
        ]
        if first[72] != 0 { warnings.append("\(file.name) was not closed properly by the program that wrote it") }
    }

    /// The header that counts: at the end of a stream, whose writer did not know at its start where things would lie.
    private static func countingHeader(_ file: HeaderFile, _ first: [UInt8]) throws(SourceError) -> [UInt8] {
        guard first.littleEndian64(at: 56) == UInt64.max else { return first }
        guard file.size >= 2048 else { throw file.damaged("it is cut off") }
        let footer = try file.bytes(at: file.size - 1024, count: 512, "footer")
        guard footer.starts(with: Array("KDMV".utf8)), footer.littleEndian64(at: 56) != UInt64.max else {
            throw file.damaged("the footer at its end is missing: the file is cut off, or something was added to it")
        }
        return footer
    }

    /// The descriptor inside; nil when the extent has none.
    func embeddedDescriptor() throws(SourceError) -> [UInt8]? {
        guard isHosted else { return nil }
        let offset = header.littleEndian64(at: 28)
        let length = header.littleEndian64(at: 36)
        guard offset != 0, length != 0 else { return nil }
        guard offset <= 1 << 51, length <= UInt64(VMDKDescriptor.largest / 512) else {
            throw file.damaged("it claims a descriptor of \(length) sectors")
        }
        return try file.bytes(at: Int(offset) * 512, count: Int(length) * 512, "descriptor")
    }

    /// Notes which parts of the medium should lie beyond the end of the file: qemu reads zeros or rubbish there.
    ///
    /// - Parameters:
    ///   - start: where in the medium the extent begins.
    ///   - prefix: what the words about it begin with.
    ///   - limit: how many of its bytes belong to the medium; all of them when nil.
    func findLost(
        from start: Int, prefix: String, limit: Int? = nil, _ lost: inout LostRanges
    ) throws(SourceError) {
        let size = min(size, limit ?? size)
        guard size > 0 else { return }
        let covered = grainSize * entriesPerTable
        let tables = (size - 1) / covered + 1
        guard tables <= Self.mostDirectoryEntries else { throw file.damaged("it claims \(tables) grain tables") }
        var budget = TableBudget(file)
        var found = lost
        let present = try file.entries(at: directory, count: tables, width: 4) {
            (table, bytes, at) throws(SourceError) in
            let offset = bytes.littleEndian32(at: at) * 512
            let first = table * covered
            let length = min(covered, size - first)
            let needed = (length - 1) / grainSize + 1
            guard offset != 0 else { return }
            guard offset <= file.size - needed * 4 else {
                try found.add(
                    offset: start + first, length: length, prefix + "its grain table lies beyond the end of the file")
                return
            }
            try budget.spend(needed * 4)
            _ = try file.entries(at: offset, count: needed, width: 4) { (entry, bytes, at) throws(SourceError) in
                let sector = bytes.littleEndian32(at: at)
                // 1 stands for a grain of zeros.
                guard sector > 1 else { return }
                let guest = first + entry * grainSize
                let length = min(grainSize, size - guest)
                guard try !holds(sector, length) else { return }
                try found.add(
                    offset: start + guest, length: length, prefix + "its grain lies beyond the end of the file")
            }
        }
        if present < tables {
            try found.add(
                offset: start + present * covered, length: size - present * covered,
                prefix + "the grain directory lies beyond the end of the file")
        }
        lost = found
    }

    private func holds(_ sector: Int, _ length: Int) throws(SourceError) -> Bool {
        guard isCompressed else { return sector * 512 <= file.size - length }
        // A compressed grain begins with its address and the number of its bytes.
        guard sector * 512 <= file.size - 12 else { return false }
        let marker = try file.bytes(at: sector * 512, count: 12, "grain")
        return sector * 512 + 12 <= file.size - marker.littleEndian32(at: 8)
    }
}
