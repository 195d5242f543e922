/// What a ledger file looks like inside: the exact text, which the audit compares.
enum LedgerSchema {
    /// "CUST" (SQLite's header, offset 68).
    static let applicationID = 0x4355_5354
    /// Version of the file format (SQLite's header, offset 60).
    static let userVersion = 1

    /// Bytes of a page.
    static let pageSize = 4096

    /// The statements that make an empty ledger, in order. SQLite keeps their text verbatim.
    static let statements = tables + triggers

    static let tables = [
        "CREATE TABLE meta(k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID",
        "CREATE TABLE entry(seq INTEGER PRIMARY KEY CHECK(seq >= 0), cms BLOB NOT NULL, "
            + "leaf BLOB NOT NULL CHECK(length(leaf) = 32)) STRICT",
        "CREATE TABLE frontier(level INTEGER PRIMARY KEY, h BLOB NOT NULL CHECK(length(h) = 32)) STRICT",
        "CREATE TABLE tile(level INTEGER, idx INTEGER, hashes BLOB, PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID",
        "CREATE TABLE checkpoint(size INTEGER NOT NULL, note TEXT NOT NULL) STRICT",
        "CREATE TABLE anchor(id INTEGER PRIMARY KEY, size INTEGER NOT NULL, kind TEXT NOT NULL, "
            + "data BLOB NOT NULL) STRICT",
        "CREATE TABLE status(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, der BLOB NOT NULL) STRICT",
    ]

    /// A guard against accidents, not against attackers, who would drop them.
    static let triggers = [
        "CREATE TRIGGER entry_no_gap BEFORE INSERT ON entry "
            + "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), -1) + 1 FROM entry) "
            + "BEGIN SELECT RAISE(ABORT, 'an entry must follow the last one'); END",
        "CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry "
            + "BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END",
        "CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry "
            + "BEGIN SELECT RAISE(ABORT, 'an entry is never removed'); END",
    ]

    /// Most bytes of a stored note, anchor or status: far above what the formats need, so that a hostile file cannot
    /// exhaust memory.
    static let largestNote = 65_536
    static let largestAnchor = 1 << 20
    /// Entries below one tile of table `tile` (C2SP tlog-tiles).
    static let tileWidth = 256
}
