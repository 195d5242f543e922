import EvidenceModel

/// Reads what a VirtualBox disk image says of itself, and which of its blocks lie beyond its end.
enum VDIHeader {
    static let largestMedium = 1 << 60
    static let blockSizes = 1 << 12...1 << 28
    /// Most entries of the block map.
    static let mostBlocks = 1 << 29

    static func read(_ file: HeaderFile) throws(SourceError) -> VirtualDiskFacts {
        let header = try file.bytes(at: 0, count: 0x1C8, "header")
        let version = header.littleEndian32(at: 0x44)
        guard version == 0x0001_0001 else {
            throw file.unsupported(
                "is a VDI image of version \(version >> 16).\(version & 0xFFFF), which is not known",
                "Convert it with VirtualBox.")
        }
        guard let size = fileOffset(header.littleEndian64(at: 0x170)), (1...largestMedium).contains(size) else {
            throw file.damaged("it claims a medium of \(header.littleEndian64(at: 0x170)) bytes")
        }
        let parent = Array(header[0x1B8..<0x1C8])
        let link = Array(header[0x1A8..<0x1B8])
        let type = header.littleEndian32(at: 0x4C)
        guard type != 3, type != 4, parent.allSatisfy({ $0 == 0 }), link.allSatisfy({ $0 == 0 }) else {
            throw file.unsupported(
                "is a differencing image: it holds only what was changed since \(uuidText(parent, isMixed: true)), and "
                    + "cannot be read without it",
                "Merge both with VirtualBox (clonemedium), and take in the result.")
        }
        guard type == 1 || type == 2 else {
            throw file.unsupported("is a VDI image of type \(type), which is not known", "Convert it with VirtualBox.")
        }
        let blockSize = header.littleEndian32(at: 0x178)
        let blocks = header.littleEndian32(at: 0x180)
        guard blockSizes.contains(blockSize), blockSize & (blockSize - 1) == 0, (1...mostBlocks).contains(blocks),
            (size - 1) / blockSize < blocks
        else {
            throw file.damaged("it claims \(blocks) blocks of \(blockSize) bytes for a medium of \(size) bytes")
        }
        var facts = VirtualDiskFacts(format: .vdi, size: size)
        facts.properties = [
            SourceProperty("creator", headerText(header[0..<0x40])),
            SourceProperty("variant", type == 1 ? "dynamic" : "fixed"),
            SourceProperty("block_size", "\(blockSize)"),
            SourceProperty("uuid", uuidText(Array(header[0x188..<0x198]), isMixed: true)),
            SourceProperty("uuid_last_change", uuidText(Array(header[0x198..<0x1A8]), isMixed: true)),
        ]
        let description = headerText(header[0x54..<0x154])
        if !description.isEmpty { facts.properties.append(SourceProperty("description", description)) }
        try findLost(file, header, blockSize, &facts)
        return facts
    }

    private static func findLost(
        _ file: HeaderFile, _ header: [UInt8], _ blockSize: Int, _ facts: inout VirtualDiskFacts
    ) throws(SourceError) {
        let size = facts.size
        let data = header.littleEndian32(at: 0x158)
        let needed = (size - 1) / blockSize + 1
        var lost = facts.lost
        var present = try file.entries(at: header.littleEndian32(at: 0x154), count: needed, width: 4) {
            (block, bytes, at) throws(SourceError) in
            let entry = bytes.littleEndian32(at: at)
            guard entry < 0xFFFF_FFFE else { return }
            let length = min(blockSize, size - block * blockSize)
            guard data + entry * blockSize > file.size - length else { return }
            try lost.add(offset: block * blockSize, length: length, "its block lies beyond the end of the file")
        }
        present = min(present, needed)
        if present < needed {
            try lost.add(
                offset: present * blockSize, length: size - present * blockSize,
                "the block map lies beyond the end of the file")
        }
        facts.lost = lost
    }
}
