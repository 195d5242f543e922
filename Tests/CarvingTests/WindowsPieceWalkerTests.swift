import EvidenceModel
import SourceMedia
import Testing

@testable import Carving

@Suite struct WindowsPieceWalkerTests {
    // MARK: File records

    static func fileRecord(_ number: Int, name: String) -> [UInt8] {
        var record = [UInt8](repeating: 0, count: 1024)
        record.put(joined(Array("FILE".utf8), .le16(48), .le16(3)), at: 0)
        func attribute(_ kind: Int, _ content: [UInt8]) -> [UInt8] {
            let padded = content + [UInt8](repeating: 0, count: (8 - content.count % 8) % 8)
            return joined(
                .le32(kind), .le32(24 + padded.count), [0, 0], .le16(24), .le16(0), .le16(0), .le32(content.count),
                .le16(24), .le16(0), padded)
        }
        let time = [UInt8].le64(132_000_000_000_000_000)
        let information = attribute(0x10, time + time + time + time + [UInt8](repeating: 0, count: 16))
        let fileName = attribute(
            0x30, [UInt8](repeating: 0, count: 64) + [UInt8(name.utf16.count), 1] + .utf16(name))
        let attributes = information + fileName + .le32(0xFFFF_FFFF) + .le32(0)
        record.put(joined(.le16(1), .le16(1), .le16(56), .le16(1), .le32(56 + attributes.count), .le32(1024)), at: 16)
        record.put(.le32(number), at: 44)
        record.put(attributes, at: 56)
        record.put([7, 0], at: 48)
        for end in [510, 1022] {
            record.put(Array(record[end..<end + 2]), at: 50 + (end - 510) / 256)
            record.put([7, 0], at: end)
        }
        return record
    }

    @Test func runsOfFileRecordsAreOnePiece() {
        let file = Self.fileRecord(40, name: "ledger.xlsx") + Self.fileRecord(41, name: "seal.png")
        for tail in [[], [UInt8](repeating: 0, count: 2000), Self.fileRecord(50, name: "other")] {
            let found = judgedVerdict(of: FileRecordWalker(), on: file + tail)
            #expect(found?.length == 2048)
            #expect(found?.confidence == .structural)
            #expect(found?.isPiece == true)
            #expect(found?.facts["names"] == ["ledger.xlsx", "seal.png"])
            #expect(found?.facts["first_record"] == 40)
        }
        expectSteadfast(FileRecordWalker(), file, decoy: 300, wholeAt: { $0 >= 1024 })
        var torn = file
        torn[510] ^= 1
        #expect(judgedVerdict(of: FileRecordWalker(), on: torn) == nil)
    }

    // MARK: Event logs

    @Test func chunksWithoutTheirLogAreProven() {
        let chunk = Array(SystemFileWalkerTests.eventLog().dropFirst(4096))
        let found = judgedVerdict(of: EventChunkWalker(), on: chunk + [1, 2, 3])
        #expect(found?.length == 65_536)
        #expect(found?.confidence == .proven)
        #expect(found?.facts["records"] == 1)
        expectNeverProvenWhenFlipped(EventChunkWalker(), chunk, in: 512..<576)
        expectSteadfast(
            EventChunkWalker(), chunk, every: 3553, lies: Array(stride(from: 8, to: 130, by: 8)), decoy: 512)
    }

    static func oldEventLog() -> [UInt8] {
        var record = joined(
            .le32(0), Array("LfLe".utf8), .le32(1), .le32(1_000_000_000), .le32(1_000_000_000),
            [UInt8](repeating: 0, count: 36))
        record += .utf16("Service") + [0, 0] + .utf16("LAB-NT") + [0, 0]
        record += [UInt8](repeating: 0, count: (4 - record.count % 4) % 4) + .le32(record.count + 4)
        record.put(.le32(record.count), at: 0)
        record.put(.le32(record.count), at: record.count - 4)
        let end = 48 + record.count
        let header = joined(
            .le32(48), Array("LfLe".utf8), .le32(1), .le32(1), .le32(48), .le32(end), .le32(2), .le32(1), .le32(4096),
            .le32(0), .le32(0), .le32(48))
        let last = joined(
            .le32(0x28), .le32(0x1111_1111), .le32(0x2222_2222), .le32(0x3333_3333), .le32(0x4444_4444), .le32(48),
            .le32(end), .le32(2), .le32(1), .le32(0x28))
        let used = header + record + last
        return used + [UInt8](repeating: 0, count: 4096 - used.count)
    }

    @Test func oldLogsHaveTheStatedSize() {
        let file = Self.oldEventLog()
        let found = judgedVerdict(of: OldEventLogWalker(), on: file)
        #expect(found?.length == 4096)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["computer"] == "LAB-NT")
        #expect(found?.facts["records"] == 1)
        // The rest of the ring is of no known content: only the end of the source shows the log's end.
        #expect(judgedVerdict(of: OldEventLogWalker(), on: file + [1])?.confidence == .header)
        for length in stride(from: 0, to: 4096, by: 13) {
            #expect(!isBelieved(OldEventLogWalker(), Array(file[..<length])))
        }
        expectSteadfast(OldEventLogWalker(), Array(file.prefix(400)), lies: Array(0..<60), decoy: 48)
    }

    // MARK: Registry

    @Test func binsWithoutTheirHiveAreWalked() {
        let bin = Array(SystemFileWalkerTests.hive().dropFirst(4096))
        let found = judgedVerdict(of: HiveBinWalker(), on: bin)
        #expect(found?.length == 4096)
        #expect(found?.confidence == .structural)
        // Nothing shows what is in the very last cell.
        #expect(judgedVerdict(of: HiveBinWalker(), on: bin + [1, 2, 3])?.length == 4096)
        #expect(judgedVerdict(of: HiveBinWalker(), on: bin + [1, 2, 3])?.confidence == .header)
        #expect(found?.facts["names"] == ["ROOT"])
        expectSteadfast(HiveBinWalker(), bin, every: 13, lies: Array(0..<140), decoy: 32)
    }

    // MARK: Recycle bin

    @Test(arguments: [1, 2]) func notesOfDeletedFilesEndWithTheirPath(version: Int) {
        let path = [UInt8].utf16("C:\\Users\\ann\\ledger.xlsx") + [0, 0]
        let tail =
            version == 1 ? path + [UInt8](repeating: 0, count: 520 - path.count) : .le32(path.count / 2) + path
        let file = joined(.le64(version), .le64(123_456), .le64(132_000_000_000_000_000), tail)
        let walker = RecycledFileWalker()
        #expect(walker.signatures.contains { file.dropFirst($0.offset).starts(with: $0.bytes) })
        let found = judgedVerdict(of: walker, on: file + [UInt8](repeating: 0, count: 600))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural || version == 1)
        #expect(found?.facts["path"] == "C:\\Users\\ann\\ledger.xlsx")
        #expect(found?.facts["original_bytes"] == 123_456)
        #expect(found?.facts["deleted"] == "2019-04-17T18:40:00.000Z")
        // Zeros behind a cut are the path's own padding.
        for length in 0..<file.count { #expect(!isBelieved(walker, Array(file[..<length])) || version == 1) }
        expectSteadfast(walker, file, decoy: 28, wholeAt: { $0 > 60 })
    }
}
