import EvidenceModel
import Testing

@testable import Carving

@Suite struct WebAssemblyWalkerTests {
    private static func section(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
        [type, UInt8(content.count & 0x7F) | 0x80, UInt8(content.count >> 7)] + content
    }

    static func sample() -> [UInt8] {
        var generator = SeededGenerator(seed: 98)
        let name = Array("name".utf8)
        return joined(
            [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0], section(1, [1, 0x60, 0, 0]), section(3, [2, 0, 0]),
            section(7, [1] + generator.bytes(20)), section(10, [2] + generator.bytes(600)),
            section(11, [1] + generator.bytes(300)), section(0, [4] + name + generator.bytes(200)))
    }

    @Test func endsWhereNoSectionFollows() {
        let file = Self.sample()
        let walker = WebAssemblyWalker()
        let found = verdict(of: walker, on: file + [UInt8](repeating: 0, count: 700)).completed
        #expect(found?.length == file.count)
        #expect(found?.confidence == .header)
        #expect(found?.facts["functions"] == .size(2))
        expectNeverSureWhenTruncated(walker, file)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 8)
    }
}
