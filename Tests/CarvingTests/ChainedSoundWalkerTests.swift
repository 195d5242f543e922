import EvidenceModel
import Testing

@testable import Carving

/// Sound that is a chain of frames and nothing else.
@Suite struct ChainedSoundWalkerTests {
    private static func speech(wide: Bool) -> [UInt8] {
        var generator = SeededGenerator(seed: 31)
        var file = Array((wide ? "#!AMR-WB\n" : "#!AMR\n").utf8)
        for index in 0..<50 {
            // Mode 7 of AMR (12.2 kbit/s) and 8 of AMR-WB, a silence now and then.
            let isSilence = index % 10 == 9
            let type = isSilence ? (wide ? 9 : 8) : (wide ? 8 : 7)
            let length = isSilence ? 6 : (wide ? 61 : 32)
            file += [UInt8(type << 3 | 4)] + generator.bytes(length - 1)
        }
        return file
    }

    @Test(arguments: [false, true]) func speechEndsWhereNoFrameFollows(wide: Bool) {
        let file = Self.speech(wide: wide)
        let walker = SpeechSoundWalker()
        let found = verdict(of: walker, on: file + [UInt8](repeating: 0, count: 700)).completed
        #expect(found?.length == file.count)
        #expect(found?.confidence == .header)
        #expect(found?.format == (wide ? "amr-wb" : "amr"))
        #expect(found?.facts["duration_ms"] == .size(1000))
        expectNeverSureWhenTruncated(walker, file, every: 5)
        expectNeverTraps(walker, file)
        expectDecoyRefused(walker, file, keeping: 9)
    }

    /// AAC-LC, 44.1 kHz, two channels.
    private static func adts() -> [UInt8] {
        var generator = SeededGenerator(seed: 32)
        var file: [UInt8] = []
        for _ in 0..<20 {
            let body = generator.bytes(Int.random(in: 100...300, using: &generator))
            let length = body.count + 7
            file += [
                0xFF, 0xF1, 0x50, 0x80 | UInt8(length >> 11), UInt8(length >> 3 & 0xFF), UInt8(length & 7) << 5 | 0x1F,
                0xFC,
            ]
            file += body
        }
        return file
    }

    @Test func rawAACEndsWhereNoFrameFollows() {
        let file = Self.adts()
        let walker = ADTSWalker()
        let found = verdict(of: walker, on: file + [UInt8](repeating: 0, count: 700)).completed
        #expect(found?.length == file.count)
        #expect(found?.confidence == .header)
        #expect(found?.facts["channels"] == .size(2))
        #expect(found?.facts["sample_rate"] == .size(44100))
        #expect(found?.facts["duration_ms"] == .size(20 * 1024 * 1000 / 44100))
        #expect(walker.signatures.contains { file.starts(with: $0.bytes) })
        expectNeverSureWhenTruncated(walker, file, every: 5)
        expectNeverTraps(walker, file)
        expectDecoyRefused(walker, file, keeping: 7)
    }
}
