import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

@Suite struct SQLiteLogWalkerTests {
    /// A log that sqlite3 wrote; `script` runs before it is copied.
    private func log(_ script: [String], _ name: String) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            try run("sqlite3", ["a.db"] + script + [".shell cp a.db-\(name) copy"], in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("copy")))
        }
    }

    private let writeAhead = [
        "PRAGMA page_size=1024", "PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0",
        "CREATE TABLE t(a, b)", "INSERT INTO t VALUES(1, hex(randomblob(3000)))", "INSERT INTO t VALUES(2, 'two')",
    ]

    @Test func writeAheadLogsAreProvenToTheirLastFrame() throws {
        let file = try log(writeAhead, "wal")
        let found = judgedVerdict(of: WriteAheadLogWalker(), on: file + [UInt8](repeating: 0, count: 5000))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .proven)
        #expect(found?.facts["page_size"] == 1024)
        #expect(found?.facts["frames"] == .size((file.count - 32) / 1048))
        expectNeverProvenWhenFlipped(WriteAheadLogWalker(), file, in: 24..<1080)
        // A cut between frames leaves a shorter log that is whole; the first bytes of a page's number are zeros.
        expectSteadfast(
            WriteAheadLogWalker(), file, every: 97, lies: Array(stride(from: 0, to: 60, by: 4)), decoy: 32,
            wholeAt: { $0 > 32 && ($0 - 32) % 1048 < 4 })
    }

    @Test func framesOfAnEarlierRoundBelongToTheLog() throws {
        let file = try log(
            writeAhead + ["PRAGMA wal_checkpoint(RESTART)", "INSERT INTO t VALUES(3, 'three')"], "wal")
        let found = judgedVerdict(of: WriteAheadLogWalker(), on: file + [UInt8](repeating: 0, count: 5000))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["old_frames"] != nil)
    }

    @Test func rollbackJournalsEndWithTheirLastRecord() throws {
        let file = try log(
            [
                "PRAGMA page_size=1024", "CREATE TABLE t(a, b)",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
                    + "INSERT INTO t SELECT i, hex(randomblob(100)) FROM n",
                "PRAGMA cache_size=10", "PRAGMA cache_spill=10", "BEGIN", "UPDATE t SET b = hex(randomblob(100))",
            ], "journal")
        let found = judgedVerdict(of: RollbackJournalWalker(), on: file + [UInt8](repeating: 0, count: 5000))
        #expect(found?.format == "sqlite-journal")
        #expect(found?.facts["page_size"] == 1024)
        #expect((found?.length ?? 0) > 1032 + 512)
        expectSteadfast(
            RollbackJournalWalker(), Array(file.prefix(found?.length ?? 0)), every: 1511, lies: [8, 20, 24], decoy: 28,
            // Between the last record of a count and the next header, what went before is a whole journal.
            wholeAt: { cut in
                let length = judgedVerdict(of: RollbackJournalWalker(), on: Array(file[..<cut]))?.length ?? 0
                return cut - length < 512
            })
    }

    @Test func aCountedJournalIsWholeOnlyWithAllItsRecords() {
        let page = (0..<1024).map { UInt8($0 % 251) }
        let sum = stride(from: 824, to: 0, by: -200).reduce(77) { $0 + Int(page[$1]) }
        let record = joined(.be32(3), page, .be32(sum))
        let header = joined(
            RollbackJournalWalker.magic, .be32(2), .be32(77), .be32(9), .be32(512), .be32(1024),
            [UInt8](repeating: 0, count: 484))
        let file = header + record + record
        let found = judgedVerdict(of: RollbackJournalWalker(), on: file + [UInt8](repeating: 0, count: 5000))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["records"] == 2)
        expectSteadfast(RollbackJournalWalker(), file, every: 5, lies: Array(0..<40), decoy: 28)
    }
}
