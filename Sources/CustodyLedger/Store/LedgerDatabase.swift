import Digesting
import EvidenceModel
import Foundation
import GRDB

/// How the ledger's file is read and written: all SQL of the store.
enum LedgerDatabase {
    /// How long a writer waits for another one, in seconds.
    static let busyTimeout: TimeInterval = 10

    /// A connection as the format demands it.
    static func configuration(readOnly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(busyTimeout)
        configuration.foreignKeysEnabled = false
        configuration.label = "custody ledger"
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA trusted_schema = OFF")
            try db.execute(sql: "PRAGMA cell_size_check = ON")
            if !readOnly {
                try db.execute(sql: "PRAGMA page_size = \(LedgerSchema.pageSize)")
                try db.execute(sql: "PRAGMA synchronous = EXTRA")
                // What is deleted becomes zeros: nothing may hide in the file, and nothing unused may change unseen.
                try db.execute(sql: "PRAGMA secure_delete = ON")
            }
        }
        return configuration
    }

    static func createSchema(in db: Database, origin: String) throws {
        try db.execute(sql: "PRAGMA application_id = \(LedgerSchema.applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(LedgerSchema.userVersion)")
        for statement in LedgerSchema.statements { try db.execute(sql: statement) }
        try db.execute(sql: "INSERT INTO meta(k, v) VALUES ('origin', ?)", arguments: [origin])
    }

    static func entry(_ seq: Int, in db: Database) throws -> LedgerEntry? {
        try entries(from: seq, limit: 1, in: db).first { $0.seq == seq }
    }

    static func entries(from seq: Int, limit: Int, in db: Database) throws -> [LedgerEntry] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT seq, CASE WHEN length(cms) <= ? THEN cms END, leaf FROM entry
                WHERE seq >= ? ORDER BY seq LIMIT ?
                """,
            arguments: [LedgerEntry.largestSize, seq, limit])
        var entries: [LedgerEntry] = []
        while let row = try rows.next() {
            guard let seq = row.integer(0), let cms = row.blob(1), let leaf = row.blob(2),
                leaf.count == MerkleTree.hashSize
            else {
                throw LedgerError(
                    .malformedEntry,
                    "entry \(row.integer(0) ?? seq): no blob of at most \(LedgerEntry.largestSize) bytes with a leaf")
            }
            entries.append(try LedgerEntry(seq: seq, cms: cms, leaf: Digest(.sha256, leaf)))
        }
        return entries
    }

    /// Number of entries, as the highest number says.
    static func size(in db: Database) throws -> Int {
        guard let last = try Row.fetchOne(db, sql: "SELECT max(seq) FROM entry")?.integer(0) else { return 0 }
        guard last < CanonicalValue.largestInteger else {
            throw LedgerError(.damaged, "an entry has the number \(last)")
        }
        return last + 1
    }

    /// The leaf hash that the file states for an entry; nil when there is none.
    static func leaf(_ seq: Int, in db: Database) throws -> [UInt8]? {
        try Row.fetchOne(db, sql: "SELECT leaf FROM entry WHERE seq = ?", arguments: [seq])?.blob(0)
    }

    /// The blob of an entry; nil when there is none of a size that an entry may have.
    static func cms(_ seq: Int, in db: Database) throws -> [UInt8]? {
        try Row.fetchOne(
            db, sql: "SELECT cms FROM entry WHERE seq = ? AND length(cms) <= ?",
            arguments: [seq, LedgerEntry.largestSize])?.blob(0)
    }

    static func frontier(size: Int, in db: Database) throws -> MerkleFrontier {
        var levels: [Int: [UInt8]] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT level, h FROM frontier LIMIT 64") {
            if let level = row.integer(0), let hash = row.blob(1) { levels[level] = hash }
        }
        do { return try MerkleFrontier(count: size, levels: levels) } catch {
            throw LedgerError(
                .damaged, "the ledger's cache of its tree does not fit its \(size) entries (\(error)); audit the ledger"
            )
        }
    }

    /// The tree over the leaves that the file states, computed anew.
    static func recomputedFrontier(in db: Database) throws -> MerkleFrontier {
        var frontier = MerkleFrontier()
        let rows = try Row.fetchCursor(db, sql: "SELECT leaf FROM entry ORDER BY seq")
        while let row = try rows.next() {
            guard let leaf = row.blob(0), leaf.count == MerkleTree.hashSize else {
                throw LedgerError(.damaged, "a leaf is not 32 bytes long; audit the ledger")
            }
            try frontier.append(leafHash: leaf)
        }
        return frontier
    }

    static func insert(seq: Int, cms: [UInt8], leaf: [UInt8], in db: Database) throws {
        try db.execute(
            sql: "INSERT INTO entry(seq, cms, leaf) VALUES (?, ?, ?)", arguments: [seq, Data(cms), Data(leaf)])
    }

    static func store(_ frontier: MerkleFrontier, in db: Database) throws {
        try db.execute(sql: "DELETE FROM frontier")
        for (level, hash) in frontier.levels.sorted(by: { $0.key < $1.key }) {
            try db.execute(sql: "INSERT INTO frontier(level, h) VALUES (?, ?)", arguments: [level, Data(hash)])
        }
    }

    /// Puts the roots of full tiles into the tiles above: one each time that 256^level entries are complete.
    static func storeTiles(size: Int, in db: Database) throws {
        var level = 1
        var width = LedgerSchema.tileWidth
        while size > 0, size.isMultiple(of: width) {
            let root = try MerkleTree.root(leaves: hashes(below: level, index: size / width - 1, in: db))
            let index = (size / width - 1) / LedgerSchema.tileWidth
            try db.execute(
                sql: """
                    INSERT INTO tile(level, idx, hashes) VALUES (?1, ?2, ?3)
                    ON CONFLICT(level, idx) DO UPDATE SET hashes = CAST(hashes || ?3 AS BLOB)
                    """, arguments: [level, index, Data(root)])
            level += 1
            width *= LedgerSchema.tileWidth
        }
    }

    /// The 256 hashes of a full tile: leaves for level 1, else the tile below.
    private static func hashes(below level: Int, index: Int, in db: Database) throws -> [[UInt8]] {
        if level == 1 {
            let first = index * LedgerSchema.tileWidth
            return try (first..<(first + LedgerSchema.tileWidth)).map { seq in
                guard let hash = try leaf(seq, in: db) else {
                    throw LedgerError(.damaged, "entry \(seq) is missing; audit the ledger")
                }
                return hash
            }
        }
        let tile = try Row.fetchOne(
            db, sql: "SELECT hashes FROM tile WHERE level = ? AND idx = ?", arguments: [level - 1, index])
        guard let bytes = tile?.blob(0), bytes.count == LedgerSchema.tileWidth * MerkleTree.hashSize else {
            throw LedgerError(.damaged, "a tile of the ledger's tree is missing or cut; audit the ledger")
        }
        return stride(from: 0, to: bytes.count, by: MerkleTree.hashSize).map {
            Array(bytes[$0..<($0 + MerkleTree.hashSize)])
        }
    }

    static func latestCheckpoint(in db: Database) throws -> String? {
        try Row.fetchOne(
            db,
            sql: "SELECT note FROM checkpoint WHERE length(note) <= ? ORDER BY size DESC, rowid DESC LIMIT 1",
            arguments: [LedgerSchema.largestNote])?.text(0)
    }
}
