import Digesting
import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// Files in pieces: found again when, and only when, their own checks prove it.
@Suite struct JoinTests {
    private static let walkers: [any FormatWalker] = [PNGWalker(), ZipWalker(), GzipWalker(), OggWalker()]

    private func carve(_ bytes: [UInt8], workers: Int = 1, limits: CarveLimits = CarveLimits()) throws -> CarveResult {
        try PieceTesting.carve(bytes, with: Self.walkers, workers: workers, limits: limits)
    }

    private func text(_ lines: Int, seed: UInt64) -> [UInt8] { PieceTesting.text(lines, seed: seed) }

    private func gzip(_ content: [UInt8]) throws -> [UInt8] { try PieceTesting.gzip(content) }

    private func zip(seed: UInt64) throws -> [UInt8] {
        try PieceTesting.zip(
            [("a.txt", 300), ("b.txt", 900), ("c.txt", 40)].map { ($0.0, text($0.1, seed: seed)) })
    }

    private func png(seed: UInt64, chunks: Int = 3) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return PNGWalkerTests.picture(chunks: chunks, &generator)
    }

    /// A medium that begins with noise and holds a file in two pieces with something between them.
    private func medium(_ file: [UInt8], split: Int, gap: [UInt8], seed: UInt64 = 9) -> (
        bytes: [UInt8], extents: [Extent]
    ) {
        var generator = SeededGenerator(seed: seed)
        let padded = gap + [UInt8](repeating: 0, count: (512 - gap.count % 512) % 512)
        let tail = generator.bytes((512 - (file.count - split) % 512) % 512 + 4096)
        let bytes = generator.bytes(1024) + file[..<split] + padded + file[split...] + tail
        return (
            bytes,
            [
                Extent(offset: 1024, length: split),
                Extent(offset: 1024 + split + padded.count, length: file.count - split),
            ]
        )
    }

    private func gaps(seed: UInt64) -> [[UInt8]] {
        var generator = SeededGenerator(seed: seed)
        return [
            generator.bytes(512 * 3), [UInt8](repeating: 0, count: 512 * 7), Array(text(200, seed: seed).prefix(2048)),
        ]
    }

    private func expectJoined(_ file: [UInt8], every step: Int = 512) throws {
        for split in stride(from: 512, to: file.count, by: step) {
            for gap in gaps(seed: UInt64(split)) {
                let (bytes, extents) = medium(file, split: split, gap: gap)
                let found = try carve(bytes).artifacts.filter { $0.confidence == .proven }
                #expect(found.map(\.extents) == [extents], "split at \(split), gap of \(gap.count)")
                #expect(try found.first?.sha256 == digest(.sha256, of: file))
            }
        }
    }

    @Test func pieces() throws {
        try expectJoined(png(seed: 1))
        try expectJoined(zip(seed: 2), every: 1536)
        try expectJoined(gzip(text(900, seed: 3)), every: 1024)
    }

    /// Pages of many blocks, so that borders lie in their bodies and in their tables of segments.
    @Test func soundInPages() throws {
        var generator = SeededGenerator(seed: 31)
        let head = Array("OpusHead".utf8) + [1, 2] + .le16(312) + .le32(48000) + .le16(0) + [0]
        var stream = OggWalkerTests.page(head, flags: 2, sequence: 0, granule: 0)
        for (index, size) in [200, 20_000, 3_000, 9_000].enumerated() {
            stream += OggWalkerTests.page(
                generator.bytes(size), flags: index == 3 ? 4 : 0, sequence: index + 1, granule: 960 * index)
        }
        try expectJoined(stream, every: 2048)
    }

    @Test func aFileInTheGapIsFoundAsWell() throws {
        let inner = png(seed: 4, chunks: 40)
        let outer = try gzip(text(900, seed: 5))
        let (bytes, extents) = medium(outer, split: 2048, gap: inner)
        let found = try carve(bytes).artifacts.filter { $0.confidence == .proven }
        #expect(found.map(\.format) == ["gz", "png"])
        #expect(found.first?.extents == extents)
        #expect(try found.last?.sha256 == digest(.sha256, of: inner))
    }

    /// Piece by piece in turn: what is joined first brings the pieces of the other together.
    @Test func twoFilesInTurn() throws {
        let first = png(seed: 6, chunks: 30)
        let second = try gzip(text(900, seed: 7))
        var generator = SeededGenerator(seed: 8)
        let bytes =
            generator.bytes(512) + first[..<20_480] + second[..<2048] + first[20_480...]
            + generator.bytes((512 - first.count % 512) % 512) + second[2048...] + generator.bytes(2048)
        let found = try carve(bytes).artifacts.filter { $0.confidence == .proven }
        #expect(found.map(\.format) == ["png", "gz"])
        #expect(try found.map(\.sha256) == [digest(.sha256, of: first), digest(.sha256, of: second)])
    }

    @Test func whatIsNotWholeIsNotJoined() throws {
        for file in [png(seed: 10), try zip(seed: 11), try gzip(text(900, seed: 12))] {
            let split = min(2048, file.count / 1024 * 512)
            for kind in 0..<3 {
                var (bytes, extents) = medium(file, split: split, gap: gaps(seed: 13)[kind])
                // One bit of the second piece is another, or its second half is missing.
                if kind < 2 {
                    bytes[extents[1].offset + extents[1].length / 2] ^= 0x10
                } else {
                    var generator = SeededGenerator(seed: 14)
                    let half = extents[1].length / 2
                    bytes.put(generator.bytes(extents[1].length - half), at: extents[1].offset + half)
                }
                let whole = try carve(bytes).artifacts.filter { $0.confidence != .broken && $0.confidence != .header }
                #expect(whole.map(\.extents) == [])
            }
        }
    }

    @Test func theResultDoesNotDependOnTheWorkers() throws {
        var bytes: [UInt8] = []
        for seed in 20..<26 as Range<UInt64> {
            bytes += medium(png(seed: seed), split: 1024, gap: gaps(seed: seed)[0], seed: seed).bytes
            bytes += try medium(gzip(text(500, seed: seed)), split: 1536, gap: gaps(seed: seed)[2], seed: seed).bytes
            bytes += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
        }
        let exports = try [1, 2, 8].map { workers in
            try carve(bytes, workers: workers).artifacts.map(\.canonical.encodedText).joined(separator: "\n")
        }
        #expect(exports[0].contains("\"proven\""))
        #expect(exports[1] == exports[0])
        #expect(exports[2] == exports[0])
    }

    @Test func workIsBounded() throws {
        var limits = CarveLimits()
        limits.joinWork = 100_000
        let (bytes, _) = medium(try gzip(text(9000, seed: 30)), split: 20_480, gap: gaps(seed: 30)[0])
        let result = try carve(bytes, limits: limits)
        #expect(result.limitsHit["carve_join_work"] == 1)
        #expect(result.artifacts.allSatisfy { $0.confidence != .proven })
    }

    @Test func freeSpaceLeavesOutWhatIsTaken() throws {
        let bytes = (0..<4096).map { UInt8(truncatingIfNeeded: $0 / 16) }
        let taken = [
            Extent(offset: 0, length: 512), Extent(offset: 1024, length: 512), Extent(offset: 2048, length: 512),
        ]
        let space = FreeSpace(MemorySource(bytes), from: 512, without: taken, reach: 2000)
        #expect(space.size == 2000)
        let expected = bytes[512..<1024] + bytes[1536..<2048] + bytes[2560..<3536]
        #expect(try space.bytes(at: 0, count: 4096) == Array(expected))
        #expect(try space.bytes(at: 500, count: 30) == Array(expected.dropFirst(500).prefix(30)))
        #expect(
            space.places(of: 500..<1030) == [
                Extent(offset: 1012, length: 12), Extent(offset: 1536, length: 512), Extent(offset: 2560, length: 6),
            ])
    }
}
