import Digesting
import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// Files in more than two pieces, in pieces out of order, and in pieces of which the format ties each to the others.
@Suite struct PiecesTests {
    private static let walkers: [any FormatWalker] = [
        PNGWalker(), ZipWalker(), GzipWalker(), EventLogWalker(), SQLiteWalker(), FLACWalker(), RegistryHiveWalker(),
    ]

    private func carve(_ bytes: [UInt8], workers: Int = 1, limits: CarveLimits = CarveLimits()) throws -> CarveResult {
        try PieceTesting.carve(bytes, with: Self.walkers, workers: workers, limits: limits)
    }

    // MARK: Samples

    private func text(_ lines: Int, seed: UInt64) -> [UInt8] { PieceTesting.text(lines, seed: seed) }

    private func gzip(_ content: [UInt8]) throws -> [UInt8] { try PieceTesting.gzip(content) }

    private func zip(seed: UInt64) throws -> [UInt8] {
        try PieceTesting.zip((0..<12).map { ("\($0).txt", text(300, seed: seed + UInt64($0))) })
    }

    private func png(seed: UInt64, chunks: Int = 12) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return PNGWalkerTests.picture(chunks: chunks, &generator)
    }

    private func flac(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let stream: [UInt8] =
            .be16(192) + .be16(192) + [0, 0, 0, 0, 0, 0, 0x0A, 0xC4, 0x40, 0xF0] + .be32(40 * 192)
            + [UInt8](repeating: 0, count: 16)
        return Array("fLaC".utf8) + [0x80, 0, 0, 34] + stream
            + (0..<40).flatMap { FLACWalkerTests.frame($0, generator: &generator) }
    }

    private func database() throws -> [UInt8] {
        try withTemporaryFolder { folder in
            let sql = """
                PRAGMA page_size=1024; CREATE TABLE seals(id INTEGER PRIMARY KEY, name TEXT);
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<900)
                INSERT INTO seals SELECT i, 'seal number ' || i*7919 % 1000 || ' of the chain' FROM n;
                """
            try run("sqlite3", ["x.db", sql], in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.db")))
        }
    }

    // MARK: Media

    /// Pieces of a file, cut at whole blocks.
    private func cut(_ file: [UInt8], at splits: [Int]) -> [[UInt8]] {
        Swift.zip([0] + splits, splits + [file.count]).map { Array(file[$0..<$1]) }
    }

    private func gap(_ blocks: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        switch seed % 3 {
        case 0: return generator.bytes(512 * blocks)
        case 1: return [UInt8](repeating: 0, count: 512 * blocks)
        default: return Array(text(512 * blocks, seed: seed).prefix(512 * blocks))
        }
    }

    /// Lays pieces down with gaps between them; answers where each piece lies.
    private func lay(_ pieces: [[UInt8]], seed: UInt64) -> (bytes: [UInt8], extents: [Extent]) {
        var generator = SeededGenerator(seed: seed)
        var bytes = generator.bytes(1024)
        var extents: [Extent] = []
        for (number, piece) in pieces.enumerated() {
            extents.append(Extent(offset: bytes.count, length: piece.count))
            bytes += piece + generator.bytes(-piece.count & 511)
            bytes += gap(Int(generator.next() % 9) + 1, seed: seed + UInt64(number))
        }
        return (bytes + generator.bytes(8192), extents)
    }

    private func proven(_ bytes: [UInt8]) throws -> [Artifact] {
        try carve(bytes).artifacts.filter { $0.confidence == .proven }
    }

    // MARK: Pieces

    @Test func threePiecesInOrder() throws {
        for seed in 1...9 as ClosedRange<UInt64> {
            for file in [png(seed: seed), try zip(seed: seed)] {
                let blocks = file.count / 512
                let (bytes, extents) = lay(cut(file, at: [blocks / 3 * 512, blocks * 2 / 3 * 512]), seed: seed)
                let found = try proven(bytes)
                #expect(found.map(\.extents) == [extents], "seed \(seed)")
                #expect(try found.first?.sha256 == digest(.sha256, of: file))
            }
        }
    }

    @Test func fivePiecesInOrder() throws {
        let file = png(seed: 20, chunks: 20)
        let (bytes, extents) = lay(cut(file, at: [4096, 9216, 13_312, 20_480]), seed: 21)
        #expect(try proven(bytes).map(\.extents) == [extents])
        var limits = CarveLimits()
        limits.joinPieces = 2
        #expect(try carve(bytes, limits: limits).artifacts.allSatisfy { $0.extents.count <= 2 })
    }

    @Test func theSecondPieceBeforeTheFirst() throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            for file in [png(seed: seed), try zip(seed: seed)] {
                let split = file.count / 1024 * 512
                let (bytes, extents) = lay(cut(file, at: [split]).reversed(), seed: seed)
                let found = try proven(bytes)
                #expect(found.map(\.extents) == [extents.reversed()], "seed \(seed)")
                #expect(try found.first?.sha256 == digest(.sha256, of: file))
            }
        }
        // The data of gzip state nothing: what ends before a piece shows where it begins.
        let file = try gzip(text(2000, seed: 30))
        let pieces = cut(file, at: [3072])
        var generator = SeededGenerator(seed: 31)
        let slack = generator.bytes(-pieces[1].count & 511)
        let bytes = gap(3, seed: 31) + pieces[1] + slack + gap(2, seed: 33) + pieces[0] + gap(9, seed: 31)
        #expect(try proven(bytes).map(\.sha256) == [digest(.sha256, of: file)])
    }

    @Test func pairsInTurn() throws {
        let files = [png(seed: 40), try zip(seed: 41), png(seed: 42), try zip(seed: 43)]
        for (first, second) in [(0, 1), (1, 0), (0, 2), (1, 3)] {
            let one = cut(files[first], at: [files[first].count / 1024 * 512])
            let other = cut(files[second], at: [files[second].count / 1024 * 512])
            let (bytes, extents) = lay([one[0], other[0], one[1], other[1]], seed: UInt64(44 + first))
            let found = try proven(bytes)
            #expect(found.map(\.extents) == [[extents[0], extents[2]], [extents[1], extents[3]]])
        }
    }

    @Test func aDecoyIsNotTaken() throws {
        for seed in 50...55 as ClosedRange<UInt64> {
            for (file, other) in [(png(seed: seed), png(seed: seed + 100)), (try zip(seed: seed), try zip(seed: 90))] {
                let pieces = cut(file, at: [4096])
                let decoy = cut(other, at: [4096])[1]
                // The tail of another file of the same kind where the file's own should be.
                #expect(try proven(lay([pieces[0], decoy], seed: seed).bytes).isEmpty)
                let (bytes, extents) = lay([pieces[0], decoy, pieces[1]], seed: seed)
                #expect(try proven(bytes).map(\.extents) == [[extents[0], extents[2]]])
                // Without its middle nothing is whole.
                let halves = cut(file, at: [4096, 8192])
                #expect(try proven(lay([halves[0], halves[2]], seed: seed).bytes).isEmpty)
            }
        }
    }

    @Test func anEventLogsRecordsTellTheGap() throws {
        let file = SystemFileWalkerTests.eventLog()
        for splits in [[2048], [4096], [4608]] {
            for seed in 60...62 as ClosedRange<UInt64> {
                let (bytes, extents) = lay(cut(file, at: splits), seed: seed)
                let found = try carve(bytes).artifacts.filter { $0.format == "evtx" }
                #expect(found.map(\.sha256) == [try digest(.sha256, of: file)], "\(splits) \(seed)")
                // Zeros that follow zeros may be counted to either piece.
                if seed == 60 { #expect(found.first?.extents.first?.offset == extents[0].offset) }
            }
        }
    }

    /// The unused rest of a chunk holds nothing that proves a join.
    @Test func whatFillsAnUnusedRestIsNotBelieved() throws {
        let file = SystemFileWalkerTests.eventLog()
        let (bytes, _) = lay(cut(file, at: [4096 + 9 * 512]), seed: 63)
        let found = try carve(bytes).artifacts.filter { $0.format == "evtx" }
        #expect(found.map(\.confidence) == [.header])
        #expect(found.map(\.sha256) == [try digest(.sha256, of: file)])
    }

    @Test func framesOfSoundAreTied() throws {
        let file = flac(seed: 70)
        for split in stride(from: 512, to: file.count - 1024, by: 1024) {
            for seed in 70...72 as ClosedRange<UInt64> {
                let (bytes, extents) = lay(cut(file, at: [split]), seed: seed)
                let found = try carve(bytes).artifacts.filter { $0.confidence == .structural }
                #expect(found.map(\.extents) == [extents], "split at \(split), seed \(seed)")
            }
        }
    }

    @Test func pagesOfADatabaseAreTied() throws {
        let file = try database()
        for split in [1024, 2560, 8192, 8704, file.count - 1024] {
            for seed in 80...82 as ClosedRange<UInt64> {
                let (bytes, extents) = lay(cut(file, at: [split]), seed: seed)
                let found = try carve(bytes).artifacts.filter { $0.format == "sqlite" && $0.confidence != .broken }
                #expect(found.map(\.extents) == [extents], "split at \(split), seed \(seed)")
            }
        }
    }

    // MARK: Bounds

    @Test func allShapesAreTheSameForAnyNumberOfWorkers() throws {
        var bytes: [UInt8] = []
        for seed in 100..<104 as Range<UInt64> {
            let file = png(seed: seed)
            bytes += lay(cut(file, at: [4096, 9216]), seed: seed).bytes
            bytes += lay(cut(png(seed: seed + 50), at: [4096]).reversed(), seed: seed).bytes
            bytes += lay(cut(try zip(seed: seed), at: [4096, 5120]), seed: seed).bytes
        }
        let exports = try [1, 2, 8].map { workers in
            try carve(bytes, workers: workers).artifacts.map(\.canonical.encodedText).joined(separator: "\n")
        }
        #expect(exports[0].contains("\"proven\""))
        #expect(exports[1] == exports[0])
        #expect(exports[2] == exports[0])
    }

    @Test func allWorkTogetherIsBounded() throws {
        // A medium full of heads without bodies.
        var generator = SeededGenerator(seed: 110)
        var bytes: [UInt8] = []
        for _ in 0..<300 { bytes += PNGWalkerTests.header + generator.bytes(512 - PNGWalkerTests.header.count) }
        var limits = CarveLimits()
        limits.joinWork = 1 << 20
        limits.joinBatch = 8
        limits.joinTotalWork = 1
        let result = try carve(bytes, limits: limits)
        #expect(result.limitsHit["carve_join_total_work"] ?? 0 > 0)
        #expect(result.artifacts.allSatisfy { $0.confidence != .proven && $0.confidence != .structural })
    }
}
