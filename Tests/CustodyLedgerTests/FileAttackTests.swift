import Digesting
import EvidenceModel
import Foundation
import GRDB
import Testing
import Trust

@testable import CustodyLedger

@Suite("Attacks on the file, made with sqlite3")
struct FileAttackTests {
    let lab: Laboratory
    let store: LedgerStore
    let path: String

    init() throws {
        lab = try Laboratory()
        store = try lab.ledger(6)
        _ = try store.publishCheckpoint(key: lab.workstation)
        path = try lab.copy(store.path, as: "copy.custody")
    }

    @Test(
        "a changed schema",
        arguments: [
            ("DROP TRIGGER entry_no_update", "lacks the trigger \"entry_no_update\""),
            ("DROP TABLE tile", "lacks the table \"tile\""),
            ("CREATE INDEX more ON entry(leaf)", "unknown or altered index \"more\""),
            ("CREATE VIEW more AS SELECT * FROM entry", "unknown or altered view \"more\""),
            ("CREATE TABLE more(x)", "unknown or altered table \"more\""),
            ("ALTER TABLE entry ADD COLUMN more INTEGER", "unknown or altered table \"entry\""),
            (
                "DROP TRIGGER entry_no_gap; CREATE TRIGGER entry_no_gap BEFORE INSERT ON entry BEGIN SELECT 1; END",
                "unknown or altered trigger \"entry_no_gap\""
            ),
            (
                "ALTER TABLE entry RENAME TO kept; CREATE VIEW entry AS SELECT * FROM kept WHERE seq <> 3",
                "unknown or altered view \"entry\""
            ),
        ])
    func schema(sql: String, words: String) throws {
        try Attacker.sqlite(path, sql)
        let report = try lab.audit(path)
        #expect(report.fails(nil, words), report.text)
        #expect(!report.isClean)
    }

    @Test("a journal or log beside the file that is not empty", arguments: ["-journal", "-wal"])
    func sideFile(suffix: String) throws {
        try Data("x".utf8).write(to: URL(fileURLWithPath: path + suffix))
        let report = try lab.audit(path)
        #expect(report.fails(nil, suffix), report.text)
        #expect(report.couldNotCheck.contains { $0.contains("could not be read") })
        try Data().write(to: URL(fileURLWithPath: path + suffix))
        #expect(try lab.audit(path).isClean)
    }

    @Test("a header that is not a ledger's")
    func header() throws {
        try Attacker.sqlite(path, "PRAGMA application_id = 7")
        #expect(try lab.audit(path).fails(nil, "not a custody ledger"))
        try Attacker.sqlite(path, "PRAGMA application_id = \(LedgerSchema.applicationID); PRAGMA journal_mode = WAL")
        #expect(try lab.audit(path).fails(nil, "write-ahead log"))
        try Attacker.sqlite(path, "PRAGMA journal_mode = DELETE; PRAGMA user_version = 2")
        #expect { try lab.audit(path) } throws: { ($0 as? LedgerError)?.code == .newerVersion }
        #expect { try LedgerStore.open(at: path) } throws: { ($0 as? LedgerError)?.code == .newerVersion }
        try Data("something else entirely".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try lab.audit(path).fails(nil, "no SQLite file"))
        #expect { try LedgerStore.open(at: path) } throws: { ($0 as? LedgerError)?.code == .notALedger }
        #expect { try lab.audit(path + "-none") } throws: { ($0 as? LedgerError)?.code == .notFound }
    }

    @Test(
        "tables beside the entries",
        arguments: [
            ("UPDATE meta SET v = 'lab.example/custody/2026-0042/0000000000000000'", "another origin"),
            ("INSERT INTO meta VALUES('more', 1)", "table meta"),
            ("UPDATE frontier SET h = zeroblob(32) WHERE level = 1", "table frontier"),
            ("DELETE FROM frontier", "table frontier"),
            ("INSERT INTO tile VALUES(1, 0, zeroblob(32))", "table tile"),
            ("UPDATE checkpoint SET size = 5", "for another head"),
            ("UPDATE checkpoint SET size = 50", "stored checkpoint of size 50"),
            ("UPDATE checkpoint SET note = replace(note, 'lab.example', 'lab.another')", "not signed by a key"),
            ("UPDATE checkpoint SET note = 'x'", "not a checkpoint"),
            ("INSERT INTO anchor VALUES(1, 99, 'tsa', x'00')", "99 entries"),
            ("INSERT INTO anchor VALUES(1, 6, 'tsa', x'00')", "anchor 1"),
        ])
    func otherTables(sql: String, words: String) throws {
        try Attacker.sqlite(path, sql)
        let report = try lab.audit(path)
        #expect(report.findings.contains { $0.severity == .failure && $0.line.contains(words) }, report.text)
    }

    @Test("bytes behind the last page, and a file cut short")
    func length() throws {
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try (whole + Data(repeating: 0, count: 512)).write(to: URL(fileURLWithPath: path))
        #expect(try lab.audit(path).fails(nil, "its header says"))
        try whole.prefix(whole.count - 4096).write(to: URL(fileURLWithPath: path))
        let report = try lab.audit(path)
        #expect(report.fails(nil), report.text)
    }

    @Test("entries removed without care leave remains")
    func remains() throws {
        let long = try lab.ledger(12, name: "long.custody")
        try Attacker.tamper(long.path, "DELETE FROM entry WHERE seq >= 7")
        try Attacker.repairCaches(long.path)
        #expect(try lab.audit(long.path).fails(nil, "used by nothing and not zero"))
        try Attacker.sqlite(path, "DROP TRIGGER entry_no_gap; \(LedgerSchema.triggers[0])")
        #expect(try lab.audit(path).fails(nil, "changed and changed back"))
    }

