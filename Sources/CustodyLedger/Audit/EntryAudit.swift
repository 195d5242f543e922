import Digesting
import EvidenceModel
import GRDB
import Trust

/// Goes through the entries in order and checks each against all before it. Its state does not grow with the ledger.
struct EntryAudit {
    /// Most acts that may be under way at once; more are not followed.
    static let mostOpenActs = 10_000
    /// Most signers that are followed for revocation.
    static let mostSigners = 10_000

    let origin: String?
    let caseNumber: String?
    let verifier: SignatureVerifier
    let now: UTCTime

    /// The tree over the entries so far, as they lie in the file.
    private(set) var frontier = MerkleFrontier()
    /// Number that the next entry must have.
    private(set) var next = 0
    private var previousLeaf = Digest(.sha256, [UInt8](repeating: 0, count: 32))
    private var previousTime: UTCTime?
    /// Set when an entry's own statement of the past first differs: later ones then differ for the same reason.
    private var hasReportedHistory = false
    /// Acts that were begun and not yet ended.
    private var open: [Int: LedgerVerb] = [:]
    /// Since when a certificate is revoked.
    private var revoked: [Digest: UTCTime] = [:]
    /// The last entry that each certificate signed.
    private var lastSigned: [Digest: (seq: Int, time: UTCTime)] = [:]

    init(origin: String?, caseNumber: String?, verifier: SignatureVerifier, now: UTCTime) {
        self.origin = origin
        self.caseNumber = caseNumber
        self.verifier = verifier
        self.now = now
    }

    /// Checks one row of table `entry`. Gives the body when the entry is authentic.
    mutating func check(
        seq: Int, cms: [UInt8]?, storedLeaf: [UInt8]?, in db: Database, report: inout AuditReport
    ) throws -> EntryBody? {
        noteGap(before: seq, &report)
        next = seq + 1
        guard let cms else {
            // Its place in the tree stays, so that the entries after it are not reported for it.
            let stored = storedLeaf ?? []
            if stored.count == MerkleTree.hashSize { try frontier.append(leafHash: stored) }
            report.add(
                entry: seq, "is no blob of at most \(LedgerEntry.largestSize) bytes",
                meaning: "it was replaced by hand")
            return nil
        }
        let leaf = Digest(.sha256, try MerkleFrontier.leafHash(cms))
        if storedLeaf != leaf.bytes {
            report.add(
                entry: seq, "its bytes do not give the leaf hash that is stored beside them",
                meaning: "the entry or its hash was changed")
        }
        defer { previousLeaf = leaf }
        let body = try authenticate(seq: seq, cms: cms, &report)
        if let body { try check(body, seq: seq, in: db, &report) }
        try frontier.append(leafHash: leaf.bytes)
        return body
    }

    /// What is still open at the end.
    func finish(_ report: inout AuditReport) {
        for (seq, verb) in open.sorted(by: { $0.key < $1.key }) {
            report.note(
                entry: seq, "\(verb.rawValue) has no \(verb.end?.rawValue ?? "end")",
                meaning: "the act was interrupted or is still under way; no entry says how it ended")
        }
    }

    private func noteGap(before seq: Int, _ report: inout AuditReport) {
        guard seq != next else { return }
        let missing = seq == next + 1 ? "entry \(next) is" : "entries \(next) to \(seq - 1) are"
        report.add(
            entry: next, "there is a gap: expected \(next), got \(seq)",
            meaning: "\(missing) missing: removed or renumbered")
    }

    // MARK: Authenticity

