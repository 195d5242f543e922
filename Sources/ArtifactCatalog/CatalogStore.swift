public import EvidenceModel
internal import GRDB

/// The catalogue of a case: every artifact that was found, in one SQLite file.
///
/// Derived from evidence and ledger, so it can be rebuilt; the ledger holds the digest of its export. Each artifact's row
/// keeps its canonical export line, so that what is shown, exported and digested is one and the same text.
/// Safe to use from several threads: GRDB serialises access.
public final class CatalogStore: Sendable {
    /// Version of the file's layout (`PRAGMA user_version`).
    public static let version = 1
    /// `PRAGMA application_id`: "EXHC".
    static let applicationID = 0x4558_4843
    /// Most memory that SQLite keeps pages in, in KiB.
    private static let cacheKiB = 32 * 1024

    private let queue: DatabaseQueue

    /// Opens the catalogue, making it when it does not exist.
    ///
    /// - Throws: `storage`, `newerVersion`.
    public init(path: String) throws(CatalogError) {
        do {
            var configuration = Configuration()
            configuration.prepareDatabase { database in
                // One file at rest: a copy of the case never misses a side file.
                try database.execute(
                    sql: "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF")
                // Ids come in no order: with SQLite's usual 2 MiB, pages would be written and read again and again.
                try database.execute(sql: "PRAGMA cache_size = -\(Self.cacheKiB)")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw Self.storage(path, error)
        }
        try prepare(path)
    }

    /// Replaces everything the catalogue holds of one item, in one transaction.
    ///
    /// - Parameters:
    ///   - artifacts: in any order; ids must be unique.
    ///   - run: provenance of the run that found them, kept beside them.
    public func replace(item: String, with artifacts: [Artifact], run: CanonicalValue) throws(CatalogError) {
        do {
            try queue.write { database in
                try database.execute(sql: "DELETE FROM artifact WHERE item = ?", arguments: [item])
                let statement = try database.makeStatement(
                    sql: """
                        INSERT INTO artifact(id, item, first_offset, format, mime, confidence, size, sha256, md5, line)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """)
                for artifact in artifacts {
                    try statement.execute(arguments: [
                        artifact.id, artifact.item, artifact.extents.first?.offset ?? 0, artifact.format, artifact.mime,
                        artifact.confidence.rawValue, artifact.size, artifact.sha256.hex, artifact.md5.hex,
                        artifact.canonical.encodedText,
                    ])
                }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO run(item, provenance) VALUES (?, ?)",
                    arguments: [item, run.encodedText])
            }
        } catch {
            throw Self.storage(queue.path, error)
        }
    }

    /// Calls `body` with each artifact's canonical line, in export order: item, first offset, id.
    ///
    /// - Parameters:
    ///   - filter: which artifacts; everything by default.
    ///   - body: called on the catalogue's own queue.
    public func forEachLine(_ filter: CatalogFilter = CatalogFilter(), _ body: (String) throws -> Void) throws {
        try queue.read { database in
            let (condition, arguments) = filter.condition
            let rows = try String.fetchCursor(
                database, sql: "SELECT line FROM artifact WHERE \(condition) ORDER BY item, first_offset, id",
                arguments: arguments)
            while let line = try rows.next() { try body(line) }
        }
    }

    /// The artifacts that a filter lets through, in export order.
    ///
    /// - Throws: `damaged` when a line does not parse, `storage`.
    public func artifacts(_ filter: CatalogFilter = CatalogFilter()) throws -> [Artifact] {
        var found: [Artifact] = []
        try forEachLine(filter) { found.append(try Artifact(catalogLine: $0)) }
        return found
    }

    /// Number of artifacts that a filter lets through.
    public func count(_ filter: CatalogFilter = CatalogFilter()) throws(CatalogError) -> Int {
        do {
            return try queue.read { database in
                let (condition, arguments) = filter.condition
                return try Int.fetchOne(
                    database, sql: "SELECT count(*) FROM artifact WHERE \(condition)", arguments: arguments) ?? 0
            }
        } catch {
            throw Self.storage(queue.path, error)
        }
    }

    /// Provenance of the run that catalogued an item; nil when none did.
    public func run(of item: String) throws(CatalogError) -> CanonicalValue? {
        let text: String?
        do {
            text = try queue.read { database in
                try String.fetchOne(database, sql: "SELECT provenance FROM run WHERE item = ?", arguments: [item])
            }
        } catch {
            throw Self.storage(queue.path, error)
        }
        return try text.map { text throws(CatalogError) in try Self.provenance(text, of: item) }
    }

    /// The items that runs have catalogued, in order, with the provenance of each run.
    public func runs() throws(CatalogError) -> [(item: String, provenance: CanonicalValue)] {
        let rows: [(item: String, text: String)]
        do {
            rows = try queue.read { database in
                try Row.fetchAll(database, sql: "SELECT item, provenance FROM run ORDER BY item").map { ($0[0], $0[1]) }
            }
        } catch {
            throw Self.storage(queue.path, error)
        }
        return try rows.map { row throws(CatalogError) in (row.item, try Self.provenance(row.text, of: row.item)) }
    }

    private static func provenance(_ text: String, of item: String) throws(CatalogError) -> CanonicalValue {
        do {
            return try CanonicalValue(parsing: Array(text.utf8))
        } catch {
            throw CatalogError(.damaged, "The catalogue's record of the run on \(item) is damaged: \(error).")
        }
    }

    // MARK: The file

    private func prepare(_ path: String) throws(CatalogError) {
        let found: Int
        do {
            found = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        } catch {
            throw Self.storage(path, error)
        }
        guard found <= Self.version else {
            throw CatalogError(
                .newerVersion,
                "The catalogue \(path) was written by a later version of Exhibit (layout \(found), this one knows "
                    + "\(Self.version)). Nothing was changed. Use that version.")
        }
        guard found == 0 else { return }
        do {
            try queue.write { try $0.execute(sql: Self.schema) }
        } catch {
            throw Self.storage(path, error)
        }
    }

    private static let schema = """
        CREATE TABLE artifact(
            id TEXT PRIMARY KEY, item TEXT NOT NULL, first_offset INTEGER NOT NULL, format TEXT NOT NULL, mime TEXT NOT NULL,
            confidence TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, md5 TEXT NOT NULL, line TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX artifact_in_export_order ON artifact(item, first_offset, id);
        CREATE INDEX artifact_by_format ON artifact(format);
        CREATE INDEX artifact_by_sha256 ON artifact(sha256);
        CREATE TABLE run(item TEXT PRIMARY KEY, provenance TEXT NOT NULL) STRICT, WITHOUT ROWID;
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(version);
        """

    private static func storage(_ path: String, _ error: any Error) -> CatalogError {
        CatalogError(
            .storage,
            "The catalogue \(path) cannot be used: \(error). Nothing that was there is lost; it can be rebuilt with "
                + "`exhibit carve`. Check free space and permissions.")
    }
}
