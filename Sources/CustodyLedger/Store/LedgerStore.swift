import Digesting
public import EvidenceModel
import Foundation
import GRDB
import Synchronization
public import Trust

/// The custody ledger of one case: a SQLite file that is only ever appended to.
///
/// Several processes may hold a store on one file: appends queue up behind SQLite's lock. A store may be used from
/// several threads; the connection serialises its own work.
public final class LedgerStore: Sendable {
    /// Where the file is.
    public let path: String
    /// "<lab domain>/custody/<case number>/<16 hexadecimal digits of the genesis nonce>".
    public let origin: String
    public let caseNumber: String
    /// What the first entry fixes.
    public let genesis: LedgerGenesis

    /// Owned by this store; GRDB runs all work on one serial queue.
    private let queue: DatabaseQueue
    private let reserve: LedgerReserve
    /// Set by an I/O error on a write: whether the entry was recorded is then unknown, and going on could repeat it.
    private let isBroken = Mutex(false)

    private init(path: String, queue: DatabaseQueue, first: LedgerEntry) throws(LedgerError) {
        guard case .genesis(let genesis)? = first.detail else {
            throw LedgerError(.damaged, "\(path): entry 0 is no genesis; audit the ledger")
        }
        self.path = path
        self.queue = queue
        self.genesis = genesis
        origin = first.body.origin
        caseNumber = first.body.caseNumber
        reserve = LedgerReserve(besideLedgerAt: path)
    }

    // MARK: Making and opening

    /// Makes a ledger whose first entry is the genesis; the file appears under its name only when it is complete.
    ///
    /// - Parameters:
    ///   - labDomain: the laboratory's domain name, the first part of the origin.
    ///   - now: the time of the first entry; the clock's when nil.
    /// - Throws: ``LedgerError``: `alreadyExists`, `networkFileSystem`, `diskFull`, `invalidDraft`, `signing`.
    public static func create(
        at path: String, caseNumber: String, labDomain: String, genesis: LedgerGenesis, signer: Signer,
        actor: LedgerActor, tool: LedgerTool, clock: ClockState = .current(), authority: LedgerAuthority? = nil,
        now: UTCTime? = nil
    ) throws(LedgerError) -> LedgerStore {
        let origin = try LedgerOrigin.make(labDomain: labDomain, caseNumber: caseNumber, nonce: genesis.nonce)
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try LedgerFile.refuseNetworkFileSystem(folder)
        guard !FileManager.default.fileExists(atPath: path) else {
            throw LedgerError(.alreadyExists, "\(path): there is a ledger already")
        }
        let draft = EntryDraft(
            .genesis, actor: actor, tool: tool, clock: clock, authority: authority, detail: .genesis(genesis))
        let temporary = path + ".new-" + Hex.encode(genesis.nonce)
        do {
            try ledgerWork(at: path) {
                let queue = try DatabaseQueue(
                    path: temporary, configuration: LedgerDatabase.configuration(readOnly: false))
                try queue.inDatabase { db in
                    try db.inTransaction(.immediate) {
                        try LedgerDatabase.createSchema(in: db, origin: origin)
                        let position = try EntryPosition.first(origin: origin, caseNumber: caseNumber)
                        _ = try position.append(draft, signer: signer, now: now, in: db)
                        return .commit
                    }
                }
                try queue.close()
                try LedgerFile.publish(temporary, as: path)
            }
        } catch {
            // What is half made goes; the failure that is reported is the first one.
            for suffix in ["", "-journal"] where FileManager.default.fileExists(atPath: temporary + suffix) {
                do { try FileManager.default.removeItem(atPath: temporary + suffix) } catch let second {
                    throw LedgerError(error.code, "\(error.message) (and \(temporary + suffix) remains: \(second))")
                }
            }
            throw error
        }
        return try open(at: path)
    }

