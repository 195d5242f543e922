import EvidenceModel
import Foundation
import Testing

@Suite("EWF images, with the real program")
struct EWFTests {
    static let hasTools = FileManager.default.isExecutableFile(atPath: "/usr/bin/ewfacquire")

    let lab: Laboratory
    let medium: [UInt8]

    init() throws {
        lab = try Laboratory()
        var numbers = SeededNumbers(seed: 3)
        // Compressible and not, over two segments of 1 MiB, with a part of a sector at the end.
        medium = (0..<3_000_077).map { $0 / 50_000 % 3 == 0 ? 0 : UInt8(truncatingIfNeeded: numbers.next()) }
        try lab.file("medium.dd", medium)
        let made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "T-1")
        try #require(made.status == 0, "\(made.errors)")
    }

    private func acquire(_ name: String, _ options: String...) throws {
        let answer = try lab.shell(
            "ewfacquire -u -q -S 1MiB \(options.joined(separator: " ")) -t \(name) medium.dd </dev/null")
        try #require(answer.status == 0, "\(answer.text)\(answer.errors)")
    }

    private func ingest(_ file: String, item: String) throws -> (answer: Answer, value: CanonicalValue?) {
        let answer = try lab.signed("ingest", lab.path(file), "--case", lab.path("case"), "--item", item, "--json")
        let line = answer.text.split(separator: "\n").last.map { Array($0.utf8) } ?? []
        return (answer, line.isEmpty ? nil : try CanonicalValue(parsing: line))
    }

    @Test(
        "every format and level of ewfacquire gives the medium's digests, and all of it verifies",
        .enabled(if: hasTools))
    func formats() throws {
        let sha256 = String(try lab.tool("sha256sum", lab.path("medium.dd")).text.prefix(64))
        // ewfacquire takes "encase7-v2" too, and then writes the layout of EnCase 6 under that name.
        let formats = [
            "ewf", "smart", "ftk", "encase1", "encase2", "encase3", "encase4", "encase5", "encase6", "encase7",
            "encase7-v2", "linen5", "linen6", "linen7", "ewfx",
        ]
        for (index, format) in formats.enumerated() {
            let level = ["none", "empty-block", "fast", "best"][index % 4]
            try acquire(format, "-f", format, "-c", level, index % 2 == 0 ? "" : "-d sha1")
            let ending = format == "smart" ? "s01" : format == "ewf" || format == "ewfx" ? "e01" : "E01"
            let (answer, value) = try ingest("\(format).\(ending)", item: format)
            #expect(answer.status == 0, "\(format): \(answer.text)\(answer.errors)")
            #expect(value?["digests"]?["sha256"]?.string == sha256, "\(format)")
            #expect(value?["stored"]?.array?.first?["match"]?.bool == true, "\(format)")
            #expect(value?["kind"]?.string == "ewf")
        }
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 0, "\(verification.text)")
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.contains("\"match\""))
    }

    @Test("ewfacquirestream: a medium of unknown length", .enabled(if: hasTools))
    func stream() throws {
        let sha256 = String(try lab.tool("sha256sum", lab.path("medium.dd")).text.prefix(64))
        for format in ["encase6", "ewfx"] {
            let made = try lab.shell(
                "ewfacquirestream -q -S 1MiB -d sha256 -c fast -f \(format) -t st-\(format) <medium.dd")
            try #require(made.status == 0, "\(made.text)\(made.errors)")
            let (answer, value) = try ingest("st-\(format).\(format == "ewfx" ? "e01" : "E01")", item: format)
            #expect(answer.status == 0, "\(answer.text)\(answer.errors)")
            #expect(value?["digests"]?["sha256"]?.string == sha256)
            // Only the layout "ewfx" has room for a SHA-256.
            #expect(value?["stored"]?.array?.count == (format == "ewfx" ? 2 : 1))
        }
    }

    @Test("the segment files are in the manifest; one that changes without changing the medium is named")
    func segmentFiles() throws {
        try acquire("disk", "-f", "encase6", "-c", "fast")
        #expect(try ingest("disk.E01", item: "E001").answer.status == 0)
        let manifest = try CanonicalValue(parsing: try lab.content(lab.path("case/evidence/E001/manifest.json")))
        let files = try #require(manifest["source"]?["files"]?.array)
        #expect(files.count > 1)
        for file in files {
            let name = try #require(file["name"]?.string)
            #expect(file["sha256"]?.string == String(try lab.tool("sha256sum", lab.path(name)).text.prefix(64)))
        }
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
        // What follows the section that ends a segment belongs to no chunk.
        try lab.file("disk.E02", try lab.content(lab.path("disk.E02")) + [0])
        let changed = try lab.run(["verify", "--case", lab.path("case")])
        #expect(changed.status == 1)
        #expect(changed.text.contains("the file disk.E02 is not what was taken in"), "\(changed.text)")
        #expect(!changed.text.contains("disk.E01 is not what"))
        #expect(!changed.text.contains("(block"), "\(changed.text)")
    }

    @Test("a mismatch, a damaged chunk and a missing segment end with status 1 and are named", .enabled(if: hasTools))
    func damage() throws {
        try acquire("disk", "-f", "encase6", "-c", "none")
        let first = try lab.content(lab.path("disk.E01"))
        let last = try lab.content(lab.path("disk.E03"))

        var wrong = last
        let hash = try #require(wrong.firstRange(of: Array("hash\0\0".utf8))).lowerBound
        wrong[hash + 76] ^= 1
        var sum = (1, 0)
        for byte in wrong[hash + 76..<hash + 108] {
            sum.0 = (sum.0 + Int(byte)) % 65521
            sum.1 = (sum.1 + sum.0) % 65521
        }
        for index in 0..<4 {
            wrong[hash + 108 + index] = UInt8(truncatingIfNeeded: (sum.1 << 16 | sum.0) >> (8 * index))
        }
        try lab.file("disk.E03", wrong)
        let mismatch = try ingest("disk.E01", item: "E001")
        #expect(mismatch.answer.status == 1)
        #expect(mismatch.value?["stored"]?.array?.first?["match"]?.bool == false)
        #expect(mismatch.value?["warnings"]?.array?.first?.string?.contains("MD5") == true)
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.contains("\"mismatch\""))
        let verification = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verification.status == 1)
        #expect(verification.text.contains("its MD5 is not the medium's"))
        try lab.file("disk.E03", last)

        var flipped = first
        flipped[500_000] ^= 1
        try lab.file("disk.E01", flipped)
        let damaged = try ingest("disk.E01", item: "E002")
        #expect(damaged.answer.status == 1)
        #expect(damaged.value?["unreadable"]?.integer == 1)
        try lab.file("disk.E01", first)

        try FileManager.default.removeItem(atPath: lab.path("disk.E02"))
        let incomplete = try ingest("disk.E01", item: "E003")
        #expect(incomplete.answer.status == 1)
        #expect(incomplete.answer.text.contains("segment 2 is missing"))

        try lab.file("raw.E01", medium)
        let raw = try ingest("raw.E01", item: "E004")
        #expect(raw.answer.status == 1)
        #expect(raw.answer.errors.contains("raw.E01"))
    }
}
