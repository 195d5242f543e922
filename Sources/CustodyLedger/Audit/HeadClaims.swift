import EvidenceModel
import GRDB
import Trust

/// What checkpoints and marks say the root was at some number of entries.
struct HeadClaims {
    /// Most keys that may sign checkpoints of one ledger.
    static let mostKeys = 1000

    /// One head that something vouches for.
    struct Claim {
        let checkpoint: Checkpoint
        let kind: String
        let isFromOutside: Bool
    }

    /// The claims that do not come from the file, by number of entries.
    private var outside: [Int: [Claim]] = [:]
    private var keys: [NoteVerifier] = []

    /// Adds a key whose checkpoints count from now on.
    mutating func trust(_ vkey: String, entry: Int, report: inout AuditReport) {
        do {
            let verifier = try NoteVerifier(vkey: vkey)
            guard keys.count < Self.mostKeys else {
                report.add(
                    entry: entry, "more than \(Self.mostKeys) checkpoint keys", meaning: "no laboratory needs them")
                return
            }
            keys.append(verifier)
        } catch {
            report.add(
                entry: entry, "the checkpoint key cannot be read: \(error.message)",
                meaning: "checkpoints of this ledger cannot be verified")
        }
    }

    /// Takes notes that the caller brought along, or that lie in the case itself.
    mutating func take(
        notes: [String], isFromOutside: Bool, origin: String, trustedKeys: [NoteVerifier], report: inout AuditReport
    ) {
        for note in notes {
            do {
                let checkpoint = try Checkpoint(note: note, signedByOneOf: keys + trustedKeys)
                take(
                    Claim(checkpoint: checkpoint, kind: "checkpoint", isFromOutside: isFromOutside), origin: origin,
                    &report)
            } catch {
                report.add(
                    "a checkpoint that was given does not count: \(error.message)",
                    meaning: "it was changed, or belongs to another ledger or workstation than this file says")
            }
        }
    }

    mutating func take(_ mark: HighWaterMark, origin: String, report: inout AuditReport) {
        let checkpoint = Checkpoint(origin: mark.origin, size: mark.size, root: mark.root)
        take(Claim(checkpoint: checkpoint, kind: "high-water mark", isFromOutside: true), origin: origin, &report)
    }

    private mutating func take(_ claim: Claim, origin: String, _ report: inout AuditReport) {
        guard claim.checkpoint.origin == origin else {
            let isSameCase =
                LedgerOrigin.casePrefix(of: claim.checkpoint.origin) == LedgerOrigin.casePrefix(of: origin)
            report.add(
                "the \(claim.kind) is for the ledger \(claim.checkpoint.origin)",
                meaning: isSameCase
                    ? "there are two ledgers for this case: one of them replaces or hides the other"
                    : "it belongs to another case")
            return
        }
        outside[claim.checkpoint.size, default: []].append(claim)
    }

    /// Compares what is claimed for the heads of `sizes` with the roots that the entries give, by number of entries.
    mutating func compare(
        sizes: ClosedRange<Int>, roots: [Int: Digest], origin: String, in db: Database, report: inout AuditReport
    ) throws {
        for size in outside.keys.filter({ sizes.contains($0) }).sorted() {
            for claim in outside.removeValue(forKey: size) ?? [] { compare(claim, with: roots[size], &report) }
        }
        let rows = try Self.stored("size >= \(sizes.lowerBound) AND size <= \(sizes.upperBound)", in: db)
        while let row = try rows.next() {
            guard let claim = storedClaim(row, origin: origin, report: &report) else { continue }
            compare(claim, with: roots[claim.checkpoint.size], &report)
        }
    }

    /// What is claimed for heads beyond the last entry: entries that are gone.
    mutating func finish(size: Int, origin: String, in db: Database, report: inout AuditReport) throws {
        for claim in outside.sorted(by: { $0.key < $1.key }).flatMap(\.value) {
            report.add(
                "the \(claim.kind) \(claim.isFromOutside ? "from outside" : "in the case's folder") is for \(claim.checkpoint.size) entries, but there are \(size)",
                meaning: "the ledger was truncated, or replaced by an older copy: entries \(size) to "
                    + "\(claim.checkpoint.size - 1) are gone")
        }
        let rows = try Self.stored("size > \(size) OR size < 1", in: db)
        while let row = try rows.next() {
            guard let claim = storedClaim(row, origin: origin, report: &report) else { continue }
            report.add(
                "a checkpoint in the file is for \(claim.checkpoint.size) entries, but there are \(size)",
                meaning: "the ledger was truncated: entries \(size) to \(claim.checkpoint.size - 1) are gone")
        }
    }

    private static func stored(_ condition: String, in db: Database) throws -> RowCursor {
        try Row.fetchCursor(
            db,
            sql: """
                SELECT size, CASE WHEN length(note) <= \(LedgerSchema.largestNote) THEN note END FROM checkpoint
                WHERE \(condition) ORDER BY size, rowid
                """)
    }

    private func storedClaim(_ row: Row, origin: String, report: inout AuditReport) -> Claim? {
        let size = row.integer(0)
        let meaning = "table checkpoint was changed by hand"
        guard let note = row.text(1) else {
            report.add("the stored checkpoint of size \(size ?? -1) is no note", meaning: meaning)
            return nil
        }
        do {
            let checkpoint = try Checkpoint(note: note, signedByOneOf: keys)
            guard checkpoint.size == size, checkpoint.origin == origin else {
                report.add("the stored checkpoint of size \(size ?? -1) is for another head", meaning: meaning)
                return nil
            }
            return Claim(checkpoint: checkpoint, kind: "checkpoint", isFromOutside: false)
        } catch {
            report.add("the stored checkpoint of size \(size ?? -1): \(error.message)", meaning: meaning)
            return nil
        }
    }

    private func compare(_ claim: Claim, with root: Digest?, _ report: inout AuditReport) {
        let size = claim.checkpoint.size
        guard claim.checkpoint.root == root else {
            report.add(
                "the first \(size) entries are not those that the \(claim.kind) of size \(size) was made for",
                meaning: "history was rewritten after that \(claim.kind), or two versions of the ledger exist")
            return
        }
        let head = AuditedHead(size: size, kind: claim.kind, isFromOutside: claim.isFromOutside, time: nil)
        if size > report.newestCheckpoint?.size ?? 0 || claim.isFromOutside && size == report.newestCheckpoint?.size {
            report.newestCheckpoint = head
        }
        if claim.isFromOutside, size > report.newestOutsideHead?.size ?? 0 { report.newestOutsideHead = head }
    }
}
