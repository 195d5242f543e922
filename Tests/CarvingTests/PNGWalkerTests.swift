import EvidenceModel
import Testing

@testable import Carving

@Suite struct PNGWalkerTests {
    static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
        var crc = CRC32()
        crc.update((Array(type.utf8) + body)[...])
        return .be32(body.count) + Array(type.utf8) + body + .be32(Int(crc.value))
    }

    static let header = PNGWalker.magic + chunk("IHDR", .be32(1) + .be32(1) + [8, 0, 0, 0, 0])

    /// A line of grey pixels that are not compressed, its data in chunks of equal length.
    static func picture(chunks: Int, of size: Int = 1500, _ generator: inout SeededGenerator) -> [UInt8] {
        let line = generator.bytes(chunks * size - 11)
        precondition(line.count < 65_536)
        var low = 1
        var high = 0
        for byte in line {
            low = (low + Int(byte)) % 65_521
            high = (high + low) % 65_521
        }
        let stream = joined(
            [0x78, 0x01, 0x01], .le16(line.count), .le16(~line.count & 0xFFFF), line, .be32(high << 16 | low))
        let header = chunk("IHDR", .be32(line.count - 1) + .be32(1) + [8, 0, 0, 0, 0])
        let data = (0..<chunks).flatMap { chunk("IDAT", Array(stream[$0 * size..<($0 + 1) * size])) }
        return PNGWalker.magic + header + data + chunk("IEND", [])
    }

    /// One grey pixel.
    static let sample: [UInt8] =
        header + chunk("tEXt", Array("Author\0J. Doe".utf8))
        + chunk("IDAT", [0x78, 0x9C, 0x63, 0x60, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01]) + chunk("IEND", [])

    @Test func wholeFileIsProven() throws {
        expectExact(PNGWalker(), Self.sample, .proven, format: "png")
        let file = try #require(verdict(of: PNGWalker(), on: Self.sample).completed)
        #expect(file.facts["width"] == 1)
        #expect(file.facts["artist"] == "J. Doe")
    }

    @Test func cutFileIsNeverWhole() {
        expectNeverWholeWhenTruncated(PNGWalker(), Self.sample)
    }

    @Test func changedByteIsNeverProven() {
        expectNeverProvenWhenFlipped(PNGWalker(), Self.sample, in: Self.sample.indices)
        expectNeverTraps(PNGWalker(), Self.sample, rounds: 2000)
    }

    @Test func animationIsToldApart() throws {
        var animated = Self.sample
        animated.insert(contentsOf: Self.chunk("acTL", .be32(3) + .be32(0)), at: 33)
        let file = try #require(verdict(of: PNGWalker(), on: animated).completed)
        #expect(file.format == "apng")
        #expect(file.facts["frames"] == 3)
    }

    // MARK: Chunks that hold one by one

    @Test func chunksOfTwoPicturesAreNotProven() {
        var generator = SeededGenerator(seed: 31)
        let one = Self.picture(chunks: 6, &generator)
        let other = Self.picture(chunks: 6, &generator)
        #expect(verdict(of: PNGWalker(), on: one).completed?.confidence == .proven)
        let border = 33 + 3 * 1512
        let found = verdict(of: PNGWalker(), on: Array(one[..<border] + other[border...])).completed
        #expect(found?.confidence == .header)
        #expect(found?.warnings.contains { $0.contains("chunks of different pictures") } ?? false)
    }

    @Test func anotherSizeThanTheHeaderSaysIsNotProven() {
        let data = Self.sample[33...]
        for (width, height) in [(1, 2), (2, 1), (0x7FFF_FFFF, 0x7FFF_FFFF)] {
            let header = Self.chunk("IHDR", .be32(width) + .be32(height) + [8, 0, 0, 0, 0])
            let found = verdict(of: PNGWalker(), on: PNGWalker.magic + header + data).completed
            #expect(found?.confidence == .header, "\(width) × \(height)")
        }
    }

    @Test func bytesBehindTheDataAreNamed() {
        let stream: [UInt8] = [0x78, 0x9C, 0x63, 0x60, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01]
        let file = Self.header + Self.chunk("IDAT", stream + Array("hidden".utf8)) + Self.chunk("IEND", [])
        let found = verdict(of: PNGWalker(), on: file).completed
        #expect(found?.confidence == .structural)
        #expect(found?.warnings == ["6 bytes follow the end of the picture's data in their chunks"])
    }

    @Test func interlacedLinesAreCounted() {
        // Five by three pixels of one bit: 1 + 1 + 1 + 1 + 2 + 1 lines in the passes, each of a filter byte and a byte.
        for (lines, isWhole) in [(6, false), (7, true), (8, false)] {
            let line = [UInt8](repeating: 0, count: 2 * lines)
            // The Adler-32 of n zeros is n and 1.
            let stream = joined(
                [0x78, 0x01, 0x01], .le16(line.count), .le16(~line.count & 0xFFFF), line, .be32(line.count << 16 | 1))
            let header = Self.chunk("IHDR", .be32(5) + .be32(3) + [1, 0, 0, 0, 1])
            let file = PNGWalker.magic + header + Self.chunk("IDAT", stream) + Self.chunk("IEND", [])
            #expect((verdict(of: PNGWalker(), on: file).completed?.confidence == .proven) == isWhole, "\(lines)")
        }
    }
}
