import EvidenceModel

/// Reads what a Hyper-V disk image (VHDX) says of itself, and which of its blocks lie beyond its end.
///
/// [MS-VHDX] 2: header section, log, region table, metadata region, block allocation table.
enum VHDXHeader {
    static let largestMedium = 1 << 60
    static let blockSizes = 1 << 20...256 << 20
    static let mostRegions = 2047
    static let mostMetadata = 2047

    private static let blockTableID = "2dc27766-f623-4200-9d64-115e9bfd4a08"
    private static let metadataID = "8b7ca206-4790-4b9a-b8fe-575f050f886e"

    static func read(_ file: HeaderFile) throws(SourceError) -> VirtualDiskFacts {
        let identifier = try file.bytes(at: 0, count: 520, "identifier")
        var damage: [String] = []
        let header = try currentHeader(file, &damage)
        guard header[48..<64].allSatisfy({ $0 == 0 }) else {
            throw file.unsupported(
                "was not closed properly: its log holds changes that belong into the medium, and writing them would "
                    + "change "
                    + "the evidence",
                "On a working copy, replay the log (`qemu-img check -r all COPY`, or mount it with Hyper-V), and "
                    + "take in that "
                    + "copy beside the original.")
        }
        let regions = try regions(file, &damage)
        guard let table = regions[blockTableID], let metadata = regions[metadataID] else {
            throw file.damaged("its region table lacks the block table or the metadata")
        }
        let items = try Metadata(file, metadata.offset, metadata.length)
        guard let size = fileOffset(try items.number("2fa54224-cd1b-4876-b211-5dbed83bf4b8", 8, "virtual disk size")),
            (1...largestMedium).contains(size)
        else { throw file.damaged("it claims a medium larger than any") }
        let parameters = try items.number("caa16737-fa36-4d43-b3b6-33f0aa44e76b", 8, "file parameters")
        let sectorSize = Int(try items.number("8141bf1d-a96f-4709-ba47-f233a8faab5f", 4, "logical sector size"))
        let blockSize = Int(parameters & 0xFFFF_FFFF)
        guard blockSizes.contains(blockSize), blockSize & (blockSize - 1) == 0, sectorSize == 512 || sectorSize == 4096
        else {
            throw file.damaged("it claims blocks of \(blockSize) bytes and sectors of \(sectorSize)")
        }
        guard parameters >> 33 & 1 == 0 else {
            throw file.unsupported(
                "is a differencing image: it holds only what was changed since its parent, and cannot be read "
                    + "without it",
                "Merge both with Hyper-V (Merge-VHD), and take in the result.")
        }
        var facts = VirtualDiskFacts(format: .vhdx, size: size)
        facts.sectorSize = sectorSize
        facts.damage = damage
        facts.properties = [
            SourceProperty("creator", creator(identifier)),
            SourceProperty("variant", parameters >> 32 & 1 == 1 ? "fixed" : "dynamic"),
            SourceProperty("block_size", "\(blockSize)"), SourceProperty("logical_sector_size", "\(sectorSize)"),
        ]
        if let identity = try items.content("beca12ab-b2e6-4523-93ef-c309e000c746", 16) {
            facts.properties.append(SourceProperty("uuid", uuidText(identity, isMixed: true)))
        }
        facts.properties += [
            SourceProperty("uuid_file_write", uuidText(Array(header[16..<32]), isMixed: true)),
            SourceProperty("uuid_data_write", uuidText(Array(header[32..<48]), isMixed: true)),
        ]
        try findLost(file, table.offset, table.length, blockSize, sectorSize, &facts)
        return facts
    }

    private static func creator(_ identifier: [UInt8]) -> String {
        let units = stride(from: 8, to: 520, by: 2).map { UInt16(identifier.littleEndian16(at: $0)) }
        return headerText(Array(String(decoding: units.prefix { $0 != 0 }, as: UTF16.self).utf8))
    }

    /// The valid one of both headers with the higher sequence number.
    private static func currentHeader(_ file: HeaderFile, _ damage: inout [String]) throws(SourceError) -> [UInt8] {
        var best: [UInt8]?
        for (index, offset) in [64 << 10, 128 << 10].enumerated() {
            let header = try file.bytes(at: offset, count: 4096, "header \(index + 1)")
            guard header.starts(with: Array("head".utf8)), sumHolds(header) else {
                damage.append("header \(index + 1) is damaged; the other one counts")
                continue
            }
            if best.map({ header.littleEndian64(at: 8) > $0.littleEndian64(at: 8) }) ?? true { best = header }
        }
        guard let best else { throw file.damaged("the checksums of both headers are wrong") }
        return best
    }

