import Digesting
import EvidenceModel
import FormatIdentification
import SourceMedia
import Testing

@testable import Carving

/// What no checksum proves: believed no further than the evidence goes.
@Suite struct GuessedJoinTests {
    private static let walkers: [any FormatWalker] = [
        BMPWalker(), MPEGAudioWalker(), FontWalker(), PEMWalker(), RTFWalker(), PNGWalker(),
    ]

    private func carve(_ bytes: [UInt8], workers: Int = 1) throws -> [Artifact] {
        let magic = try MagicDatabases.standard()
        let index = SignatureIndex.forCarving(walkers: Self.walkers, magic: magic)
        var candidates: [Int] = []
        index.candidates(in: bytes.span, count: bytes.count, baseOffset: 0, blockSize: 512, into: &candidates)
        let carver = Carver(
            item: "E001", source: MemorySource(bytes), walkers: Self.walkers, magic: magic, workers: workers)
        return try carver.carve(candidates: candidates).artifacts
    }

    /// Noise, the pieces (the first one of whole blocks, or all) with the gap between them, slack of the given byte or of noise, and noise again.
    private func medium(_ file: [UInt8], split: Int, gap: [UInt8], slack: UInt8?) -> [UInt8] {
        var generator = SeededGenerator(seed: 71)
        let room = -file.count & 511
        let rest = slack.map { [UInt8](repeating: $0, count: room) } ?? generator.bytes(room)
        let start = generator.bytes(512)
        return start + file[..<split] + gap + file[split...] + rest + generator.bytes(8192)
    }

    private func picture(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        // Few values, as pictures have: neither text nor as dense as noise.
        let pixels = (0..<48 * 60 * 3).map { _ in UInt8(generator.next() % 90) + 128 }
        return BMPWalkerTests.bitmap(width: 48, height: 60, pixels: pixels)
    }

    private static let words = Array(String(repeating: "the seal was whole when it came. ", count: 200).utf8)

    // MARK: Files that nothing checks

    @Test func zerosBehindTheEndMakeAFileStructural() throws {
        let file = picture(seed: 1)
        #expect(try carve(medium(file, split: file.count, gap: [], slack: 0)).map(\.confidence) == [.structural])
    }

    @Test func contentBehindTheEndMakesAFileUncertain() throws {
        let file = picture(seed: 2)
        let found = try carve(medium(file, split: file.count, gap: [], slack: nil))
        #expect(found.map(\.confidence) == [.header])
        #expect(found.first?.size == file.count)
        #expect(found.first?.warnings.contains { $0.contains("pieces of other files may lie in it") } ?? false)
    }

    @Test func aSwallowedGapIsNeverStructural() throws {
        let file = picture(seed: 3)
        var generator = SeededGenerator(seed: 4)
        for gap in [generator.bytes(2048), Array(Self.words.prefix(1536)), [UInt8](repeating: 0, count: 1024)] {
            for found in try carve(medium(file, split: 1024, gap: gap, slack: nil)) {
                #expect(found.confidence == .header || found.extents.count > 1)
            }
        }
    }

