import EvidenceModel
import Testing

@testable import Carving

@Suite struct MPEGStreamWalkerTests {
    private static func pack(_ seconds: Int) -> [UInt8] {
        let time = seconds * 90_000
        return [
            0, 0, 1, 0xBA, 0x44 | UInt8(time >> 27 & 0x38) | UInt8(time >> 28 & 3), UInt8(time >> 20 & 0xFF),
            UInt8(time >> 12 & 0xF8) | 4 | UInt8(time >> 13 & 3), UInt8(time >> 5 & 0xFF), UInt8(time << 3 & 0xF8) | 4,
            1, 0, 0, 3, 0xF8,
        ]
    }

    private static func packet(_ id: UInt8, _ payload: [UInt8]) -> [UInt8] {
        joined([0, 0, 1, id], .be16(payload.count + 3), [0x80, 0, 0], payload)
    }

    private static func programStream(end: Bool) -> [UInt8] {
        var generator = SeededGenerator(seed: 41)
        var file: [UInt8] = []
        for second in 0..<6 {
            let sequence: [UInt8] = second == 0 ? [0, 0, 1, 0xB3, 0x16, 0x01, 0x20, 0x33, 0, 0, 0, 0] : []
            file += pack(second) + packet(0xE0, sequence + generator.bytes(500)) + packet(0xC0, generator.bytes(120))
        }
        return file + (end ? [0, 0, 1, 0xB9] : [])
    }

    @Test func aProgramStreamEndsWithItsEndCode() {
        let walker = MPEGProgramStreamWalker()
        let file = Self.programStream(end: true)
        expectExact(walker, file, .structural, format: "mpeg-ps")
        expectNeverSureWhenTruncated(walker, file)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 4)
        expectDecoyRefused(walker, file, keeping: 40)
        let facts = verdict(of: walker, on: file).completed?.facts
        #expect(facts?["width"] == .size(352))
        #expect(facts?["height"] == .size(288))
        #expect(facts?["duration_ms"] == .size(5000))
        #expect(facts?["codec"] == "MPEG-2")
    }

    @Test func withoutEndCodeItsEndIsUncertain() {
        let file = Self.programStream(end: false)
        expectExact(MPEGProgramStreamWalker(), file, .header, format: "mpeg-ps")
    }

    // MARK: Transport streams

    private static func crc(_ bytes: [UInt8]) -> [UInt8] {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte) << 24
            for _ in 0..<8 { crc = crc & 0x8000_0000 != 0 ? crc << 1 ^ 0x04C1_1DB7 : crc << 1 }
        }
        return .be32(Int(crc))
    }

    private static func table(_ identifier: Int, _ bytes: [UInt8], counter: Int) -> [UInt8] {
        let head = [0x47, 0x40 | UInt8(identifier >> 8), UInt8(identifier & 0xFF), 0x10 | UInt8(counter & 15), 0]
        let packet = head + bytes + crc(bytes)
        return packet + [UInt8](repeating: 0xFF, count: 188 - packet.count)
    }

    private static func transportStream(time: Bool) -> [UInt8] {
        var generator = SeededGenerator(seed: 42)
        let association: [UInt8] = [0, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1, 0xE1, 0x00]
        let map: [UInt8] = [2, 0xB0, 18, 0, 1, 0xC1, 0, 0, 0xE1, 0x01, 0xF0, 0, 0x1B, 0xE1, 0x01, 0xF0, 0]
        var packets = [table(0, association, counter: 0), table(0x100, map, counter: 0)]
        for index in 0..<30 {
            let clock = index * 9000
            let start: UInt8 = index == 0 ? 0x41 : 0x01
            packets.append(
                [0x47, start, 0x01, 0x30 | UInt8(index & 15), 7, 0x10] + .be32(clock >> 1)
                    + [UInt8(clock & 1) << 7 | 0x7E, 0] + generator.bytes(176))
        }
        return packets.flatMap { (time ? [0x12, 0x34, 0x56, 0x78] : []) + $0 }
    }

    @Test(arguments: [false, true]) func aTransportStreamEndsWhereNoPacketFollows(time: Bool) {
        let walker = MPEGTransportStreamWalker()
        let file = Self.transportStream(time: time)
        expectExact(walker, file, .header, format: time ? "m2ts" : "mpeg-ts")
        expectNeverSureWhenTruncated(walker, file, every: 11)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 4)
        expectDecoyRefused(walker, file, keeping: 400)
        let found = verdict(of: walker, on: file).completed
        #expect(found?.facts["codecs"] == .array(["H.264"]))
        #expect(found?.facts["duration_ms"] == .size(2900))
        #expect(
            walker.signatures.contains { $0.bytes.elementsEqual(file[$0.offset..<$0.offset + $0.bytes.count]) })
    }
}