    private static func regions(
        _ file: HeaderFile, _ damage: inout [String]
    ) throws(SourceError) -> [String: (offset: Int, length: Int)] {
        var found: [String: (offset: Int, length: Int)]?
        for (index, offset) in [192 << 10, 256 << 10].enumerated() {
            let table = try file.bytes(at: offset, count: 64 << 10, "region table \(index + 1)")
            let count = table.littleEndian32(at: 8)
            guard table.starts(with: Array("regi".utf8)), sumHolds(table), count <= mostRegions else {
                damage.append("region table \(index + 1) is damaged; the other one counts")
                continue
            }
            guard found == nil else { continue }
            var entries: [String: (offset: Int, length: Int)] = [:]
            for entry in 0..<count {
                let at = 16 + entry * 32
                guard let start = fileOffset(table.littleEndian64(at: at + 16)) else { continue }
                entries[uuidText(Array(table[at..<at + 16]), isMixed: true)] = (
                    start, table.littleEndian32(at: at + 24)
                )
            }
            found = entries
        }
        guard let found else { throw file.damaged("the checksums of both region tables are wrong") }
        return found
    }

    /// The entries of the metadata region.
    private struct Metadata {
        let file: HeaderFile
        let start: Int
        var items: [String: (offset: Int, length: Int)] = [:]

        init(_ file: HeaderFile, _ start: Int, _ length: Int) throws(SourceError) {
            self.file = file
            self.start = start
            let table = try file.bytes(at: start, count: 64 << 10, "metadata table")
            let count = table.littleEndian16(at: 10)
            guard table.starts(with: Array("metadata".utf8)), count <= VHDXHeader.mostMetadata else {
                throw file.damaged("there is no metadata table at byte \(start)")
            }
            for entry in 0..<count {
                let at = 32 + entry * 32
                items[uuidText(Array(table[at..<at + 16]), isMixed: true)] = (
                    table.littleEndian32(at: at + 16), table.littleEndian32(at: at + 20)
                )
            }
        }

        func content(_ identifier: String, _ length: Int) throws(SourceError) -> [UInt8]? {
            guard let item = items[identifier], item.length >= length else { return nil }
            return try file.bytes(at: start + item.offset, count: length, "metadata")
        }

        func number(_ identifier: String, _ length: Int, _ what: String) throws(SourceError) -> UInt64 {
            guard let bytes = try content(identifier, length) else {
                throw file.damaged("its metadata lacks the \(what)")
            }
            return length == 8 ? bytes.littleEndian64(at: 0) : UInt64(bytes.littleEndian32(at: 0))
        }
    }

    private static func findLost(
        _ file: HeaderFile, _ table: Int, _ length: Int, _ blockSize: Int, _ sectorSize: Int,
        _ facts: inout VirtualDiskFacts
    ) throws(SourceError) {
        let size = facts.size
        let ratio = (1 << 23) * sectorSize / blockSize
        let blocks = (size - 1) / blockSize + 1
        let entries = blocks + (blocks - 1) / ratio
        guard entries <= length / 8 else {
            throw file.damaged("its block table has \(length / 8) entries; the medium needs \(entries)")
        }
        var lost = facts.lost
        var endsWithinBlock = false
        let present = try file.entries(at: table, count: entries, width: 8) { (index, bytes, at) throws(SourceError) in
            // Behind each `ratio` blocks stands the entry of a bitmap, which only differencing images use.
            guard index % (ratio + 1) != ratio else { return }
            let block = index - index / (ratio + 1)
            let entry = bytes.littleEndian64(at: at)
            guard entry & 7 == 6 || entry & 7 == 7 else { return }
            let start = block * blockSize
            let needed = min(blockSize, size - start)
            let host = entry & ~0xF_FFFF
            guard let host = fileOffset(host), host <= file.size - needed else {
                try lost.add(offset: start, length: needed, "its block lies beyond the end of the file")
                return
            }
            if host > file.size - blockSize { endsWithinBlock = true }
        }
        if endsWithinBlock { facts.damage.append("the file ends within a block, behind the medium's last byte") }
        if present < entries {
            let start = (present - present / (ratio + 1)) * blockSize
            try lost.add(offset: start, length: max(0, size - start), "the block table lies beyond the end of the file")
        }
        facts.lost = lost
    }

    /// CRC-32C of the structure, its own field taken as zeros, is what stands at byte 4.
    private static func sumHolds(_ structure: [UInt8]) -> Bool {
        var bytes = structure
        for index in 4..<8 { bytes[index] = 0 }
        return Int(CRC32C.of(bytes)) == structure.littleEndian32(at: 4)
    }
}

/// CRC-32C (Castagnoli), RFC 3720 appendix B.4.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(UInt32.max) { value, byte in value >> 8 ^ table[Int((value ^ UInt32(byte)) & 0xFF)] }
    }
}
