import EvidenceModel
import Testing

@testable import Carving

@Suite struct FurtherSystemWalkerTests {
    private func padded(_ file: [UInt8]) -> [UInt8] { file + [UInt8](repeating: 0, count: 4096) }

    @Test func journalsHaveTheSpaceThatTheirHeaderLaysOut() {
        func object(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
            let size = 16 + content.count
            return [kind, 0, 0, 0, 0, 0, 0, 0] + .le64(size) + content
                + [UInt8](repeating: 0, count: (8 - size % 8) % 8)
        }
        let objects = [
            object(1, Array("MESSAGE=seal".utf8)), object(3, [UInt8](repeating: 7, count: 64)),
            object(1, Array("MESSAGE=ledger of seals".utf8)),
        ]
        var header = [UInt8](repeating: 0, count: 208)
        header.put(Array("LPKSHHRH".utf8), at: 0)
        header[16] = 2
        header.put([UInt8](repeating: 0xAB, count: 16), at: 40)
        header.put(joined(.le64(208), .le64(4096 - 208)), at: 88)
        header.put(joined(.le64(208 + objects[0].count + objects[1].count), .le64(3), .le64(1)), at: 136)
        header.put(joined(.le64(1_600_000_000_000_000), .le64(1_600_000_100_000_000)), at: 184)
        let used = header + objects.flatMap { $0 }
        let file = used + [UInt8](repeating: 0, count: 4096 - used.count)
        let found = judgedVerdict(of: JournalWalker(), on: file + [1])
        #expect(found?.length == 4096)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["entries"] == 1)
        #expect(found?.facts["state"] == "archived")
        #expect(found?.facts["machine_id"] == .string(String(repeating: "ab", count: 16)))
        expectSteadfast(JournalWalker(), file, every: 13, lies: Array(0..<240), decoy: 208)
    }

    @Test func mailboxesCountTheirMessages() {
        let message = """
            From ann@example.org Mon Jan  4 10:11:12 2021
            From: Ann <ann@example.org>
            Subject: the ledger
            Date: Mon, 4 Jan 2021 10:11:12 +0000

            Text of the message.


            """
        let found = judgedVerdict(of: MailboxWalker(), on: padded(Array((message + message + message).utf8)))
        #expect(found?.length == 3 * message.utf8.count)
        #expect(found?.confidence == .header)
        #expect(found?.facts["messages"] == 3)
        #expect(found?.facts["first_subject"] == "the ledger")
        expectSteadfast(MailboxWalker(), Array(message.utf8), every: 7, lies: Array(0..<64), decoy: 46)
        let prose = "From Monday on, it rained.\nAnd so: it goes.\n\nMon 10:11 is a time.\n"
        #expect(judgedVerdict(of: MailboxWalker(), on: padded(Array(prose.utf8))) == nil)
    }

    @Test func jumpListsEndWithTheirLastCategory() {
        let kind: [UInt8] = [0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46]
        let shortcut = joined([0x4C, 0, 0, 0], kind, [UInt8](repeating: 0, count: 56), .le32(0))
        let file = joined(
            .le32(2), .le32(2), .le32(0), .le32(2), .le32(1), kind, shortcut, [0xAB, 0xFB, 0xBF, 0xBA], .le32(0),
            .le16(6), .utf16("Recent"), .le32(2), kind, shortcut, kind, shortcut, [0xAB, 0xFB, 0xBF, 0xBA])
        let walker = CustomDestinationsWalker()
        #expect(walker.signatures.contains { file.starts(with: $0.bytes) })
        let found = judgedVerdict(of: walker, on: padded(file))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["entries"] == 3)
        #expect(found?.facts["category"] == "Recent")
        expectSteadfast(walker, file, decoy: 36)
    }

    @Test func ageFilesAreRecognised() {
        var generator = SeededGenerator(seed: 8)
        let text = "age-encryption.org/v1\n-> X25519 c29tZSBrZXk\nYm9keQ\n--- bWFj\n"
        let file = Array(text.utf8) + generator.bytes(3000) + [1]
        let found = judgedVerdict(of: AgeWalker(), on: padded(file))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .header)
        #expect(found?.facts["recipient_kinds"] == ["X25519"])
        expectSteadfast(AgeWalker(), file, every: 17, lies: Array(0..<70), decoy: 26)
    }
}
