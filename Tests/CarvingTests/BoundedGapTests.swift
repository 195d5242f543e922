import Digesting
import EvidenceModel
import Testing

@testable import Carving

/// Pieces whose gap the format's own structure tells.
@Suite struct BoundedGapTests {
    private static let walkers: [any FormatWalker] = [PDFWalker(), CompoundFileWalker(), TarWalker(), EventLogWalker()]

    private func carve(_ bytes: [UInt8], workers: Int = 1) throws -> [Artifact] {
        try PieceTesting.carve(bytes, with: Self.walkers, workers: workers, limits: CarveLimits()).artifacts
    }

    /// Noise, the pieces with the gaps between them, the last block's slack, and noise again.
    private func medium(_ pieces: [[UInt8]], gaps: [[UInt8]], seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = generator.bytes(1024)
        for (index, piece) in pieces.enumerated() {
            bytes += piece
            if index < gaps.count { bytes += gaps[index] }
        }
        return bytes + [UInt8](repeating: 0, count: -bytes.count & 511) + generator.bytes(4096)
    }

    private func split(_ file: [UInt8], at borders: [Int]) -> [[UInt8]] {
        let edges = [0] + borders + [file.count]
        return zip(edges, edges.dropFirst()).map { Array(file[$0..<$1]) }
    }

    /// Data that zlib wraps: stored blocks whose Adler-32 holds.
    private static func zlib(_ content: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var at = 0
        while at < content.count {
            let size = min(700, content.count - at)
            stream +=
                [at + size == content.count ? 1 : 0] + .le16(size) + .le16(0xFFFF - size) + content[at..<at + size]
            at += size
        }
        let sum = WalkInput.adler32(content)
        return stream + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
    }

    private static func document(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let data = zlib(generator.bytes(6000))
        let stream = joined(
            Array("<< /Length \(data.count) /Filter /FlateDecode >>\nstream\n".utf8), data, Array("\nendstream".utf8))
        return PDFWalkerTests.document([
            Array("<< /Type /Catalog /Pages 2 0 R >>".utf8), Array("<< /Type /Pages /Kids [] /Count 0 >>".utf8), stream,
            stream,
        ])
    }

    // MARK: PDF

    @Test(arguments: 1...12) func lengthsAndChecksumsOfStreamsTieTheirPieces(seed: UInt64) throws {
        let file = Self.document(seed: seed)
        var generator = SeededGenerator(seed: 100 + seed)
        let border = 512 * Int.random(in: 1..<file.count / 512, using: &generator)
        // Data as dense as the file's own: nothing but its structure shows the gap.
        let gap = generator.bytes(512 * Int.random(in: 1...20, using: &generator))
        let bytes = medium(split(file, at: [border]), gaps: [gap], seed: seed)
        let found = try carve(bytes).filter { $0.format == "pdf" }
        #expect(try found.first?.sha256 == digest(.sha256, of: file))
        #expect(found.first?.extents.map(\.offset) == [1024, 1024 + border + gap.count])
        #expect(try carve(bytes, workers: 4).filter { $0.format == "pdf" } == found)
    }

    @Test func threePiecesOfADocumentAreJoined() throws {
        let file = Self.document(seed: 31)
        var generator = SeededGenerator(seed: 32)
        let gaps = [generator.bytes(1536), generator.bytes(3072)]
        let bytes = medium(split(file, at: [2048, 8704]), gaps: gaps, seed: 33)
        let found = try carve(bytes).filter { $0.format == "pdf" }
        #expect(try found.first?.sha256 == digest(.sha256, of: file))
        #expect(found.first?.confidence == .header)
    }

    @Test(arguments: 1...6) func aDocumentWithoutItsEndIsNeverWhole(seed: UInt64) throws {
        let file = Self.document(seed: 40 + seed)
        var generator = SeededGenerator(seed: 50 + seed)
        let pieces = split(file, at: [512 * Int.random(in: 1...5, using: &generator), 512 * 16])
        let bytes = medium(Array(pieces.dropLast()), gaps: [generator.bytes(1024)], seed: seed)
        #expect(try carve(bytes).allSatisfy { $0.confidence == .broken || $0.confidence == .header })
    }

    @Test(arguments: 1...6) func anotherDocumentsPieceIsNoPartOfThisOne(seed: UInt64) throws {
        let file = Self.document(seed: 60 + seed)
        let other = Self.document(seed: 70 + seed)
        // The other one's middle lies between: of the same format, and of the same lengths.
        let bytes = medium(split(file, at: [1024]), gaps: [Array(other[512..<512 * 6])], seed: seed)
        for found in try carve(bytes) where found.confidence == .structural || found.confidence == .proven {
            #expect(try found.sha256 == digest(.sha256, of: file))
        }
    }

    // MARK: Compound files

