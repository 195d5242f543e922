import Digesting
import EvidenceModel
import Foundation
import GRDB
import Glibc
import Testing
import Trust

@testable import CustodyLedger

@Suite("Durability of the ledger", .serialized)
struct DurabilityTests {
    let lab: Laboratory

    init() throws { lab = try Laboratory() }

    @Test("four connections that append at once leave no gap and no lost entry")
    func concurrentWriters() async throws {
        let path = try lab.create().path
        let lab = lab
        let drafts = (0..<40).map { lab.intake($0) }
        let signer = lab.examiner
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    let store = try LedgerStore.open(at: path)
                    for number in 0..<10 { try store.append(drafts[writer * 10 + number], signer: signer) }
                }
            }
            try await group.waitForAll()
        }
        let entries = try LedgerStore.open(at: path).entries()
        #expect(entries.map(\.seq) == Array(0...40))
        #expect(Set(entries.dropFirst().compactMap(\.reason)).count == 40)
        let report = try lab.audit(path)
        #expect(report.isClean, report.text)
    }

    @Test("a writer waits for another one, then says that the ledger is busy")
    func busy() throws {
        let store = try lab.create()
        let holder = try DatabaseQueue(path: store.path)
        try holder.inDatabase { db in
            try db.execute(sql: "BEGIN EXCLUSIVE")
            let start = Date()
            #expect { try store.append(lab.intake(1), signer: lab.examiner) } throws: {
                ($0 as? LedgerError)?.code == .busy
            }
            #expect(Date().timeIntervalSince(start) > 8)
            try db.execute(sql: "ROLLBACK")
        }
        #expect(try store.append(lab.intake(1), signer: lab.examiner).seq == 1)
    }

    /// sqlite3 stands in for a writer that dies: it inserts, spills the page to the file, and is killed before COMMIT.
    @Test("kill -9 between insert and commit: the next open rolls back, an auditor refuses until then")
    func killed() throws {
        let store = try lab.ledger(5)
        try store.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: store.path))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sqlite3", store.path]
        let input = Pipe(), output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(
            Data(
                """
                PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN IMMEDIATE;
                INSERT INTO entry VALUES(5, randomblob(60000), zeroblob(32));
                INSERT INTO anchor(size, kind, data) VALUES(1, 'x', randomblob(900000));
                SELECT 'inserted';

                """.utf8))
        while !String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).contains("inserted") {}
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(try Data(contentsOf: URL(fileURLWithPath: store.path)) != before)
        #expect(try lab.audit(store.path).fails(nil, "-journal"))
        let again = try LedgerStore.open(at: store.path)
        #expect(try again.head.size == 5)
        #expect(try again.append(lab.intake(5), signer: lab.examiner).seq == 5)
        let report = try lab.audit(store.path)
        #expect(report.isClean, report.text)
    }

    @Test("a full database leaves the ledger as it was")
    func fullDatabase() throws {
        let store = try lab.ledger(3)
        let queue = try DatabaseQueue(path: store.path)
        try queue.inDatabase { db in
            try db.execute(sql: "PRAGMA max_page_count = 1")
            #expect(throws: DatabaseError.self) {
                try db.execute(sql: "INSERT INTO entry VALUES(3, randomblob(60000), zeroblob(32))")
            }
        }
        #expect(try store.head.size == 3)
        #expect(try lab.audit(store.path).isClean)
    }

    /// Needs root, for the mount; a machine without it tests the rest.
    @Test("a full disk: nothing is recorded but the incident itself, out of the reserve", .enabled(if: geteuid() == 0))
    func fullDisk() throws {
        let mount = lab.path("disk")
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        guard try Attacker.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount).status == 0 else { return }
        defer { _ = try? Attacker.run("umount", "-l", mount) }
        let store = try lab.create("disk/ledger.custody")
        try Attacker.run("dd", "if=/dev/zero", "of=\(mount)/filler", "bs=4096")
        var written = 1
        var failure: LedgerError?
        while failure == nil, written < 200 {
            do {
                try store.append(lab.intake(written), signer: lab.examiner)
                written += 1
            } catch { failure = error }
        }
        #expect(failure?.code == .diskFull)
        #expect(try store.head.size == written)
        var incident = lab.draft(.incident, reason: "the disk was full")
        incident.detail = .incident(IncidentKind(.diskFull))
        #expect(try store.append(incident, signer: lab.examiner).seq == written)
        let report = try lab.audit(store.path)
        #expect(report.isClean, report.text)
        try Attacker.run("dd", "if=/dev/zero", "of=\(mount)/more", "bs=4096")
        #expect { try lab.create("disk/second.custody") } throws: { ($0 as? LedgerError)?.code == .diskFull }
        #expect(try FileManager.default.contentsOfDirectory(atPath: mount).allSatisfy { !$0.contains("second") })
    }

    @Test("more entries than one tile and one chunk of the audit")
    func manyEntries() throws {
        let shm = URL(fileURLWithPath: "/dev/shm/ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: shm, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: shm) }
        let store = try LedgerStore.create(
            at: shm.appendingPathComponent("ledger.custody").path, caseNumber: "1", labDomain: "lab.example",
            genesis: LedgerGenesis(
                certificateAuthorities: [lab.root.sha256], timestampAuthorities: [],
                checkpointKey: lab.workstation.vkey),
            signer: lab.examiner, actor: Laboratory.actor(lab.examiner), tool: Laboratory.tool, clock: Laboratory.clock)
        for number in 1..<530 {
            try store.append(lab.intake(number), signer: lab.examiner)
            if [1, 256, 300, 499, 511].contains(number) { _ = try store.publishCheckpoint(key: lab.workstation) }
        }
        let report = try lab.audit(store.path)
        #expect(report.isClean && report.findings.isEmpty, report.text)
        #expect(report.entryCount == 530 && report.newestCheckpoint?.size == 512)
        let leaves = try store.entries().map(\.leaf.bytes)
        #expect(try store.head.root.bytes == MerkleTree.root(leaves: leaves))
        try Attacker.sqlite(store.path, "UPDATE tile SET hashes = zeroblob(64)")
        #expect(try lab.audit(store.path).fails(nil, "tile 0 of level 1"))
    }
}

