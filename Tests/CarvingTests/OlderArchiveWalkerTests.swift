import EvidenceModel
import Testing

@testable import Carving

@Suite struct OlderArchiveWalkerTests {
    private static func crc(_ bytes: [UInt8]) -> Int {
        var crc = CRC32()
        crc.update(bytes[...])
        return Int(crc.value)
    }

    private static func arj() -> [UInt8] {
        var generator = SeededGenerator(seed: 81)
        func header(_ type: UInt8, _ name: String, _ content: [UInt8], method: UInt8) -> [UInt8] {
            let body = joined(
                [30, 11, 1, 2, 0, method, type, 0], .le32(0), .le32(content.count), .le32(content.count),
                .le32(crc(content)), .le16(0), .le16(0), .le16(0), Array((name + "\0\0").utf8))
            return joined([0x60, 0xEA], .le16(body.count), body, .le32(crc(body)), .le16(0))
        }
        let (first, second) = (generator.bytes(700), generator.bytes(333))
        return joined(
            header(2, "a.arj", [], method: 0), header(0, "one.txt", first, method: 0), first,
            header(0, "two.txt", second, method: 1), second, [0x60, 0xEA, 0, 0])
    }

    @Test func arjEndsWithAnEmptyHeader() {
        let file = Self.arj()
        expectExact(ARJWalker(), file, .structural, format: "arj")
        expectNeverWholeWhenTruncated(ARJWalker(), file)
        expectNeverTraps(ARJWalker(), file)
        expectLiesAreFound(ARJWalker(), file)
        expectDecoyRefused(ARJWalker(), file, keeping: 2)
        expectDecoyRefused(ARJWalker(), file, keeping: 60)
        #expect(verdict(of: ARJWalker(), on: file).completed?.facts["names"] == .array(["one.txt", "two.txt"]))
        var damaged = file
        damaged[200] ^= 1
        #expect(verdict(of: ARJWalker(), on: damaged).brokenPrefix != nil)
    }

    private static func lha(level: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: 82)
        var file: [UInt8] = []
        for (name, size) in [("a.txt", 400), ("b.txt", 777)] {
            let content = generator.bytes(size)
            let method = Array("-lh5-".utf8)
            let tail = joined(.le32(size * 2), .le32(0), [0x20, UInt8(level)])
            switch level {
            case 2:
                let extended = joined(.le16(3 + name.utf8.count), [1], Array(name.utf8), .le16(0))
                file += joined(
                    .le16(24 + extended.count), method, .le32(size), tail, .le16(0), [0x4D], extended)
            case 1:
                let extended = joined([0x40], .le16(0), .le16(0))
                let body = joined(
                    method, .le32(size + 5), tail, [UInt8(name.utf8.count)], Array(name.utf8), .le16(0), [0x4D],
                    .le16(5))
                file += [UInt8(body.count), UInt8(body.reduce(0) { $0 + Int($1) } & 0xFF)] + body + extended
            default:
                let body = joined(method, .le32(size), tail, [UInt8(name.utf8.count)], Array(name.utf8), .le16(0))
                file += [UInt8(body.count), UInt8(body.reduce(0) { $0 + Int($1) } & 0xFF)] + body
            }
            file += content
        }
        return file + [0]
    }

    @Test(arguments: [0, 1, 2]) func lhaEndsWithAZero(level: Int) {
        let file = Self.lha(level: level)
        expectExact(LHAWalker(), file, .structural, format: "lha")
        for length in 0..<file.count {
            #expect(verdict(of: LHAWalker(), on: Array(file[..<length])).completed == nil, "cut to \(length)")
        }
        expectNeverTraps(LHAWalker(), file)
        expectLiesAreFound(LHAWalker(), file)
        expectDecoyRefused(LHAWalker(), file, keeping: 7)
        let found = verdict(of: LHAWalker(), on: file).completed
        #expect(found?.facts["names"] == .array(["a.txt", "b.txt"]))
        #expect(found?.unchecked.isEmpty == false)
    }

    @Test func aceEndsWhereNoMemberFollows() {
        var generator = SeededGenerator(seed: 83)
        func block(_ body: [UInt8]) -> [UInt8] {
            joined(.le16(~Self.crc(body)), .le16(body.count), body)
        }
        let content = generator.bytes(900)
        let main = joined([0], .le16(0), Array("**ACE**".utf8), [20, 20, 2, 0], generator.bytes(12))
        let name = Array("a.doc".utf8)
        let member = joined(
            [1], .le16(1), .le32(content.count), .le32(2000), generator.bytes(16), .le16(0), .le16(name.count), name)
        let file = block(main) + block(member) + content
        expectExact(ACEWalker(), file, .header, format: "ace")
        expectNeverSureWhenTruncated(ACEWalker(), file)
        expectNeverTraps(ACEWalker(), file)
        expectDecoyRefused(ACEWalker(), file, keeping: 14)
        #expect(verdict(of: ACEWalker(), on: file).completed?.facts["names"] == .array(["a.doc"]))
    }

    @Test func lzipMembersStateTheirSize() {
        var generator = SeededGenerator(seed: 84)
        func member(_ size: Int) -> [UInt8] {
            joined(
                [0x4C, 0x5A, 0x49, 0x50, 1, 0x0C, 0], generator.bytes(size), .le32(7), .le64(5000), .le64(size + 27))
        }
        let file = member(900) + member(1200)
        expectExact(LzipWalker(), file, .structural, format: "lz")
        let first = 927
        for length in 0..<file.count where length != first {
            let found = verdict(of: LzipWalker(), on: Array(file[..<length]) + generator.bytes(300))
            #expect(found.completed == nil || found.completed?.length == first, "cut to \(length)")
        }
        expectNeverTraps(LzipWalker(), file)
        expectDecoyRefused(LzipWalker(), file, keeping: 7)
        #expect(verdict(of: LzipWalker(), on: file).completed?.facts["content_bytes"] == .size(10000))
    }
}
