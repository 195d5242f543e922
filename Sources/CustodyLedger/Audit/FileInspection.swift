import Foundation
import GRDB

/// The checks that come before the entries: the file, what lies beside it, its schema.
struct FileInspection {
    let path: String

    /// Looks at the file and at what lies beside it, without SQLite. False when reading on would make no sense.
    func inspectFile(_ report: inout AuditReport) throws(LedgerError) -> Bool {
        let header: LedgerFile.Header
        do {
            header = try LedgerFile.header(at: path)
            try LedgerFile.demandVersion(header, at: path)
        } catch {
            guard error.code == .notALedger else { throw error }
            report.add(error.message, meaning: "the file was replaced or its header was changed")
            return false
        }
        guard header.writeVersion == 1, header.readVersion == 1 else {
            report.add(
                "the header asks for a write-ahead log",
                meaning: "a ledger never has one: the header was changed, and entries may lie elsewhere")
            return false
        }
        var isReadable = true
        for suffix in ["-journal", "-wal"] where size(of: path + suffix) ?? 0 > 0 {
            report.add(
                "\(URL(fileURLWithPath: path + suffix).lastPathComponent) lies beside the ledger and is not empty",
                meaning: "a transaction is under way, was cut off, or the file was put there: what the ledger says "
                    + "depends on it; let the laboratory's own program open the ledger once, then audit again")
            isReadable = false
        }
        return isReadable
    }

    /// Compares the schema text and lets SQLite check its own structures. False when the entries cannot be read safely.
    func inspectSchema(_ report: inout AuditReport, in db: Database) throws -> Bool {
        var expected = Set(LedgerSchema.statements)
        var isReadable = true
        let rows = try Row.fetchCursor(
            db, sql: "SELECT type, name, sql FROM sqlite_schema ORDER BY name LIMIT 1000")
        while let row = try rows.next() {
            let text = row.text(2) ?? ""
            if expected.remove(text) != nil { continue }
            let isTrigger = row.text(0) == "trigger"
            let name = row.text(1) ?? ""
            report.add(
                "the schema has an unknown or altered \(row.text(0) ?? "object") \"\(name)\"",
                meaning: "someone changed the ledger's structure by hand"
                    + (isTrigger ? "" : "; what it would show is not to be trusted and was not read"))
            // A trigger does nothing while one only reads; a table, view or index could show other rows than there are.
            if !isTrigger { isReadable = false }
        }
        for text in LedgerSchema.statements where expected.contains(text) {
            let isTrigger = LedgerSchema.triggers.contains(text)
            let name = text.split(separator: " ").dropFirst(2).first?.prefix { $0 != "(" } ?? ""
            report.add(
                "the schema lacks the \(isTrigger ? "trigger" : "table") \"\(name)\"",
                meaning: "someone changed the ledger's structure by hand")
            if !isTrigger { isReadable = false }
        }
        guard isReadable else { return false }
        try inspectPages(&report, in: db)
        for row in try Row.fetchAll(db, sql: "PRAGMA integrity_check(20)") {
            let words = row.text(0) ?? "unknown"
            guard words != "ok" else { continue }
            report.add(
                "SQLite finds the file damaged: \(words)", meaning: "bytes of the file were changed or lost")
        }
        return true
    }

    /// Looks at what SQLite does not: the length, the header, and bytes that no entry uses. The caller's transaction
    /// keeps writers away meanwhile.
    ///
    /// A ledger is written with `secure_delete`, so unused bytes are zeros. SQLite leaves remains of other cells only in
    /// inner pages and in pages of large tiles; those are not looked at.
    private func inspectPages(_ report: inout AuditReport, in db: Database) throws {
        let header = try LedgerFile.header(at: path)
        let file = try RawLedgerFile(path)
        let bytes = try file.size()
        guard header.pageSize == LedgerSchema.pageSize, bytes == header.pageSize * header.pageCount else {
            report.add(
                "the file has \(bytes) bytes where its header says \(header.pageCount) pages of \(header.pageSize)",
                meaning: "the file was cut or something was added behind it")
            return
        }
        if !header.isPlain || header.schemaCookie != LedgerSchema.statements.count {
            report.add(
                "the header has other values than a ledger's writer leaves",
                meaning: "the header was changed, or the schema was changed and changed back")
        }
        var roots: [Int: String] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT rootpage, name FROM sqlite_schema WHERE rootpage > 0") {
            if let page = row.integer(0) { roots[page] = row.text(1) }
        }
        for number in 1...max(1, header.pageCount) {
            let page = try file.read(at: (number - 1) * header.pageSize, count: header.pageSize)
            guard page.count == header.pageSize, let unused = Self.unused(page, number: number, root: roots[number])
            else { continue }
            if let place = unused.first(where: { page[$0] != 0 }) {
                report.add(
                    "byte \((number - 1) * header.pageSize + place) of the file is used by nothing and not zero",
                    meaning: "bytes of the file were changed, or something was hidden in it")
            }
        }
    }

    /// The part of a page between its cell pointers and its cells (sqlite.org/fileformat2, 1.6); nil for pages in which
    /// SQLite may leave remains, and for other pages than those of tables.
    private static func unused(_ page: [UInt8], number: Int, root: String?) -> Range<Int>? {
        let start = number == 1 ? LedgerFile.headerLength : 0
        func word(_ offset: Int) -> Int { Int(page[start + offset]) << 8 | Int(page[start + offset + 1]) }
        let cells = word(3)
        let headerLength: Int
        switch page[start] {
        case 0x0D: headerLength = 8
        case 0x05 where root != nil: headerLength = 12
        case 0x0A where root == "meta" || root != nil && cells == 0: headerLength = 8
        default: return nil
        }
        let from = start + headerLength + 2 * cells
        let to = word(5)
        // What does not fit is for SQLite's own check.
        return from <= to && to <= page.count ? from..<to : nil
    }

    private func size(of path: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.intValue
    }
}
