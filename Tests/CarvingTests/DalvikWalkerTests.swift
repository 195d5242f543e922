import Digesting
import EvidenceModel
import Testing

@testable import Carving

@Suite struct DalvikWalkerTests {
    static func sample(body length: Int = 1500) throws -> [UInt8] {
        var generator = SeededGenerator(seed: 3)
        var file = Array("dex\n035\0".utf8) + [UInt8](repeating: 0, count: 0x68) + generator.bytes(length)
        file.put(.le32(file.count), at: 0x20)
        file.put(.le32(0x70), at: 0x24)
        file.put(.le32(0x1234_5678), at: 0x28)
        file.put(.le32(7) + .le32(0x70), at: 0x38)
        file.put(.le32(2) + .le32(0x90), at: 0x60)
        file.put(try digest(.sha1, of: file[32...]).bytes, at: 12)
        file.put(.le32(WalkInput.adler32(Array(file[12...]))), at: 8)
        return file
    }

    @Test func bothChecksumsProveIt() throws {
        let file = try Self.sample()
        expectExact(DalvikWalker(), file, .proven, format: "dex")
        expectNeverWholeWhenTruncated(DalvikWalker(), file, every: 3)
        expectNeverProvenWhenFlipped(DalvikWalker(), file, in: 8..<file.count)
        expectNeverTraps(DalvikWalker(), file)
        expectLiesAreFound(DalvikWalker(), file, from: 8, head: 0x80, isChecked: true)
        expectDecoyRefused(DalvikWalker(), file, keeping: 8)
        expectDecoyRefused(DalvikWalker(), file, keeping: 0x70)
        let facts = verdict(of: DalvikWalker(), on: file).completed?.facts
        #expect(facts?["classes"] == .size(2))
        #expect(facts?["format_version"] == "035")
    }
}
