import EvidenceModel
import Testing

@testable import Carving

@Suite struct LevelDBWalkerTests {
    /// CRC-32C as LevelDB stores it.
    private static func masked(_ bytes: [UInt8]) -> [UInt8] {
        let crc = CRC32C.value(of: bytes)
        return .le32(Int((crc >> 15 | crc << 17) &+ 0xA282_EAD8))
    }

    private static func record(_ content: [UInt8], kind: UInt8 = 1) -> [UInt8] {
        masked([kind] + content) + .le16(content.count) + [kind] + content
    }

    @Test func checksumsGiveTheirPublishedValues() {
        #expect(CRC32C.value(of: Array("123456789".utf8)) == 0xE306_9283)
        var crc = CRC24()
        for byte in "123456789".utf8 { crc.update(byte) }
        #expect(crc.value == 0x21_CF02)
    }

    @Test func logsAreProvenToTheirLastRecord() {
        let key = [UInt8(4)] + Array("user".utf8) + [3] + Array("ann".utf8)
        let first = Self.record(joined(.le64(9), .le32(1), [1], key))
        // A record over the border of a block: it begins, and ends in the next one.
        var generator = SeededGenerator(seed: 3)
        let room = 32_768 - first.count - 7
        let file = joined(
            first, Self.record(generator.bytes(room), kind: 2), Self.record(generator.bytes(600), kind: 4),
            Self.record(generator.bytes(50)))
        let walker = LevelDBLogWalker()
        #expect(walker.signatures.contains { file.dropFirst($0.offset).starts(with: $0.bytes) })
        let found = judgedVerdict(of: walker, on: file + [UInt8](repeating: 0, count: 4096))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .proven)
        #expect(found?.facts["records"] == 4)
        #expect(found?.facts["first_sequence"] == 9)
        expectNeverProvenWhenFlipped(walker, file, in: 0..<20)
        expectSteadfast(
            walker, file, every: 331, lies: [0, 4, 7, 15], decoy: 22, wholeAt: { $0 == first.count })
    }

    @Test func manifestsAreToldApart() {
        let name = Array("idb_cmp1".utf8)
        let file = Self.record([1, UInt8(name.count)] + name + [2, 0, 9, 0])
        let found = judgedVerdict(of: LevelDBLogWalker(), on: file + [UInt8](repeating: 0, count: 4096))
        #expect(found?.format == "leveldb-manifest")
        #expect(found?.facts["comparator"] == "idb_cmp1")
    }

    private static func number(_ value: Int) -> [UInt8] {
        value < 128 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + number(value >> 7)
    }

    static func table() -> [UInt8] {
        var file: [UInt8] = []
        func block(_ entries: [(key: [UInt8], value: [UInt8])]) -> [UInt8] {
            let plain = entries.flatMap { joined([0], number($0.key.count), number($0.value.count), $0.key, $0.value) }
            let content = plain + .le32(0) + .le32(1)
            let place = number(file.count) + number(content.count)
            file += content + [0] + masked(content + [0])
            return place
        }
        let first = block([(Array("META:https://a.example\u{1}1234567".utf8), Array("value".utf8))])
        let second = block([(Array("_https://a.example".utf8), [UInt8](repeating: 65, count: 900))])
        let meta = block([])
        let index = block([(Array("a".utf8), first), (Array("b".utf8), second)])
        let handles = meta + index
        file += handles + [UInt8](repeating: 0, count: 40 - handles.count)
        return file + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]
    }

    @Test func tablesEndWithTheirFooter() {
        let file = Self.table()
        let walker = LevelDBTableWalker()
        #expect(walker.signatures.contains { file.dropFirst($0.offset).starts(with: $0.bytes) })
        expectExact(walker, file, .proven, format: "leveldb-table")
        expectNeverProvenWhenFlipped(walker, file, in: 0..<60)
        expectSteadfast(walker, file, every: 3, lies: Array(0..<30), decoy: 30)
    }

    @Test func snappyIsDecoded() {
        // Ten bytes: a literal of four, a copy of six from four back.
        #expect(Snappy.decoded([10, 0x0C, 97, 98, 99, 100, 0x09, 4], most: 100) == Array("abcdabcdab".utf8))
        #expect(Snappy.decoded([10, 0x0C, 97, 98, 99, 100, 0x09, 5], most: 100) == nil)
        #expect(Snappy.decoded([10, 0x0C, 97, 98], most: 100) == nil)
        #expect(Snappy.decoded([0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0], most: 100) == nil)
    }
}
