import Digesting
import EvidenceModel
import Foundation
import Testing
import Trust

@testable import CustodyLedger

@Suite("Attacks on the ledger as a whole")
struct HeadAttackTests {
    let lab: Laboratory
    let store: LedgerStore
    let path: String
    let note: String

    init() throws {
        lab = try Laboratory()
        store = try lab.ledger(12)
        note = try store.publishCheckpoint(key: lab.workstation)
        path = try lab.copy(store.path, as: "copy.custody")
    }

    @Test("a truncated tail: silent without a checkpoint from outside, and said so; found with one")
    func truncated() throws {
        try Attacker.truncate(path, to: 7)
        let alone = try lab.audit(path)
        #expect(alone.isClean, alone.text)
        #expect(alone.couldNotCheck.contains { $0.contains("no checkpoint from outside the file was given") })
        let report = try lab.audit(path, checkpoints: [note])
        #expect(report.fails(nil, "12 entries, but there are 7"), report.text)
        #expect(report.fails(nil, "entries 7 to 11 are gone"), report.text)
    }

    @Test("a truncated tail with its checkpoint left in the file")
    func truncatedCarelessly() throws {
        try Attacker.tamper(path, "DELETE FROM entry WHERE seq >= 7")
        try Attacker.repairCaches(path)
        #expect(try lab.audit(path).fails(nil, "a checkpoint in the file is for 12 entries"))
    }

    @Test("a tail rewritten by an insider with a valid key: silent without a checkpoint, found with an old one")
    func rewritten() throws {
        try Attacker.truncate(path, to: 7)
        let insider = try LedgerStore.open(at: path)
        for number in 7...20 { try insider.append(lab.intake(number * 100), signer: lab.examiner) }
        #expect(try lab.audit(path).isClean)
        let report = try lab.audit(path, checkpoints: [note])
        #expect(report.fails(nil, "history was rewritten"), report.text)
    }

    @Test("two versions shown to two parties: each one's checkpoint exposes the other")
    func forked() throws {
        let fork = try LedgerStore.open(at: path)
        try fork.append(lab.intake(100), signer: lab.examiner)
        try store.append(lab.intake(200), signer: lab.examiner)
        let one = try fork.publishCheckpoint(key: lab.workstation)
        let other = try store.publishCheckpoint(key: lab.workstation)
        #expect(try lab.audit(path, checkpoints: [one]).isClean)
        #expect(try lab.audit(path, checkpoints: [other]).fails(nil, "two versions"))
        #expect(try lab.audit(store.path, checkpoints: [one]).fails(nil, "two versions"))
    }

    @Test("an older copy put back: the workstation's high-water mark remembers")
    func rolledBack() throws {
        let marks = try HighWaterMarkStore(path: lab.path("highwater.sqlite"))
        try store.append(lab.intake(12), signer: lab.examiner)
        #expect(try marks.compareAndUpdate(store) == .consistent)
        #expect(try marks.mark(forOrigin: store.origin)?.size == 13)
        let old = try LedgerStore.open(at: path)
        guard case .shrunk(let seen, size: 12) = try marks.compareAndUpdate(old) else {
            Issue.record("the smaller ledger passed")
            return
        }
        #expect(seen.size == 13)
        #expect(try lab.audit(path, highWater: marks).fails(nil, "the high-water mark from outside is for 13"))
        for number in 12...15 { try old.append(lab.intake(number * 10), signer: lab.examiner) }
        guard case .forked = try marks.compareAndUpdate(old) else {
            Issue.record("the rewritten ledger passed")
            return
        }
        #expect(try lab.audit(path, highWater: marks).fails(nil, "history was rewritten"))
        try store.append(lab.intake(13), signer: lab.examiner)
        #expect(try lab.audit(store.path, highWater: marks).isClean)
        #expect(try marks.mark(forOrigin: store.origin)?.size == 14)
    }

    @Test("a second ledger for the same case")
    func secondLedger() throws {
        let marks = try HighWaterMarkStore(path: lab.path("highwater.sqlite"))
        #expect(try marks.compareAndUpdate(store) == .consistent)
        let second = try lab.create("second.custody")
        #expect(try marks.earlierLedgers(forCaseOf: second.origin).map(\.origin) == [store.origin])
        #expect(try marks.earlierLedgers(forCaseOf: store.origin).isEmpty)
        #expect(try lab.audit(second.path, highWater: marks).fails(nil, "another ledger for this case"))
        let report = try lab.audit(second.path, checkpoints: [note])
        #expect(report.fails(nil, "does not count") || report.fails(nil, "two ledgers"), report.text)
        let another = try lab.create("another.custody", case: "2026-0043")
        #expect(try marks.compareAndUpdate(another) == .consistent)
    }