    /// Opens a ledger for appending. A transaction that a crash cut off is rolled back, as SQLite does.
    ///
    /// - Throws: ``LedgerError``: `notFound`, `notALedger`, `newerVersion`, `networkFileSystem`, `damaged`.
    public static func open(at path: String) throws(LedgerError) -> LedgerStore {
        try LedgerFile.demandVersion(LedgerFile.header(at: path), at: path)
        try LedgerFile.refuseNetworkFileSystem(path)
        let (queue, first): (DatabaseQueue, LedgerEntry) = try ledgerWork(at: path) {
            let queue = try DatabaseQueue(path: path, configuration: LedgerDatabase.configuration(readOnly: false))
            let first = try queue.read { db in
                let size = try LedgerDatabase.size(in: db)
                if size <= largestRecomputedTree {
                    // A wrong cache would be signed by the next entry, for ever: so it is not trusted where looking is cheap.
                    guard try LedgerDatabase.recomputedFrontier(in: db) == LedgerDatabase.frontier(size: size, in: db)
                    else { throw LedgerError(.damaged, "\(path): the cache of the tree is wrong; audit the ledger") }
                }
                return try LedgerDatabase.entry(0, in: db)
            }
            guard let first else { throw LedgerError(.damaged, "\(path): entry 0 is missing; audit the ledger") }
            return (queue, first)
        }
        let store = try LedgerStore(path: path, queue: queue, first: first)
        store.reserve.keep()
        return store
    }

    /// Up to this many entries, opening recomputes the tree from the leaves (some 50 ms).
    private static let largestRecomputedTree = 65_536

    /// Closes the file. What is not closed is closed when the store goes away.
    public func close() throws(LedgerError) { try ledgerWork(at: path) { try queue.close() } }

    /// Clears away what a write that was cut off has left beside the file.
    ///
    /// Opening rolls back a journal that counts. One whose header was not written yet counts for nothing, but stays until
    /// the next write: so this writes what is there already.
    public func settle() throws(LedgerError) {
        // An UPDATE to the same value writes nothing; the version number is always written.
        try write { try $0.execute(sql: "PRAGMA user_version = \(LedgerSchema.userVersion)") }
    }

    // MARK: Appending

    /// Records one entry: takes the lock, reads the head, signs, inserts and commits.
    ///
    /// - Parameter now: the entry's time; when nil, the clock is read while the lock is held, so that entries of
    ///   several processes stay in order.
    /// - Throws: ``LedgerError``: `busy` after 10 s, `diskFull` (nothing was recorded; an `incident` entry may still
    ///   succeed, out of the reserve), `clockBehind` when the time is before the last entry's (only an incident of
    ///   kind `clock_set_back` may be), `invalidDraft`, `entryTooLarge`, `signing`, `inputOutput`.
    @discardableResult
    public func append(_ draft: EntryDraft, signer: Signer, now: UTCTime? = nil) throws(LedgerError) -> LedgerReceipt {
        do {
            let receipt = try commit(draft, signer: signer, now: now)
            reserve.keep()
            return receipt
        } catch {
            guard error.code == .diskFull, draft.verb == .incident, reserve.giveUp() else { throw error }
            return try commit(draft, signer: signer, now: now)
        }
    }

    private func commit(_ draft: EntryDraft, signer: Signer, now: UTCTime?) throws(LedgerError) -> LedgerReceipt {
        guard draft.verb != .genesis else { throw LedgerError(.invalidDraft, "a ledger has one genesis: its entry 0") }
        return try write { db in
            let position = try EntryPosition.next(after: head(in: db), in: db, origin: origin, caseNumber: caseNumber)
            return try position.append(draft, signer: signer, now: now, in: db)
        }
    }

    /// Runs work under `BEGIN IMMEDIATE`; it commits as a whole or not at all.
    private func write<Value>(_ work: (Database) throws -> Value) throws(LedgerError) -> Value {
        guard !isBroken.withLock({ $0 }) else {
            throw LedgerError(.inputOutput, "\(path): writing failed before; open the ledger again")
        }
        do {
            return try ledgerWork(at: path) {
                try queue.inDatabase { db in
                    var result: Value?
                    try db.inTransaction(.immediate) {
                        result = try work(db)
                        return .commit
                    }
                    guard let result else { throw LedgerError(.inputOutput, "\(path): the transaction did not run") }
                    return result
                }
            }
        } catch {
            if error.code == .inputOutput { isBroken.withLock { $0 = true } }
            throw error
        }
    }

    // MARK: Reading

    /// Where the ledger stands now.
    public var head: LedgerHead { get throws(LedgerError) { try read { try head(in: $0) } } }

