import EvidenceModel
import Foundation
import Testing

@testable import Carving

@Suite struct SystemFileWalkerTests {
    // MARK: ELF

    /// A program of this system, small enough to truncate often.
    private func program() throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/usr/bin/true"))) }

    @Test func programsEndWithTheirFurthestPart() throws {
        let file = try program()
        expectExact(ELFWalker(), file, .structural, format: "elf")
        expectNeverWholeWhenTruncated(ELFWalker(), file, every: 499)
        expectNeverTraps(ELFWalker(), file)
    }

    // MARK: Event logs

    private static func crc(_ bytes: [UInt8]) -> Int {
        var crc = CRC32()
        crc.update(bytes[...])
        return Int(crc.value)
    }

    /// A log of one chunk with one record of 64 bytes.
    static func eventLog() -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 4096)
        header.put(Array("ElfFile".utf8), at: 0)
        header.put(.le64(2), at: 24)
        header.put(joined(.le32(128), .le16(1), .le16(3), .le16(4096), .le16(1)), at: 32)
        header.put(.le32(crc(Array(header[..<120]))), at: 124)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        chunk.put(Array("ElfChnk".utf8), at: 0)
        for field in [8, 16, 24, 32] { chunk.put(.le64(1), at: field) }
        chunk.put(joined(.le32(128), .le32(512), .le32(576)), at: 40)
        chunk.put(joined([0x2A, 0x2A, 0, 0], .le32(64), .le64(1), .le64(132_000_000_000_000_000)), at: 512)
        chunk.put(.le32(crc(Array(chunk[512..<576]))), at: 52)
        chunk.put(.le32(crc(Array(chunk[..<120] + chunk[128..<512]))), at: 124)
        return header + chunk
    }

    @Test func eventLogsEndWithTheirLastChunk() {
        let file = Self.eventLog()
        expectExact(EventLogWalker(), file, .proven, format: "evtx")
        #expect(verdict(of: EventLogWalker(), on: file).completed?.facts["records"] == 1)
        expectNeverWholeWhenTruncated(EventLogWalker(), file, every: 1777, noise: 0)
        expectNeverProvenWhenFlipped(EventLogWalker(), file, in: 4096 + 512..<4096 + 576)
        expectNeverTraps(EventLogWalker(), file, rounds: 100)
    }

    @Test func recordsOfAnotherLogShow() {
        var file = Self.eventLog()
        file.put(.le64(3), at: 24)
        file.put(.le32(Self.crc(Array(file[..<120]))), at: 124)
        let found = verdict(of: EventLogWalker(), on: file).completed
        #expect(found?.confidence == .header)
        #expect(found?.warnings.contains { $0.contains("another log") } ?? false)
    }

    // MARK: Registry hives

    /// A hive of one bin: the root key and free space.
    static func hive(name: String = "") -> [UInt8] {
        var base = [UInt8](repeating: 0, count: 4096)
        base.put(joined(Array("regf".utf8), .le32(1), .le32(1), .le64(132_000_000_000_000_000)), at: 0)
        base.put(joined(.le32(1), .le32(5), .le32(0), .le32(1), .le32(32), .le32(4096), .le32(1)), at: 20)
        base.put(name.utf16.flatMap { [UInt8].le16(Int($0)) }, at: 48)
        var sum = 0
        for at in stride(from: 0, to: 508, by: 4) {
            for byte in 0..<4 { sum ^= Int(base[at + byte]) << (8 * byte) }
        }
        base.put(.le32(sum), at: 508)
        var bin = [UInt8](repeating: 0, count: 4096)
        bin.put(joined(Array("hbin".utf8), .le32(0), .le32(4096)), at: 0)
        bin.put(joined(.le32(-96), Array("nk".utf8), .le16(0x2C)), at: 32)
        bin.put(joined(.le16(4), .le16(0), Array("ROOT".utf8)), at: 32 + 76)
        bin.put(.le32(4096 - 32 - 96), at: 128)
        return base + bin
    }

    @Test func hivesEndWithTheirLastBinOrTheSpaceThatWindowsReserves() {
        expectExact(RegistryHiveWalker(), Self.hive(), .structural, format: "hive")
        #expect(verdict(of: RegistryHiveWalker(), on: Self.hive()).completed?.facts["root_key"] == "ROOT")
        let grown = Self.hive(name: "NTUSER.DAT") + [UInt8](repeating: 0, count: 262_144 - 8192)
        expectExact(RegistryHiveWalker(), grown, .structural, format: "hive")
        expectNeverWholeWhenTruncated(RegistryHiveWalker(), Self.hive(), every: 61, noise: 0)
        expectNeverTraps(RegistryHiveWalker(), Self.hive(), rounds: 500)
    }

    @Test func aHiveWithADamagedBinIsBroken() {
        var file = Self.hive()
        file.put(.le32(-97), at: 4096 + 32)
        #expect(verdict(of: RegistryHiveWalker(), on: file).brokenPrefix == 4096)
    }
}
