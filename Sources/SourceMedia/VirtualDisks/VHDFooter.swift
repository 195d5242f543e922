import EvidenceModel

/// Reads what a Virtual PC disk image (VHD) says of itself, and which of its blocks lie beyond its end.
enum VHDFooter {
    static let cookie = Array("conectix".utf8)
    static let length = 512
    static let largestMedium = 1 << 60
    static let blockSizes = 512...1 << 28
    static let mostBlocks = 1 << 26
    /// Times count from 2000-01-01.
    private static let epoch: Int64 = 946_684_800

    /// The footer at the end of a file that may be a fixed image.
    enum Ending {
        case none
        /// The file is a fixed image: the footer's sum holds, and what lies before it is as long as it says.
        case fixed
        /// The last sector looks like a footer, but the file is not what it says.
        case foreign(String)
    }

    /// Looks at the last sector of a file whose first bytes tell nothing.
    ///
    /// A medium may by chance, or because such an image was written onto it, end with these bytes: it is taken for a
    /// VHD image only when everything fits.
    static func ending(of file: HeaderFile) throws(SourceError) -> Ending {
        guard file.size > length else { return .none }
        let footer = try file.bytes(at: file.size - length, count: length, "last sector")
        guard footer.starts(with: cookie) else { return .none }
        guard sumHolds(footer) else {
            return .foreign("the last sector begins like the footer of a VHD image, but its checksum is wrong")
        }
        guard footer.bigEndian32(at: 60) == 2 else {
            return .foreign(
                "the last sector is the footer of a dynamic VHD image, but the file does not begin like one")
        }
        guard footer.bigEndian64(at: 48) == UInt64(file.size - length) else {
            return .foreign(
                "the last sector is the footer of a VHD image of \(footer.bigEndian64(at: 48)) bytes, but "
                    + "\(file.size - length) bytes lie before it")
        }
        return .fixed
    }

    /// Reads an image that begins with a footer, or whose end is one (`fixed`).
    static func read(_ file: HeaderFile, fixed: Bool) throws(SourceError) -> VirtualDiskFacts {
        let offset = fixed ? file.size - length : 0
        let footer = try file.bytes(at: offset, count: length, "footer")
        guard let size = fileOffset(footer.bigEndian64(at: 48)), (1...largestMedium).contains(size) else {
            throw file.damaged("it claims a medium of \(footer.bigEndian64(at: 48)) bytes")
        }
        var facts = VirtualDiskFacts(format: .vhd, size: size)
        // Without it qemu cuts the medium down to what its cylinders, heads and sectors address.
        facts.driverOptions["force_size_calc"] = "\"current_size\""
        facts.properties = properties(footer)
        switch footer.bigEndian32(at: 60) {
        case 2:
            facts.warnings.append(
                "read as a fixed VHD image: its last 512 bytes are its footer, and the medium is what lies before them")
            return facts
        case 3: break
        case 4:
            throw file.unsupported(
                "is a differencing image: it holds only what was changed since its parent, and cannot be read "
                    + "without it",
                "Merge both with the program that made them, and take in the result.")
        case let type:
            throw file.unsupported(
                "is a VHD image of type \(type), which is not known", "Convert it with its own program.")
        }
        try readDynamic(file, footer, &facts)
        return facts
    }

    private static func properties(_ footer: [UInt8]) -> [SourceProperty] {
        let version = footer.bigEndian32(at: 32)
        let seconds = epoch + Int64(footer.bigEndian32(at: 24))
        return [
            SourceProperty("creator", headerText(footer[28..<32])),
            SourceProperty("creator_version", "\(version >> 16).\(version & 0xFFFF)"),
            SourceProperty("creator_system", headerText(footer[36..<40])),
            SourceProperty("created", UTCTime(milliseconds: seconds * 1000).rfc3339),
            SourceProperty("variant", footer.bigEndian32(at: 60) == 2 ? "fixed" : "dynamic"),
            SourceProperty("original_size", "\(footer.bigEndian64(at: 40))"),
            SourceProperty(
                "geometry",
                "\(Int(footer[56]) << 8 | Int(footer[57])) cylinders, \(footer[58]) heads, \(footer[59]) sectors"),
            SourceProperty("uuid", uuidText(Array(footer[68..<84]), isMixed: false)),
            SourceProperty("saved_state", footer[84] == 0 ? "no" : "yes"),
        ]
    }

    private static func readDynamic(
        _ file: HeaderFile, _ footer: [UInt8], _ facts: inout VirtualDiskFacts
    ) throws(SourceError) {
        if !sumHolds(footer) { facts.damage.append("the checksum of the copy of the footer at byte 0 is wrong") }
        guard let start = fileOffset(footer.bigEndian64(at: 16)) else {
            throw file.damaged("its dynamic header lies outside of any file")
        }
        let header = try file.bytes(at: start, count: 1024, "dynamic header")
        guard header.starts(with: Array("cxsparse".utf8)) else {
            throw file.damaged("there is no dynamic header at byte \(start)")
        }
        if !sumHolds(header, at: 36) { facts.damage.append("the checksum of the dynamic header is wrong") }
        let blockSize = header.bigEndian32(at: 32)
        let blocks = header.bigEndian32(at: 28)
        let size = facts.size
        guard blockSizes.contains(blockSize), blockSize & (blockSize - 1) == 0, (1...mostBlocks).contains(blocks),
            (size - 1) / blockSize < blocks, let table = fileOffset(header.bigEndian64(at: 16))
        else {
            throw file.damaged("it claims \(blocks) blocks of \(blockSize) bytes for a medium of \(size) bytes")
        }
        facts.properties.append(SourceProperty("block_size", "\(blockSize)"))
        let needed = (size - 1) / blockSize + 1
        let bitmap = (blockSize / 512 / 8 + 511) / 512 * 512
        var lost = facts.lost
        let present = try file.entries(at: table, count: needed, width: 4) { (block, bytes, at) throws(SourceError) in
            let entry = bytes.bigEndian32(at: at)
            guard entry != 0xFFFF_FFFF else { return }
            let length = min(blockSize, size - block * blockSize)
            guard entry * 512 + bitmap > file.size - length else { return }
            try lost.add(offset: block * blockSize, length: length, "its block lies beyond the end of the file")
        }
        if present < needed {
            try lost.add(
                offset: present * blockSize, length: size - present * blockSize,
                "the block table lies beyond the end of the file")
        }
        facts.lost = lost
        let last = try file.bytes(at: file.size - length, count: length, "last sector")
        if last != footer {
            facts.damage.append(
                last.starts(with: cookie)
                    ? "the footer at the end of the file differs from its copy at byte 0"
                    : "the footer at the end of the file is missing: the file is cut off, or something was added to it")
        }
    }

    /// The sum of all bytes but those of the sum, inverted, is what stands at `position`.
    private static func sumHolds(_ bytes: [UInt8], at position: Int = 64) -> Bool {
        var sum = 0
        for (index, byte) in bytes.enumerated() where !(position..<position + 4).contains(index) { sum += Int(byte) }
        return ~sum & 0xFFFF_FFFF == bytes.bigEndian32(at: position)
    }
}
