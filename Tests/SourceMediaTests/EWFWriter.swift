import EvidenceModel
import Foundation

/// Makes small EWF sets for tests: written from the format's description, independent of the reader.
struct EWFWriter {
    /// How a set is laid out.
    enum Layout: Sendable, CaseIterable {
        /// EnCase 2 and later: `sectors`, `table` with a checksum, `table2`.
        case encase
        /// EnCase 1: data within `table`, after a checksum.
        case encase1
        /// SMART: data within `table`, no checksum, short `volume`.
        case smart
    }

    var layout = Layout.encase
    var bytesPerSector = 512
    var sectorsPerChunk = 4
    var chunksPerTable = 5
    var tablesPerSegment = 2
    /// True for chunks that are deflated.
    var isDeflated: (Int) -> Bool = { $0 % 2 == 0 }
    /// Sections with stored digests, by type; contents without their checksum.
    var digests: [(type: String, content: [UInt8])] = []
    var errors: [(first: Int, count: Int)] = []
    /// Sections before the last one, by type.
    var furtherSections: [(type: String, content: [UInt8])] = []
    var base = 0
    var setIdentifier = [UInt8](repeating: 7, count: 16)

    var chunkSize: Int { bytesPerSector * sectorsPerChunk }

    /// The segment files of a medium.
    func write(_ medium: [UInt8]) -> [[UInt8]] {
        let chunks = stride(from: 0, to: medium.count, by: chunkSize).map {
            Array(medium[$0..<min($0 + chunkSize, medium.count)])
        }
        let tables = stride(from: 0, to: chunks.count, by: chunksPerTable).map {
            Array(chunks[$0..<min($0 + chunksPerTable, chunks.count)])
        }
        let segments = stride(from: 0, to: tables.count, by: tablesPerSegment).map {
            Array(tables[$0..<min($0 + tablesPerSegment, tables.count)])
        }
        var chunk = 0
        return segments.enumerated().map { index, tables in
            var file = Array("EVF\t\r\n".utf8) + [0xFF, 0, 1] + Self.bytes16(index + 1) + [0, 0]
            if index == 0 {
                add(&file, "header", Self.zlib(Array(Self.headerText.utf8)))
                if layout != .smart { add(&file, "header2", Self.zlib([0xFF, 0xFE] + Self.utf16(Self.header2Text))) }
            }
            if index == 0 || layout != .smart {
                add(&file, index == 0 ? "volume" : "data", volume(medium, chunkCount: chunks.count))
            }
            for table in tables { addTable(&file, table, &chunk) }
            if index == segments.count - 1 {
                if !errors.isEmpty { add(&file, "error2", errorContent) }
                for (type, content) in furtherSections { add(&file, type, content) }
                for (type, content) in digests { add(&file, type, content + Self.adler(content)) }
            }
            addLast(&file, index == segments.count - 1 ? "done" : "next")
            return file
        }
    }

    /// MD5 with its padding, as section `hash` holds it.
    static func hash(_ md5: [UInt8]) -> (type: String, content: [UInt8]) {
        ("hash", md5 + [UInt8](repeating: 0, count: 16))
    }

    /// MD5 and SHA-1, as section `digest` holds them.
    static func digest(_ md5: [UInt8], _ sha1: [UInt8]) -> (type: String, content: [UInt8]) {
        ("digest", md5 + sha1 + [UInt8](repeating: 0, count: 40))
    }

    static let headerText =
        "1\r\nmain\r\nc\tn\ta\te\tt\tav\tov\tm\tu\tp\r\n17\t1\tstick\tFirst\tno notes\t1.0\tLinux\t2013 1 2 3 4 5\t2013 1 2 3 4 5\t0\r\n"
    static let header2Text = "3\nmain\na\tc\te\tm\nPen drive é\t17\tSecond\t1000000000\n"

    // MARK: Sections

