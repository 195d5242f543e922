import EvidenceModel
import Testing

@testable import Carving

@Suite struct MetafileWalkerTests {
    private static func enhanced() -> [UInt8] {
        var generator = SeededGenerator(seed: 51)
        let text: [UInt8] = "Draw 1\0Plan\0\0".utf16.flatMap { [UInt8].le16(Int($0)) }
        let headSize = 108 + text.count + (4 - text.count % 4) % 4
        var file: [UInt8] = joined(
            .le32(1), .le32(headSize), .le32(0), .le32(0), .le32(640), .le32(480), [UInt8](repeating: 0, count: 16),
            Array(" EMF".utf8), .le32(0x10000))
        file += [UInt8](repeating: 0, count: headSize - file.count)
        file.put(.le32(13) + .le32(108), at: 60)
        file.put(text, at: 108)
        for _ in 0..<20 { file += joined(.le32(70), .le32(40), generator.bytes(32)) }
        file += joined(.le32(14), .le32(20), .le32(0), .le32(16), .le32(20))
        file.put(.le32(file.count) + .le32(22), at: 48)
        return file
    }

    @Test func enhancedMetafilesEndWithTheirLastRecord() {
        let file = Self.enhanced()
        let walker = EnhancedMetafileWalker()
        expectExact(walker, file, .structural, format: "emf")
        expectNeverWholeWhenTruncated(walker, file)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 48)
        expectDecoyRefused(walker, file, keeping: 108)
        let facts = verdict(of: walker, on: file).completed?.facts
        #expect(facts?["software"] == "Draw 1")
        #expect(facts?["title"] == "Plan")
        #expect(facts?["width"] == .size(640))
    }

    private static func windows(placed: Bool) -> [UInt8] {
        var generator = SeededGenerator(seed: 52)
        var records: [UInt8] = []
        for _ in 0..<12 { records += joined(.le32(9), .le16(0x0324), generator.bytes(12)) }
        records += joined(.le32(3), .le16(0))
        let size = 18 + records.count
        let head = joined(.le16(1), .le16(9), .le16(0x300), .le32(size / 2), .le16(2), .le32(9), .le16(0))
        guard placed else { return head + records }
        var place = joined(
            [0xD7, 0xCD, 0xC6, 0x9A], .le16(0), .le16(0), .le16(0), .le16(1000), .le16(700), .le16(1440), .le32(0))
        var sum = 0
        for word in 0..<10 { sum ^= Int(place[2 * word]) | Int(place[2 * word + 1]) << 8 }
        place += .le16(sum)
        return place + head + records
    }

    @Test(arguments: [false, true]) func windowsMetafilesEndWithTheirLastRecord(placed: Bool) {
        let file = Self.windows(placed: placed)
        let walker = WindowsMetafileWalker()
        expectExact(walker, file, .structural, format: "wmf")
        expectNeverWholeWhenTruncated(walker, file)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 6)
        expectDecoyRefused(walker, file, keeping: placed ? 40 : 18)
        if placed { #expect(verdict(of: walker, on: file).completed?.facts["width"] == .size(1000)) }
    }
}
