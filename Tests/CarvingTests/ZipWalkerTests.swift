import EvidenceModel
import Foundation
import Testing

@testable import Carving

@Suite struct ZipWalkerTests {
    /// An archive of stored members, assembled by hand.
    static func stored(_ members: [(name: String, content: [UInt8])], comment: String = "") -> [UInt8] {
        var body: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in members {
            var crc = CRC32()
            crc.update(content[...])
            let common = joined(
                .le64(0), .le32(Int(crc.value)), .le32(content.count), .le32(content.count),
                .le16(name.utf8.count), .le16(0))
            directory += joined(
                [0x50, 0x4B, 1, 2, 20, 0, 10, 0], common, [UInt8](repeating: 0, count: 10), .le32(body.count),
                Array(name.utf8))
            body += joined([0x50, 0x4B, 3, 4, 10, 0], common, Array(name.utf8), content)
        }
        let end = joined(
            [0x50, 0x4B, 5, 6, 0, 0, 0, 0], .le16(members.count), .le16(members.count), .le32(directory.count),
            .le32(body.count), .le16(comment.utf8.count), Array(comment.utf8))
        return body + directory + end
    }

    /// What zip(1) makes of a few files, with these options.
    private func zipped(_ options: [String], toPipe: Bool = false) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            var generator = SeededGenerator(seed: 5)
            for (name, lines) in [("a.txt", 40), ("b.txt", 3000), ("empty", 0)] {
                let text = (0..<lines).map { "line \($0) \(generator.next() % 1000)\n" }.joined()
                try Data(text.utf8).write(to: folder.appendingPathComponent(name))
            }
            if toPipe { return try run("sh", ["-c", "zip -q - a.txt b.txt empty | cat"], in: folder) }
            try run("zip", ["-q"] + options + ["x.zip", "a.txt", "b.txt", "empty"], in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.zip")))
        }
    }

    @Test(arguments: [[], ["-0"], ["-9"], ["-fz"]]) func endsWithItsEndRecord(options: [String]) throws {
        expectExact(ZipWalker(), try zipped(options), .proven, format: "zip")
    }

    @Test func membersWithDataDescriptorsEndThemselves() throws {
        expectExact(ZipWalker(), try zipped([], toPipe: true), .proven, format: "zip")
    }

    @Test func encryptedMembersAreNotProven() throws {
        expectExact(ZipWalker(), try zipped(["-P", "secret"]), .structural, format: "zip")
    }

    @Test func theCommentBelongsToTheFile() {
        let file = Self.stored([("note", Array("ledger".utf8))], comment: "sealed in room 4")
        expectExact(ZipWalker(), file, .proven, format: "zip")
        #expect(verdict(of: ZipWalker(), on: file).completed?.facts["comment"] == "sealed in room 4")
    }

    @Test func anEmptyArchiveIsItsEndRecord() {
        expectExact(ZipWalker(), Self.stored([]), .structural, format: "zip")
    }

    @Test func isNeverWholeWhenTruncated() throws {
        expectNeverWholeWhenTruncated(ZipWalker(), Self.stored([("a", Array("ledger".utf8)), ("b", [1, 2, 3])]))
        expectNeverWholeWhenTruncated(ZipWalker(), try zipped([]), every: 7)
        expectNeverWholeWhenTruncated(ZipWalker(), try zipped([], toPipe: true), every: 7)
    }

    @Test func isNeverProvenWhenAMemberIsDamaged() throws {
        let file = Self.stored([("a", Array("ledger of seals".utf8)), ("b", [1, 2, 3])])
        expectNeverProvenWhenFlipped(ZipWalker(), file, in: 31..<46)
        let packed = try zipped([])
        expectNeverProvenWhenFlipped(ZipWalker(), packed, in: 70..<200)
        expectNeverTraps(ZipWalker(), packed)
        expectNeverTraps(ZipWalker(), file, rounds: 2000)
    }

    @Test func bytesInsertedBetweenMembersBreakIt() throws {
        let file = Self.stored([("a", Array("ledger".utf8)), ("b", [1, 2, 3])])
        let gap = [UInt8](repeating: 0, count: 512)
        #expect(verdict(of: ZipWalker(), on: file[..<37] + gap + file[37...]).brokenPrefix == 37)
    }

    @Test func aMemberInTheMiddleIsNotTheStart() {
        let first = Self.stored([("a", Array("ledger".utf8))])
        let both = Self.stored([("a", Array("ledger".utf8)), ("b", [1, 2, 3])])
        let start = first.firstIndex(of: [0x50, 0x4B, 1, 2], from: 0) ?? 0
        guard case .rejected = verdict(of: ZipWalker(), on: both, at: start) else {
            Issue.record("the tail of an archive was taken for one")
            return
        }
    }

    @Test func anArchiveInAnArchiveDoesNotEndIt() {
        let inner = Self.stored([("a", Array("ledger".utf8))])
        expectExact(ZipWalker(), Self.stored([("inner.zip", inner), ("b", [1, 2, 3])]), .proven, format: "zip")
    }

    @Test func documentsAreToldApart() {
        func office(_ type: String) -> [UInt8] {
            Self.stored([
                ("[Content_Types].xml", Array("<Override ContentType=\"application/\(type)\"/>".utf8)),
                ("docProps/core.xml", Array("<x><dc:creator>A &amp; B</dc:creator><dc:title/></x>".utf8)),
            ])
        }
        let docx = office("vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml")
        expectExact(ZipWalker(), docx, .proven, format: "docx")
        #expect(verdict(of: ZipWalker(), on: docx).completed?.facts["author"] == "A & B")
        expectExact(ZipWalker(), office("vnd.ms-excel.sheet.macroEnabled.main+xml"), .proven, format: "xlsm")
        let odt = Self.stored([("mimetype", Array("application/vnd.oasis.opendocument.text".utf8))])
        expectExact(ZipWalker(), odt, .proven, format: "odt")
        let jar = Self.stored([("META-INF/MANIFEST.MF", Array("Manifest-Version: 1.0".utf8))])
        expectExact(ZipWalker(), jar, .proven, format: "jar")
        let apk = Self.stored([("AndroidManifest.xml", [1]), ("classes.dex", [2])])
        expectExact(ZipWalker(), apk, .proven, format: "apk")
    }
}
