import EvidenceModel
import Foundation
import Testing

@Suite("One item is verified by itself")
struct VerifyItemTests {
    /// A case with one raw medium of six and a half blocks and a folder.
    private static func twoItems() throws -> Laboratory {
        let lab = try Laboratory()
        var numbers = SeededNumbers(seed: 11)
        try lab.file("medium.dd", (0..<6_815_744 + 77).map { _ in UInt8(truncatingIfNeeded: numbers.next()) })
        try FileManager.default.createDirectory(atPath: lab.path("export"), withIntermediateDirectories: true)
        try lab.file("export/a.txt", Array("a".utf8))
        try lab.file("export/b.txt", Array("bb".utf8))
        var made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "V-1")
        try #require(made.status == 0, "\(made.errors)")
        for (item, source) in [("E001", "medium.dd"), ("E002", "export")] {
            made = try lab.signed("ingest", lab.path(source), "--case", lab.path("case"), "--item", item)
            try #require(made.status == 0, "\(made.errors)")
        }
        return lab
    }

    private func verify(_ lab: Laboratory, _ arguments: String...) throws -> (answer: Answer, value: CanonicalValue) {
        let answer = try lab.run(["verify"] + arguments + ["--case", lab.path("case"), "--json"])
        return (answer, try CanonicalValue(parsing: Array(answer.text.utf8.dropLast())))
    }

    private func change(_ lab: Laboratory, at offsets: [Int]) throws {
        var bytes = try lab.content(lab.path("medium.dd"))
        for offset in offsets { bytes[offset] ^= 1 }
        try lab.file("medium.dd", bytes)
    }

    @Test("changed blocks are listed, neighbours joined, with their sectors; another item is not looked at")
    func differingBlocks() throws {
        let lab = try Self.twoItems()
        let whole = try verify(lab, "E001")
        #expect(whole.answer.status == 0, "\(whole.answer.text)")
        #expect(whole.answer.text.contains("ledger entries of E001"))
        #expect(!whole.answer.text.contains("E002"))

        // Blocks 0, 3 and 4, and the short last one.
        try change(lab, at: [5, 3 << 20, (4 << 20) + 9, (6 << 20) + 524_288 + 70])
        try lab.file("export/a.txt", Array("x".utf8))
        let changed = try verify(lab, "E001")
        #expect(changed.answer.status == 1)
        let source = try #require(changed.value["sources"]?.array?.first)
        #expect(source["unchanged"]?.bool == false)
        #expect(
            source["differing"] == [
                [
                    "first_block": 0, "last_block": 0, "offset": 0, "length": 1_048_576, "first_sector": 0,
                    "last_sector": 2047,
                ],
                [
                    "first_block": 3, "last_block": 4, "offset": 3_145_728, "length": 2_097_152, "first_sector": 6144,
                    "last_sector": 10239,
                ],
                [
                    "first_block": 6, "last_block": 6, "offset": 6_291_456, "length": 524_365, "first_sector": 12288,
                    "last_sector": 13312,
                ],
            ])
        let text = try lab.run(["verify", "E001", "--case", lab.path("case")]).text
        #expect(text.contains("bytes 3145728 to 5242879 (blocks 3 to 4, sectors 6144 to 10239)"), "\(text)")

        let folder = try verify(lab, "E002")
        #expect(folder.answer.status == 1)
        #expect(folder.value["sources"]?.array?.first?["files"] == ["a.txt"])
        let both = try verify(lab, "E001", "E002")
        #expect(both.value["sources"]?.array?.count == 2)
    }

    @Test("a shorter medium is compared as far as it goes")
    func shorterMedium() throws {
        let lab = try Self.twoItems()
        let bytes = try lab.content(lab.path("medium.dd"))
        try lab.file("medium.dd", Array(bytes[..<((2 << 20) + 512)]))
        let shorter = try verify(lab, "E001")
        #expect(shorter.answer.status == 1)
        let source = try #require(shorter.value["sources"]?.array?.first)
        #expect(source["difference"]?.string?.contains("the source has 2097664 bytes") == true)
        #expect(source["differing"]?.array?.count == 1)
        #expect(source["differing"]?.array?.first?["first_block"] == 2)
    }

    @Test("the check of an item is recorded; an item that is not there is an error")
    func recording() throws {
        let lab = try Self.twoItems()
        #expect(try lab.signed("verify", "E001", "--case", lab.path("case")).status == 0)
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.components(separatedBy: "\"custody.verify\"").count == 2)
        for name in ["E009", "..", "-"] {
            let unknown = try lab.run(["verify", name, "--case", lab.path("case")])
            #expect(unknown.status == 2, "\(name): \(unknown.text)\(unknown.errors)")
        }
        let changed = try lab.content(lab.path("case/evidence/E001/blocks.sha256"))
        try lab.file("case/evidence/E001/blocks.sha256", [changed[0] ^ 1] + changed.dropFirst())
        let damaged = try verify(lab, "E001")
        #expect(damaged.answer.status == 1)
        #expect(damaged.answer.text.contains("block digests of E001"))
    }
}