    @Test func foreignBlocksAreLeftOutWhereTheEndShowsIt() throws {
        let file = picture(seed: 5)
        var generator = SeededGenerator(seed: 6)
        for gap in [generator.bytes(2048), Array(Self.words.prefix(1536)), [UInt8](repeating: 0, count: 1024)] {
            let found = try carve(medium(file, split: 1024, gap: gap, slack: 0))
            // Nothing proves the join: the reading in one piece stays beside it.
            #expect(found.map(\.confidence) == [.header, .header])
            #expect(found.map(\.extents.count).sorted() == [1, 2])
            let joined = found.first { $0.extents.count == 2 }
            #expect(try joined?.sha256 == digest(.sha256, of: file))
            #expect(
                joined?.extents == [
                    Extent(offset: 512, length: 1024),
                    Extent(offset: 1536 + gap.count, length: file.count - 1024),
                ])
            #expect(joined?.warnings.contains { $0.contains("that reading is catalogued too") } ?? false)
            #expect(try carve(medium(file, split: 1024, gap: gap, slack: 0), workers: 4) == found)
        }
    }

    @Test func aFileInsideAnotherIsFoundAsWell() throws {
        let outer = picture(seed: 7)
        var generator = SeededGenerator(seed: 8)
        let inner = PNGWalkerTests.picture(chunks: 4, &generator)
        let gap = inner + [UInt8](repeating: 0, count: -inner.count & 511)
        let found = try carve(medium(outer, split: 2048, gap: gap, slack: 0))
        #expect(try Set(found.map(\.sha256)) == [digest(.sha256, of: outer), digest(.sha256, of: inner)])
        #expect(found.first { $0.format == "png" }?.confidence == .proven)
    }

    // MARK: Formats whose checks find the place

    /// A font whose tables have their checksums.
    private func font(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let tables = [("cmap", 900), ("glyf", 5000), ("head", 56), ("loca", 700)].map {
            ($0.0, generator.bytes($0.1))
        }
        var directory: [UInt8] = [0, 1, 0, 0] + .be16(4) + .be16(64) + .be16(2) + .be16(0)
        var content: [UInt8] = []
        for (tag, bytes) in tables {
            var sum: UInt32 = 0
            for (position, byte) in bytes.enumerated() where tag != "head" || !(8..<12).contains(position) {
                sum &+= UInt32(byte) << UInt32(24 - 8 * (position & 3))
            }
            directory += Array(tag.utf8) + .be32(Int(sum)) + .be32(12 + 64 + content.count) + .be32(bytes.count)
            content += bytes + [UInt8](repeating: 0, count: -bytes.count & 3)
        }
        return directory + content
    }

    @Test func tablesOfAFontProveTheJoin() throws {
        let file = font(seed: 8)
        var generator = SeededGenerator(seed: 9)
        for split in [1024, 3072, 5632] {
            let found = try carve(medium(file, split: split, gap: generator.bytes(1536), slack: nil))
            #expect(found.map(\.confidence) == [.proven], "split at \(split)")
            #expect(try found.first?.sha256 == digest(.sha256, of: file))
        }
    }

    @Test func framesOfSoundTieTheJoin() throws {
        let file = MPEGAudioWalkerTests.counted(40, seed: 10)
        var generator = SeededGenerator(seed: 11)
        for split in [1024, 4096, 9216] {
            let found = try carve(medium(file, split: split, gap: generator.bytes(2048), slack: nil))
            #expect(try found.contains { try $0.sha256 == digest(.sha256, of: file) }, "split at \(split)")
        }
    }

    // MARK: Text that must be of one kind

    @Test func wordsAmongBase64AreNoKey() {
        let line = String(repeating: "QUJD", count: 16) + "\n"
        let body = String(repeating: line, count: 30)
        func key(_ body: String) -> [UInt8] {
            Array("-----BEGIN CERTIFICATE-----\n\(body)-----END CERTIFICATE-----\n".utf8)
        }
        expectExact(PEMWalker(), key(body), .structural, format: "pem")
        #expect(verdict(of: PEMWalker(), on: key(body + "the seal was whole\n" + body)).completed == nil)
    }

    @Test func headersOfAnEncryptedKeyAreAllowed() {
        let text =
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nQUJD\n"
            + "-----END RSA PRIVATE KEY-----\n"
        expectExact(PEMWalker(), Array(text.utf8), .structural, format: "pem")
    }

    @Test func wordsAmongHexadecimalDataAreNoPicture() {
        let hexadecimal = String(repeating: "00ff10a0", count: 64)
        func text(_ data: String) -> [UInt8] { Array("{\\rtf1\\ansi{\\pict\\wmetafile8 \(data)} end}\r\n".utf8) }
        expectExact(RTFWalker(), text(hexadecimal), .structural, format: "rtf")
        #expect(verdict(of: RTFWalker(), on: text(hexadecimal + "the seal" + hexadecimal)).completed == nil)
    }

    // MARK: Kinds of blocks

    @Test func blocksAreToldApart() {
        var generator = SeededGenerator(seed: 12)
        #expect(BlockKind(of: [UInt8](repeating: 0, count: 512)) == .uniform)
        #expect(BlockKind(of: [UInt8](repeating: 0xFF, count: 512)) == .uniform)
        #expect(BlockKind(of: Array(Self.words.prefix(512))) == .text)
        for _ in 0..<200 { #expect(BlockKind(of: generator.bytes(512)) == .dense) }
        #expect(BlockKind(of: (0..<512).map { UInt8($0 & 63) + 0x80 }) == [])
    }
}
