import EvidenceModel
import Testing

@testable import Carving

/// Bits from the highest down, for frames put together by hand.
private struct BitWriter {
    var bytes: [UInt8] = []
    private var held = 0
    private var count = 0

    mutating func put(_ value: Int, _ width: Int) {
        for shift in stride(from: width - 1, through: 0, by: -1) {
            held = held << 1 | (value >> shift & 1)
            count += 1
            if count == 8 {
                bytes.append(UInt8(held))
                held = 0
                count = 0
            }
        }
    }

    mutating func align() { while count > 0 { put(0, 1) } }
}

@Suite struct FLACWalkerTests {
    private static func crc(_ bytes: [UInt8], polynomial: Int, width: Int) -> Int {
        var value = 0
        for byte in bytes {
            value ^= Int(byte) << (width - 8)
            for _ in 0..<8 {
                value = value >> (width - 1) & 1 == 1 ? (value << 1 ^ polynomial) & ((1 << width) - 1) : value << 1
            }
        }
        return value
    }

    /// A mono frame of 192 samples: a fixed predictor of order 1 and Rice codes of the parameter 3.
    static func frame(_ number: Int, generator: inout SeededGenerator) -> [UInt8] {
        var head: [UInt8] = [0xFF, 0xF8, 0x19, 0x08, UInt8(number)]
        head.append(UInt8(crc(head, polynomial: 0x07, width: 8)))
        var bits = BitWriter()
        bits.put(0b0001001_0, 8)
        bits.put(Int.random(in: 0..<65536, using: &generator), 16)
        bits.put(0, 2)
        bits.put(0, 4)
        bits.put(3, 4)
        for _ in 0..<191 {
            bits.put(1, Int.random(in: 1...6, using: &generator))
            bits.put(Int.random(in: 0..<8, using: &generator), 3)
        }
        bits.align()
        let body = head + bits.bytes
        return body + .be16(crc(body, polynomial: 0x8005, width: 16))
    }

    static func sample(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        // 44100 Hz, one channel, 16 bits, 576 samples.
        let stream: [UInt8] =
            .be16(192) + .be16(192) + [0, 0, 0, 0, 0, 0, 0x0A, 0xC4, 0x40, 0xF0, 0, 0, 2, 0x40]
            + [UInt8](repeating: 0, count: 16)
        let comment = [UInt8].le32(0) + .le32(1) + .le32(12) + Array("ARTIST=J.Doe".utf8)
        return Array("fLaC".utf8) + [0, 0, 0, 34] + stream + [0x84, 0, 0, UInt8(comment.count)] + comment
            + (0..<3).flatMap { frame($0, generator: &generator) }
    }

    @Test func endsAfterTheStatedSamples() throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            expectExact(FLACWalker(), Self.sample(seed: seed), .structural, format: "flac")
        }
        let file = try #require(verdict(of: FLACWalker(), on: Self.sample(seed: 1)).completed)
        #expect(file.facts["artist"] == "J.Doe")
        #expect(file.facts["duration_ms"] == 13)
    }

    @Test func damageIsNoticed() {
        let file = Self.sample(seed: 5)
        expectNeverWholeWhenTruncated(FLACWalker(), file, every: 3)
        for index in file.count - 300..<file.count {
            var damaged = file
            damaged[index] ^= 0x10
            #expect(verdict(of: FLACWalker(), on: damaged).completed == nil, "byte \(index)")
        }
        expectNeverTraps(FLACWalker(), file, rounds: 1000)
    }
}

@Suite struct OggWalkerTests {
    static func page(_ body: [UInt8], flags: Int, sequence: Int, granule: Int) -> [UInt8] {
        let lacing = [UInt8](repeating: 255, count: body.count / 255) + [UInt8(body.count % 255)]
        var page = Array("OggS\0".utf8) + [UInt8(flags)]
        page += .le64(granule) + .le32(77) + .le32(sequence)
        page += .le32(0) + [UInt8(lacing.count)] + lacing + body
        var crc: UInt32 = 0
        for byte in page {
            crc ^= UInt32(byte) << 24
            for _ in 0..<8 { crc = crc & 0x8000_0000 != 0 ? crc << 1 ^ 0x04C1_1DB7 : crc << 1 }
        }
        page.put(.le32(Int(crc)), at: 22)
        return page
    }

    static let sample: [UInt8] = {
        var generator = SeededGenerator(seed: 3)
        let head = Array("OpusHead".utf8) + [1, 2] + .le16(312) + .le32(48000) + .le16(0) + [0]
        let tags =
            Array("OpusTags".utf8) + .le32(4) + Array("test".utf8) + .le32(1) + .le32(10) + Array("TITLE=Tone".utf8)
        return page(head, flags: 2, sequence: 0, granule: 0) + page(tags, flags: 0, sequence: 1, granule: 0)
            + page(generator.bytes(700), flags: 0, sequence: 2, granule: 24000)
            + page(generator.bytes(300), flags: 4, sequence: 3, granule: 48312)
    }()

    @Test func endsWithItsLastPage() throws {
        expectExact(OggWalker(), Self.sample, .proven, format: "opus")
        let file = try #require(verdict(of: OggWalker(), on: Self.sample).completed)
        #expect(file.facts["duration_ms"] == 1000)
        #expect(file.facts["title"] == "Tone")
    }

    @Test func damageIsNoticed() {
        expectNeverWholeWhenTruncated(OggWalker(), Self.sample, every: 5)
        expectNeverProvenWhenFlipped(OggWalker(), Self.sample, in: Self.sample.indices)
        expectNeverTraps(OggWalker(), Self.sample, rounds: 500)
    }
}
