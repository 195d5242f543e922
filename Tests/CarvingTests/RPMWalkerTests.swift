import Digesting
import EvidenceModel
import Testing

@testable import Carving

@Suite struct RPMWalkerTests {
    private static func header(_ values: [(tag: Int, type: Int, count: Int, bytes: [UInt8])]) -> [UInt8] {
        var index: [UInt8] = []
        var store: [UInt8] = []
        for value in values {
            if value.type == 4 { while store.count % 4 != 0 { store.append(0) } }
            index += joined(.be32(value.tag), .be32(value.type), .be32(store.count), .be32(value.count))
            store += value.bytes
        }
        return joined(
            [0x8E, 0xAD, 0xE8, 0x01, 0, 0, 0, 0], .be32(values.count), .be32(store.count), index, store)
    }

    enum Check { case md5, sha256, none }

    static func sample(_ check: Check) throws -> [UInt8] {
        var generator = SeededGenerator(seed: 21)
        let payload = generator.bytes(1777)
        let payloadDigest = Array(try digest(.sha256, of: payload).hex.utf8) + [0]
        let package = header([
            (1000, 6, 1, Array("hello\0".utf8)), (1001, 6, 1, Array("2.12\0".utf8)),
            (1006, 4, 1, .be32(1_700_000_000)), (1007, 6, 1, Array("builder.example\0".utf8)),
            (5092, 8, 1, payloadDigest), (5093, 4, 1, .be32(8)),
        ])
        let rest = package + payload
        var values: [(tag: Int, type: Int, count: Int, bytes: [UInt8])] = [(1000, 4, 1, .be32(rest.count))]
        if check == .md5 { values.append((1004, 7, 16, try digest(.md5, of: rest).bytes)) }
        if check == .sha256 { values.append((273, 6, 1, Array(try digest(.sha256, of: package).hex.utf8) + [0])) }
        var file: [UInt8] = [0xED, 0xAB, 0xEE, 0xDB, 3, 0] + [UInt8](repeating: 0, count: 90)
        file.put(.be16(5), at: 78)
        file += header(values)
        while file.count % 8 != 0 { file.append(0) }
        return file + rest
    }

    @Test func aDigestProvesIt() throws {
        for check in [Check.md5, .sha256] {
            let file = try Self.sample(check)
            expectExact(RPMWalker(), file, .proven, format: "rpm")
            expectNeverWholeWhenTruncated(RPMWalker(), file, every: 3)
            expectNeverProvenWhenFlipped(RPMWalker(), file, in: file.count - 1700..<file.count)
            expectNeverTraps(RPMWalker(), file)
            expectLiesAreFound(RPMWalker(), file)
            expectDecoyRefused(RPMWalker(), file, keeping: 96)
            expectDecoyRefused(RPMWalker(), file, keeping: 300)
            let facts = verdict(of: RPMWalker(), on: file).completed?.facts
            #expect(facts?["name"] == "hello")
            #expect(facts?["build_host"] == "builder.example")
            #expect(facts?["created"] == "2023-11-14T22:13:20.000Z" || facts?["created"] == "2023-11-14T22:13:20Z")
        }
    }

    @Test func withoutDigestOnlyTheSizeEndsIt() throws {
        let file = try Self.sample(.none)
        let found = verdict(of: RPMWalker(), on: file + [1, 2, 3]).completed
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.unchecked.isEmpty == false)
    }
}
