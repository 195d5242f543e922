/// The text that says what a VMDK image consists of: in a file of its own, or inside its only extent.
struct VMDKDescriptor {
    /// Largest descriptor, as qemu limits it too.
    static let largest = 20 * 512 * 1024
    static let mostExtents = 256
    static let longestLine = 4096

    /// One line such as `RW 63 FLAT "disk-flat.vmdk" 0`.
    struct Extent: Hashable {
        let access: String
        let sectors: Int
        let type: String
        /// Nil for an extent of zeros.
        let name: String?
        /// Where in the file it begins, in sectors.
        let offset: Int
    }

    private(set) var values: [String: String] = [:]
    private(set) var extents: [Extent] = []

    /// Says whether a file begins like a descriptor: comments and empty lines before a line with a `version`.
    static func begins(_ head: [UInt8]) -> Bool {
        String(decoding: head.prefix(64), as: UTF8.self).lowercased().hasPrefix("# disk descriptorfile")
    }

    /// - Throws: ``SourceError``: `damaged` when a line of an extent does not parse, or there are too many.
    init(_ bytes: [UInt8], of file: HeaderFile) throws(SourceError) {
        let text = bytes.prefix { $0 != 0 }
        for raw in text.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
            guard raw.count <= Self.longestLine else { throw file.damaged("a line of its descriptor is too long") }
            guard let line = String(validating: raw, as: UTF8.self) else {
                // VMware writes other encodings only into comments and names that we would have to follow.
                let first = raw.first { $0 != 0x20 && $0 != 0x09 }
                if first == UInt8(ascii: "#") { continue }
                throw file.unsupported(
                    "has a descriptor that is not UTF-8", "Rename its extents to ASCII names, in a working copy.")
            }
            let words = line.drop { $0 == " " || $0 == "\t" }
            guard !words.isEmpty, words.first != "#" else { continue }
            if let extent = try Self.extent(words, file) {
                guard extents.count < Self.mostExtents else {
                    throw file.unsupported("has more than \(Self.mostExtents) extents", "Convert it into one file.")
                }
                extents.append(extent)
            } else if let equals = words.firstIndex(of: "=") {
                let key = Self.trimmed(words[..<equals]).lowercased()
                let value = Self.trimmed(words[words.index(after: equals)...])
                guard values[key] == nil || values[key] == value else {
                    throw file.damaged("its descriptor says twice, and differently, what \"\(key)\" is")
                }
                values[key] = value
            }
        }
    }

    private static func extent(_ line: Substring, _ file: HeaderFile) throws(SourceError) -> Extent? {
        let fields = line.split(separator: " ", maxSplits: 3)
        guard fields.count >= 3, ["RW", "RDONLY", "NOACCESS"].contains(fields[0]) else { return nil }
        guard let sectors = Int(fields[1]), (0...1 << 51).contains(sectors) else {
            throw file.damaged("an extent of its descriptor has \(fields[1].prefix(40)) sectors")
        }
        guard fields.count == 4 else {
            return Extent(
                access: String(fields[0]), sectors: sectors, type: String(fields[2]), name: nil, offset: 0)
        }
        let rest = fields[3]
        guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else {
            throw file.damaged("the name of an extent in its descriptor is not in quotes")
        }
        let name = String(rest[rest.index(after: rest.startIndex)..<end])
        let tail = rest[rest.index(after: end)...].split(separator: " ").first
        let offset = tail.map { Int($0) } ?? 0
        guard let offset, (0...1 << 51).contains(offset) else {
            throw file.damaged("an extent of its descriptor begins at no number")
        }
        return Extent(
            access: String(fields[0]), sectors: sectors, type: String(fields[2]), name: name, offset: offset)
    }

    private static func trimmed(_ text: Substring) -> String {
        let isOuter = { (character: Character) in character == " " || character == "\t" || character == "\"" }
        let start = text.drop(while: isOuter)
        return String(start.reversed().drop(while: isOuter).reversed())
    }
}
