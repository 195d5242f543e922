internal import EvidenceModel

/// Writes a FAT16 volume with long file names, as a camera or an office computer leaves one on a stick: files present,
/// deleted, in pieces, overwritten.
///
/// Microsoft, "FAT32 File System Specification", version 1.03 (2000), which defines FAT12 and FAT16 too. No clock: all
/// times are 9 March 2024, 10:30.
struct FATVolume {
    static let sectorSize = 512
    /// A cluster is one sector, so that a cluster's slack is a sector's.
    static let clusterSize = 512

    private static let rootEntries = 512
    private static let reservedSectors = 1
    private static let endOfChain: UInt16 = 0xFFFF
    private static let date: UInt16 = (2024 - 1980) << 9 | 3 << 5 | 9
    private static let time: UInt16 = 10 << 11 | 30 << 5

    let sectorCount: Int
    let clusterCount: Int
    private let sectorsPerFAT: Int
    private var table: [UInt16]
    private var data: [UInt8]
    private var nextCluster = 2
    private var folders: [String: Folder] = ["": Folder(clusters: [])]
    private let label: String
    private let serial: UInt32

    /// A folder: its clusters (none for the root, which has an area of its own) and its raw entries.
    private struct Folder {
        var clusters: [Int]
        var entries: [Entry] = []
        var shortNames: Set<String> = []
    }

    /// The directory entries of one file: those of the long name, then the short one.
    private struct Entry {
        var path: String
        var raw: [UInt8]
        var clusters: [Int]
        var isDeleted = false
    }

    init(sectorCount: Int, label: String, serial: UInt32) throws {
        self.sectorCount = sectorCount
        self.label = label
        self.serial = serial
        // The table must hold every cluster; one sector of it holds 256.
        let rootSectors = Self.rootEntries * 32 / Self.sectorSize
        var perFAT = 1
        while (sectorCount - Self.reservedSectors - 2 * perFAT - rootSectors) + 2 > perFAT * 256 { perFAT += 1 }
        sectorsPerFAT = perFAT
        clusterCount = sectorCount - Self.reservedSectors - 2 * perFAT - rootSectors
        guard (4085..<65525).contains(clusterCount) else {
            throw BuilderError("\(clusterCount) clusters would not be FAT16 (4085 to 65524)")
        }
        table = [UInt16](repeating: 0, count: clusterCount + 2)
        table[0] = 0xFFF8
        table[1] = Self.endOfChain
        data = [UInt8](repeating: 0, count: clusterCount * Self.clusterSize)
    }

    /// First byte of a cluster in the image.
    private func offset(ofCluster cluster: Int) -> Int {
        let rootSectors = Self.rootEntries * 32 / Self.sectorSize
        let firstData = Self.reservedSectors + 2 * sectorsPerFAT + rootSectors
        return (firstData + cluster - 2) * Self.sectorSize
    }

    static func clusters(for size: Int) -> Int { (size + clusterSize - 1) / clusterSize }

    /// Takes the next free clusters in rising order, as a fresh volume is filled.
    mutating func take(_ count: Int) throws -> [Int] {
        guard nextCluster + count <= clusterCount + 2 else { throw BuilderError("the FAT volume is full") }
        defer { nextCluster += count }
        return Array(nextCluster..<nextCluster + count)
    }

    /// Makes a folder that has room for `entries` directory entries.
    mutating func makeFolder(_ path: String, entries: Int = 64) throws {
        let clusters = try take(Self.clusters(for: entries * 32))
        try addEntry(path, attributes: 0x10, clusters: clusters, size: 0)
        link(clusters)
        let parent = Self.parent(of: path)
        let up = folders[parent]?.clusters.first ?? 0
        var folder = Folder(clusters: clusters)
        for (name, target) in [(".", clusters.first ?? 0), ("..", up)] {
            let raw = Self.shortEntry(Self.padded(name, to: 11), attributes: 0x10, cluster: target, size: 0)
            folder.entries.append(Entry(path: "", raw: raw, clusters: []))
        }
        folders[path] = folder
    }

