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
        let animated =
            Self.header + Self.chunk("acTL", .be32(3) + .be32(0)) + Self.chunk("IDAT", [1, 2, 3])
            + Self.chunk("IEND", [])
        let file = try #require(verdict(of: PNGWalker(), on: animated).completed)
        #expect(file.format == "apng")
        #expect(file.facts["frames"] == 3)
    }
}