    private func authenticate(seq: Int, cms: [UInt8], _ report: inout AuditReport) throws -> EntryBody? {
        let body: EntryBody
        do {
            body = try EntryBody(parsing: CAdES.unverifiedContent(of: cms))
        } catch {
            // The signature's own verdict says more about changed bytes than the first thing that does not parse.
            if case .invalid(let problem) = verifier.verifyAttached(cms, at: nil) {
                report.add(entry: seq, "bad signature: \(problem)", meaning: Self.meaning(of: problem))
            }
            report.add(
                entry: seq, "is not of the ledger's format: \(error)", meaning: "no program of this format wrote it")
            return nil
        }
        switch verifier.verifyAttached(cms, at: body.time) {
        case .invalid(let problem):
            report.add(entry: seq, "bad signature: \(problem)", meaning: Self.meaning(of: problem))
            return nil
        case .valid(let signature):
            if signature.isTrial { report.isTrial = true }
            if signature.signer.sha256 != body.certificate {
                report.add(
                    entry: seq, "names another certificate than the one that signed it",
                    meaning: "someone signed in another person's name")
            }
            if signature.signingTime.milliseconds != body.time.milliseconds / 1000 * 1000 {
                report.add(
                    entry: seq,
                    "states the time \(body.time.rfc3339) but was signed at \(signature.signingTime.rfc3339)",
                    meaning: "one of the two times is false")
            }
            return body
        }
    }

    private static func meaning(of problem: SignatureProblem) -> String {
        switch problem {
        case .malformed, .contentChanged, .badSignature, .certificateMismatch:
            "the entry was changed after it was signed, or was not signed by that person"
        case .unknownIssuer: "the signer is no one whom the laboratory's root vouches for"
        case .expired, .notYetValid: "at the time that the entry states, the signer had no valid certificate"
        case .revoked: "the signer's key was no longer to be trusted when the entry was made"
        case .wrongUsage, .unsupported: "the signature is not one that a ledger accepts"
        }
    }

    // MARK: Place in the ledger

    private mutating func check(_ body: EntryBody, seq: Int, in db: Database, _ report: inout AuditReport) throws {
        if body.seq != seq {
            report.add(
                entry: seq, "was signed as entry \(body.seq)", meaning: "it was moved, copied or renumbered")
        }
        if let origin, body.origin != origin {
            report.add(entry: seq, "was signed for the ledger \(body.origin)", meaning: "it comes from another ledger")
        }
        if let caseNumber, body.caseNumber != caseNumber {
            report.add(entry: seq, "was signed for the case \(body.caseNumber)", meaning: "it comes from another case")
        }
        if body.previousLeaf != previousLeaf {
            report.add(
                entry: seq, "was signed after another entry than the one that lies before it",
                meaning: seq == 0 ? "it is not the first entry" : "entry \(seq - 1) was changed, replaced or removed")
        }
        if try body.previousRoot.bytes != frontier.root, !hasReportedHistory {
            hasReportedHistory = true
            report.add(
                entry: seq, "was signed over another history than the entries that lie before it",
                meaning: "at least one earlier entry was changed, replaced, inserted or removed")
        }
        checkTime(of: body, seq: seq, &report)
        checkSigner(of: body, seq: seq, &report)
        try checkAct(body, seq: seq, in: db, &report)
    }

    private mutating func checkTime(of body: EntryBody, seq: Int, _ report: inout AuditReport) {
        defer { previousTime = body.time }
        if body.time > now {
            report.note(
                entry: seq, "bears a time after this audit's clock (\(body.time.rfc3339))",
                meaning: "one of the two clocks is wrong")
        }
        guard let previousTime, body.time < previousTime else { return }
        if case .incident(let incident)? = body.draft.detail, incident.kind == .clockSetBack {
            report.note(
                entry: seq, "records that the clock was set back from \(previousTime.rfc3339)",
                meaning: "times before this entry may be too late; the entry states why")
            return
        }
        report.add(
            entry: seq, "bears the time \(body.time.rfc3339), before the entry before it (\(previousTime.rfc3339))",
            meaning: "the clock ran backwards, or the entry was backdated")
    }

