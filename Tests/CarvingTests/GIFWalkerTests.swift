import EvidenceModel
import Testing

@testable import Carving

@Suite struct GIFWalkerTests {
    /// A picture whose pixels are written with nine-bit codes and a clear code before the table grows.
    static func picture(pixels: [UInt8], width: Int) -> [UInt8] {
        var bits: [UInt8] = []
        var held = 0
        var count = 0
        func put(_ code: Int) {
            held |= code << count
            count += 9
            while count >= 8 {
                bits.append(UInt8(truncatingIfNeeded: held))
                held >>= 8
                count -= 8
            }
        }
        for (index, pixel) in pixels.enumerated() {
            if index % 200 == 0 { put(256) }
            put(Int(pixel))
        }
        put(257)
        if count > 0 { bits.append(UInt8(truncatingIfNeeded: held)) }
        var blocks: [UInt8] = []
        for start in stride(from: 0, to: bits.count, by: 255) {
            let end = min(bits.count, start + 255)
            blocks += [UInt8(end - start)] + bits[start..<end]
        }
        return [0x2C] + .le16(0) + .le16(0) + .le16(width) + .le16(pixels.count / width) + [0, 8] + blocks + [0]
    }

    static func sample(seed: UInt64 = 1, frames: Int = 2) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var file = Array("GIF89a".utf8) + .le16(20) + .le16(30) + [0xF7, 0, 0] + generator.bytes(768)
        file += [0x21, 0xFF, 11] + Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]
        for _ in 0..<frames {
            file += [0x21, 0xF9, 4, 0, 10, 0, 0, 0]
            file += picture(pixels: generator.bytes(600), width: 20)
        }
        return file + [0x3B]
    }

    @Test func endsAtItsTrailer() throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            expectExact(GIFWalker(), Self.sample(seed: seed), .structural, format: "gif")
        }
        let file = try #require(verdict(of: GIFWalker(), on: Self.sample()).completed)
        #expect(file.facts["frames"] == 2)
        #expect(file.facts["duration_ms"] == 200)
        #expect(file.facts["loops"] == 0)
    }

    @Test func cutFileIsNeverWhole() {
        expectNeverWholeWhenTruncated(GIFWalker(), Self.sample(), every: 7)
        expectNeverTraps(GIFWalker(), Self.sample(), rounds: 1000)
    }

    @Test func otherBytesInsideAPictureAreNoticed() {
        let file = Self.sample(seed: 9, frames: 6)
        var generator = SeededGenerator(seed: 10)
        for _ in 0..<20 {
            let at = Int.random(in: 1000..<file.count - 600, using: &generator)
            var damaged = file
            damaged.put(generator.bytes(512), at: at)
            #expect(verdict(of: GIFWalker(), on: damaged).completed == nil)
        }
    }
}