    /// Writes a file into the next free clusters, or into those given. Returns where its bytes lie.
    @discardableResult
    mutating func add(_ path: String, _ content: [UInt8], clusters given: [Int]? = nil) throws -> [Extent] {
        let clusters = try given ?? take(Self.clusters(for: content.count))
        guard clusters.count == Self.clusters(for: content.count) else {
            throw BuilderError("\(path) needs \(Self.clusters(for: content.count)) clusters, got \(clusters.count)")
        }
        try addEntry(path, attributes: 0x20, clusters: clusters, size: content.count)
        link(clusters)
        for (index, cluster) in clusters.enumerated() {
            let piece = content[(index * Self.clusterSize)..<min(content.count, (index + 1) * Self.clusterSize)]
            let at = (cluster - 2) * Self.clusterSize
            // The rest of the last cluster is zeroed, as current systems do.
            let padding = [UInt8](repeating: 0, count: Self.clusterSize - piece.count)
            data.replaceSubrange(at..<at + Self.clusterSize, with: piece + padding)
        }
        return extents(of: clusters, size: content.count)
    }

    /// Deletes a file as DOS and its heirs do: 0xE5 over the first byte of its entries, its chain freed, its data left.
    mutating func delete(_ path: String) throws {
        let parent = Self.parent(of: path)
        let entries = folders[parent]?.entries ?? []
        guard let index = entries.firstIndex(where: { $0.path == path && !$0.isDeleted }) else {
            throw BuilderError("no file \(path) to delete")
        }
        var entry = entries[index]
        for at in stride(from: 0, to: entry.raw.count, by: 32) { entry.raw[at] = 0xE5 }
        entry.isDeleted = true
        for cluster in entry.clusters { table[cluster] = 0 }
        folders[parent]?.entries[index] = entry
    }

    private mutating func link(_ clusters: [Int]) {
        for (cluster, following) in zip(clusters, clusters.dropFirst()) { table[cluster] = UInt16(following) }
        if let last = clusters.last { table[last] = Self.endOfChain }
    }

    private func extents(of clusters: [Int], size: Int) -> [Extent] {
        var output: [Extent] = []
        var left = size
        for cluster in clusters {
            let piece = Extent(offset: offset(ofCluster: cluster), length: min(left, Self.clusterSize))
            left -= piece.length
            if let last = output.last, last.end == piece.offset {
                output[output.count - 1] = Extent(offset: last.offset, length: last.length + piece.length)
            } else {
                output.append(piece)
            }
        }
        return output
    }

    // MARK: Directory entries

    private static func parent(of path: String) -> String {
        path.split(separator: "/").dropLast().joined(separator: "/")
    }

    private mutating func addEntry(_ path: String, attributes: UInt8, clusters: [Int], size: Int) throws {
        let parent = Self.parent(of: path)
        guard var folder = folders[parent], let name = path.split(separator: "/").last.map(String.init) else {
            throw BuilderError("no folder for \(path)")
        }
        let short = Self.shortName(for: name, taken: folder.shortNames)
        folder.shortNames.insert(short)
        let isPlain = Self.fits(name, short: short)
        var raw = isPlain ? [] : Self.longEntries(name, checksum: Self.checksum(short))
        raw += Self.shortEntry(Array(short.utf8), attributes: attributes, cluster: clusters.first ?? 0, size: size)
        folder.entries.append(Entry(path: path, raw: raw, clusters: clusters))
        let capacity = parent.isEmpty ? Self.rootEntries * 32 : folder.clusters.count * Self.clusterSize
        let used = folder.entries.reduce(parent.isEmpty ? 32 : 0) { $0 + $1.raw.count }
        guard used < capacity else { throw BuilderError("the folder of \(path) is full") }
        folders[parent] = folder
    }

    private static func padded(_ text: String, to count: Int) -> [UInt8] {
        Array((text + String(repeating: " ", count: count)).utf8.prefix(count))
    }

