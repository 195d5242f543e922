import EvidenceModel
import Testing

@testable import Carving

/// Pieces of two files that take turns: where one begins, the other's piece ends.
@Suite struct NeighbouringPiecesTests {
    private func padded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        Array(bytes) + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func filesThatTakeTurnsComeApart(seed: UInt64) throws {
        let first = GIFWalkerTests.sample(seed: seed, frames: 5)
        let second = GIFWalkerTests.sample(seed: seed + 10, frames: 7)
        var generator = SeededGenerator(seed: seed + 20)
        for (split, other) in [(1024, 1536), (1536, 3072)] {
            let medium =
                generator.bytes(1024) + first[..<split] + second[..<other] + padded(first[split...])
                + padded(second[other...]) + generator.bytes(2048)
            let found = try PieceTesting.carve(medium, with: [GIFWalker()], workers: 1, limits: CarveLimits()).artifacts
            let behind = 1024 + split + other
            let expected = [
                Extent(offset: 1024, length: split), Extent(offset: behind, length: first.count - split),
            ]
            let joined = try #require(found.first { $0.extents == expected }, "split \(split), \(other)")
            #expect(joined.confidence == .header, "nothing proves such a join")
            #expect(
                found.allSatisfy { $0.extents.count == 1 || $0.extents[0].offset != 1024 || $0.extents == expected })
            let rest = behind + padded(first[split...]).count
            #expect(
                found.contains {
                    $0.extents == [
                        Extent(offset: 1024 + split, length: other), Extent(offset: rest, length: second.count - other),
                    ]
                }, "split \(split), \(other)")
        }
    }
}
