import EvidenceModel
import Testing

@testable import Carving

@Suite struct MIDIWalkerTests {
    private static func track(_ events: [UInt8]) -> [UInt8] {
        joined(Array("MTrk".utf8), .be32(events.count + 4), events, [0, 0xFF, 0x2F, 0])
    }

    /// Two tracks: one with title and tempo, one with notes, some under running status.
    static func sample() -> [UInt8] {
        let title = Array("Étude".utf8)
        let first = joined(
            [0, 0xFF, 0x03, UInt8(title.count)], title, [0, 0xFF, 0x51, 3, 0x0F, 0x42, 0x40],
            [0, 0xF0, 3, 0x7E, 0x7F, 0xF7])
        var second: [UInt8] = [0, 0xC0, 12]
        for index in 0..<60 {
            second += [0, 0x90, UInt8(40 + index), 100, 0x60, UInt8(40 + index), 0]
            second += [0x81, 0x00, 0x80, UInt8(40 + index), 64]
        }
        return joined(
            Array("MThd".utf8), .be32(6), .be16(1), .be16(2), .be16(96), Self.track(first), Self.track(second))
    }

    @Test func everyEventIsFollowed() {
        let file = Self.sample()
        expectExact(MIDIWalker(), file, .structural, format: "midi")
        expectNeverWholeWhenTruncated(MIDIWalker(), file)
        expectNeverTraps(MIDIWalker(), file)
        expectLiesAreFound(MIDIWalker(), file)
        expectDecoyRefused(MIDIWalker(), file, keeping: 14)
        expectDecoyRefused(MIDIWalker(), file, keeping: 22)
        let facts = verdict(of: MIDIWalker(), on: file).completed?.facts
        #expect(facts?["title"] == "Étude")
        #expect(facts?["tracks"] == .size(2))
        // 60 times 96 and 128 ticks of a second for 96.
        #expect(facts?["duration_ms"] == .size(60 * (96 + 128) * 1000 / 96))
    }
}
