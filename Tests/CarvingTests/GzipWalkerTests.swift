import EvidenceModel
import Foundation
import Testing

@testable import Carving

@Suite struct GzipWalkerTests {
    /// What gzip(1) makes of a text with some variety.
    private func gzip(_ name: String, lines: Int) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            var generator = SeededGenerator(seed: UInt64(lines))
            let text = (0..<lines).map { "line \($0) \(generator.next() % 1000)\n" }.joined()
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
            return try run("gzip", ["-c", name], in: folder)
        }
    }

    @Test func endsWhereTheMembersEnd() throws {
        let one = try gzip("a.txt", lines: 30)
        let two = try gzip("b.txt", lines: 2000)
        expectExact(GzipWalker(), one, .proven, format: "gz")
        expectExact(GzipWalker(), one + two, .proven, format: "gz")
        let facts = verdict(of: GzipWalker(), on: one + two).completed?.facts
        #expect(facts?["original_name"] == "a.txt")
        #expect(facts?["members"] == 2)
    }

    @Test func isNeverWholeWhenTruncated() throws {
        let file = try gzip("a.txt", lines: 30)
        expectNeverWholeWhenTruncated(GzipWalker(), file)
    }

    @Test func isNeverProvenWhenDamaged() throws {
        let file = try gzip("a.txt", lines: 30)
        expectNeverProvenWhenFlipped(GzipWalker(), file, in: 16..<file.count)
        expectNeverTraps(GzipWalker(), file)
    }

    @Test func anotherFileAtTheNextBlockIsNotAMember() throws {
        // A stored block pads a member to exactly one block.
        let payload = [UInt8](repeating: 7, count: 512 - 10 - 5 - 8)
        let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
        var crc = CRC32()
        crc.update(payload[...])
        let file =
            header + [1] + .le16(payload.count) + .le16(~payload.count) + payload + .le32(Int(crc.value))
            + .le32(payload.count)
        #expect(file.count == 512)
        #expect(verdict(of: GzipWalker(), on: file + file).completed?.length == 512)
    }

    @Test func aDecompressionBombEndsAtALimit() throws {
        let bomb = try withTemporaryFolder { folder in
            try run("sh", ["-c", "head -c 100000000 /dev/zero | gzip -9"], in: folder)
        }
        let found = verdict(of: GzipWalker(), on: bomb)
        #expect(found.completed == nil)
        #expect(found.brokenPrefix != nil)
    }
}
