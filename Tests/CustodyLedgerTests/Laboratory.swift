import EvidenceModel
import Foundation
import Trust

@testable import CustodyLedger

/// A laboratory of the tests' own: root, two examiners, workstation key, a folder that goes when the test is over.
final class Laboratory {
    let folder: URL
    let root: Certificate
    let rootKey: PrivateKey
    let examiner: Signer
    let colleague: Signer
    let workstation: NoteKey

    static let tool = LedgerTool(name: "exhibit", version: "0.1.0", commit: "unknown")
    static let clock = ClockState(sync: true, source: "chrony", offsetMs: 0, boot: "0123456789abcdef")

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let now = UTCTime.systemClock
        let year: Int64 = 365 * 86_400
        let start = UTCTime(seconds: now.milliseconds / 1000 - year)
        let end = UTCTime(seconds: now.milliseconds / 1000 + year)
        rootKey = try PrivateKey.generateP256()
        root = try TrialCertificates.root(organization: "Test Lab", key: rootKey, notBefore: start, notAfter: end)
        examiner = try Self.signer("A. Examiner", root, rootKey, from: start, to: end)
        colleague = try Self.signer("B. Colleague", root, rootKey, from: start, to: end)
        workstation = try NoteKey.generate(name: "workstation.lab.example")
    }

    deinit {
        do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(folder.path): \(error)") }
    }

    static func signer(
        _ name: String, _ root: Certificate, _ rootKey: PrivateKey, from start: UTCTime, to end: UTCTime
    ) throws -> Signer {
        let key = try PrivateKey.generateP256()
        let certificate = try TrialCertificates.examiner(
            name: name, organization: "Test Lab", key: key, notBefore: start, notAfter: end, issuer: root,
            issuerKey: rootKey)
        return try Signer(key: key, certificate: certificate)
    }

    static func actor(_ signer: Signer) -> LedgerActor {
        LedgerActor(
            name: signer.certificate.subjectCommonName, id: "12", role: "examiner",
            org: signer.certificate.subjectOrganization)
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func create(_ name: String = "ledger.custody", case number: String = "2026-0042") throws -> LedgerStore {
        try LedgerStore.create(
            at: path(name), caseNumber: number, labDomain: "lab.example",
            genesis: LedgerGenesis(
                certificateAuthorities: [root.sha256], timestampAuthorities: [], checkpointKey: workstation.vkey),
            signer: examiner, actor: Self.actor(examiner), tool: Self.tool, clock: Self.clock)
    }

    func draft(_ verb: LedgerVerb, by signer: Signer? = nil, reason: String? = nil) -> EntryDraft {
        EntryDraft(verb, actor: Self.actor(signer ?? examiner), tool: Self.tool, clock: Self.clock, reason: reason)
    }

    /// An entry about item E001 that any number of times makes sense.
    func intake(_ number: Int, by signer: Signer? = nil) -> EntryDraft {
        var draft = draft(.intake, by: signer, reason: "intake \(number)")
        draft.items = [LedgerItem(id: "E001", kind: .physical, desc: "USB stick", serial: "S\(number)")]
        return draft
    }

    /// A ledger of the genesis and `count - 1` intakes; every third one is the colleague's.
    func ledger(_ count: Int, name: String = "ledger.custody") throws -> LedgerStore {
        let store = try create(name)
        for number in 1..<count {
            let signer = number % 3 == 2 ? colleague : examiner
            try store.append(intake(number, by: signer), signer: signer)
        }
        return store
    }

    func copy(_ source: String, as name: String) throws -> String {
        try FileManager.default.copyItem(atPath: source, toPath: path(name))
        return path(name)
    }
}
