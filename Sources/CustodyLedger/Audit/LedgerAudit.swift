import Digesting
public import EvidenceModel
import GRDB
public import Trust

/// Checks a whole ledger, entry by entry, from the bytes of its file.
///
/// Trusts nothing in the file but what the given roots stand behind: recomputes every leaf, `prev`, `root` and signature,
/// re-encodes every body, compares the schema. Opens the file read-only and never changes it or anything beside it.
/// Memory does not grow with the ledger.
public enum LedgerAudit {
    /// Runs an audit.
    ///
    /// - Parameters:
    ///   - path: the ledger.
    ///   - roots: certificates of the laboratory that the caller trusts, and roots of independent time-stamping
    ///     authorities.
    ///   - checkpoints: signed notes that were kept outside the case.
    ///   - checkpointsInCase: signed notes that lie beside the ledger. They are compared, but whoever reaches the ledger
    ///     reaches them too, so they do not count as heads from outside.
    ///   - trustedKeys: verifier keys that the caller knows from elsewhere. When there are any, the ledger's own key
    ///     must be among them.
    ///   - highWater: what this workstation saw before; its mark moves up when the audit finds nothing wrong.
    ///   - now: the time of the audit; the clock's when nil.
    /// - Returns: what was found. Tampering is never thrown.
    /// - Throws: ``LedgerError`` when there is nothing to audit: `notFound`, `newerVersion`, `busy`, `inputOutput`.
    public static func run(
        ledgerAt path: String, roots: [Certificate], checkpoints: [String] = [], checkpointsInCase: [String] = [],
        trustedKeys: [NoteVerifier] = [], highWater: HighWaterMarkStore? = nil, now: UTCTime? = nil
    ) throws(LedgerError) -> AuditReport {
        var audit = LedgerAuditRun(
            path: path, roots: roots, notes: checkpoints, notesInCase: checkpointsInCase, trustedKeys: trustedKeys,
            highWater: highWater,
            now: now ?? UTCTime.systemClock)
        return try audit.run()
    }
}

/// One audit under way.
private struct LedgerAuditRun {
    /// Entries that are read under one lock: a writer never waits longer than they take.
    static let chunk = 500
    /// Most revocation lists that are read from the file.
    static let mostRevocationLists = 64

    let path: String
    let roots: [Certificate]
    let notes: [String]
    let notesInCase: [String]
    let trustedKeys: [NoteVerifier]
    let highWater: HighWaterMarkStore?
    let now: UTCTime
    var report: AuditReport
    var claims = HeadClaims()
    var cache = TreeCacheAudit()
    var lastCheckpointNote: String?
    /// Ledgers of the same case that were seen before this one and that no entry of it has declared yet.
    var undeclaredLedgers: [HighWaterMark] = []

    init(
        path: String, roots: [Certificate], notes: [String], notesInCase: [String], trustedKeys: [NoteVerifier],
        highWater: HighWaterMarkStore?, now: UTCTime
    ) {
        self.path = path
        self.roots = roots
        self.notes = notes
        self.notesInCase = notesInCase
        self.trustedKeys = trustedKeys
        self.highWater = highWater
        self.now = now
        report = AuditReport(path: path)
    }

    mutating func run() throws(LedgerError) -> AuditReport {
        let inspection = FileInspection(path: path)
        guard try inspection.inspectFile(&report) else { return finished(isComplete: false) }
        do {
            try ledgerWork(at: path) {
                let queue = try DatabaseQueue(path: path, configuration: LedgerDatabase.configuration(readOnly: true))
                guard try queue.read({ try inspection.inspectSchema(&report, in: $0) }) else { return }
                try auditEntries(queue)
                try queue.close()
            }
        } catch {
            guard [.damaged, .notALedger, .malformedEntry].contains(error.code) else { throw error }
            report.add(error.message, meaning: "the file was damaged; what follows was not checked")
        }
        try updateHighWaterMark()
        return finished(isComplete: report.origin != nil)
    }

    // MARK: Entries