    @Test("any byte of the file flipped is found, but for those that state which SQLite wrote last")
    func anyByte() throws {
        let small = try lab.ledger(4, name: "small.custody")
        _ = try small.publishCheckpoint(key: lab.workstation)
        try small.close()
        let whole = try Data(contentsOf: URL(fileURLWithPath: small.path))
        let copy = lab.path("flip.custody")
        var generator = SeededGenerator(seed: 13)
        let places = Array(16..<100) + (0..<250).map { _ in Int.random(in: 100..<whole.count, using: &generator) }
        for place in places where !(96..<100).contains(place) {
            var bytes = whole
            bytes[place] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
            try bytes.write(to: URL(fileURLWithPath: copy))
            do {
                let report = try lab.audit(copy)
                #expect(!report.isClean, "byte \(place)")
            } catch let error as LedgerError {
                #expect(error.code == .newerVersion, "byte \(place): \(error)")
            }
        }
    }

    @Test("all entries removed")
    func emptied() throws {
        try Attacker.tamper(path, "DELETE FROM entry; DELETE FROM frontier; DELETE FROM checkpoint")
        #expect(try lab.audit(path).fails(nil, "has no entries"))
    }

    @Test("values of other types and impossible numbers do no harm")
    func hostileValues() throws {
        try Attacker.tamper(
            path,
            "PRAGMA ignore_check_constraints = ON; INSERT INTO entry VALUES(9223372036854775807, zeroblob(70000), "
                + "zeroblob(32)); INSERT INTO entry VALUES(-9223372036854775808, x'', zeroblob(1)); "
                + "INSERT INTO entry VALUES(4611686018427387904, x'30', zeroblob(32)); "
                + "UPDATE entry SET cms = zeroblob(100000) WHERE seq = 4")
        let report = try lab.audit(path)
        #expect(report.fails(nil, "no number"), report.text)
        #expect(report.fails(4, "no blob"), report.text)
        #expect(throws: LedgerError.self) { try LedgerStore.open(at: path) }
    }

    @Test("an audit changes nothing: not the file, not its times, not the folder")
    func readOnly() throws {
        func state() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: lab.folder.path).sorted().map { name in
                let attributes = try FileManager.default.attributesOfItem(atPath: lab.path(name))
                return "\(name) \(attributes[.modificationDate] ?? "") \(attributes[.size] ?? "")"
            }
        }
        try store.close()
        let before = try state()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try lab.audit(path).isClean)
        #expect(try state() == before)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == bytes)
        try FileManager.default.setAttributes([.posixPermissions: 0o400], ofItemAtPath: path)
        #expect(try lab.audit(path).isClean)
    }

    @Test("each byte of the entries of a small ledger, flipped by someone who mends the hashes too, is found")
    func everyByte() throws {
        let small = try lab.ledger(3, name: "small.custody")
        let queue = try DatabaseQueue(path: small.path)
        var generator = SeededGenerator(seed: 7)
        var missed: [String] = []
        var audit = EntryAudit(
            origin: small.origin, caseNumber: small.caseNumber, verifier: SignatureVerifier(roots: [lab.root]),
            now: UTCTime.systemClock)
        let entries = try small.entries()
        for entry in entries {
            for index in entry.cms.indices {
                var cms = entry.cms
                cms[index] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
                var report = AuditReport(path: "")
                var attempt = audit
                try queue.read { db in
                    for later in entries[entry.seq...] where report.isClean {
                        let bytes = later.seq == entry.seq ? cms : later.cms
                        let leaf = try MerkleFrontier.leafHash(bytes)
                        _ = try attempt.check(seq: later.seq, cms: bytes, storedLeaf: leaf, in: db, report: &report)
                    }
                }
                if report.isClean { missed.append("entry \(entry.seq) byte \(index)") }
            }
            var report = AuditReport(path: "")
            try queue.read { db in
                _ = try audit.check(
                    seq: entry.seq, cms: entry.cms, storedLeaf: entry.leaf.bytes, in: db, report: &report)
            }
            #expect(report.isClean, report.text)
        }
        #expect(missed.isEmpty)
    }

    @Test("bytes of the entries flipped in the file itself")
    func bytesInTheFile() throws {
        let small = try lab.ledger(3, name: "small.custody")
        let entries = try small.entries()
        try small.close()
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: small.path)))
        let copy = lab.path("flip.custody")
        var generator = SeededGenerator(seed: 11)
        for entry in entries {
            let places = places(of: entry.cms, in: whole)
            for _ in 0..<30 {
                let index = Int.random(in: entry.cms.indices, using: &generator)
                var bytes = whole
                bytes[try #require(places[index])] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
                try Data(bytes).write(to: URL(fileURLWithPath: copy))
                let report = try lab.audit(copy)
                #expect(report.fails(entry.seq), report.text)
            }
        }
    }

    /// Where each byte of a blob lies in the file: a page may hold only a part of it.
    private func places(of blob: [UInt8], in file: [UInt8]) -> [Int: Int] {
        var places: [Int: Int] = [:]
        var start = 0
        while start < blob.count {
            var length = blob.count - start
            while length > 0 {
                let piece = Array(blob[start..<(start + length)])
                if let place = Data(file).range(of: Data(piece))?.lowerBound {
                    for offset in 0..<length { places[start + offset] = place + offset }
                    break
                }
                length -= 1
            }
            start += max(1, length)
        }
        return places
    }
}

/// A small generator with a seed (SplitMix64, S. Vigna, public domain).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
