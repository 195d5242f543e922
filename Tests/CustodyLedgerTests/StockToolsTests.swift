import Digesting
import EvidenceModel
import Foundation
import Testing
import Trust

@testable import CustodyLedger

/// A case as it lies on disk, made without the rest of the program.
struct SampleCase {
    let lab: Laboratory
    let folder: String
    let image: String
    let ledger: LedgerStore

    init(split: Bool = false) throws {
        lab = try Laboratory()
        folder = lab.path("case")
        image = lab.path(split ? "stick.001" : "stick.dd")
        let files = ["evidence/E001", "reports/R01", "checkpoints"]
        for name in files {
            try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
        }
        let authority = try Self.authority(lab)
        ledger = try LedgerStore.create(
            at: folder + "/ledger.custody", caseNumber: "2026/42 A", labDomain: "lab.example",
            genesis: LedgerGenesis(
                certificateAuthorities: [lab.root.sha256], timestampAuthorities: [authority.certificate.sha256],
                checkpointKey: lab.workstation.vkey),
            signer: lab.examiner, actor: Laboratory.actor(lab.examiner), tool: Laboratory.tool,
            clock: Laboratory.clock)
        try write(Array(lab.root.pem.utf8), "ca.pem")
        let manifest = try acquire(split: split, authority)
        try analyse()
        try publish(authority)
        try report()
        try append(.verify) {
            $0.check = LedgerCheck(expected: manifest.hex, observed: manifest.hex, result: .match)
        }
    }

    private static func authority(_ lab: Laboratory) throws -> TimestampAuthority {
        let key = try PrivateKey.generateP256()
        let certificate = try TrialCertificates.timestampAuthority(
            organization: "Test Lab", key: key, notBefore: lab.root.notBefore, notAfter: lab.root.notAfter,
            issuer: lab.root, issuerKey: lab.rootKey)
        return try TimestampAuthority(signer: Signer(key: key, certificate: certificate))
    }

    func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
    }

    @discardableResult
    private func append(_ verb: LedgerVerb, _ fill: (inout EntryDraft) throws -> Void) throws -> LedgerReceipt {
        var draft = lab.draft(verb)
        draft.items = [LedgerItem(id: "E001", kind: .image)]
        try fill(&draft)
        return try ledger.append(draft, signer: lab.examiner)
    }

    private func acquire(split: Bool, _ authority: TimestampAuthority) throws -> Digest {
        let medium = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        let parts = split ? [medium[..<1_000_000], medium[1_000_000..<2_000_000], medium[2_000_000...]] : [medium[...]]
        let names = split ? ["stick.001", "stick.002", "stick.003"] : ["stick.dd"]
        for (name, part) in zip(names, parts) { try Data(part).write(to: URL(fileURLWithPath: lab.path(name))) }
        let begin = try append(.acquireBegin) {
            $0.detail = .acquisitionStart(
                AcquisitionStart(sourceKind: split ? "split" : "raw", sourceName: names[0], size: medium.count))
        }
        var blocks: [UInt8] = []
        for start in stride(from: 0, to: medium.count, by: 1 << 20) {
            blocks += try digest(.sha256, of: medium[start..<min(start + 1 << 20, medium.count)]).bytes
        }
        let whole = try digest(.sha256, of: medium)
        let manifest: CanonicalValue = [
            "v": 1, "type": "exhibit.evidence-manifest", "examiner": ["name": "A. Examiner"],
            "source": [
                "kind": .string(split ? "split" : "raw"), "files": .array(names.map { ["name": .string($0)] }),
            ],
            "digests": [["alg": "sha256", "hex": .string(whole.hex)]], "ended": .string(UTCTime.systemClock.rfc3339),
        ]
        let signature = try CAdES.signDetached(manifest.encoded, by: lab.examiner)
        try write(manifest.encoded, "evidence/E001/manifest.json")
        try write(signature, "evidence/E001/manifest.json.p7s")
        try write(try authority.stamp(signature), "evidence/E001/manifest.json.tsr")
        try write(blocks, "evidence/E001/blocks.sha256")
        try append(.acquireEnd) {
            $0.items[0].digests = [whole]
            $0.refs = [begin.reference]
            $0.detail = .acquisitionResult(
                AcquisitionResult(
                    manifest: try digest(.sha256, of: manifest.encoded), blocks: try digest(.sha256, of: blocks),
                    bytesRead: medium.count))
        }
        return whole
    }

    private func analyse() throws {
        let begin = try append(.analyseBegin) { _ in }
        // The first run's export is replaced by the second's: only the last one counts.
        for text in ["{\"id\":\"1\"}\n", "{\"id\":\"1\"}\n{\"id\":\"2\"}\n"] {
            try write(Array(text.utf8), "evidence/E001/artifacts.jsonl")
            try append(.carveRun) {
                $0.refs = [begin.reference]
                $0.detail = .carving(
                    CarvingResult(catalog: try digest(.sha256, of: Array(text.utf8)), counts: ["total": 2]))
            }
        }
        try append(.analyseEnd) { $0.refs = [begin.reference] }
    }

    private func publish(_ authority: TimestampAuthority) throws {
        let note = Array(try ledger.publishCheckpoint(key: lab.workstation).utf8)
        let stamp = try authority.stamp(note)
        try write(note, "checkpoints/00000007.note")
        try write(stamp, "checkpoints/00000007.note.tsr")
        let anchor = try ledger.addAnchor(kind: "tsa", data: stamp, size: try ledger.head.size)
        try append(.anchorTSA) {
            $0.items = []
            $0.anchor = anchor
        }
    }

    private func report() throws {
        let files = try ["report.pdf", "report.html"].map { name in
            let bytes = Array("this is \(name)".utf8)
            try write(bytes, "reports/R01/" + name)
            return NamedFile(name: name, size: bytes.count, sha256: try digest(.sha256, of: bytes))
        }
        try append(.reportIssue) {
            $0.detail = .report(IssuedReport(id: "R-1", number: "R01", language: "en", files: files))
        }
    }

    /// Runs the page's shell blocks, as they stand, with a POSIX shell.
    func followPage(checkpoint: String? = nil) throws -> Attacker.Outcome {
        let script = lab.path("page.sh")
        try Data(try Self.blocks().utf8).write(to: URL(fileURLWithPath: script))
        return try Attacker.run(
            "env", "CASE=" + folder, "IMAGE=" + image, "CHECKPOINT=" + (checkpoint ?? ""), "sh", script)
    }

    static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func blocks() throws -> String {
        let page = try String(contentsOf: package.appendingPathComponent("CHAIN_OF_CUSTODY.md"), encoding: .utf8)
        var isInside = false
        var script = ""
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                isInside = line == "```sh"
            } else if isInside {
                script += line + "\n"
            }
        }
        return script
    }
}

