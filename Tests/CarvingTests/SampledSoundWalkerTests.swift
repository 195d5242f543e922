import Digesting
import EvidenceModel
import Testing

@testable import Carving

@Suite struct SampledSoundWalkerTests {
    @Test func sunSoundEndsWhereItSays() {
        var generator = SeededGenerator(seed: 71)
        let file = joined(
            Array(".snd".utf8), .be32(32), .be32(1600), .be32(3), .be32(8000), .be32(2), Array("voice\0\0\0".utf8),
            generator.bytes(1600))
        let walker = SunSoundWalker()
        expectExact(walker, file, .structural, format: "au")
        expectNeverWholeWhenTruncated(walker, file, noise: 0)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 8)
        let found = verdict(of: walker, on: file).completed
        #expect(found?.facts["duration_ms"] == .size(50))
        #expect(found?.unchecked.isEmpty == false)
    }

    @Test func creativeVoiceEndsWithItsLastBlock() {
        var generator = SeededGenerator(seed: 72)
        var file = Array("Creative Voice File\u{1A}".utf8) + [26, 0, 10, 1, 0x29, 0x11]
        for _ in 0..<3 { file += joined([1], .le16(402), [0, 165, 0], generator.bytes(400)) }
        file.append(0)
        let walker = CreativeVoiceWalker()
        expectExact(walker, file, .structural, format: "voc")
        for length in 0..<file.count {
            #expect(verdict(of: walker, on: Array(file[..<length])).completed == nil, "cut to \(length)")
        }
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 20)
        #expect(verdict(of: walker, on: file).completed?.facts["sample_rate"] == .size(1_000_000 / (256 - 165)))
    }

    @Test func coreAudioEndsWhereNoChunkFollows() {
        var generator = SeededGenerator(seed: 73)
        let rate = UInt64(Double(44100).bitPattern)
        let info = Array("title\0Memo\0recorded date\u{0}2024-01-02\0".utf8)
        let file = joined(
            Array("caff".utf8), [0, 1, 0, 0], Array("desc".utf8), .be32(0), .be32(32), .be32(Int(rate >> 32)),
            .be32(Int(rate & 0xFFFF_FFFF)), Array("lpcm".utf8), .be32(0), .be32(2), .be32(1), .be32(1), .be32(16),
            Array("info".utf8), .be32(0), .be32(info.count + 4), .be32(2), info, Array("data".utf8), .be32(0),
            .be32(4 + 882), .be32(0), generator.bytes(882))
        let walker = CoreAudioWalker()
        expectExact(walker, file, .header, format: "caf")
        expectNeverSureWhenTruncated(walker, file)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 12)
        let facts = verdict(of: walker, on: file).completed?.facts
        #expect(facts?["title"] == "Memo")
        #expect(facts?["taken"] == "2024-01-02")
        #expect(facts?["duration_ms"] == .size(10))
    }

    // MARK: WavPack

    private static func block(_ start: Int, total: Int, checksum: Bool, _ generator: inout SeededGenerator) -> [UInt8] {
        let data = generator.bytes(300)
        var block = joined(
            Array("wvpk".utf8), .le32(0), .le16(0x410), [0, 0], .le32(total), .le32(start), .le32(100),
            .le32(9 << 23 | 0x1800), .le32(0), [0x8A], [150, 0, 0], data)
        if checksum { block += [0x2F, 2] }
        block.put(.le32(block.count + (checksum ? 4 : 0) - 8), at: 4)
        guard checksum else { return block }
        var sum: UInt32 = 0xFFFF_FFFF
        for word in stride(from: 0, to: block.count, by: 2) {
            sum = sum &* 3 &+ UInt32(block[word]) &+ UInt32(block[word + 1]) << 8
        }
        return block + .le32(Int(sum))
    }

    @Test(arguments: [false, true]) func wavPackEndsWithItsLastSample(checksum: Bool) {
        var generator = SeededGenerator(seed: 74)
        let file = (0..<5).flatMap { Self.block($0 * 100, total: 500, checksum: checksum, &generator) }
        let walker = WavPackWalker()
        expectExact(walker, file, checksum ? .proven : .structural, format: "wavpack")
        expectNeverWholeWhenTruncated(walker, file, noise: checksum ? 2000 : 0)
        if checksum { expectNeverProvenWhenFlipped(walker, file, in: 0..<file.count) }
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 32)
        let facts = verdict(of: walker, on: file).completed?.facts
        #expect(facts?["sample_rate"] == .size(44100))
        #expect(facts?["duration_ms"] == .size(500 * 1000 / 44100))
    }

    @Test func monkeysAudioIsProvenByItsDigest() throws {
        var generator = SeededGenerator(seed: 75)
        let header = joined(
            .le16(2000), .le16(0), .le32(73728), .le32(1000), .le32(2), .le16(16), .le16(2), .le32(44100))
        let seek = joined(.le32(100), .le32(900))
        let sound = generator.bytes(1500)
        let digest = try digest(.md5, of: sound + header + seek).bytes
        let file = joined(
            Array("MAC ".utf8), .le16(3990), .le16(0), .le32(52), .le32(24), .le32(8), .le32(44), .le32(1446), .le32(0),
            .le32(10), digest, header, seek, sound)
        let walker = MonkeysAudioWalker()
        expectExact(walker, file, .proven, format: "ape")
        expectNeverWholeWhenTruncated(walker, file, noise: 0)
        expectNeverProvenWhenFlipped(walker, file, in: 36..<file.count)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 6)
        #expect(verdict(of: walker, on: file).completed?.facts["duration_ms"] == .size(74728 * 1000 / 44100))
    }
}