    /// A compound file whose table and directory stand at its end: sector 0 to 7 the stream, 8 the directory, 9 the table.
    private static func compound(_ content: [UInt8]) -> [UInt8] {
        let free = 0xFFFF_FFFF
        let endOfChain = 0xFFFF_FFFE
        var header = [UInt8](repeating: 0, count: 512)
        header.put([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], at: 0)
        header.put(joined(.le16(0x3E), .le16(3), .le16(0xFFFE), .le16(9), .le16(6)), at: 24)
        header.put(joined(.le32(1), .le32(8)), at: 44)
        header.put(joined(.le32(4096), .le32(endOfChain), .le32(0), .le32(endOfChain), .le32(0)), at: 56)
        for index in 0..<109 { header.put(.le32(index == 0 ? 9 : free), at: 76 + 4 * index) }
        var table = [1, 2, 3, 4, 5, 6, 7, endOfChain, endOfChain, 0xFFFF_FFFD]
        table += [Int](repeating: free, count: 128 - table.count)
        var directory = [UInt8](repeating: 0, count: 512)
        for (index, entry) in [("Root Entry", 5, endOfChain, 0), ("Workbook", 2, 0, 4096)].enumerated() {
            let at = 128 * index
            directory.put(entry.0.utf16.flatMap { [UInt8].le16(Int($0)) }, at: at)
            directory.put(.le16(entry.0.utf16.count * 2 + 2), at: at + 64)
            directory[at + 66] = UInt8(entry.1)
            directory.put(joined(.le32(free), .le32(free), .le32(index == 0 ? 1 : free)), at: at + 68)
            directory.put(joined(.le32(entry.2), .le32(entry.3)), at: at + 116)
        }
        return joined(header, content, directory, table.flatMap { [UInt8].le32($0) })
    }

    /// Records of random content that fill 4096 bytes; the last one ends the sheet.
    private static func sheet(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var records = joined(.le16(0x0809), .le16(16), generator.bytes(16))
        while records.count < 4096 - 4 - 40 {
            let length = min(Int.random(in: 4...36, using: &generator), 4096 - 4 - 4 - records.count)
            records += joined(.le16(0x0203), .le16(length), generator.bytes(length))
        }
        let last = 4096 - 4 - 4 - records.count
        return joined(records, .le16(0x0203), .le16(last), generator.bytes(last), .le16(10), .le16(0))
    }

    @Test(arguments: 1...12) func recordsOfASheetTellTheBorder(seed: UInt64) throws {
        let file = Self.compound(Self.sheet(seed: seed))
        var generator = SeededGenerator(seed: 200 + seed)
        let border = 512 * Int.random(in: 2...8, using: &generator)
        let gap = generator.bytes(512 * Int.random(in: 1...20, using: &generator))
        let bytes = medium(split(file, at: [border]), gaps: [gap], seed: seed)
        let found = try carve(bytes).filter { $0.format == "xls" }
        #expect(try found.first?.sha256 == digest(.sha256, of: file))
        #expect(found.first?.confidence == .structural)
        #expect(try carve(bytes, workers: 4).filter { $0.format == "xls" } == found)
    }

    @Test(arguments: 1...6) func aPieceOfAnotherSheetIsLeftOut(seed: UInt64) throws {
        let file = Self.compound(Self.sheet(seed: 300 + seed))
        let other = Self.compound(Self.sheet(seed: 400 + seed))
        let border = 512 * (1 + Int(seed))
        let bytes = medium(split(file, at: [border]), gaps: [Array(other[1024..<512 * 7])], seed: seed)
        for found in try carve(bytes) where found.confidence == .structural || found.confidence == .proven {
            #expect(try found.sha256 == digest(.sha256, of: file))
        }
    }

    @Test func aSheetWithoutItsTableIsNeverWhole() throws {
        let file = Self.compound(Self.sheet(seed: 7))
        var generator = SeededGenerator(seed: 8)
        let pieces = split(file, at: [1536, 4608])
        let bytes = medium(Array(pieces.dropLast()), gaps: [generator.bytes(1024)], seed: 9)
        #expect(try carve(bytes).allSatisfy { $0.confidence == .broken || $0.confidence == .header })
    }

    // MARK: tar

    private static func member(_ name: String, _ content: [UInt8]) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func octal(_ value: Int, _ digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: digits - text.count) + text).utf8)
        }
        header.put(Array(name.utf8), at: 0)
        for at in [100, 108, 116] { header.put(octal(420, 7), at: at) }
        header.put(octal(content.count, 11), at: 124)
        header.put(octal(0, 11), at: 136)
        header[156] = 0x30
        header.put(Array("ustar\u{0}00".utf8), at: 257)
        let sum = header.reduce(0) { $0 + Int($1) } + 8 * 0x20
        header.put(octal(sum, 6) + [0, 0x20], at: 148)
        return header + content + [UInt8](repeating: 0, count: -content.count & 511)
    }

    @Test(arguments: 1...8) func theNextHeaderTellsTheGapInAMember(seed: UInt64) throws {
        var generator = SeededGenerator(seed: 500 + seed)
        let text = PieceTesting.text(400, seed: seed)
        var file = Self.member("a.txt", text) + Self.member("b.txt", PieceTesting.text(20, seed: seed + 1))
        file += [UInt8](repeating: 0, count: 10_240 - file.count % 10_240)
        let border = 512 * Int.random(in: 2...text.count / 512 - 1, using: &generator)
        let gap = generator.bytes(512 * Int.random(in: 1...20, using: &generator))
        let bytes = medium(split(file, at: [border]), gaps: [gap], seed: seed)
        let found = try carve(bytes).filter { $0.format == "tar" && $0.extents.count == 2 }
        #expect(try found.first?.sha256 == digest(.sha256, of: file))
        // Nothing checks what a member holds.
        #expect(found.first?.confidence == .header)
    }

    @Test func zerosThatFillARecordAreFoundAgain() throws {
        var generator = SeededGenerator(seed: 600)
        var file = Self.member("a.txt", PieceTesting.text(30, seed: 1))
        file += [UInt8](repeating: 0, count: 10_240 - file.count)
        let bytes = medium(split(file, at: [6144]), gaps: [generator.bytes(2048)], seed: 601)
        let found = try carve(bytes).filter { $0.format == "tar" }
        #expect(try found.contains { try $0.sha256 == digest(.sha256, of: file) && $0.confidence == .header })
    }
}