    /// An 11-character short name that is not yet taken: letters and digits, then ~1, ~2 and so on where it was cut.
    private static func shortName(for name: String, taken: Set<String>) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: true)
        let stem = plain(parts.count > 1 ? parts.dropLast().joined() : name)
        let suffix = String((parts.count > 1 ? plain(String(parts[parts.count - 1])) : "").prefix(3))
        let tail = String(decoding: padded(suffix, to: 3), as: UTF8.self)
        let whole = String(decoding: padded(stem, to: 8), as: UTF8.self) + tail
        if stem.count <= 8, fits(name, short: whole), !taken.contains(whole) { return whole }
        var number = 1
        while true {
            let mark = "~\(number)"
            let cut = String(stem.prefix(8 - mark.count)) + mark
            let candidate = String(decoding: padded(cut, to: 8), as: UTF8.self) + tail
            if !taken.contains(candidate) { return candidate }
            number += 1
        }
    }

    private static func plain(_ text: String) -> String {
        let kept = text.uppercased().unicodeScalars.map { scalar in
            ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || "_-~".unicodeScalars.contains(scalar)
                ? Character(scalar) : "_"
        }
        return String(kept)
    }

    /// Whether the short name says all of the name, so that no long one is needed.
    private static func fits(_ name: String, short: String) -> Bool {
        let stem = short.prefix(8).trimmingSpaces
        let suffix = short.dropFirst(8).trimmingSpaces
        return name == (suffix.isEmpty ? stem : "\(stem).\(suffix)")
    }

    private static func checksum(_ short: String) -> UInt8 {
        short.utf8.reduce(0) { (($0 & 1) << 7) &+ ($0 >> 1) &+ $1 }
    }

    /// The entries of a long name: last part first, 13 UTF-16 units each.
    private static func longEntries(_ name: String, checksum: UInt8) -> [UInt8] {
        var units = Array(name.utf16)
        let count = (units.count + 12) / 13
        if units.count % 13 != 0 { units.append(0) }
        while units.count % 13 != 0 { units.append(0xFFFF) }
        var output: [UInt8] = []
        for part in (0..<count).reversed() {
            let order = UInt8(part + 1) | (part == count - 1 ? 0x40 : 0)
            let piece = units[part * 13..<part * 13 + 13].map { $0 }
            output.append(order)
            output.appendLittleEndian(piece[0..<5])
            output += [0x0F, 0, checksum]
            output.appendLittleEndian(piece[5..<11])
            output += [0, 0]
            output.appendLittleEndian(piece[11..<13])
        }
        return output
    }

    private static func shortEntry(_ name: [UInt8], attributes: UInt8, cluster: Int, size: Int) -> [UInt8] {
        var raw = name
        raw += [attributes, 0, 0]
        raw.appendLittleEndian([time, date, date, 0, time, date, UInt16(cluster)])
        raw.appendLittleEndian(UInt32(size))
        return raw
    }

    // MARK: The image

    /// The volume's bytes.
    var image: [UInt8] {
        var output = bootSector
        var fat: [UInt8] = []
        fat.appendLittleEndian(table[...])
        fat += [UInt8](repeating: 0, count: sectorsPerFAT * Self.sectorSize - fat.count)
        output += fat + fat
        var root = Array(Self.padded(label, to: 11)) + [0x08] + [UInt8](repeating: 0, count: 10)
        root.appendLittleEndian([Self.time, Self.date, 0, 0, 0])
        root += folders[""]?.entries.flatMap(\.raw) ?? []
        output += root + [UInt8](repeating: 0, count: Self.rootEntries * 32 - root.count)
        var clusters = data
        for (_, folder) in folders {
            let raw = folder.entries.flatMap(\.raw)
            for (index, cluster) in folder.clusters.enumerated() {
                let piece = raw.dropFirst(index * Self.clusterSize).prefix(Self.clusterSize)
                let at = (cluster - 2) * Self.clusterSize
                clusters.replaceSubrange(at..<at + piece.count, with: piece)
            }
        }
        return output + clusters
    }

    private var bootSector: [UInt8] {
        var sector: [UInt8] = [0xEB, 0x3C, 0x90] + Array("EXHIBIT ".utf8)
        sector.appendLittleEndian(UInt16(Self.sectorSize))
        sector += [UInt8(Self.clusterSize / Self.sectorSize)]
        sector.appendLittleEndian(UInt16(Self.reservedSectors))
        sector += [2]
        sector.appendLittleEndian([UInt16(Self.rootEntries), UInt16(sectorCount < 65536 ? sectorCount : 0)])
        sector += [0xF8]
        sector.appendLittleEndian([UInt16(sectorsPerFAT), 32, 2])
        sector.appendLittleEndian(UInt32(0))
        sector.appendLittleEndian(UInt32(sectorCount < 65536 ? 0 : sectorCount))
        sector += [0x80, 0, 0x29]
        sector.appendLittleEndian(serial)
        sector += Self.padded(label, to: 11) + Array("FAT16   ".utf8)
        sector += [UInt8](repeating: 0, count: 510 - sector.count)
        return sector + [0x55, 0xAA]
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String { String(self).split(separator: " ").joined(separator: " ") }
}

extension [UInt8] {
    mutating func appendLittleEndian(_ values: ArraySlice<UInt16>) {
        for value in values { self += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)] }
    }

    mutating func appendLittleEndian(_ values: [UInt16]) { appendLittleEndian(values[...]) }

    mutating func appendLittleEndian(_ value: UInt16) { appendLittleEndian([value]) }

    mutating func appendLittleEndian(_ value: UInt32) {
        appendLittleEndian([UInt16(truncatingIfNeeded: value), UInt16(truncatingIfNeeded: value >> 16)])
    }
}
