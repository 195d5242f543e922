import SourceMedia
import Testing

@testable import Carving

@Suite struct ForeignBlocksTests {
    private func first(_ content: [UInt8], mayHoldText: Bool = false) throws -> Int? {
        let reader = ByteReader(MemorySource(content), at: 0)
        return try ForeignBlocks.first(WalkInput(reader), in: 0..<content.count, mayHoldText: mayHoldText)
    }

    @Test func unusedSpaceAndTextAreForeign() throws {
        var generator = SeededGenerator(seed: 1)
        let data = generator.bytes(4096)
        #expect(try first(data) == nil)
        var zeros = data
        zeros.put([UInt8](repeating: 0, count: 512), at: 1024)
        #expect(try first(zeros) == 1024)
        // Not a whole block: such runs occur.
        var run = data
        run.put([UInt8](repeating: 0, count: 512), at: 1000)
        #expect(try first(run) == nil)
        var text = data
        text.put([UInt8](repeating: 0x41, count: 511) + [0x20], at: 2048)
        #expect(try first(text) == 2048)
        #expect(try first(text, mayHoldText: true) == nil)
    }
}