    private mutating func checkSigner(of body: EntryBody, seq: Int, _ report: inout AuditReport) {
        if let since = revoked[body.certificate], body.time >= since {
            report.add(
                entry: seq, "is signed with a certificate that the ledger revoked from \(since.rfc3339) on",
                meaning: "the signer's key was no longer to be trusted when the entry was made")
        }
        if lastSigned[body.certificate] != nil || lastSigned.count < Self.mostSigners {
            lastSigned[body.certificate] = (seq, body.time)
        }
        let revocation: (certificate: Digest, since: UTCTime)? =
            switch (body.draft.verb, body.draft.detail) {
            case (.keyRevoke, .key(let key)?): key.certificate.map { ($0, key.from) }
            case (_, .certificateStatus(let standing)?) where standing.status == .revoked:
                (standing.certificate, standing.at)
            default: nil
            }
        guard let revocation, revoked.count < Self.mostSigners else { return }
        revoked[revocation.certificate] = min(revocation.since, revoked[revocation.certificate] ?? revocation.since)
        if let last = lastSigned[revocation.certificate], last.time >= revocation.since, last.seq != seq {
            report.add(
                entry: last.seq,
                "is signed with a certificate that entry \(seq) revokes from \(revocation.since.rfc3339) on",
                meaning: "the signer's key may have been in other hands; entries of this signer since then are in doubt"
            )
        }
    }

    // MARK: The act itself

    private mutating func checkAct(_ body: EntryBody, seq: Int, in db: Database, _ report: inout AuditReport) throws {
        let draft = body.draft
        if (draft.verb == .genesis) != (seq == 0) {
            report.add(
                entry: seq, seq == 0 ? "is no genesis" : "is a second genesis",
                meaning: "this is not a ledger from its beginning")
        }
        for reference in draft.refs + (draft.corrects.map { [$0] } ?? []) {
            let isEarlier = reference.seq < seq
            if try !isEarlier || LedgerDatabase.leaf(reference.seq, in: db) != reference.leaf.bytes {
                report.add(
                    entry: seq, "refers to an entry \(reference.seq) that is not the one in the file",
                    meaning: "the entry that it answers was changed, replaced or never there")
            }
        }
        try checkTransfer(draft, seq: seq, certificate: body.certificate, in: db, &report)
        followActs(draft, seq: seq, &report)
    }

    /// What was begun must end; a later begin or an incident that refers to it says what became of it.
    private mutating func followActs(_ draft: EntryDraft, seq: Int, _ report: inout AuditReport) {
        if let begin = draft.verb.begin, !draft.refs.contains(where: { open[$0.seq] == begin }) {
            report.add(
                entry: seq, "ends an act that no \(begin.rawValue) before it began",
                meaning: "it was not recorded before the evidence was read")
        }
        if draft.verb.begin != nil || draft.verb.end != nil || draft.verb == .incident {
            for reference in draft.refs { open[reference.seq] = nil }
        }
        if draft.verb.end != nil, open.count < Self.mostOpenActs { open[seq] = draft.verb }
    }

    /// An item changes hands only when the receiver signs, and quotes the offer.
    private func checkTransfer(
        _ draft: EntryDraft, seq: Int, certificate: Digest, in db: Database, _ report: inout AuditReport
    ) throws {
        guard draft.verb == .transferAccept || draft.verb == .transferRefuse else { return }
        var offer: EntryDraft?
        for reference in draft.refs where reference.seq < seq {
            // An offer that cannot be read has had its own finding.
            if let cms = try LedgerDatabase.cms(reference.seq, in: db),
                let body = try? EntryBody(parsing: CAdES.unverifiedContent(of: cms)), body.draft.verb == .transferOffer
            {
                offer = body.draft
            }
        }
        guard let offer else {
            report.add(
                entry: seq, "answers no transfer.offer", meaning: "the item cannot have changed hands by this entry")
            return
        }
        if let receiver = offer.to?.certificate, receiver != certificate {
            report.add(
                entry: seq, "is not signed by the person to whom the item was offered",
                meaning: "the receiver did not take it over")
        }
        if Set(draft.items.map(\.id)) != Set(offer.items.map(\.id)) {
            report.add(
                entry: seq, "is about other items than the offer",
                meaning: "what was taken over is not what was offered")
        }
    }
}
