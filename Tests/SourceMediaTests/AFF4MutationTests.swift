import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// Whatever a container holds, opening and reading it ends, with an answer or an error.
@Suite("Hostile AFF4 containers")
struct AFF4MutationTests {
    private struct Random {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(1, bound)
        }
    }

    private static let interesting: [[UInt8]] = [
        [0], [0xFF], [0x80], [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F],
        [0, 0, 0, 0, 0, 0, 0, 0x40], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        Array("9223372036854775807".utf8),
        Array("[[[[[[[[[[[[[[[[[[[[".utf8), Array("\"\"\"".utf8), Array("aff4:Map".utf8),
        Array(AFF4Writer.map(0).utf8), Array(AFF4Writer.stream(0).utf8), Array("-1".utf8), Array("%".utf8),
    ]

    private func change(_ bytes: inout [UInt8], _ random: inout Random) {
        for _ in 0...random.below(4) {
            let at = random.below(bytes.count + 1)
            switch random.below(5) {
            case 0 where at < bytes.count: bytes[at] ^= UInt8(1 << random.below(8))
            case 1: bytes.insert(contentsOf: Self.interesting[random.below(Self.interesting.count)], at: at)
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + random.below(40)))
            default:
                let piece = Self.interesting[random.below(Self.interesting.count)]
                bytes.replaceSubrange(at..<min(bytes.count, at + piece.count), with: piece)
            }
        }
    }

    @Test("thousands of changed containers", arguments: 0..<8)
    func mutations(seed: Int) throws {
        let folder = try AFF4Folder()
        var random = Random(state: UInt64(seed))
        var writer = AFF4Writer()
        writer.chunkSize = 512
        writer.method = AFF4Writer.Method.allCases[seed % 5]
        writer.blockHashes = seed % 2 == 0 ? [.md5] : []
        writer.isZip64 = seed % 3 == 0
        let original = writer.write([.data(EWFMedia.medium(3000)), .symbolic("UnknownData", 900), .gap(10)])[0]
        for round in 0..<300 {
            var volume = original
            let path: String
            if round % 3 == 0 {
                var bytes = volume.bytes
                change(&bytes, &random)
                path = try folder.file("disk.aff4", bytes)
            } else {
                // Checksums and offsets are true again: what is behind them gets to see the change.
                let index = random.below(volume.members.count)
                change(&volume.members[index].content, &random)
                path = try folder.file("disk.aff4", volume.bytes)
            }
            do {
                let source = try SourceOpener.open(path)
                let size = source.size
                for start in [0, size / 2, max(0, size - 5000)] {
                    let bytes = try source.bytes(at: start, count: 5000)
                    try #require(bytes.count == min(5000, size - start), "seed \(seed), round \(round)")
                    let run = try source.zeroRun(at: start)
                    try #require(run >= 0 && bytes.prefix(run).allSatisfy { $0 == 0 }, "seed \(seed), round \(round)")
                }
                var end = 0
                for range in source.unreadable {
                    try #require(range.extent.offset >= end && range.extent.end <= size, "seed \(seed), round \(round)")
                    end = range.extent.end
                }
            } catch is SourceError {
                continue
            }
        }
    }
}
