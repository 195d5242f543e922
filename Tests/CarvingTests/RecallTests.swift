import Digesting
import EvidenceModel
import Foundation
import Testing

@testable import Carving

/// Ends and joins of files that are cut, that hide others, or whose content says the same in several ways.
@Suite struct RecallTests {
    // MARK: Ends

    /// An archive of one small file, with numbers as `style` writes them.
    private func tar(_ style: (Int) -> String) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        header.put(Array("seal.txt".utf8), at: 0)
        for at in [100, 108, 116] { header.put(Array(style(0o644).utf8), at: at) }
        header.put(Array("00000000005 ".utf8), at: 124)
        header.put(Array("14000000000 ".utf8), at: 136)
        header.put(Array("        0".utf8), at: 148)
        header.put(Array("ustar\u{0}00".utf8), at: 257)
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        header.put(Array((String(repeating: "0", count: 6 - sum.count) + sum + "\0 ").utf8), at: 148)
        return header + Array("seal\n".utf8) + [UInt8](repeating: 0, count: 507 + 1024)
    }

    @Test func zerosBehindAnArchiveAreJudgedByItsWriter() {
        func padded(_ number: Int, to width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        let short = tar { padded($0, to: 6) + " \0" }
        let long = tar { padded($0, to: 7) + "\0" }
        let toRecord = [UInt8](repeating: 0, count: 10_240 - 2048)
        let further = toRecord + [UInt8](repeating: 0, count: 2048)
        func end(_ bytes: [UInt8]) -> (Int?, Confidence?) {
            let file = verdict(of: TarWalker(), on: bytes + [1]).completed
            return (file?.length, file?.confidence)
        }
        #expect(end(long + toRecord) == (10_240, .structural))
        #expect(end(long + further) == (10_240, .header))
        // libarchive does not pad: zeros that go on are the medium's, and nothing is certain where they end with a record.
        #expect(end(short + toRecord) == (10_240, .header))
        #expect(end(short + further) == (2048, .header))
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>) func aCutPageIsGivenUpToItsBlock(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = OggWalkerTests.sample
        let cut = 160 + Int(generator.next() % 300)
        let start = [UInt8](whole[..<cut])
        // The block is filled up with zeros, another file follows.
        let medium = start + [UInt8](repeating: 0, count: (512 - cut % 512) % 512) + generator.bytes(2048)
        guard case .broken(let file, _) = verdict(of: OggWalker(), on: medium) else {
            Issue.record("a cut file is not whole")
            return
        }
        let used = (start.lastIndex { $0 != 0 } ?? 0) + 1
        #expect(file.length < used)
        #expect(file.likelyLength == used)
    }

    @Test func twoTextsOfJSONSideBySide() {
        let walker = JSONWalker()
        func pretty(_ size: Int) -> [UInt8] {
            let head = "{\n  \"name\": \"", tail = "\"\n}\n"
            return Array((head + String(repeating: "x", count: size - head.count - tail.count) + tail).utf8)
        }
        let first = pretty(1024)
        let found = judgedVerdict(of: walker, on: first + pretty(700) + [UInt8](repeating: 0, count: 500))
        #expect(found?.length == 1024)
        #expect(found?.confidence == .header)
        // A value of a longer text that happens to end at a block is none.
        #expect(judgedVerdict(of: walker, on: Array(first.dropLast()) + Array(" , {}".utf8)) == nil)
        // Lines that end at a block go on behind it.
        let line = Array(("{\"event\":\"" + String(repeating: "y", count: 115) + "\"}\n").utf8)
        #expect(line.count == 128)
        let lines = (0..<20).flatMap { _ in line }
        let log = judgedVerdict(of: walker, on: lines + [UInt8](repeating: 0, count: 1000))
        #expect(log?.length == lines.count)
        #expect(log?.facts["lines"] == 20)
    }

    // MARK: What hides nothing

    private struct Doubtful: FormatWalker {
        let name = "doubtful"
        let signatures = [WalkerSignature("EXHB")]
        func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
            .complete(
                WalkedFile(
                    length: try reader.u32be(4), confidence: .header, format: "doubtful", fileExtension: "d",
                    mime: "a/b"))
        }
    }

    /// A file of which something does not hold hides neither whole files nor the pieces of others.
    @Test(arguments: [1, 2]) func aDoubtfulFileHidesNothing(workers: Int) throws {
        var generator = SeededGenerator(seed: 4)
        let packed = try PieceTesting.gzip(PieceTesting.text(900, seed: 4))
        let split = 2048
        var medium = generator.bytes(60 * 512)
        medium.put(Array("EXHB".utf8) + .be32(50 * 512), at: 512)
        medium.put([UInt8](packed[..<split]), at: 5 * 512)
        medium.put([UInt8](packed[split...]), at: 12 * 512)
        let found = try PieceTesting.carve(
            medium, with: [Doubtful(), GzipWalker()], workers: workers, limits: CarveLimits()
        ).artifacts
        let gzip = found.filter { $0.format == "gz" }
        #expect(gzip.map(\.confidence) == [.proven])
        #expect(try gzip.first?.sha256 == digest(.sha256, of: packed))
        // What breaks off in it and is completed by nothing is taken for its own content.
        var torn = medium
        torn.put(generator.bytes(packed.count), at: 12 * 512)
        let left = try PieceTesting.carve(
            torn, with: [Doubtful(), GzipWalker()], workers: workers, limits: CarveLimits()
        ).artifacts
        #expect(left.map(\.format) == ["doubtful"])
    }

    // MARK: Joins

    /// Compressed data that repeat themselves can be exchanged for their like: that is never called proven.
    @Test(arguments: 1...4 as ClosedRange<UInt64>) func likeCompressedDataAreNoProof(seed: UInt64) throws {
        let text = PieceTesting.text(300, seed: seed)
        let file = try PieceTesting.gzip(text + [UInt8](repeating: 0xFF, count: 4 << 20) + text)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<4 {
            let split = (3 + Int(generator.next() % 5)) * 512
            let shift = Int(generator.next() % 16)
            // The gap holds what lies near in the stream, at another phase.
            let gap = [UInt8](file[2048 + shift..<2048 + shift + 1024])
            let medium = generator.bytes(512) + file[..<split] + gap + file[split...] + generator.bytes(2048)
            let found = try PieceTesting.carve(
                medium, with: [GzipWalker()], workers: 1, limits: CarveLimits()
            ).artifacts
            let own = try digest(.sha256, of: file)
            #expect(found.allSatisfy { $0.confidence != .proven || $0.sha256 == own })
        }
    }

    @Test func theEndHeaderTellsTheGapOfA7zArchive() throws {
        var generator = SeededGenerator(seed: 8)
        let content = generator.bytes(6000)
        let end: [UInt8] = [0x01] + generator.bytes(120)
        func crc(_ bytes: [UInt8]) -> [UInt8] {
            var crc = CRC32()
            crc.update(bytes[...])
            return .le32(Int(crc.value))
        }
        let next = [UInt8].le64(content.count) + .le64(end.count) + crc(end)
        let file = [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4] + crc(next) + next + content + end
        let padding = [UInt8](repeating: 0, count: (512 - file.count % 512) % 512)
        for split in stride(from: 512, to: file.count, by: 1536) {
            // Longer than the gaps that are tried where nothing tells their size.
            let gap = [UInt8](repeating: 0, count: 80 * 512)
            let medium = generator.bytes(512) + file[..<split] + gap + file[split...] + padding + generator.bytes(1024)
            let found = try PieceTesting.carve(
                medium, with: [SevenZipWalker()], workers: 1, limits: CarveLimits()
            ).artifacts
            #expect(try found.first?.sha256 == digest(.sha256, of: file))
            #expect(found.first?.confidence == .header)
        }
    }

    @Test func pointerMapsAreChecked() throws {
        let file = try withTemporaryFolder { folder in
            try run(
                "sqlite3",
                [
                    "x.db",
                    "PRAGMA page_size=1024; PRAGMA auto_vacuum=FULL; CREATE TABLE t(a, b);"
                        + "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200)"
                        + "INSERT INTO t SELECT i, hex(zeroblob(20 + i % 50)) FROM n;",
                ], in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.db")))
        }
        #expect(verdict(of: SQLiteWalker(), on: file).completed?.length == file.count)
        var generator = SeededGenerator(seed: 2)
        var torn = file
        torn.put(generator.bytes(512), at: 1024)
        #expect(verdict(of: SQLiteWalker(), on: torn).completed == nil)
    }
}
