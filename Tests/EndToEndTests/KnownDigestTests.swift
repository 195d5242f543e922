import EvidenceModel
import Foundation
import Testing

@Suite("Digests given by whoever handed the item over")
struct KnownDigestTests {
    private func laboratory() throws -> Laboratory {
        let lab = try Laboratory()
        var numbers = SeededNumbers(seed: 31)
        try lab.file("medium.dd", (0..<2_000_003).map { _ in UInt8(truncatingIfNeeded: numbers.next()) })
        try FileManager.default.createDirectory(atPath: lab.path("export/sub"), withIntermediateDirectories: true)
        try lab.file("export/a.txt", Array("a".utf8))
        try lab.file("export/sub/b, c.txt", Array("bb".utf8))
        try lab.file("export/sub/back\\slash\n.txt", Array("ccc".utf8))
        let made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "K-1")
        try #require(made.status == 0, "\(made.errors)")
        return lab
    }

    private func ingest(_ lab: Laboratory, _ source: String, _ item: String, known: String) throws -> (
        answer: Answer, known: CanonicalValue?
    ) {
        let answer = try lab.signed(
            "ingest", lab.path(source), "--case", lab.path("case"), "--item", item, "--known", lab.path(known), "--json"
        )
        let line = answer.text.split(separator: "\n").last.map { Array($0.utf8) } ?? []
        return (answer, line.isEmpty ? nil : try CanonicalValue(parsing: line)["known"])
    }

    @Test("what stock tools write about a medium matches; further algorithms are taken for it")
    func medium() throws {
        let lab = try laboratory()
        let lists = [
            "md5sum medium.dd", "sha256sum -b medium.dd", "sha512sum medium.dd", "sha1sum --tag medium.dd",
            "b2sum --tag medium.dd", "openssl dgst -sha3-256 medium.dd", "hashdeep -c md5,sha1,sha256 medium.dd",
            "sha256sum medium.dd | cut -c 1-64",
        ]
        for (index, command) in lists.enumerated() {
            let made = try lab.shell("\(command) >list")
            try #require(made.status == 0, "\(command): \(made.errors)")
            let (answer, known) = try ingest(lab, "medium.dd", "M\(index)", known: "list")
            #expect(answer.status == 0, "\(command): \(answer.text)\(answer.errors)")
            #expect(known?["holds"]?.bool == true, "\(command): \(answer.text)")
        }
        let manifest = String(decoding: try lab.content(lab.path("case/evidence/M2/manifest.json")), as: UTF8.self)
        #expect(manifest.contains("\"alg\":\"sha512\""))
        let whole = try lab.run(["verify", "--case", lab.path("case")])
        #expect(whole.status == 0, "\(whole.text)")
        #expect(whole.text.contains("known digests of M0"))
    }

    @Test("a mismatch is stated everywhere, ends with status 1, and does not stop the ingest")
    func mismatch() throws {
        let lab = try laboratory()
        _ = try lab.shell(
            "printf '%064d  medium.dd\\n' 7 >wrong; printf '%096d\\n' 7 >nothing; sha256sum medium.dd >right")
        let wrong = try ingest(lab, "medium.dd", "E001", known: "wrong")
        #expect(wrong.answer.status == 1)
        #expect(wrong.known?["counts"]?["differs"] == 1)
        let manifest = try CanonicalValue(parsing: try lab.content(lab.path("case/evidence/E001/manifest.json")))
        #expect(manifest["known"]?["digests"]?.array?.first?["result"] == "differs")
        #expect(manifest["known"]?["list"] == "wrong")
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.contains("\"mismatch\""))
        #expect(ledger.contains("known digests of wrong"))
        #expect(try lab.run(["verify", "E001", "--case", lab.path("case")]).status == 1)

        let nothing = try ingest(lab, "medium.dd", "E002", known: "nothing")
        #expect(nothing.answer.status == 1)
        let text = try lab.run(["verify", "E002", "--case", lab.path("case")]).text
        #expect(text.contains("nothing could be compared"), "\(text)")

        #expect(try ingest(lab, "medium.dd", "E003", known: "right").answer.status == 0)
        for (list, status) in [("right", Int32(0)), ("wrong", 1)] {
            let verify = try lab.signed(
                "verify", "E003", "--case", lab.path("case"), "--known", lab.path(list))
            #expect(verify.status == status, "\(list): \(verify.text)")
        }
        #expect(try lab.run(["verify", "--case", lab.path("case"), "--known", lab.path("right")]).status == 2)
        #expect(try ingest(lab, "medium.dd", "E004", known: "absent").answer.status == 2)
        #expect(!FileManager.default.fileExists(atPath: lab.path("case/evidence/E004")))
        let report = try lab.signed("report", "--case", lab.path("case"), "--lang", "fr")
        #expect(report.status == 1)
        let html = String(decoding: try lab.content(lab.path("case/reports/R01/report.html")), as: UTF8.self)
        #expect(html.contains("Non identiques"))
    }

    @Test("a folder is compared file by file, whatever the list calls its folder")
    func folder() throws {
        let lab = try laboratory()
        let lists = [
            "cd export && find . -type f -exec md5sum {} + >../list", "hashdeep -r -c md5,sha1 export >list",
            "cd / && find \"$OLDPWD/export\" -type f -exec sha256sum {} + >\"$OLDPWD/list\"",
        ]
        for (index, command) in lists.enumerated() {
            let made = try lab.shell(command)
            try #require(made.status == 0, "\(made.errors)")
            let (answer, known) = try ingest(lab, "export", "F\(index)", known: "list")
            // hashdeep writes a name with a line feed over two lines.
            guard !command.contains("hashdeep") else {
                #expect((known?["counts"]?["matched"]?.integer ?? 0) >= 4, "\(answer.text)")
                continue
            }
            #expect(answer.status == 0, "\(command): \(answer.text)\(answer.errors)")
            #expect(known?["counts"] == ["matched": 3])
        }
        _ = try lab.shell("cd export && md5sum a.txt >../list && echo x >a.txt && echo d >d.txt")
        let changed = try ingest(lab, "export", "F9", known: "list")
        #expect(changed.answer.status == 1)
        #expect(changed.known?["counts"] == ["differs": 1, "unlisted": 3])
    }
}
