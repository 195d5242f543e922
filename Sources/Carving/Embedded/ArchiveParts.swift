internal import EvidenceModel

/// The members of a tar archive (POSIX.1-2017 pax, ustar and GNU).
struct TarParts {
    private static let block = 512
    /// Longest extended header that is read.
    private static let longestExtension = 64 * 1024

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        var at = 0
        var longName: [UInt8]?
        var longSize: Int?
        while input.fits(at, Self.block) {
            let header = try input.bytes(at: at, count: Self.block)
            guard header.contains(where: { $0 != 0 }), TarNumber.checksumHolds(header) else { return }
            guard let stated = TarNumber.value(header[124..<136]) else { return }
            let type = header[156]
            let isFile = [0, 0x30, 0x37, 0x53].contains(type)
            let size = (0x31...0x36).contains(type) ? 0 : isFile ? longSize ?? stated : stated
            let start = at + Self.block
            guard input.fits(start, size) else { return }
            switch type {
            case 0x4C:
                longName = try input.bytes(at: start, count: min(size, Self.longestExtension)).prefix { $0 != 0 } + []
            case 0x78:
                let records = try input.bytes(at: start, count: min(size, Self.longestExtension))
                longName = Self.record("path", in: records) ?? longName
                longSize = Self.record("size", in: records).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
                if let size = longSize, size < 0 || size > Int.max / 4 { return }
            case 0x53: list.refuse(.sparse)
            default:
                if isFile, size > 0 {
                    var part = EmbeddedPart(
                        PartPath.escaped(longName ?? Self.name(header)), [start..<start + size])
                    if let modified = TarNumber.value(header[136..<148]) {
                        part.facts["member_modified"] = EvidenceTime.posix(modified)
                    }
                    list.add(part)
                }
            }
            if ![0x4C, 0x4B, 0x78, 0x67].contains(type) { (longName, longSize) = (nil, nil) }
            at = start + (size + Self.block - 1) / Self.block * Self.block
        }
    }

    /// Name, and in ustar archives the folder it lies in.
    private static func name(_ header: [UInt8]) -> [UInt8] {
        let name = Array(header[0..<100].prefix { $0 != 0 })
        guard header[257..<263].elementsEqual("ustar\0".utf8), header[345] != 0 else { return name }
        return Array(header[345..<500].prefix { $0 != 0 }) + [0x2F] + name
    }

    /// The value of a pax record, `length key=value` and a line feed.
    private static func record(_ key: String, in records: [UInt8]) -> [UInt8]? {
        var at = 0
        var value: [UInt8]?
        while at < records.count {
            let digits = records[at...].prefix { (0x30...0x39).contains($0) }
            guard let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 1,
                length <= records.count - at
            else { return value }
            let body = records[(at + digits.count + 1)..<(at + length - 1)]
            if body.starts(with: Array(key.utf8) + [0x3D]) { value = Array(body.dropFirst(key.utf8.count + 1)) }
            at += length
        }
        return value
    }
}

/// The content of a file that is packed whole: one part.
struct PackedParts {
    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    /// The content of a gzip file, named as its header says.
    ///
    /// One member is raw DEFLATE data between header and trailer; of several only the whole can be decoded.
    func gzip(_ container: Artifact, into list: inout PartList) throws(WalkStop) {
        let name = Self.name(container.facts["original_name"]?.string)
        var header: Int?
        do throws(ReadFailure) { header = try GzipWalker.headerLength(input.reader, at: 0) } catch {
            throw .failed(error)
        }
        guard let header, input.count >= header + 8 else { return }
        let end = input.count - 8
        var part = EmbeddedPart(name, [header..<end], .deflate)
        if container.facts["members"]?.integer == 1 {
            part.crc = UInt32(truncatingIfNeeded: try input.u32le(end))
            part.size = try input.u32le(end + 4)
            part.sizeIsShort = true
        } else {
            part.coding = .gzip
            part.input = 0..<input.count
        }
        list.add(part)
    }

    /// The content of a bzip2 file; its blocks begin behind a header of four bytes.
    func bzip2(_ container: Artifact, into list: inout PartList) {
        guard input.count > 14 else { return }
        var part = EmbeddedPart("content", [4..<input.count], .bzip2)
        part.input = 0..<input.count
        list.add(part)
    }

    /// The content of a file that is one compressed stream or several.
    ///
    /// - Parameter isChecked: false when the coding's checksum is optional and left out.
    func whole(_ coding: PartCoding, isChecked: Bool = true, into list: inout PartList) {
        guard input.count > 16 else { return }
        var part = EmbeddedPart("content", [Self.headLength(of: coding)..<input.count], coding)
        part.input = 0..<input.count
        part.codingIsChecked = isChecked
        list.add(part)
    }

    /// Bytes before the compressed data of a file's first stream.
    private static func headLength(of coding: PartCoding) -> Int {
        switch coding {
        case .xz: 12
        case .lzma: 13
        case .lzip: 6
        default: 4
        }
    }

    /// What a package of RPM installs: everything behind its two headers.
    func package(into list: inout PartList) throws(WalkStop) {
        var at = 96
        for isFirst in [true, false] {
            guard try input.matches([0x8E, 0xAD, 0xE8, 0x01], at: at) else { return }
            let entries = try input.u32be(at + 8)
            let store = try input.u32be(at + 12)
            at += 16 + 16 * entries + store
            if isFirst { at = (at + 7) / 8 * 8 }
            guard at < input.count else { return }
        }
        list.add(EmbeddedPart("payload", [at..<input.count]))
    }

    private static func name(_ stated: String?) -> String {
        guard let stated, !stated.isEmpty else { return "content" }
        return PartPath.escapedName(stated.utf8)
    }
}
