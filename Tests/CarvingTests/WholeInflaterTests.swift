import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// A stream that is inflated as a whole gives what zlib makes of it piece by piece.
@Suite struct WholeInflaterTests {
    /// What both ways make of a stream, and whether the first of them was taken.
    private func expectSame(_ stream: [UInt8], size: Int?, budget: Int = 1 << 30, _ what: String) throws {
        let source = MemorySource(stream)
        let whole = ByteReader(source, at: 0)
        // The pieces of a trial are never inflated as a whole.
        let pieces = ByteReader(FreeSpace(source, from: 0, without: [], reach: stream.count), at: 0)
        #expect(whole.inflatesWhole && !pieces.inflatesWhole)
        var (left, right) = (budget, budget)
        let first = try whole.inflate(from: 3, to: stream.count, keeping: 100, size: size, budget: &left)
        let second = try pieces.inflate(from: 3, to: stream.count, keeping: 100, budget: &right)
        #expect(first.end == second.end && first.consumed == second.consumed, "\(what)")
        #expect(first.produced == second.produced && first.crc == second.crc && first.head == second.head, "\(what)")
        #expect(left == right && whole.bytesInflated == pieces.bytesInflated, "\(what)")
    }

    private func deflated(_ length: Int, level: Int) throws -> [UInt8] {
        try EmbeddedTesting.python(
            """
            import zlib, random
            random.seed(\(length))
            content = b''.join(random.choice([b'evidence ', b'block ', random.randbytes(3)]) for _ in range(\(length)))
            deflater = zlib.compressobj(\(level), zlib.DEFLATED, -15)
            out.write(b'xyz' + deflater.compress(content[:\(length)]) + deflater.flush() + b'behind it')
            """)
    }

    @Test(arguments: [(0, 9), (1, 9), (700, 0), (5_000, 6), (200_000, 1), (700_000, 9)])
    func givesTheSame(length: Int, level: Int) throws {
        let stream = try deflated(length, level: level)
        for size in [nil, length, length + 1, max(0, length - 1), 0] {
            try expectSame(stream, size: size, "stated as \(size ?? -1)")
            try expectSame(stream, size: size, budget: length / 2 + 1, "half the budget")
            try expectSame(stream, size: size, budget: max(1, length), "just the budget")
        }
    }

    @Test func damagedAndCutStreamsGiveTheSame() throws {
        let stream = try deflated(9_000, level: 6)
        var generator = SeededGenerator(seed: 3)
        for round in 0..<200 {
            var damaged = stream
            damaged[Int.random(in: 3..<damaged.count, using: &generator)] ^= UInt8.random(
                in: 1...255, using: &generator)
            try expectSame(damaged, size: 9_000, "flip \(round)")
            let cut = Int.random(in: 4..<stream.count, using: &generator)
            try expectSame(Array(stream[..<cut]), size: round % 2 == 0 ? nil : 9_000, "cut at \(cut)")
        }
    }
}
