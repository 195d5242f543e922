import EvidenceModel
import Testing

@testable import Carving

@Suite struct WebFontWalkerTests {
    /// 800 bytes of 7, and 200 spaces, as zlib compresses them.
    private static let sevens: [UInt8] = [
        0x78, 0xDA, 0x63, 0x67, 0x1F, 0x05, 0xA3, 0x60, 0x14, 0xE0, 0x02, 0x00, 0x3E, 0x0E, 0x15, 0xE1,
    ]
    private static let spaces: [UInt8] = [
        0x78, 0xDA, 0x53, 0x50, 0x18, 0x1E, 0x00, 0x00, 0xD1, 0xCF, 0x19, 0x01,
    ]

    private static func sum(_ bytes: [UInt8]) -> Int {
        var sum: UInt32 = 0
        for (index, byte) in bytes.enumerated() { sum &+= UInt32(byte) << UInt32(24 - 8 * (index & 3)) }
        return Int(sum)
    }

    private static func sample(metadata: Bool = false, privateBytes: Int = 0) -> [UInt8] {
        var generator = SeededGenerator(seed: 4)
        let random = generator.bytes(333)
        let name = generator.bytes(64)
        let glyphs = [UInt8](repeating: 7, count: 800)
        var directory: [UInt8] = []
        var body: [UInt8] = []
        for (tag, bytes, packed) in [("cmap", random, random), ("glyf", glyphs, sevens), ("name", name, name)] {
            while body.count % 4 != 0 { body.append(0) }
            let at = 44 + 20 * 3 + body.count
            directory += joined(
                Array(tag.utf8), .be32(at), .be32(packed.count), .be32(bytes.count), .be32(sum(bytes)))
            body += packed
        }
        while body.count % 4 != 0 { body.append(0) }
        var header = Array("wOFF".utf8) + [0, 1, 0, 0] + [UInt8](repeating: 0, count: 36)
        header.put(.be16(3), at: 12)
        if metadata {
            header.put(joined(.be32(104 + body.count), .be32(spaces.count), .be32(200)), at: 24)
            body += spaces
            while body.count % 4 != 0 { body.append(0) }
        }
        if privateBytes > 0 {
            header.put(joined(.be32(104 + body.count), .be32(privateBytes)), at: 36)
            body += generator.bytes(privateBytes)
        }
        header.put(.be32(104 + body.count), at: 8)
        return header + directory + body
    }

    @Test(arguments: [false, true]) func tablesProveThemselves(metadata: Bool) {
        let file = Self.sample(metadata: metadata)
        expectExact(WebFontWalker(), file, .proven, format: "woff")
        expectNeverWholeWhenTruncated(WebFontWalker(), file)
        expectNeverProvenWhenFlipped(WebFontWalker(), file, in: 104..<437)
        expectNeverTraps(WebFontWalker(), file)
        expectLiesAreFound(WebFontWalker(), file)
        expectDecoyRefused(WebFontWalker(), file, keeping: 8)
        expectDecoyRefused(WebFontWalker(), file, keeping: 104)
    }

    @Test func privateDataAreNotProven() {
        let file = Self.sample(privateBytes: 700)
        let found = verdict(of: WebFontWalker(), on: file).completed
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.unchecked.isEmpty == false)
    }

    // MARK: Second version

    private static func second() -> [UInt8] {
        var generator = SeededGenerator(seed: 8)
        let directory: [UInt8] = [0, 0x83, 0x10, 10, 0x84, 0, 0x82, 0, 63] + Array("Zzzz".utf8) + [0x40]
        let stream = generator.bytes(1501)
        var file = Array("wOF2".utf8) + [0, 1, 0, 0] + [UInt8](repeating: 0, count: 40)
        file.put(.be16(3), at: 12)
        file.put(.be32(stream.count), at: 20)
        file += directory + stream
        while file.count % 4 != 0 { file.append(0) }
        file.put(.be32(file.count), at: 8)
        return file
    }

    @Test func theSecondVersionEndsWhereItSays() {
        let file = Self.second()
        expectExact(WebFont2Walker(), file, .structural, format: "woff2")
        expectNeverWholeWhenTruncated(WebFont2Walker(), file, noise: 0)
        expectNeverTraps(WebFont2Walker(), file)
        expectLiesAreFound(WebFont2Walker(), file)
        expectDecoyRefused(WebFont2Walker(), file, keeping: 8)
        #expect(verdict(of: WebFont2Walker(), on: file).completed?.unchecked.isEmpty == false)
    }
}