    private mutating func auditEntries(_ queue: DatabaseQueue) throws {
        let (genesis, lists) = try queue.read { db in
            (try readGenesis(in: db), try revocationLists(in: db))
        }
        let trusted = trustedRoots(genesis)
        var entries = EntryAudit(
            origin: genesis?.origin, caseNumber: genesis?.caseNumber,
            verifier: SignatureVerifier(roots: trusted, revocationLists: lists), now: now)
        let anchors = AnchorAudit(
            roots: roots, authorities: genesis?.detail?.timestampAuthorities ?? [], notes: notes + notesInCase)
        let origin = genesis?.origin ?? ""
        if genesis != nil { try takeClaims(origin: origin) }
        var last = Int.min
        var isDone = false
        while !isDone {
            try queue.read { db in
                let rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT seq, CASE WHEN length(cms) <= \(LedgerEntry.largestSize) THEN cms END, leaf FROM entry
                        WHERE seq > ? ORDER BY seq LIMIT \(Self.chunk)
                        """, arguments: [last])
                let start = entries.next
                var roots: [Int: Digest] = [:]
                for row in rows {
                    guard let seq = row.integer(0), (0..<CanonicalValue.largestInteger).contains(seq) else {
                        report.add("an entry has no number that an entry can have", meaning: "it was inserted by hand")
                        last = row.integer(0) ?? .max
                        continue
                    }
                    last = seq
                    try audit(row, seq, &entries, anchors, in: db)
                    roots[entries.next] = Digest(.sha256, try entries.frontier.root)
                }
                if entries.next > start {
                    try claims.compare(
                        sizes: (start + 1)...entries.next, roots: roots, origin: origin, in: db, report: &report)
                }
                guard rows.count < Self.chunk else { return }
                // The last look at the entries and the caches is one transaction, so a writer cannot come in between.
                isDone = true
                try cache.finish(frontier: entries.frontier, in: db, report: &report)
                try claims.finish(size: entries.next, origin: origin, in: db, report: &report)
                try anchors.checkAll(size: entries.next, in: db, report: &report)
                lastCheckpointNote = try LedgerDatabase.latestCheckpoint(in: db)
            }
        }
        entries.finish(&report)
        reportUndeclaredLedgers()
        report.root = Digest(.sha256, try entries.frontier.root)
        if report.entryCount == 0 {
            report.add("has no entries", meaning: "a ledger has at least its genesis: all entries were removed")
        }
    }

    private mutating func audit(
        _ row: Row, _ seq: Int, _ entries: inout EntryAudit, _ anchors: AnchorAudit, in db: Database
    ) throws {
        let cms = row.blob(1)
        report.entryCount += 1
        let before = entries.frontier.count
        let body = try entries.check(seq: seq, cms: cms, storedLeaf: row.blob(2), in: db, report: &report)
        if entries.frontier.count > before, let cms {
            try cache.append(leaf: try MerkleFrontier.leafHash(cms), in: db, report: &report)
        }
        guard let body else { return }
        if report.firstTime == nil { report.firstTime = body.time }
        report.lastTime = body.time
        if body.draft.verb == .keyAuthorise, case .key(let key)? = body.draft.detail, let vkey = key.checkpointKey {
            claims.trust(vkey, entry: seq, report: &report)
        }
        takeDeclaration(body)
        try anchors.check(body, in: db, report: &report)
    }

    // MARK: What the first entry fixes

    private struct Genesis {
        let origin: String
        let caseNumber: String
        let detail: LedgerGenesis?
    }

    /// Reads entry 0 before its signature is checked: it names the roots to check with. A lie in it cannot pass, since
    /// the caller's roots must stand behind it.
    private mutating func readGenesis(in db: Database) throws -> Genesis? {
        let origin = try Row.fetchOne(db, sql: "SELECT v FROM meta WHERE k = 'origin'")?.text(0)
        if try Row.fetchOne(db, sql: "SELECT count(*) FROM meta")?.integer(0) != 1 || origin == nil {
            report.add("table meta holds something else than the origin", meaning: "it was changed by hand")
        }
        guard let cms = try LedgerDatabase.cms(0, in: db) else { return nil }
        // What is wrong with entry 0 is found with the other entries.
        guard let body = try? EntryBody(parsing: CAdES.unverifiedContent(of: cms)) else { return nil }
        if origin != body.origin {
            report.add(
                entry: 0, "states another origin than table meta",
                meaning: "the entry or the table comes from elsewhere")
        }
        report.origin = body.origin
        report.caseNumber = body.caseNumber
        guard case .genesis(let detail)? = body.draft.detail else {
            return Genesis(origin: body.origin, caseNumber: body.caseNumber, detail: nil)
        }
        if !LedgerOrigin.matches(body.origin, caseNumber: body.caseNumber, nonce: detail.nonce) {
            report.add(
                entry: 0, "its origin is not the one that its case number and nonce make",
                meaning: "the entry was not made by a program of this format")
        }
        claims.trust(detail.checkpointKey, entry: 0, report: &report)
        if !trustedKeys.isEmpty, !trustedKeys.contains(where: { $0.vkey == detail.checkpointKey }) {
            report.add(
                entry: 0, "names a checkpoint key that is not one of those you trust",
                meaning: "the ledger was made elsewhere, or replaced as a whole")
        }
        return Genesis(origin: body.origin, caseNumber: body.caseNumber, detail: detail)
    }

    /// The caller's roots that the genesis names. When it names none of them, all: so that only this is reported.
    private mutating func trustedRoots(_ genesis: Genesis?) -> [Certificate] {
        guard let named = genesis?.detail?.certificateAuthorities else { return roots }
        let trusted = roots.filter { named.contains($0.sha256) }
        guard trusted.isEmpty else { return trusted }
        report.add(
            entry: 0, "names none of the root certificates that were given",
            meaning: "the ledger is another laboratory's, was replaced as a whole, or the wrong root was given")
        return roots
    }

    private func revocationLists(in db: Database) throws -> [[UInt8]] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT der FROM status WHERE kind = 'crl' AND length(der) <= \(LedgerSchema.largestAnchor)
                ORDER BY id DESC LIMIT \(Self.mostRevocationLists)
                """
        ).compactMap { $0.blob(0) }
    }

    // MARK: What is known from outside

    private mutating func takeClaims(origin: String) throws {
        claims.take(notes: notes, isFromOutside: true, origin: origin, trustedKeys: trustedKeys, report: &report)
        claims.take(
            notes: notesInCase, isFromOutside: false, origin: origin, trustedKeys: trustedKeys, report: &report)
        guard let highWater else { return }
        if let mark = try highWater.mark(forOrigin: origin) { claims.take(mark, origin: origin, report: &report) }
        undeclaredLedgers = try highWater.earlierLedgers(forCaseOf: origin)
    }

    /// A ledger that is not the first of its case says so itself; one that does not was made to pass for the first.
    private mutating func takeDeclaration(_ body: EntryBody) {
        guard body.draft.verb == .incident, let reason = body.draft.reason else { return }
        for other in undeclaredLedgers where reason.contains(other.origin) {
            report.note(
                entry: body.seq, "declares an earlier ledger for this case: \(other.origin)",
                meaning: "there are two ledgers for this case; ask what the other one records")
        }
        undeclaredLedgers.removeAll { reason.contains($0.origin) }
    }

    private mutating func reportUndeclaredLedgers() {
        for other in undeclaredLedgers {
            report.add(
                "this workstation knows another ledger for this case: \(other.origin), seen \(other.time.rfc3339)",
                meaning: "there are two ledgers for this case: one of them replaces or hides the other")
        }
    }

    private func updateHighWaterMark() throws(LedgerError) {
        guard let highWater, report.isClean, let origin = report.origin, let root = report.root else { return }
        try highWater.update(
            HighWaterMark(
                origin: origin, size: report.entryCount, root: root, note: lastCheckpointNote, time: now))
    }

    // MARK: What remains

    private mutating func finished(isComplete: Bool) -> AuditReport {
        if !isComplete { report.couldNotCheck.insert("the entries: the file could not be read as a ledger", at: 0) }
        let after = report.entriesAfter(report.newestOutsideHead)
        if report.newestOutsideHead == nil {
            report.couldNotCheck.append(
                "whether entries at the end were removed or rewritten: no checkpoint from outside the file was given")
        } else {
            report.couldNotCheck.append(
                "whether entries after the newest head from outside the file were removed or rewritten (\(after) are there)"
            )
        }
        report.couldNotCheck += [
            "whether the root certificate is the laboratory's: compare its SHA-256 with one that you got from the "
                + "laboratory by another way",
            "whether something was done and never recorded, and whether what was signed is true",
        ]
        return report
    }
}
