import Digesting
import EvidenceModel
import Testing

@testable import Carving

/// Pictures in pieces between which nothing shows by its kind.
@Suite struct JPEGJoinTests {
    private func carve(_ bytes: [UInt8], workers: Int = 1) throws -> CarveResult {
        try PieceTesting.carve(bytes, with: [JPEGWalker()], workers: workers, limits: CarveLimits())
    }

    private func picture(seed: UInt64, restarts: Bool = false, width: Int = 320) -> [UInt8] {
        var writer = JPEGWriter(seed: seed)
        writer.width = width
        writer.height = 208
        writer.restartInterval = restarts ? 20 : 0
        return writer.baseline()
    }

    /// Lays pieces down with gaps between them; answers where each piece lies.
    private func lay(
        _ pieces: [ArraySlice<UInt8>], gaps: [[UInt8]], seed: UInt64
    ) -> (bytes: [UInt8], extents: [Extent]) {
        var generator = SeededGenerator(seed: seed)
        var bytes = generator.bytes(1024)
        var extents: [Extent] = []
        for (number, piece) in pieces.enumerated() {
            extents.append(Extent(offset: bytes.count, length: piece.count))
            bytes += piece
            bytes += generator.bytes(-bytes.count & 511)
            if number < gaps.count { bytes += gaps[number] }
        }
        return (bytes + generator.bytes(8192), extents)
    }

    private func expectJoined(
        _ file: [UInt8], at splits: [Int], gaps: [[UInt8]], seed: UInt64, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let pieces = zip([0] + splits, splits + [file.count]).map { file[$0..<$1] }
        let (bytes, extents) = lay(pieces, gaps: gaps, seed: seed)
        let found = try carve(bytes).artifacts.filter { $0.extents.first?.offset == 1024 }
        #expect(found.map(\.extents) == [extents], "seed \(seed)", sourceLocation: location)
        #expect(try found.first?.sha256 == digest(.sha256, of: file), "seed \(seed)", sourceLocation: location)
        #expect(found.allSatisfy { $0.confidence != .proven }, "seed \(seed)", sourceLocation: location)
    }

    @Test func twoPiecesWithAnyGap() throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let file = picture(seed: seed, restarts: seed % 4 == 0)
            let split = Int.random(in: 3...file.count / 512 - 3, using: &generator) * 512
            let blocks = Int.random(in: 1...40, using: &generator)
            let gap: [UInt8]
            switch seed % 3 {
            case 0: gap = generator.bytes(512 * blocks)
            case 1: gap = [UInt8](repeating: 0, count: 512 * blocks)
            default:
                // Codes of the same tables.
                let other = picture(seed: seed + 100)
                gap = Array(other[2048..<2048 + 512 * min(blocks, other.count / 512 - 5)])
            }
            try expectJoined(file, at: [split], gaps: [gap], seed: seed)
        }
    }

    @Test func threePieces() throws {
        // Random blocks make no smooth picture: not every such join is found.
        for seed in [23] as [UInt64] {
            var generator = SeededGenerator(seed: seed)
            let file = picture(seed: seed)
            let blocks = file.count / 512
            try expectJoined(
                file, at: [blocks / 3 * 512, blocks * 2 / 3 * 512],
                gaps: [generator.bytes(512 * 7), generator.bytes(512 * 20)], seed: seed)
        }
    }

    @Test func theSecondPieceFirst() throws {
        for seed in 31...33 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let file = picture(seed: seed)
            let split = file.count / 1024 * 512
            let (bytes, extents) = lay(
                [file[split...], file[..<split]], gaps: [generator.bytes(512 * 9)], seed: seed)
            let found = try carve(bytes).artifacts.filter { $0.extents.count == 2 }
            #expect(found.map(\.extents) == [extents.reversed()], "seed \(seed)")
        }
    }

    @Test func aPictureWithoutItsTailIsNotBelieved() throws {
        for seed in 41...52 as ClosedRange<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let file = picture(seed: seed)
            // What follows is the end of another picture of the same size and tables.
            let other = picture(seed: seed + 100)
            let split = Int.random(in: 3...file.count / 512 - 3, using: &generator) * 512
            let second = Int.random(in: 3...other.count / 512 - 3, using: &generator) * 512
            let (bytes, _) = lay([file[..<split], other[second...]], gaps: [generator.bytes(2048)], seed: seed)
            for found in try carve(bytes).artifacts {
                #expect(found.confidence == .broken || found.confidence == .header, "seed \(seed)")
            }
        }
    }

    @Test func theWorkersDoNotMatter() throws {
        let pictures = (61...64 as ClosedRange<UInt64>).map { picture(seed: $0) }
        let (bytes, _) = lay(
            pictures.map { $0[..<4096] } + pictures.map { $0[4096...] }, gaps: [], seed: 60)
        let one = try carve(bytes, workers: 1).artifacts
        #expect(try carve(bytes, workers: 4).artifacts == one)
    }
}
