import Digesting
import GRDB

/// Recomputes the tiles while the entries go by, and compares them and the frontier with what the file holds.
struct TreeCacheAudit {
    /// Hashes since the last full tile, by level; level 0 holds leaves.
    private var pending: [[[UInt8]]] = [[]]
    private var count = 0

    mutating func append(leaf: [UInt8], in db: Database, report: inout AuditReport) throws {
        count += 1
        pending[0].append(leaf)
        var level = 0
        while pending[level].count == LedgerSchema.tileWidth {
            let root = try MerkleTree.root(leaves: pending[level])
            if level > 0 { try compare(level: level, index: index(of: level), in: db, &report) }
            pending[level].removeAll(keepingCapacity: true)
            level += 1
            if level == pending.count { pending.append([]) }
            pending[level].append(root)
        }
    }

    func finish(frontier: MerkleFrontier, in db: Database, report: inout AuditReport) throws {
        for level in pending.indices.dropFirst() where !pending[level].isEmpty {
            try compare(level: level, index: index(of: level), in: db, &report)
        }
        let expected = frontier.levels
        let rows = try Row.fetchAll(db, sql: "SELECT level, h FROM frontier LIMIT 100")
        let isEqual =
            rows.count == expected.count
            && rows.allSatisfy { row in row.integer(0).flatMap { expected[$0] } == row.blob(1) }
        if !isEqual {
            report.add(
                "the cache of the tree (table frontier) does not fit the entries",
                meaning: "the table was changed by hand; the next entry would have been signed over a wrong history")
        }
        let full = (1..<max(1, pending.count)).reduce(0) { sum, level in
            sum + index(of: level) + (pending[level].isEmpty ? 0 : 1)
        }
        if try Row.fetchOne(db, sql: "SELECT count(*) FROM tile")?.integer(0) != full {
            report.add(
                "table tile has other rows than \(count) entries make", meaning: "the table was changed by hand")
        }
    }

    /// Number of the tile of this level that is being filled.
    private func index(of level: Int) -> Int {
        var width = 1
        for _ in 0...level { width *= LedgerSchema.tileWidth }
        return pending[level].count == LedgerSchema.tileWidth ? count / width - 1 : count / width
    }

    private func compare(level: Int, index: Int, in db: Database, _ report: inout AuditReport) throws {
        let row = try Row.fetchOne(
            db, sql: "SELECT hashes FROM tile WHERE level = ? AND idx = ? AND length(hashes) <= ?",
            arguments: [level, index, LedgerSchema.tileWidth * MerkleTree.hashSize])
        guard row?.blob(0) != pending[level].flatMap({ $0 }) else { return }
        report.add(
            "tile \(index) of level \(level) does not fit the entries", meaning: "table tile was changed by hand")
    }
}
