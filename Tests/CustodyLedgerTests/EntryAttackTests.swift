import Digesting
import EvidenceModel
import Foundation
import Testing
import Trust

@testable import CustodyLedger

@Suite("Attacks on entries, made with sqlite3 and openssl")
struct EntryAttackTests {
    let lab: Laboratory
    let store: LedgerStore
    let path: String

    init() throws {
        lab = try Laboratory()
        store = try lab.ledger(14)
        path = try lab.copy(store.path, as: "copy.custody")
    }

    private func cms(_ seq: Int) throws -> [UInt8] { try #require(store.entries(from: seq, limit: 1).first).cms }

    @Test("an untouched ledger verifies, and what remains unknown is said")
    func clean() throws {
        let report = try lab.audit(path)
        #expect(report.isClean, report.text)
        #expect(report.findings.isEmpty, report.text)
        #expect(report.entryCount == 14)
        #expect(try report.root == store.head.root)
        #expect(report.isTrial)
        #expect(report.couldNotCheck.contains { $0.contains("at the end were removed or rewritten") })
    }

    @Test("one byte of an entry edited", arguments: [false, true])
    func edited(alsoLeaf: Bool) throws {
        var bytes = try cms(10)
        let text = Array("intake 10".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
        bytes[place] ^= 1
        if alsoLeaf {
            try Attacker.replace(10, with: bytes, in: path)
        } else {
            try Attacker.tamper(path, "UPDATE entry SET cms = x'\(Hex.encode(bytes))' WHERE seq = 10")
        }
        let report = try lab.audit(path)
        #expect(report.fails(10, "signature"), report.text)
        #expect(report.fails(10, "leaf hash") != alsoLeaf, report.text)
        #expect(report.fails(11, "entry 10 was changed"), report.text)
        #expect(report.fails(11, "another history"), report.text)
        #expect(!report.findings.contains { ($0.entry ?? 99) < 10 || $0.entry == 12 }, report.text)
    }

    @Test("an entry deleted")
    func deleted() throws {
        try Attacker.tamper(path, "DELETE FROM entry WHERE seq = 10")
        let report = try lab.audit(path)
        #expect(report.fails(10, "gap: expected 10, got 11"), report.text)
        #expect(report.fails(11, "another entry"), report.text)
    }

    @Test("an entry deleted and the rest renumbered")
    func renumbered() throws {
        try Attacker.tamper(path, "DELETE FROM entry WHERE seq = 10; UPDATE entry SET seq = seq - 1 WHERE seq > 10")
        try Attacker.repairCaches(path)
        let report = try lab.audit(path)
        #expect(report.fails(10, "signed as entry 11"), report.text)
        #expect(report.fails(10, "entry 9 was changed, replaced or removed"), report.text)
        #expect(report.fails(12, "signed as entry 13"), report.text)
    }

    @Test("two entries swapped")
    func reordered() throws {
        try Attacker.tamper(
            path,
            "UPDATE entry SET seq = -seq WHERE 0; UPDATE entry SET seq = 99 WHERE seq = 9; "
                + "UPDATE entry SET seq = 9 WHERE seq = 10; UPDATE entry SET seq = 10 WHERE seq = 99")
        try Attacker.repairCaches(path)
        let report = try lab.audit(path)
        #expect(report.fails(9, "signed as entry 10") && report.fails(10, "signed as entry 9"), report.text)
    }

    @Test("an entry copied in between, the rest moved up")
    func inserted() throws {
        try Attacker.tamper(
            path,
            "UPDATE entry SET seq = seq + 101 WHERE seq >= 5; UPDATE entry SET seq = seq - 100 WHERE seq > 100; "
                + "INSERT INTO entry SELECT 5, cms, leaf FROM entry WHERE seq = 4")
        try Attacker.repairCaches(path)
        let report = try lab.audit(path)
        #expect(report.fails(5, "signed as entry 4"), report.text)
        #expect(report.fails(6, "signed as entry 5"), report.text)
    }

    @Test("an entry signed again, with the same words and the right key")
    func signedAgain() throws {
        let entry = try #require(store.entries(from: 6, limit: 1).first)
        let again = try CAdES.signAttached(entry.body.canonical.encoded, by: lab.examiner, at: entry.time)
        try Attacker.replace(6, with: again, in: path)
        try Attacker.repairCaches(path)
        let report = try lab.audit(path)
        #expect(!report.fails(6), report.text)
        #expect(report.fails(7, "entry 6 was changed"), report.text)
    }

    @Test("an entry replaced by one of another ledger of the same laboratory")
    func swapped() throws {
        let other = try lab.create("other.custody", case: "2026-0043")
        for number in 1...4 { try other.append(lab.intake(number), signer: lab.examiner) }
        try Attacker.replace(4, with: try #require(other.entries(from: 4, limit: 1).first).cms, in: path)
        let report = try lab.audit(path)
        #expect(report.fails(4, "comes from another ledger") && report.fails(4, "comes from another case"), report.text)
    }

    @Test("the signature stripped, or made by openssl with a key of the attacker's own")
    func strippedOrForged() throws {
        let body = lab.path("body"), key = lab.path("key.pem"), certificate = lab.path("cert.pem")
        try Data(try CAdES.unverifiedContent(of: cms(4))).write(to: URL(fileURLWithPath: body))
        try Attacker.run(
            "openssl", "cms", "-data_create", "-binary", "-outform", "DER", "-in", body, "-out", body + ".d")
        try Attacker.replace(4, with: Array(Data(contentsOf: URL(fileURLWithPath: body + ".d"))), in: path)
        #expect(try lab.audit(path).fails(4, "bad signature"))
        let made = try Attacker.run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/O=Test Lab/CN=A. Examiner", "-days", "30", "-keyout", key, "-out", certificate)
        try #require(made.status == 0, "\(made.output)")
        try Attacker.run(
            "openssl", "cms", "-sign", "-cades", "-binary", "-nodetach", "-nosmimecap", "-md", "sha256", "-outform",
            "DER", "-in", body, "-signer", certificate, "-inkey", key, "-out", body + ".f")
        try Attacker.replace(4, with: Array(Data(contentsOf: URL(fileURLWithPath: body + ".f"))), in: path)
        let report = try lab.audit(path)
        #expect(report.fails(4, "bad signature"), report.text)
    }

    @Test("an entry in another person's name")
    func anotherName() throws {
        let forged = try lab.forge(
            after: store, lab.intake(14), signer: lab.colleague, naming: lab.examiner.certificate.sha256)
        try lab.append(forged, to: path, at: 14)
        #expect(try lab.audit(path).fails(14, "another person's name"))
    }

    @Test("an entry by a person of another root")
    func anotherRoot() throws {
        let stranger = try Laboratory()
        let forged = try lab.forge(after: store, lab.intake(14), signer: stranger.examiner)
        try lab.append(forged, to: path, at: 14)
        #expect(try lab.audit(path).fails(14, "root vouches for"))
    }

    @Test("a certificate that was not valid when the entry was made", arguments: [-10, 10])
    func outOfDate(days: Int64) throws {
        let now = UTCTime.systemClock.milliseconds / 1000
        let start = UTCTime(seconds: now + (days < 0 ? -20 : 10) * 86_400)
        let end = UTCTime(seconds: now + (days < 0 ? -10 : 20) * 86_400)
        let signer = try Laboratory.signer("C. Late", lab.root, lab.rootKey, from: start, to: end)
        #expect { try store.append(lab.intake(14, by: signer), signer: signer) } throws: {
            ($0 as? LedgerError)?.code == .signing
        }
        try lab.append(try lab.forge(after: store, lab.intake(14, by: signer), signer: signer), to: path, at: 14)
        let report = try lab.audit(path)
        #expect(report.fails(14, days < 0 ? "expired" : "valid only from"), report.text)
        #expect(report.fails(14, "no valid certificate"), report.text)
    }

    @Test("a certificate that the ledger revoked, before and after the fact")
    func revoked() throws {
        var revocation = lab.draft(.keyRevoke, by: lab.colleague, reason: "stick lost")
        let since = try #require(store.entries(from: 12, limit: 1).first).time
        revocation.detail = .key(KeyAuthority(certificate: lab.examiner.certificate.sha256, from: since))
        try store.append(revocation, signer: lab.colleague)
        try store.append(lab.intake(15), signer: lab.examiner)
        let report = try lab.audit(store.path)
        #expect(report.fails(13, "entry 14 revokes"), report.text)
        #expect(report.fails(15, "that the ledger revoked"), report.text)
        #expect(!report.findings.contains { ($0.entry ?? 99) < 13 }, report.text)
    }

    @Test("a certificate on a revocation list in the file")
    func revocationList() throws {
        let list = try RevocationListMaker(lab).list(
            revoking: lab.colleague.certificate, at: UTCTime(seconds: UTCTime.systemClock.milliseconds / 1000 - 3600))
        try store.addStatus(kind: "crl", der: list)
        let report = try lab.audit(store.path)
        #expect(report.fails(2, "was revoked"), report.text)
        #expect(!report.fails(1), report.text)
    }

    @Test("a clock that runs backwards")
    func clock() throws {
        let past = UTCTime(milliseconds: try store.head.time.milliseconds - 60_000)
        #expect { try store.append(lab.intake(14), signer: lab.examiner, now: past) } throws: {
            ($0 as? LedgerError)?.code == .clockBehind
        }
        try lab.append(
            try lab.forge(after: store, lab.intake(14), signer: lab.examiner, time: past), to: path, at: 14)
        #expect(try lab.audit(path).fails(14, "clock ran backwards"))
        var incident = lab.draft(.incident, reason: "the clock was a minute fast")
        incident.detail = .incident(IncidentKind(.clockSetBack))
        try store.append(incident, signer: lab.examiner, now: past)
        let report = try lab.audit(store.path)
        #expect(report.isClean && report.notes(14, "clock was set back"), report.text)
    }

    @Test("a signature whose own time differs from the entry's")
    func twoTimes() throws {
        let entry = try lab.forge(after: store, lab.intake(14), signer: lab.examiner)
        let body = try CAdES.unverifiedContent(of: entry)
        let later = UTCTime(milliseconds: UTCTime.systemClock.milliseconds + 3_600_000)
        try lab.append(try CAdES.signAttached(body, by: lab.examiner, at: later), to: path, at: 14)
        #expect(try lab.audit(path).fails(14, "one of the two times is false"))
    }

    @Test(
        "a body that is not of the format",
        arguments: ["unknown", "type", "missing", "case", "digest", "second genesis"])
    func malformed(kind: String) throws {
        let entry = try lab.forge(after: store, lab.intake(14), signer: lab.examiner) { value in
            guard case .object(var members) = value else { return value }
            switch kind {
            case "unknown": members["note"] = "more"
            case "type": members["type"] = "custody.forget"
            case "missing": members["clock"] = nil
            case "case": members["case"] = "2026-9999"
            case "digest": members["prev"] = .string("AB" + String(repeating: "0", count: 62))
            default:
                members["type"] = "custody.genesis"
                members["items"] = nil
                members["detail"] = store.genesis.canonical
            }
            return .object(members)
        }
        try lab.append(entry, to: path, at: 14)
        let report = try lab.audit(path)
        #expect(report.fails(14), report.text)
        #expect(!report.findings.contains { ($0.entry ?? 99) < 14 }, report.text)
    }

    @Test("a body in another spelling, signed by the right key")
    func respelled() throws {
        let body = try CAdES.unverifiedContent(of: lab.forge(after: store, lab.intake(14), signer: lab.examiner))
        let text = String(decoding: body, as: UTF8.self)
        let spaced = Array(text.replacingOccurrences(of: "\"v\":1", with: "\"v\": 1").utf8)
        try lab.append(try CAdES.signAttached(spaced, by: lab.examiner), to: path, at: 14)
        #expect(try lab.audit(path).fails(14, "not of the ledger's format"))
    }

    @Test("a reference to an entry that is not the one in the file")
    func falseReference() throws {
        var correction = lab.draft(.correction, reason: "the serial number was wrong")
        correction.corrects = EntryReference(seq: 3, leaf: Digest(.sha256, [UInt8](repeating: 7, count: 32)))
        #expect { try store.append(correction, signer: lab.examiner) } throws: {
            ($0 as? LedgerError)?.code == .invalidDraft
        }
        try lab.append(try lab.forge(after: store, correction, signer: lab.examiner), to: path, at: 14)
        #expect(try lab.audit(path).fails(14, "refers to an entry 3"))
    }

