import EvidenceModel
import Foundation
import Testing

@testable import Carving

@Suite struct ArchiveWalkerTests {
    /// A folder of two files, packed by a shell command that writes the archive to its output.
    private func packed(_ command: String) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            var generator = SeededGenerator(seed: 4)
            for (name, lines) in [("a.txt", 30), ("b.txt", 900)] {
                let text = (0..<lines).map { "line \($0) \(generator.next() % 1000)\n" }.joined()
                try Data(text.utf8).write(to: folder.appendingPathComponent(name))
            }
            return try run("sh", ["-c", command], in: folder)
        }
    }

    @Test func tar() throws {
        let padded = try packed("tar -cf - --format=ustar a.txt b.txt")
        let found = verdict(of: TarWalker(), on: padded + [1]).completed
        #expect(found?.length == padded.count)
        // Zeros that end where a record does are padding; more of them might be the empty space behind the archive.
        #expect(found?.confidence == .structural)
        let followed = verdict(of: TarWalker(), on: padded + [UInt8](repeating: 0, count: 600)).completed
        #expect(followed?.confidence == .header)
        #expect(followed?.length == padded.count)
        // The end of an archive that begins elsewhere is no archive: its records do not count from its beginning.
        #expect(verdict(of: TarWalker(), on: Array(padded[1024...]) + [1]).completed?.confidence == .header)
        #expect(found?.facts["names"] == ["a.txt", "b.txt"])
        let short = try packed("tar -b 1 -cf - a.txt b.txt")
        #expect(verdict(of: TarWalker(), on: short + [1]).completed?.length == short.count)
        // The padding behind the two blocks of zeros may be missing; nothing else may.
        expectNeverWholeWhenTruncated(TarWalker(), short, every: 499, noise: 0)
        expectNeverTraps(TarWalker(), short)
    }

    @Test func xz() throws {
        for options in ["-0", "--block-size=4096 -T1", "--check=none", "--check=sha256"] {
            let file = try packed("xz \(options) -c b.txt")
            expectExact(
                XZWalker(), file, options == "--check=none" ? .structural : .proven, format: "xz")
            if options != "--check=none" {
                expectNeverProvenWhenFlipped(XZWalker(), file, in: 200..<600)
                expectPiecesNoticed(XZWalker(), file)
            }
            expectNeverWholeWhenTruncated(XZWalker(), file, every: 3)
            expectNeverTraps(XZWalker(), file)
        }
    }

    @Test func bzip2() throws {
        let file = try packed("bzip2 -c b.txt")
        expectExact(Bzip2Walker(), file, .proven, format: "bz2")
        expectNeverWholeWhenTruncated(Bzip2Walker(), file, every: 7)
        expectNeverProvenWhenFlipped(Bzip2Walker(), file, in: 400..<600)
        expectNeverTraps(Bzip2Walker(), file, rounds: 50)
    }

    private static func crc(_ bytes: [UInt8]) -> [UInt8] {
        var crc = CRC32()
        crc.update(bytes[...])
        return .le32(Int(crc.value))
    }

    @Test func sevenZip() {
        let header: [UInt8] = [1, 5, 0, 0]
        let start = joined(.le64(3), .le64(header.count), Self.crc(header))
        let file = joined([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4], Self.crc(start), start, [9, 9, 9], header)
        expectExact(SevenZipWalker(), file, .structural, format: "7z")
        expectNeverWholeWhenTruncated(SevenZipWalker(), file)
        expectNeverTraps(SevenZipWalker(), file, rounds: 1000)
    }

    private static func block5(_ body: [UInt8], data: [UInt8] = []) -> [UInt8] {
        let header = [UInt8(body.count)] + body
        return joined(crc(header), header, data)
    }

    @Test func rar() {
        let member = [2, 2, 5, 0, 5, 0, 0, 0, 4] + Array("note".utf8)
        let file = joined(
            [0x52, 0x61, 0x72, 0x21, 0x1A, 7, 1, 0], Self.block5([1, 0, 0]),
            Self.block5(member, data: Array("ledge".utf8)), Self.block5([5, 0, 0]))
        expectExact(RARWalker(), file, .structural, format: "rar")
        #expect(verdict(of: RARWalker(), on: file).completed?.facts["names"] == ["note"])
        expectNeverWholeWhenTruncated(RARWalker(), file)
        expectNeverTraps(RARWalker(), file, rounds: 1000)
    }

    /// A 32-bit program of one section.
    static func program(overlay: [UInt8] = []) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes.put(Array("MZ".utf8), at: 0)
        bytes.put(.le32(64), at: 60)
        bytes.put(joined([0x50, 0x45, 0, 0], .le16(0x14C), .le16(1)), at: 64)
        bytes.put(joined(.le16(224), .le16(2)), at: 84)
        bytes.put(.le16(0x10B), at: 88)
        bytes.put(joined(.le32(4096), .le32(512)), at: 88 + 32)
        bytes.put(.le32(512), at: 88 + 60)
        bytes.put(.le32(16), at: 88 + 92)
        bytes.put(joined(Array(".text".utf8), [0, 0, 0], .le32(100), .le32(4096), .le32(512), .le32(512)), at: 312)
        return bytes + overlay
    }

    @Test func programs() {
        expectExact(PEWalker(), Self.program(), .structural, format: "pe")
        expectNeverWholeWhenTruncated(PEWalker(), Self.program(), every: 13, noise: 0)
        let archive = ZipWalkerTests.stored([("a", Array("ledger".utf8))])
        // Offsets of an appended archive may count from its own start.
        let installer = Self.program(overlay: archive)
        expectExact(PEWalker(), installer, .structural, format: "pe")
        expectNeverTraps(PEWalker(), installer, rounds: 1000)
    }
}