@Suite("CHAIN_OF_CUSTODY.md with stock tools")
struct StockToolsTests {
    @Test("an untouched case holds, line by line", arguments: [false, true])
    func holds(split: Bool) throws {
        let sample = try SampleCase(split: split)
        let report = try sample.lab.audit(sample.ledger.path)
        #expect(report.isClean && report.findings.isEmpty, report.text)
        let outcome = try sample.followPage(checkpoint: sample.folder + "/checkpoints/00000007.note")
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.hasSuffix("Everything holds.\n"))
        #expect(outcome.output.contains(sample.lab.root.sha256.hex))
        #expect(outcome.output.components(separatedBy: "\n").allSatisfy { !$0.hasPrefix("DIFFERS") })
        let names = ["medium", "manifest.json.p7s", "blocks", "artifacts.jsonl", "report.pdf", "report.html", "note"]
        for name in names { #expect(outcome.output.contains(name), "\(outcome.output)") }
    }

    @Test(
        "one flipped byte is named",
        arguments: [
            "stick.dd", "evidence/E001/manifest.json", "evidence/E001/manifest.json.p7s",
            "evidence/E001/manifest.json.tsr", "evidence/E001/blocks.sha256", "evidence/E001/artifacts.jsonl",
            "reports/R01/report.pdf", "reports/R01/report.html", "checkpoints/00000007.note",
            "checkpoints/00000007.note.tsr", "ca.pem",
        ])
    func flipped(name: String) throws {
        let sample = try SampleCase()
        let path = name == "stick.dd" ? sample.image : sample.folder + "/" + name
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 0x10
        try bytes.write(to: URL(fileURLWithPath: path))
        let outcome = try sample.followPage()
        #expect(outcome.status == 1, "\(outcome.output)")
        let differences = outcome.output.components(separatedBy: "\n").filter { $0.hasPrefix("DIFFERS") }
        #expect(differences.contains { $0.contains(name) }, "\(outcome.output)")
    }

    @Test("what is done to the ledger is named")
    func ledger() throws {
        let sample = try SampleCase()
        try sample.ledger.close()
        let path = sample.ledger.path
        let kept = try Data(contentsOf: URL(fileURLWithPath: path))
        func attempt(_ words: String, _ change: () throws -> Void) throws {
            try kept.write(to: URL(fileURLWithPath: path))
            try change()
            let outcome = try sample.followPage(checkpoint: sample.folder + "/checkpoints/00000007.note")
            #expect(outcome.status == 1 && outcome.output.contains("DIFFERS \(words)"), "\(outcome.output)")
        }
        try attempt("ledger: entry 4 has no valid signature") {
            try Attacker.tamper(
                path,
                "UPDATE entry SET cms = CAST(substr(cms, 1, 300) || x'00' || substr(cms, 302) AS BLOB) WHERE seq = 4")
        }
        try attempt("ledger: entry 3 is missing") { try Attacker.tamper(path, "DELETE FROM entry WHERE seq = 3") }
        try attempt("ledger: entry 3 was signed as another entry") {
            try Attacker.tamper(path, "DELETE FROM entry WHERE seq = 3; UPDATE entry SET seq = seq - 1 WHERE seq > 3")
        }
        try attempt("ledger: entry 2 does not have the leaf hash") {
            try Attacker.tamper(path, "UPDATE entry SET leaf = zeroblob(32) WHERE seq = 2")
        }
        try attempt("checkpoints/00000007.note is for 7 entries, the ledger has 5") {
            try Attacker.truncate(path, to: 5)
        }
        try attempt("ledger.custody: its schema") { try Attacker.sqlite(path, "DROP TRIGGER entry_no_gap") }
        try attempt("ledger.custody: byte 9000") {
            var bytes = kept
            bytes[9000] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
        }
        try attempt("ledger: no entries") { try Attacker.tamper(path, "DELETE FROM entry") }
        try attempt("ledger.custody") { try kept.prefix(5000).write(to: URL(fileURLWithPath: path)) }
        try attempt("ledger.custody-journal") {
            try Data("x".utf8).write(to: URL(fileURLWithPath: path + "-journal"))
        }
    }

    @Test("the page names the schema that the program writes")
    func schema() throws {
        let text = LedgerSchema.statements.sorted { name(of: $0) < name(of: $1) }.map { $0 + "\n" }.joined()
        #expect(try SampleCase.blocks().contains(digest(.sha256, of: Array(text.utf8)).hex))
    }

    private func name(of statement: String) -> Substring {
        statement.split(whereSeparator: { " (".contains($0) })[2]
    }
}
