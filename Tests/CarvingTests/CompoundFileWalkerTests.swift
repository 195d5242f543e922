import EvidenceModel
import Testing

@testable import Carving

@Suite struct CompoundFileWalkerTests {
    private static let free = 0xFFFF_FFFF
    private static let endOfChain = 0xFFFF_FFFE

    private static func entry(
        _ name: String, kind: UInt8, child: Int = free, start: Int = endOfChain, size: Int = 0
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 128)
        bytes.put(name.utf16.flatMap { [UInt8].le16(Int($0)) }, at: 0)
        bytes.put(.le16(name.utf16.count * 2 + 2), at: 64)
        bytes[66] = kind
        bytes.put(joined(.le32(free), .le32(free), .le32(child)), at: 68)
        bytes.put(joined(.le32(start), .le32(size)), at: 116)
        return bytes
    }

    /// A compound file with one stream of eight sectors: sector 0 allocation table, 1 directory, 2 to 9 the stream.
    static func file(stream: String = "WordDocument", chain: [Int]? = nil, content: [UInt8]? = nil) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        header.put([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], at: 0)
        header.put(joined(.le16(0x3E), .le16(3), .le16(0xFFFE), .le16(9), .le16(6)), at: 24)
        header.put(joined(.le32(1), .le32(1)), at: 44)
        header.put(joined(.le32(4096), .le32(endOfChain), .le32(0), .le32(endOfChain), .le32(0)), at: 56)
        for index in 0..<109 { header.put(.le32(index == 0 ? 0 : free), at: 76 + 4 * index) }
        var table = [0xFFFF_FFFD, endOfChain] + (chain ?? [3, 4, 5, 6, 7, 8, 9, endOfChain])
        table += [Int](repeating: free, count: 128 - table.count)
        let directory = joined(
            entry("Root Entry", kind: 5, child: 1), entry(stream, kind: 2, start: 2, size: 4096),
            [UInt8](repeating: 0, count: 256))
        return joined(
            header, table.flatMap { [UInt8].le32($0) }, directory, content ?? [UInt8](repeating: 0, count: 4096))
    }

    @Test func endsWithItsLastAllocatedSector() {
        expectExact(CompoundFileWalker(), Self.file(), .structural, format: "doc")
        expectExact(
            CompoundFileWalker(), Self.file(stream: "Workbook", content: Self.sheet), .structural, format: "xls")
        expectExact(CompoundFileWalker(), Self.file(stream: "PowerPoint Document"), .structural, format: "ppt")
        expectExact(CompoundFileWalker(), Self.file(stream: "__properties_version1.0"), .structural, format: "msg")
    }

    @Test func recordsMustFollowOnEachOther() {
        var generator = SeededGenerator(seed: 2)
        let sheet = Self.file(stream: "Workbook", content: generator.bytes(4096))
        #expect(verdict(of: CompoundFileWalker(), on: sheet).completed?.confidence == .header)
        let whole = Self.file(stream: "Workbook", content: Self.sheet)
        #expect(verdict(of: CompoundFileWalker(), on: whole).completed?.confidence == .structural)
    }

    /// Records that fill a stream of 4096 bytes; the last one ends the sheet.
    private static let sheet = joined(
        .le16(0x0809), .le16(4088), [UInt8](repeating: 1, count: 4088), .le16(10), .le16(0))

    /// Only what its own content recognises shows that nothing was pushed back before it.
    @Test func piecesInSheetsAreNoticed() {
        expectPiecesNoticed(CompoundFileWalker(), Self.file(stream: "Workbook", content: Self.sheet))
        let document = Self.file() + [UInt8](repeating: 0, count: 512)
        #expect(believed(CompoundFileWalker(), document)?.confidence == .header)
    }

    @Test func isNeverWholeWhenTheSourceEnds() {
        expectNeverWholeWhenTruncated(CompoundFileWalker(), Self.file(), every: 13, noise: 0)
    }

    @Test func circularChainsEnd() {
        let circular = Self.file(chain: [3, 4, 5, 6, 7, 8, 9, 2])
        #expect(verdict(of: CompoundFileWalker(), on: circular).completed?.confidence != .structural)
        var directory = Self.file()
        directory.put(.le32(1), at: 512 + 4)
        #expect(verdict(of: CompoundFileWalker(), on: directory).completed == nil)
        var tables = Self.file()
        tables.put(.le32(60_000), at: 44)
        #expect(verdict(of: CompoundFileWalker(), on: tables + [UInt8](repeating: 0, count: 100)).completed == nil)
    }

    @Test func bytesInsertedBeforeTheDirectoryBreakIt() {
        let file = Self.file()
        var generator = SeededGenerator(seed: 8)
        let found = verdict(of: CompoundFileWalker(), on: file[..<1024] + generator.bytes(512) + file[1024...])
        #expect(found.brokenPrefix == 1024)
    }

    @Test func damageNeverTraps() { expectNeverTraps(CompoundFileWalker(), Array(Self.file()[..<1600]), rounds: 3000) }
}
