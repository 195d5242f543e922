import EvidenceModel
import Testing

@testable import Carving

@Suite struct AIFFWalkerTests {
    static let sample: [UInt8] = {
        func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
            Array(type.utf8) + .be32(body.count) + body + (body.count % 2 == 1 ? [0] : [])
        }
        // 8000 Hz as an 80-bit extended number: 8000 = 1.953125 × 2^12.
        let rate: [UInt8] = [0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]
        let body =
            chunk("COMM", .be16(1) + .be32(400) + .be16(8) + rate) + chunk("NAME", Array("Tone".utf8))
            + chunk("SSND", [UInt8](repeating: 0, count: 408))
        return Array("FORM".utf8) + .be32(body.count + 4) + Array("AIFF".utf8) + body
    }()

    @Test func endsWithItsForm() throws {
        expectExact(AIFFWalker(), Self.sample, .structural, format: "aiff")
        let file = try #require(verdict(of: AIFFWalker(), on: Self.sample).completed)
        #expect(file.facts["sample_rate"] == 8000)
        #expect(file.facts["duration_ms"] == 50)
        #expect(file.facts["title"] == "Tone")
    }

    @Test func cutFileIsNeverWhole() {
        for length in 0..<Self.sample.count {
            #expect(verdict(of: AIFFWalker(), on: Array(Self.sample[..<length])).completed == nil)
        }
        expectNeverTraps(AIFFWalker(), Self.sample)
    }
}
