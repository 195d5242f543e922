import CustodyLedger
import Foundation
import Testing
import Trust

@testable import CustodyAuditor

@Suite("audit-custody")
struct CustodyAuditorTests {
    let lab: Laboratory
    let package: URL

    init() throws {
        lab = try Laboratory()
        package = lab.folder.appendingPathComponent("package")
        try write("test-images/a/image.dd", "abc")
        try write("test-images/README.md", "")
        try table([
            "| test-images/README.md | 0 | e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 | hand | CC0 |",
            "| test-images/a/image.dd | 3 | ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad | r | CC0 |",
        ])
    }

    private func write(_ name: String, _ text: String) throws {
        let file = package.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    private func table(_ rows: [String]) throws {
        let lines =
            ["# Page", "<!-- test-images -->", "", "| path | bytes | sha256 | origin or recipe | licence |"]
            + ["|---|---|---|---|---|"] + rows + ["", "<!-- /test-images -->", ""]
        try write("CHAIN_OF_CUSTODY.md", lines.joined(separator: "\n"))
    }

    private func run(_ arguments: String...) throws -> (status: Int32, lines: [String]) {
        var lines: [String] = []
        let status = try AuditCommand(["--package", package.path] + arguments).run { lines.append($0) }
        return (status, lines)
    }

    @Test("every file has its row and every row its file")
    func table() throws {
        #expect(try run().status == 0)
        try write("test-images/a/more", "x")
        try write("test-images/a/image.dd", "abd")
        try FileManager.default.removeItem(at: package.appendingPathComponent("test-images/README.md"))
        let (status, lines) = try run()
        #expect(status == 1)
        #expect(lines.contains("test-images: test-images/a/more has no row"))
        #expect(lines.contains("test-images: test-images/README.md has a row, but is no file"))
        #expect(lines.contains { $0.contains("image.dd has the SHA-256") })
    }

    @Test("rows that lead elsewhere, twice or nowhere are refused")
    func badRows() throws {
        try table([
            "| test-images/../CHAIN_OF_CUSTODY.md | 3 | 00 | r | CC0 |",
            "| test-images/a/image.dd | three | 00 | r | CC0 |",
            "| test-images/README.md | 0 | 00 |  | CC0 |",
        ])
        let lines = try run().lines
        #expect(lines.contains { $0.contains("is no path under test-images") })
        #expect(lines.filter { $0.contains("cannot be read") }.count == 2)
        try write("CHAIN_OF_CUSTODY.md", "# Page\n")
        #expect(try run().lines.contains { $0.contains("has no table between") })
    }

    @Test("ledgers are audited with the root beside them or the one that is given")
    func ledgers() throws {
        let sample = try SampleCase()
        let note = sample.folder + "/checkpoints/00000007.note"
        #expect(try run(sample.folder, "--checkpoint", note).status == 0)
        #expect(try run(sample.ledger.path).status == 0)
        let other = try Laboratory()
        try Data(other.root.pem.utf8).write(to: URL(fileURLWithPath: lab.path("other.pem")))
        let (status, lines) = try run(sample.ledger.path, "--ca", lab.path("other.pem"))
        #expect(status == 1 && lines.contains { $0.contains("none of the root certificates") })
        try Attacker.truncate(sample.ledger.path, to: 5)
        #expect(try run(sample.folder, "--checkpoint", note).status == 1)
    }

    @Test("a wrong call is told from a finding")
    func wrongCall() throws {
        #expect(throws: AuditCommand.Failure.self) { try AuditCommand(["--ca"]) }
        #expect(throws: AuditCommand.Failure.self) { try AuditCommand(["--all"]) }
        #expect(throws: (any Error).self) { try run("/nowhere/ledger.custody") }
    }
}