@Suite("Interrupted acts")
struct InterruptionTests {
    let lab: Laboratory
    let store: LedgerStore

    init() throws {
        lab = try Laboratory()
        store = try lab.create()
    }

    private func begin(refs: [EntryReference] = []) -> EntryDraft {
        var draft = lab.draft(.acquireBegin)
        draft.items = [LedgerItem(id: "E001")]
        draft.refs = refs
        draft.detail = .acquisitionStart(AcquisitionStart(sourceKind: "raw", sourceName: "stick.dd", size: 1 << 60))
        return draft
    }

    private func end(_ refs: [EntryReference]) -> EntryDraft {
        var draft = lab.draft(.acquireEnd)
        let digest = Digest(.sha256, [UInt8](repeating: 1, count: 32))
        draft.items = [LedgerItem(id: "E001", digests: [digest], blocksRoot: digest)]
        draft.refs = refs
        draft.detail = .acquisitionResult(AcquisitionResult(manifest: digest, blocks: digest, bytesRead: 1 << 60))
        return draft
    }

    @Test("an acquisition that did not end is a notice; a resumed one settles it")
    func resumed() throws {
        let first = try store.append(begin(), signer: lab.examiner)
        var report = try lab.audit(store.path)
        #expect(report.isClean && report.notes(1, "acquire.begin has no acquire.end"), report.text)
        let second = try store.append(begin(refs: [first.reference]), signer: lab.examiner)
        report = try lab.audit(store.path)
        #expect(!report.notes(1, "acquire.begin") && report.notes(2, "has no acquire.end"), report.text)
        try store.append(end([second.reference]), signer: lab.examiner)
        report = try lab.audit(store.path)
        #expect(report.isClean && report.findings.isEmpty, report.text)
        #expect(try store.entries(from: 3).first?.body.draft == end([second.reference]))
    }

    @Test("an end without a begin is a failure, and one that refers to nothing is not recorded")
    func endWithoutBegin() throws {
        #expect { try store.append(end([]), signer: lab.examiner) } throws: {
            ($0 as? LedgerError)?.code == .invalidDraft
        }
        let other = try store.append(lab.intake(1), signer: lab.examiner)
        try store.append(end([other.reference]), signer: lab.examiner)
        #expect(try lab.audit(store.path).fails(2, "ends an act that no acquire.begin before it began"))
    }
}
