import EvidenceModel
import Foundation
import Testing

@testable import Carving

@Suite struct SQLiteWalkerTests {
    /// What sqlite3(1) makes of these statements.
    private func database(_ sql: String) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            try run("sqlite3", ["x.db", sql], in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.db")))
        }
    }

    private static let rows = """
        PRAGMA page_size=512; CREATE TABLE seals(id INTEGER PRIMARY KEY, name TEXT, photo BLOB);
        CREATE INDEX by_name ON seals(name);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<40)
        INSERT INTO seals SELECT i, 'seal ' || i*7919 % 1000, zeroblob(i*40) FROM n;
        """

    @Test func endsWithItsLastPage() throws {
        let file = try database(Self.rows)
        expectExact(SQLiteWalker(), file, .structural, format: "sqlite")
        let facts = verdict(of: SQLiteWalker(), on: file).completed?.facts
        #expect(facts?["tables"] == ["seals"])
        #expect(facts?["page_size"] == 512)
    }

    @Test func freePagesBelongToTheFile() throws {
        let file = try database(Self.rows + "DELETE FROM seals WHERE id>20;")
        expectExact(SQLiteWalker(), file, .structural, format: "sqlite")
        // Without a valid count in the header the furthest page in use ends the file.
        var old = file
        old.put(.be32(0), at: 28)
        expectExact(SQLiteWalker(), old, .structural, format: "sqlite")
    }

    @Test func autoVacuumAndReservedSpaceAreWalked() throws {
        expectExact(
            SQLiteWalker(), try database("PRAGMA auto_vacuum=FULL;" + Self.rows), .structural, format: "sqlite")
    }

    @Test func isNeverWholeWhenTruncated() throws {
        let file = try database(Self.rows)
        expectNeverWholeWhenTruncated(SQLiteWalker(), file, every: 509, noise: 0)
        var old = file
        old.put(.be32(0), at: 28)
        expectNeverWholeWhenTruncated(SQLiteWalker(), old, every: 509, noise: 0)
    }

    @Test func aGapEndsTheValidPrefixBeforeIt() throws {
        let file = try database(Self.rows)
        var generator = SeededGenerator(seed: 1)
        let cut = 21 * 512
        let found = verdict(of: SQLiteWalker(), on: file[..<cut] + generator.bytes(1536) + file[cut...])
        #expect((found.brokenPrefix ?? 0) >= 512)
    }

    @Test func damageNeverTraps() throws {
        expectNeverTraps(SQLiteWalker(), try database(Self.rows), rounds: 200)
        let small = try database("PRAGMA page_size=512; CREATE TABLE a(b); INSERT INTO a VALUES(zeroblob(2000));")
        expectNeverTraps(SQLiteWalker(), small, rounds: 1000)
    }
}