    @Test("a ledger of another laboratory, and one whose checkpoint key is not the one that is known")
    func anotherLaboratory() throws {
        let stranger = try Laboratory()
        let report = try stranger.audit(path)
        #expect(report.fails(0, "names none of the root certificates"), report.text)
        let keys = [stranger.workstation.verifier]
        let known = try LedgerAudit.run(ledgerAt: path, roots: [lab.root], trustedKeys: keys)
        #expect(known.fails(0, "not one of those you trust"), known.text)
        #expect(
            try LedgerAudit.run(ledgerAt: path, roots: [lab.root], trustedKeys: [lab.workstation.verifier]).isClean)
    }

    @Test("a forged checkpoint does not count, a good one is named as the newest head")
    func checkpoints() throws {
        let forged = note.replacingOccurrences(of: "\n12\n", with: "\n11\n")
        #expect(try lab.audit(path, checkpoints: [forged]).fails(nil, "does not count"))
        try store.append(lab.intake(12), signer: lab.examiner)
        let report = try lab.audit(store.path, checkpoints: [note])
        #expect(report.isClean, report.text)
        #expect(report.newestOutsideHead?.size == 12)
        #expect(report.entriesAfter(report.newestOutsideHead) == 1)
        #expect(report.couldNotCheck.contains { $0.contains("(1 are there)") })
    }

    @Test("a second workstation may sign once the ledger says so")
    func secondWorkstation() throws {
        let second = try NoteKey.generate(name: "second.lab.example")
        #expect(throws: LedgerError.self) { try store.publishCheckpoint(key: second) }
        var draft = lab.draft(.keyAuthorise, reason: "the case moves to another room")
        draft.detail = .key(KeyAuthority(checkpointKey: second.vkey, from: UTCTime.systemClock))
        try store.append(draft, signer: lab.examiner)
        let note = try store.publishCheckpoint(key: second)
        #expect(try lab.audit(store.path).isClean)
        try store.append(lab.intake(14), signer: lab.examiner)
        #expect(try store.latestCheckpoint == note)
    }
}

@Suite("Anchors")
struct AnchorTests {
    let lab: Laboratory
    let store: LedgerStore
    let authority: Signer

    init() throws {
        lab = try Laboratory()
        let key = try PrivateKey.generateP256()
        let certificate = try TrialCertificates.timestampAuthority(
            organization: "Test Lab", key: key, notBefore: lab.root.notBefore, notAfter: lab.root.notAfter,
            issuer: lab.root, issuerKey: lab.rootKey)
        authority = try Signer(key: key, certificate: certificate)
        store = try LedgerStore.create(
            at: lab.path("ledger.custody"), caseNumber: "7", labDomain: "lab.example",
            genesis: LedgerGenesis(
                certificateAuthorities: [lab.root.sha256], timestampAuthorities: [certificate.sha256],
                checkpointKey: lab.workstation.vkey),
            signer: lab.examiner, actor: Laboratory.actor(lab.examiner), tool: Laboratory.tool,
            clock: Laboratory.clock)
        for number in 1...4 { try store.append(lab.intake(number), signer: lab.examiner) }
    }

    /// Stamps the head and records it.
    private func anchor(clockAhead milliseconds: Int64 = 0) throws {
        let note = try store.publishCheckpoint(key: lab.workstation)
        let authority = try TimestampAuthority(signer: authority) {
            UTCTime(milliseconds: UTCTime.systemClock.milliseconds + milliseconds)
        }
        let size = try store.head.size
        var draft = lab.draft(.anchorTSA)
        draft.anchor = try store.addAnchor(kind: "tsa", data: authority.stamp(Array(note.utf8)), size: size)
        try store.append(draft, signer: lab.examiner)
    }

    @Test("a stamped head is named with its time")
    func stamped() throws {
        try anchor()
        let report = try lab.audit(store.path)
        #expect(report.isClean && report.findings.isEmpty, report.text)
        #expect(report.newestAnchor?.size == 5 && report.newestAnchor?.time != nil)
        #expect(report.entriesAfter(report.newestAnchor) == 1)
    }

    @Test(
        "an anchor removed or changed: the entry that names it exposes it",
        arguments: ["DELETE FROM anchor", "UPDATE anchor SET data = x'00'", "UPDATE anchor SET size = 4"])
    func removed(sql: String) throws {
        try anchor()
        try Attacker.sqlite(store.path, sql)
        #expect(try lab.audit(store.path).fails(5, "that is not in the file"))
    }

    @Test("a time stamp whose checkpoint is gone")
    func withoutCheckpoint() throws {
        try anchor()
        let latest = try store.latestCheckpoint
        let note = try #require(latest)
        try Attacker.sqlite(store.path, "DELETE FROM checkpoint")
        #expect(try lab.audit(store.path).fails(nil, "is for a checkpoint of 5 entries that is not in the file"))
        #expect(try lab.audit(store.path, checkpoints: [note]).isClean)
    }

    @Test("entries that a time stamp shows to be backdated or post-dated")
    func sandwich() throws {
        try anchor(clockAhead: 3_600_000)
        #expect(try lab.audit(store.path).fails(5, "backdated"))
        try anchor(clockAhead: -3_600_000)
        #expect(try lab.audit(store.path).fails(5, "post-dated"))
    }

    @Test("a time stamp by an authority of another root cannot be judged, and that is said")
    func strangeAuthority() throws {
        let stranger = try Laboratory()
        let key = try PrivateKey.generateP256()
        let certificate = try TrialCertificates.timestampAuthority(
            organization: "Other", key: key, notBefore: stranger.root.notBefore, notAfter: stranger.root.notAfter,
            issuer: stranger.root, issuerKey: stranger.rootKey)
        let note = try store.publishCheckpoint(key: lab.workstation)
        let stamp = try TimestampAuthority(signer: Signer(key: key, certificate: certificate)).stamp(Array(note.utf8))
        try store.addAnchor(kind: "tsa", data: stamp, size: 5)
        let report = try lab.audit(store.path)
        #expect(report.isClean && report.couldNotCheck.contains { $0.contains("was not given") }, report.text)
        let both = try LedgerAudit.run(ledgerAt: store.path, roots: [lab.root, stranger.root])
        #expect(both.isClean && both.notes(nil, "that the genesis does not name"), both.text)
    }
}
