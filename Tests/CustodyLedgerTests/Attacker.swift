import Digesting
import EvidenceModel
import Foundation
import Testing
import Trust

@testable import CustodyLedger

/// What an attacker with write access does, with nothing but the stock tools.
enum Attacker {
    struct Outcome {
        let status: Int32
        let output: String
    }

    @discardableResult
    static func run(_ command: String, _ arguments: String...) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [command] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }

    static func sqlite(_ path: String, _ sql: String) throws {
        let outcome = try run("sqlite3", "-bail", path, sql)
        try #require(outcome.status == 0, "sqlite3: \(outcome.output)")
    }

    /// Changes the entries and leaves the schema as it was, to the letter.
    static func tamper(_ path: String, _ sql: String) throws {
        let names = ["entry_no_gap", "entry_no_update", "entry_no_delete"]
        let drop = names.map { "DROP TRIGGER \($0);" }.joined()
        let restore = LedgerSchema.triggers.map { $0 + ";" }.joined() + "PRAGMA schema_version = 10"
        try sqlite(path, drop + sql + ";" + restore)
    }

    /// Puts in a blob with the leaf hash that belongs to it.
    static func replace(_ seq: Int, with cms: [UInt8], in path: String) throws {
        let leaf = Hex.encode(try MerkleFrontier.leafHash(cms))
        try tamper(path, "INSERT OR REPLACE INTO entry VALUES(\(seq), x'\(Hex.encode(cms))', x'\(leaf)')")
    }

    /// Makes the caches fit what lies in the file.
    static func repairCaches(_ path: String) throws {
        let rows = try run("sqlite3", path, "SELECT hex(leaf) FROM entry ORDER BY seq").output.split(separator: "\n")
        var frontier = MerkleFrontier()
        for row in rows { try frontier.append(leafHash: try #require(Hex.decode(String(row)))) }
        let inserts = frontier.levels.map { "INSERT INTO frontier VALUES(\($0.key), x'\(Hex.encode($0.value))');" }
        try sqlite(path, "DELETE FROM frontier;" + inserts.joined())
    }

    static func truncate(_ path: String, to size: Int) throws {
        try tamper(
            path,
            "DELETE FROM entry WHERE seq >= \(size); DELETE FROM checkpoint WHERE size > \(size); "
                + "DELETE FROM anchor WHERE size > \(size)")
        try repairCaches(path)
        // Who knows SQLite leaves no remains behind.
        try sqlite(path, "VACUUM; PRAGMA schema_version = 10")
    }
}

extension Laboratory {
    func audit(
        _ path: String, checkpoints: [String] = [], highWater: HighWaterMarkStore? = nil, now: UTCTime? = nil
    ) throws -> AuditReport {
        try LedgerAudit.run(ledgerAt: path, roots: [root], checkpoints: checkpoints, highWater: highWater, now: now)
    }

    /// An entry as it would stand at the end of the ledger, with whatever the attacker wants to be otherwise.
    func forge(
        after store: LedgerStore, _ draft: EntryDraft, signer: Signer, naming certificate: Digest? = nil,
        time: UTCTime? = nil, origin: String? = nil, change: (CanonicalValue) -> CanonicalValue = { $0 }
    ) throws -> [UInt8] {
        let head = try store.head
        let time = time ?? UTCTime.systemClock
        let body = EntryBody(
            origin: origin ?? store.origin, seq: head.size, previousLeaf: head.last.leaf, previousRoot: head.root,
            time: time, caseNumber: store.caseNumber, certificate: certificate ?? signer.certificate.sha256,
            draft: draft)
        return try CAdES.signAttached(change(body.canonical).encoded, by: signer, at: time)
    }

    func append(_ cms: [UInt8], to path: String, at seq: Int) throws {
        let leaf = Hex.encode(try MerkleFrontier.leafHash(cms))
        try Attacker.sqlite(path, "INSERT INTO entry VALUES(\(seq), x'\(Hex.encode(cms))', x'\(leaf)')")
        try Attacker.repairCaches(path)
    }
}

extension AuditReport {
    /// Whether a failure of this entry says this.
    func fails(_ entry: Int?, _ words: String? = nil) -> Bool {
        findings.contains {
            $0.severity == .failure && $0.entry == entry && (words.map($0.line.contains) ?? true)
        }
    }

    func notes(_ entry: Int?, _ words: String) -> Bool {
        findings.contains { $0.severity == .notice && $0.entry == entry && $0.line.contains(words) }
    }

    var text: Comment { Comment(rawValue: description) }
}