    @Test("an item taken over by someone else than it was offered to")
    func transfer() throws {
        let owner = LedgerParty(name: "A. Examiner", id: "12", org: "Test Lab")
        let receiver = LedgerParty(
            name: "B. Colleague", id: "13", org: "Test Lab", certificate: lab.colleague.certificate.sha256)
        var offer = lab.draft(.transferOffer)
        offer.items = [LedgerItem(id: "E001", sealOut: "S-1", condition: "sealed")]
        offer.from = owner
        offer.to = receiver
        let offered = try store.append(offer, signer: lab.examiner)
        var accept = offer
        accept.verb = .transferAccept
        accept.refs = [offered.reference]
        try store.append(accept, signer: lab.examiner)
        accept.actor = Laboratory.actor(lab.colleague)
        try store.append(accept, signer: lab.colleague)
        let report = try lab.audit(store.path)
        #expect(report.fails(15, "not signed by the person"), report.text)
        #expect(!report.fails(16), report.text)
    }
}

/// Makes revocation lists with openssl.
struct RevocationListMaker {
    let lab: Laboratory

    init(_ lab: Laboratory) { self.lab = lab }

    func list(revoking certificate: Certificate, at time: UTCTime) throws -> [UInt8] {
        let folder = lab.path("crl")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func file(_ name: String) -> String { folder + "/" + name }
        let digits = time.rfc3339.filter(\.isNumber).dropFirst(2).prefix(12)
        try "R\t401231000000Z\t\(digits)Z\t\(certificate.serialHex.uppercased())\tunknown\t/CN=x\n"
            .write(toFile: file("index.txt"), atomically: true, encoding: .utf8)
        try "01\n".write(toFile: file("crlnumber"), atomically: true, encoding: .utf8)
        try """
        [ca]
        default_ca = lab
        [lab]
        database = \(file("index.txt"))
        crlnumber = \(file("crlnumber"))
        default_md = sha256
        default_crl_days = 30
        """.write(toFile: file("ca.cnf"), atomically: true, encoding: .utf8)
        try lab.root.pem.write(toFile: file("ca.pem"), atomically: true, encoding: .utf8)
        try lab.rootKey.pem(encryptedWith: "crl").write(toFile: file("key.pem"), atomically: true, encoding: .utf8)
        let made = try Attacker.run(
            "openssl", "ca", "-gencrl", "-config", file("ca.cnf"), "-cert", file("ca.pem"), "-keyfile", file("key.pem"),
            "-passin", "pass:crl", "-out", file("crl.pem"))
        try #require(made.status == 0, "\(made.output)")
        try Attacker.run("openssl", "crl", "-in", file("crl.pem"), "-outform", "DER", "-out", file("crl.der"))
        return Array(try Data(contentsOf: URL(fileURLWithPath: file("crl.der"))))
    }
}
