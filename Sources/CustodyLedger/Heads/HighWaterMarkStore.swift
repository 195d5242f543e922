public import EvidenceModel
import Foundation
import GRDB

/// The furthest head of a ledger that this workstation has seen.
public struct HighWaterMark: Hashable, Sendable {
    public let origin: String
    /// Number of entries.
    public let size: Int
    /// RFC 6962 root over them.
    public let root: Digest
    /// The checkpoint over that head, when one was published.
    public let note: String?
    /// When it was seen.
    public let time: UTCTime
}

/// What comparing a ledger with the high-water mark found.
public enum HighWaterVerdict: Hashable, Sendable {
    /// The ledger holds all that was seen before, or was never seen before. The mark now stands at its head.
    case consistent
    /// The ledger has fewer entries than were seen: it was truncated, or replaced by an older copy.
    case shrunk(seen: HighWaterMark, size: Int)
    /// The ledger has other entries than were seen: its history was rewritten.
    case forked(seen: HighWaterMark)
}

/// Remembers, outside the case, how far each ledger had grown: what an attacker who rewrites the case does not reach.
///
/// One SQLite file for each workstation. After anything but `consistent` the mark is left as it was.
public struct HighWaterMarkStore: Sendable {
    /// Where the file is.
    public let path: String
    /// Owned by this store; GRDB runs all work on one serial queue.
    private let queue: DatabaseQueue

    private static let applicationID = 0x4857_4D4B  // "HWMK"
    private static let userVersion = 1
    private static let schema = """
        CREATE TABLE seen(origin TEXT PRIMARY KEY, case_prefix TEXT NOT NULL, size INTEGER NOT NULL, \
        root BLOB NOT NULL CHECK(length(root) = 32), note TEXT, t TEXT NOT NULL) STRICT
        """

    /// Opens the file, or makes it when it is not there; its folder must be.
    public init(path: String) throws(LedgerError) {
        self.path = path
        queue = try ledgerWork(at: path) {
            let queue = try DatabaseQueue(path: path, configuration: LedgerDatabase.configuration(readOnly: false))
            try queue.inDatabase { db in
                try db.inTransaction(.immediate) {
                    let id = try Row.fetchOne(db, sql: "PRAGMA application_id")?.integer(0) ?? 0
                    let version = try Row.fetchOne(db, sql: "PRAGMA user_version")?.integer(0) ?? 0
                    if id == 0, version == 0, try db.tableExists("seen") == false {
                        try db.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
                        try db.execute(sql: "PRAGMA user_version = \(Self.userVersion)")
                        try db.execute(sql: Self.schema)
                    } else if id != Self.applicationID || version != Self.userVersion {
                        throw LedgerError(
                            version > Self.userVersion ? .newerVersion : .notALedger,
                            "\(path): not a store of high-water marks that this program knows")
                    }
                    return .commit
                }
            }
            return queue
        }
    }

    /// What was seen of a ledger; nil when nothing was.
    public func mark(forOrigin origin: String) throws(LedgerError) -> HighWaterMark? {
        try ledgerWork(at: path) { try queue.read { try Self.marks("origin = ?", origin, in: $0).first } }
    }

    /// The ledgers of the same case of the same laboratory that were seen before this one was first seen, oldest first.
    ///
    /// A ledger made by this program declares them in an `incident` entry right after its genesis; an audit fails one
    /// that does not.
    public func earlierLedgers(forCaseOf origin: String) throws(LedgerError) -> [HighWaterMark] {
        guard let prefix = LedgerOrigin.casePrefix(of: origin) else { return [] }
        return try ledgerWork(at: path) {
            try queue.read { db in
                try Self.marks(
                    """
                    case_prefix = ?1 AND origin <> ?2
                    AND rowid < ifnull((SELECT rowid FROM seen WHERE origin = ?2), 9223372036854775807)
                    """, prefix, origin, in: db)
            }
        }
    }

    /// Compares a ledger with what was seen of it, and moves the mark up to its head when it is consistent.
    ///
    /// This rests on the root that the ledger's own entries state; an audit recomputes it.
    public func compareAndUpdate(_ ledger: LedgerStore, now: UTCTime? = nil) throws(LedgerError) -> HighWaterVerdict {
        // The mark is read before the head: another process that appends in between moves the head forwards only.
        let seen = try mark(forOrigin: ledger.origin)
        let head = try ledger.head
        if let seen {
            guard seen.size <= head.size else { return .shrunk(seen: seen, size: head.size) }
            let root =
                seen.size == head.size
                ? head.root : try ledger.entries(from: seen.size, limit: 1).first?.body.previousRoot
            guard root == seen.root else { return .forked(seen: seen) }
        }
        try update(
            HighWaterMark(
                origin: ledger.origin, size: head.size, root: head.root, note: try ledger.latestCheckpoint,
                time: now ?? UTCTime.systemClock))
        return .consistent
    }

    /// Moves a mark up; a mark that stands higher already stays.
    func update(_ mark: HighWaterMark) throws(LedgerError) {
        try ledgerWork(at: path) {
            try queue.inDatabase { db in
                try db.execute(
                    sql: """
                        INSERT INTO seen(origin, case_prefix, size, root, note, t) VALUES (?, ?, ?, ?, ?, ?)
                        ON CONFLICT(origin) DO UPDATE SET size = excluded.size, root = excluded.root,
                        note = excluded.note, t = excluded.t WHERE excluded.size >= seen.size
                        """,
                    arguments: [
                        mark.origin, LedgerOrigin.casePrefix(of: mark.origin) ?? mark.origin, mark.size,
                        Data(mark.root.bytes), mark.note, mark.time.rfc3339,
                    ])
            }
        }
    }

    private static func marks(_ condition: String, _ values: String..., in db: Database) throws -> [HighWaterMark] {
        try Row.fetchAll(
            db, sql: "SELECT origin, size, root, note, t FROM seen WHERE \(condition) ORDER BY rowid",
            arguments: StatementArguments(values)
        ).map(mark)
    }

    private static func mark(_ row: Row) throws -> HighWaterMark {
        guard let origin = row.text(0), let size = row.integer(1), let root = row.blob(2), root.count == 32,
            let time = row.text(4).flatMap({ UTCTime(rfc3339: $0) })
        else { throw LedgerError(.damaged, "the store of high-water marks holds other values than it may") }
        return HighWaterMark(origin: origin, size: size, root: Digest(.sha256, root), note: row.text(3), time: time)
    }
}
