import EvidenceModel
import Foundation
import Testing

@Suite("The coverage statement of a case")
struct CoverageTests {
    private static let classes = [
        "unreadable", "carved_proven", "carved_structural", "carved_header", "carved_broken", "zero", "filled", "text",
        "high_entropy", "unexplained",
    ]

    /// The statement on the first item, as the program prints it.
    private static func statement(_ lab: Laboratory, _ casePath: String) throws -> CoverageStatement {
        let answer = try lab.run(["catalog", "coverage", "--case", casePath, "--item", "E001", "--format", "json"])
        try #require(answer.status == 0, "\(answer.errors)")
        let value = try CanonicalValue(parsing: Array(answer.output.dropLast()))
        let coverage = try #require(value["items"]?.array?.first?["coverage"])
        return try #require(CoverageStatement(coverage))
    }

    @Test("the classes add up to the medium, and what is carved is what the catalogue says")
    func stick() throws {
        let job = try WholeJobTests.stick.get()
        let statement = try Self.statement(job.laboratory, job.casePath)
        let image = try job.laboratory.content(job.image)
        #expect(statement.size == image.count)
        #expect(Self.classes.compactMap { CoverageStatement.Kind(rawValue: $0) } == CoverageStatement.Kind.allCases)
        #expect(statement.bytes.values.reduce(0, +) == image.count)
        var isCarved = [Bool](repeating: false, count: image.count)
        for artifact in try job.artifacts() where artifact["parent"]?.string == nil {
            for extent in artifact["extents"]?.array ?? [] {
                let offset = try #require(extent["offset"]?.size)
                for byte in offset..<offset + (extent["length"]?.size ?? 0) { isCarved[byte] = true }
            }
        }
        #expect(statement.carved == isCarved.count { $0 })
        // Free space of the stick was never used.
        #expect(statement.bytes(of: .zero) > image.count / 2)
        #expect(statement.bytes(of: .unreadable) == 0)
        #expect(statement.readAgain == 0)
    }

    @Test("carved again with other workers it is the same, and a summary names it")
    func again() throws {
        let job = try WholeJobTests.stick.get().copy()
        let first = try job.laboratory.run(["catalog", "coverage", "--case", job.casePath, "--json"]).text
        for workers in ["1", "5"] {
            let answer = try job.laboratory.signed("carve", "--case", job.casePath, "--workers", workers)
            #expect(answer.status == 0, "\(answer.errors)")
            #expect(answer.text.contains("Of 4194304 bytes: "), "\(answer.text)")
            #expect(answer.text.contains("Calls of libmagic: "), "\(answer.text)")
            #expect(try job.laboratory.run(["catalog", "coverage", "--case", job.casePath, "--json"]).text == first)
        }
        let fields = try job.laboratory.signed("carve", "--case", job.casePath, "--json").text
        #expect(fields.contains("\"limits_hit\""), "\(fields)")
        let text = try job.laboratory.run(["catalog", "coverage", "--case", job.casePath]).text
        #expect(text.contains("high entropy"))
        let none = try job.laboratory.run(["catalog", "coverage", "--case", job.casePath, "--item", "E009"])
        #expect(none.status != 0)
    }

    @Test("the report has the table, with the totals of the catalogue")
    func report() throws {
        let job = try WholeJobTests.stick.get()
        let statement = try Self.statement(job.laboratory, job.casePath)
        let text = try job.laboratory.tool("pdftotext", "-layout", job.casePath + "/reports/R01/report.pdf", "-").text
        #expect(text.contains("What the media hold"))
        for kind in CoverageStatement.Kind.allCases where statement.bytes(of: kind) > 0 {
            #expect(text.contains(Self.grouped(statement.bytes(of: kind))), "\(kind)")
        }
    }

    @Test("a medium that cannot be read everywhere: unreadable bytes are those of the manifest")
    func unreadable() throws {
        let lab = try Laboratory()
        // An E01 of which a chunk is damaged.
        var numbers = SeededNumbers(seed: 3)
        let medium = (0..<1 << 20).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
        try lab.file("medium.dd", medium)
        let made = try lab.tool(
            "ewfacquire", "-u", "-c", "none", "-t", lab.path("image"), "-S", "1500MiB", lab.path("medium.dd"))
        try #require(made.status == 0, "\(made.errors)")
        var image = try lab.content(lab.path("image.E01"))
        for index in 600_000..<600_016 { image[index] ^= 0xFF }
        try lab.file("image.E01", image)
        let answer = try lab.run([
            "process", lab.path("image.E01"), "--case", lab.path("case"), "--number", "T-1", "--no-report",
            "--passphrase-file", lab.passphrase.path,
        ])
        #expect(answer.status == 1, "\(answer.errors)")
        let manifest = try CanonicalValue(
            parsing: try lab.content(lab.path("case/evidence/E001/manifest.json")))
        let unread = manifest["unreadable"]?.array?.compactMap { $0["length"]?.size }.reduce(0, +) ?? 0
        let statement = try Self.statement(lab, lab.path("case"))
        #expect(unread > 0)
        #expect(statement.bytes(of: .unreadable) == unread)
        #expect(statement.size == medium.count)
        #expect(statement.bytes(of: .highEntropy) + statement.carved == medium.count - unread)
    }

    /// As the English report writes a number.
    private static func grouped(_ value: Int) -> String {
        var text = ""
        let digits = String(value)
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return text
    }
}
