import Digesting
import EvidenceModel
import GRDB
import Trust

/// Checks the anchors in the file: what fixes its heads in time, and at other parties.
struct AnchorAudit {
    /// How far the clocks of workstation and time-stamping authority may differ, in milliseconds.
    static let clockTolerance: Int64 = 5 * 60 * 1000

    let roots: [Certificate]
    let authorities: [Digest]
    /// Notes that the caller brought along: a time stamp may be over one that is no longer in the file.
    let notes: [String]

    /// An `anchor.*` entry names an anchor: it must be there, and entries after a time stamp are not earlier than it.
    func check(_ body: EntryBody, in db: Database, report: inout AuditReport) throws {
        guard let anchor = body.draft.anchor else { return }
        guard anchor.size <= body.seq, let data = try stored(anchor, in: db) else {
            report.add(
                entry: body.seq, "names an anchor (\(anchor.kind), size \(anchor.size)) that is not in the file",
                meaning: "the anchor was removed or changed; look for its copy outside the case")
            return
        }
        guard body.draft.verb == .anchorTSA, case .valid(let stamp)? = try verdict(data, size: anchor.size, in: db)
        else { return }
        if body.time.milliseconds < stamp.genTime.milliseconds - Self.clockTolerance {
            report.add(
                entry: body.seq,
                "bears the time \(body.time.rfc3339) but holds a time stamp of \(stamp.genTime.rfc3339)",
                meaning: "the entry was backdated, or the workstation's clock was behind")
        }
    }

    /// Verifies each anchor in the file.
    func checkAll(size: Int, in db: Database, report: inout AuditReport) throws {
        var unknownKinds: Set<String> = []
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT id, size, kind, CASE WHEN length(data) <= \(LedgerSchema.largestAnchor) THEN data END
                FROM anchor ORDER BY id
                """)
        while let row = try rows.next() {
            let id = row.integer(0) ?? -1
            guard let anchored = row.integer(1), let kind = row.text(2), let data = row.blob(3), anchored > 0 else {
                report.add("anchor \(id) cannot be read", meaning: "table anchor was changed by hand")
                continue
            }
            guard anchored <= size else {
                report.add(
                    "anchor \(id) (\(kind)) is for \(anchored) entries, but there are \(size)",
                    meaning: "the ledger was truncated: entries \(size) to \(anchored - 1) are gone")
                continue
            }
            guard kind == "tsa" else {
                if unknownKinds.count < 16, unknownKinds.insert(kind).inserted {
                    report.couldNotCheck.append(
                        "anchors of kind \"\(kind)\": verify them with the party that made them")
                }
                continue
            }
            try check(data, id: id, size: anchored, in: db, &report)
        }
    }

    private func check(_ data: [UInt8], id: Int, size: Int, in db: Database, _ report: inout AuditReport) throws {
        switch try verdict(data, size: size, in: db) {
        case nil:
            report.add(
                "the time stamp of anchor \(id) is for a checkpoint of \(size) entries that is not in the file",
                meaning: "table checkpoint was changed by hand; the time stamp proves nothing without it")
        case .invalid(.certificate(.unknownIssuer(let signer, let issuer, _)))?:
            report.couldNotCheck.append(
                "the time stamp of anchor \(id): the root of \(signer), issued by \(issuer), was not given")
        case .invalid(let problem)?:
            report.add("anchor \(id): \(problem)", meaning: "this time stamp fixes nothing")
        case .valid(let stamp)?:
            if !authorities.contains(stamp.signer.sha256) {
                report.note(
                    "anchor \(id) is by a time-stamping authority that the genesis does not name",
                    meaning: "judge that authority by itself")
            }
            if size > report.newestAnchor?.size ?? 0 {
                report.newestAnchor = AuditedHead(
                    size: size, kind: "tsa anchor", isFromOutside: false, time: stamp.genTime)
            }
            try checkCovered(size: size, by: stamp, id: id, in: db, &report)
        }
    }

    /// What a time stamp covers existed when it was made.
    private func checkCovered(
        size: Int, by stamp: VerifiedTimestamp, id: Int, in db: Database, _ report: inout AuditReport
    ) throws {
        // An entry that cannot be read has had its own finding.
        guard let cms = try LedgerDatabase.cms(size - 1, in: db),
            let body = try? EntryBody(parsing: CAdES.unverifiedContent(of: cms))
        else { return }
        if body.time.milliseconds > stamp.genTime.milliseconds + Self.clockTolerance {
            report.add(
                entry: size - 1,
                "bears the time \(body.time.rfc3339), after the time stamp of \(stamp.genTime.rfc3339) that covers it",
                meaning: "the entry was post-dated, or the workstation's clock was ahead")
        }
    }

    private func stored(_ anchor: AnchorReference, in db: Database) throws -> [UInt8]? {
        let rows = try Row.fetchCursor(
            db, sql: "SELECT data FROM anchor WHERE size = ? AND kind = ? AND length(data) <= ?",
            arguments: [anchor.size, anchor.kind, LedgerSchema.largestAnchor])
        while let row = try rows.next() {
            if let data = row.blob(0), try digest(.sha256, of: data) == anchor.sha256 { return data }
        }
        return nil
    }

    /// The verdict over the checkpoint of that size; nil when there is no such checkpoint.
    private func verdict(_ data: [UInt8], size: Int, in db: Database) throws -> TimestampVerdict? {
        let token: [UInt8]
        do { token = try TimestampToken.token(fromResponseOrToken: data) } catch {
            return .invalid(.malformed(error.message))
        }
        var verdict: TimestampVerdict?
        func judge(_ note: String) -> Bool {
            var judged = TimestampVerifier.verify(token: token, data: Array(note.utf8), roots: roots)
            // The laboratory's own tokens have one form only; those of others may hold more certificates.
            if case .invalid = judged {
                let other = TimestampVerifier.verify(
                    token: token, data: Array(note.utf8), roots: roots, trust: .commercial)
                if case .valid(let stamp) = other, !authorities.contains(stamp.signer.sha256) { judged = other }
            }
            verdict = judged
            if case .valid = judged { return true }
            return false
        }
        for note in notes where judge(note) { return verdict }
        let rows = try Row.fetchCursor(
            db, sql: "SELECT note FROM checkpoint WHERE size = ? AND length(note) <= ?",
            arguments: [size, LedgerSchema.largestNote])
        while let row = try rows.next() {
            if let note = row.text(0), judge(note) { return verdict }
        }
        return verdict
    }
}