    private func addTable(_ file: inout [UInt8], _ chunks: [[UInt8]], _ number: inout Int) {
        var stored: [(bytes: [UInt8], isDeflated: Bool)] = []
        for chunk in chunks {
            // SMART knows deflated chunks only.
            let deflates = layout == .smart || isDeflated(number)
            stored.append((deflates ? Self.zlib(chunk) : chunk + Self.adler(chunk), deflates))
            number += 1
        }
        let size = stored.reduce(0) { $0 + $1.bytes.count }
        let headerSize = layout == .smart ? 76 + 24 + chunks.count * 4 : 76 + 24 + chunks.count * 4 + 4
        var offset = file.count + (layout == .encase ? 76 : headerSize) - base
        var entries: [UInt8] = []
        for (bytes, isDeflated) in stored {
            entries += Self.bytes32(offset | (isDeflated ? 0x8000_0000 : 0))
            offset += bytes.count
        }
        let header =
            Self.bytes32(chunks.count) + Self.bytes32(0) + Self.bytes64(base) + Self.bytes32(0)
        let table = header + Self.adler(header) + entries
        let data = stored.flatMap(\.bytes)
        switch layout {
        case .encase:
            add(&file, "sectors", data)
            add(&file, "table", table + Self.adler(entries))
            add(&file, "table2", table + Self.adler(entries))
        case .encase1: add(&file, "table", table + Self.adler(entries) + data)
        case .smart: add(&file, "table", table + data)
        }
        precondition(file.count > size)
    }

    private func volume(_ medium: [UInt8], chunkCount: Int) -> [UInt8] {
        let sectors = medium.count / bytesPerSector
        let start =
            Self.bytes32(1) + Self.bytes32(chunkCount) + Self.bytes32(sectorsPerChunk) + Self.bytes32(bytesPerSector)
            + Self.bytes64(sectors)
        let length = layout == .smart ? 90 : 1048
        var content = start + [UInt8](repeating: 0, count: length - start.count)
        if layout != .smart { content.replaceSubrange(64..<80, with: setIdentifier) }
        return content + Self.adler(content)
    }

    private var errorContent: [UInt8] {
        let header = Self.bytes32(errors.count) + [UInt8](repeating: 0, count: 512)
        let entries = errors.flatMap { Self.bytes32($0.first) + Self.bytes32($0.count) }
        return header + Self.adler(header) + entries + Self.adler(entries)
    }

    private func add(_ file: inout [UInt8], _ type: String, _ content: [UInt8]) {
        let size = 76 + content.count
        file += Self.descriptor(type, next: file.count + size, size: size) + content
    }

    private func addLast(_ file: inout [UInt8], _ type: String) {
        file += Self.descriptor(type, next: file.count, size: layout == .smart ? 76 : 0)
    }

    /// The 76 bytes that begin a section.
    static func descriptor(_ type: String, next: Int, size: Int) -> [UInt8] {
        let name = Array(type.utf8) + [UInt8](repeating: 0, count: 16 - type.utf8.count)
        let content = name + bytes64(next) + bytes64(size) + [UInt8](repeating: 0, count: 40)
        return content + adler(content)
    }

    // MARK: Looking into a file

    /// Where the first section of a type lies in a segment file.
    static func section(_ type: String, in file: [UInt8], occurrence: Int = 0) -> (start: Int, end: Int)? {
        var offset = 13
        var left = occurrence
        while offset + 76 <= file.count {
            let name = String(decoding: file[offset..<offset + 16].prefix { $0 != 0 }, as: UTF8.self)
            let next = (0..<8).reduce(0) { $0 | Int(file[offset + 16 + $1]) << (8 * $1) }
            if name == type {
                if left == 0 { return (offset, max(next, offset + 76)) }
                left -= 1
            }
            guard next > offset else { return nil }
            offset = next
        }
        return nil
    }

    /// Gives `count` bytes at `start` the checksum after them that they should have.
    static func seal(_ file: inout [UInt8], _ start: Int, _ count: Int) {
        file.replaceSubrange(start + count..<start + count + 4, with: adler(Array(file[start..<start + count])))
    }

    // MARK: Bytes

    static func bytes16(_ value: Int) -> [UInt8] { (0..<2).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    static func bytes32(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    static func bytes64(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    static func utf16(_ text: String) -> [UInt8] { text.utf16.flatMap { bytes16(Int($0)) } }

    /// RFC 1950, 9, with its bytes in little-endian order.
    static func adler(_ bytes: [UInt8]) -> [UInt8] { bytes32(adlerValue(bytes)) }

    static func adlerValue(_ bytes: [UInt8]) -> Int {
        var first = 1
        var second = 0
        for byte in bytes {
            first = (first + Int(byte)) % 65521
            second = (second + first) % 65521
        }
        return second << 16 | first
    }

    /// A zlib stream of stored blocks.
    static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var offset = 0
        repeat {
            let count = min(65535, bytes.count - offset)
            let isLast = offset + count == bytes.count
            stream += [isLast ? 1 : 0] + bytes16(count) + bytes16(~count & 0xFFFF)
            stream += bytes[offset..<offset + count]
            offset += count
        } while offset < bytes.count
        return stream + bytes32(adlerValue(bytes)).reversed()
    }
}