    private func head(in db: Database) throws -> LedgerHead {
        let size = try LedgerDatabase.size(in: db)
        guard let last = try LedgerDatabase.entry(size - 1, in: db) else {
            throw LedgerError(.damaged, "\(path): the last entry is missing; audit the ledger")
        }
        let root = try LedgerDatabase.frontier(size: size, in: db).root
        return LedgerHead(size: size, root: Digest(.sha256, root), last: last.reference, time: last.time)
    }

    /// Entries in order, not verified: that is ``LedgerAudit``'s work.
    ///
    /// - Parameter limit: how many at most; a caller with a large ledger reads in pieces.
    /// - Throws: ``LedgerError`` with code `malformedEntry` when an entry cannot be read.
    public func entries(from seq: Int = 0, limit: Int = .max) throws(LedgerError) -> [LedgerEntry] {
        try read { try LedgerDatabase.entries(from: seq, limit: limit, in: $0) }
    }

    /// The newest checkpoint (a signed note); nil when none was published yet.
    public var latestCheckpoint: String? { get throws(LedgerError) { try read(LedgerDatabase.latestCheckpoint) } }

    /// All anchors, oldest first.
    public var anchors: [LedgerAnchor] {
        get throws(LedgerError) {
            try read { db in
                try Row.fetchAll(
                    db, sql: "SELECT id, size, kind, data FROM anchor WHERE length(data) <= ? ORDER BY id",
                    arguments: [LedgerSchema.largestAnchor]
                ).map { row in
                    guard let id = row.integer(0), let size = row.integer(1), let kind = row.text(2),
                        let data = row.blob(3)
                    else { throw LedgerError(.damaged, "\(path): table anchor holds other values than it may") }
                    return LedgerAnchor(id: id, size: size, kind: kind, data: data)
                }
            }
        }
    }

    private func read<Value>(_ work: (Database) throws -> Value) throws(LedgerError) -> Value {
        try ledgerWork(at: path) { try queue.read(work) }
    }

    // MARK: Heads and anchors

    /// Signs the head as it is under the write lock, and keeps the note unless it is there already.
    func publish(_ sign: (Checkpoint) throws(LedgerError) -> String) throws(LedgerError) -> String {
        try write { db in
            let checkpoint = Checkpoint(origin: origin, head: try head(in: db))
            let note = try sign(checkpoint)
            try db.execute(
                sql: """
                    INSERT INTO checkpoint(size, note) SELECT ?1, ?2
                    WHERE NOT EXISTS (SELECT 1 FROM checkpoint WHERE size = ?1 AND note = ?2)
                    """, arguments: [checkpoint.size, note])
            return note
        }
    }

    /// Keeps a certificate revocation list (kind "crl") or another proof of a certificate's standing.
    public func addStatus(kind: String, der: [UInt8]) throws(LedgerError) {
        guard der.count <= LedgerSchema.largestAnchor else {
            throw LedgerError(.entryTooLarge, "a status has at most \(LedgerSchema.largestAnchor) bytes")
        }
        try write { try $0.execute(sql: "INSERT INTO status(kind, der) VALUES (?, ?)", arguments: [kind, Data(der)]) }
    }

    /// Keeps an anchor beside the entries. Record it with an `anchor.*` entry that states its digest.
    ///
    /// - Parameters:
    ///   - kind: "tsa" (RFC 3161 response or token), "witness" (cosigned note) or "label".
    ///   - size: number of entries of the head that the anchor fixes.
    /// - Returns: what the `anchor.*` entry states.
    @discardableResult
    public func addAnchor(kind: String, data: [UInt8], size: Int) throws(LedgerError) -> AnchorReference {
        guard data.count <= LedgerSchema.largestAnchor else {
            throw LedgerError(.entryTooLarge, "an anchor has at most \(LedgerSchema.largestAnchor) bytes")
        }
        return try write { db in
            guard try (1...LedgerDatabase.size(in: db)).contains(size) else {
                throw LedgerError(.invalidDraft, "an anchor fixes a head of 1 to all entries, not \(size)")
            }
            try db.execute(
                sql: "INSERT INTO anchor(size, kind, data) VALUES (?, ?, ?)", arguments: [size, kind, Data(data)])
            return AnchorReference(kind: kind, size: size, sha256: try digest(.sha256, of: data))
        }
    }
}
