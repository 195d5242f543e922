import Digesting
import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// The program that unpacks in a process of its own.
enum UnpackingProgram {
    static let isBuilt: Bool = {
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            return false
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        return FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent("exhibit").path)
    }()
}

/// Archives that only libarchive decodes, in a process of its own: the program `exhibit`, which a whole build puts beside
/// the tests. Without it, as where only single targets are built, there is nothing to test.
@Suite(.timeLimit(.minutes(10)), .enabled(if: UnpackingProgram.isBuilt, "the program exhibit is not built"))
struct EmbeddedUnpackedTests {
    private let png = PNGWalkerTests.sample
    private let text = EmbeddedTesting.text(400)

    private func sevenZip(_ options: [String] = [], _ files: [(name: String, content: [UInt8])]) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            for (name, content) in files {
                let path = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(content).write(to: path)
            }
            try run("bsdtar", ["--format", "7zip"] + options + ["-cf", "x.7z"] + files.map(\.name), in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.7z")))
        }
    }

    @Test func membersOf7zAreUnpackedAndWrittenAgain() throws {
        let archive = try sevenZip(
            [], [("a/notes.txt", text), ("seal.png", png), ("c.bin", EmbeddedTesting.noise(900))])
        let (medium, result) = try EmbeddedTesting.carve(archive)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded.map(\.path).sorted() == ["a/notes.txt", "c.bin", "seal.png"].map { "E001/3584/" + $0 })
        let notes = try #require(result.embedded("/a/notes.txt"))
        #expect(notes.decoding == "7z:0")
        let place = try #require(result.carved.first?.extents.first)
        #expect(notes.extents == [Extent(offset: place.offset + 32, length: place.length - 32)], "behind the header")
        #expect(try notes.sha256 == digest(.sha256, of: text))
        #expect(notes.confidence == .header, "nobody knows more of it than its bytes")
        #expect(notes.facts["member_modified"] != nil)
        let picture = try #require(result.embedded("/seal.png"))
        #expect(picture.decoding == "7z:1")
        #expect(picture.confidence == .proven)
        let again = try EmbeddedTesting.carve(medium: medium, workers: 4)
        #expect(again.artifacts == result.artifacts)
    }

    @Test func archivesInArchivesAreUnpacked() throws {
        let inner = try sevenZip([], [("deep.txt", text)])
        let archive = ZipWalkerTests.stored([("inner.7z", inner), ("p.png", png)])
        let (medium, result) = try EmbeddedTesting.carve(archive)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded("/inner.7z/deep.txt")?.decoding == "7z:0")
        let outer = try sevenZip([], [("box.zip", ZipWalkerTests.stored([("p.png", png)]))])
        let (secondMedium, second) = try EmbeddedTesting.carve(outer)
        try EmbeddedTesting.expectSound(second, secondMedium)
        #expect(second.embedded("/box.zip/p.png")?.decoding == "7z:0/zip")
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc = CRC32()
        crc.update(bytes[...])
        return crc.value
    }

    /// RAR 5 with one stored member and its CRC-32.
    private static func rar5(_ content: [UInt8], crc stated: UInt32? = 0) -> [UInt8] {
        func block(_ body: [UInt8]) -> [UInt8] {
            let header = [UInt8(body.count)] + body
            return .le32(Int(crc(header))) + header
        }
        func number(_ value: Int) -> [UInt8] { [UInt8(value & 0x7F | 0x80), UInt8(value >> 7)] }
        let sum = stated.map { [UInt8].le32(Int($0 == 0 ? crc(content) : $0)) } ?? []
        let member = joined(
            [2, 2], number(content.count), [stated == nil ? 0 : 4], number(content.count), [0], sum, [0, 1, 4],
            Array("note".utf8))
        return joined(
            [0x52, 0x61, 0x72, 0x21, 0x1A, 7, 1, 0], block([1, 0, 0]), block(member), content, block([5, 0, 0]))
    }

    @Test func membersOfRAR5AreUnpacked() throws {
        let content = EmbeddedTesting.noise(900)
        let (medium, result) = try EmbeddedTesting.carve(Self.rar5(content))
        try EmbeddedTesting.expectSound(result, medium)
        let note = try #require(result.embedded.first)
        #expect(note.path == "E001/3584/note")
        #expect(note.decoding == "rar:0")
        #expect(note.confidence == .proven)
        #expect(note.extents.map(\.length) == [content.count], "stored: its bytes as they are")
        #expect(try note.sha256 == digest(.sha256, of: content))
        let (_, damaged) = try EmbeddedTesting.carve(Self.rar5(content, crc: 7))
        #expect(damaged.embedded.map(\.confidence) == [.broken])
        let (_, without) = try EmbeddedTesting.carve(Self.rar5(content, crc: nil))
        #expect(without.embedded.map(\.confidence) == [.header], "nothing checks it")
    }

    /// RAR 4 with one stored member.
    private static func rar4(_ content: [UInt8], flags: Int, crc stated: UInt32) -> [UInt8] {
        func block(_ body: [UInt8]) -> [UInt8] { .le16(Int(crc(body) & 0xFFFF)) + body }
        let member = joined(
            [0x74], .le16(0x8000 | flags), .le16(32 + 4), .le32(content.count), .le32(content.count), [3],
            .le32(Int(stated)), .le32(0x5221_0000), [29, 0x30], .le16(4), .le32(0o100644), Array("note".utf8))
        return joined(
            [0x52, 0x61, 0x72, 0x21, 0x1A, 7, 0], block(joined([0x73], .le16(0), .le16(13), [0, 0, 0, 0, 0, 0])),
            block(member), content, [0xC4, 0x3D, 0x7B, 0x00, 0x40, 0x07, 0x00])
    }

    @Test func membersOfRAR4AreProvenByTheirChecksum() throws {
        let content = EmbeddedTesting.noise(320)
        let (medium, result) = try EmbeddedTesting.carve(
            Self.rar4(content, flags: 0, crc: Self.crc(content)))
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded.map(\.confidence) == [.proven])
        #expect(result.embedded.first?.decoding == "rar:0")
        let (_, damaged) = try EmbeddedTesting.carve(Self.rar4(content, flags: 0, crc: 9))
        #expect(damaged.embedded.map(\.confidence) == [.broken])
    }

    @Test func encryptedMembersAreRefused() throws {
        let (_, result) = try EmbeddedTesting.carve(Self.rar4(EmbeddedTesting.noise(320), flags: 4, crc: 9))
        #expect(result.embedded.isEmpty)
        let parent = try #require(result.carved.first)
        #expect(parent.format == "rar")
        #expect(parent.warnings.contains("1 embedded file was not opened: encrypted"))
        #expect(parent.facts["encrypted_members"] == 1)
    }

    /// A cabinet with two stored files.
    @Test func membersOfCabinetsAreUnpacked() throws {
        let first = EmbeddedTesting.noise(700)
        func entry(_ name: String, size: Int, at offset: Int) -> [UInt8] {
            joined(
                .le32(size), .le32(offset), .le16(0), .le16(0x5221), .le16(0x6000), .le16(0x20), Array(name.utf8), [0])
        }
        let entries = entry("a.dat", size: first.count, at: 0) + entry("sub\\p.png", size: png.count, at: first.count)
        let content = first + png
        let data = joined(.le32(0), .le16(content.count), .le16(content.count), content)
        let start = 36 + 8 + entries.count
        let file = joined(
            Array("MSCF".utf8), .le32(0), .le32(start + data.count), .le32(0), .le32(44), .le32(0), [3, 1], .le16(1),
            .le16(2), .le16(0), .le16(1), .le16(0), .le32(start), .le16(1), .le16(0), entries, data)
        let (medium, result) = try EmbeddedTesting.carve(file)
        try EmbeddedTesting.expectSound(result, medium)
        let data0 = try #require(result.embedded("3584/a.dat"))
        let picture = try #require(result.embedded("3584/sub/p.png"))
        #expect(result.embedded.count == 2)
        #expect([data0, picture].map(\.confidence) == [.header, .proven])
        #expect([data0, picture].map(\.decoding) == ["cab:0", "cab:1"])
    }

    @Test func bombsAndManyMembersStopAtTheirLimits() throws {
        let zeros = try sevenZip([], [("zeros", [UInt8](repeating: 0, count: 100 << 20))])
        #expect(zeros.count < 1 << 20)
        let (_, bomb) = try EmbeddedTesting.carve(zeros)
        #expect(bomb.embedded.isEmpty)
        #expect(bomb.limitsHit["embedded_ratio"] ?? 0 > 0)
        let many = try sevenZip([], (0..<8).map { ("\($0)", EmbeddedTesting.noise(300, seed: UInt64($0))) })
        var limits = CarveLimits()
        limits.embeddedMembers = 3
        let (medium, few) = try EmbeddedTesting.carve(many, limits: limits)
        try EmbeddedTesting.expectSound(few, medium)
        #expect(few.embedded.count == 3)
        #expect(few.limitsHit["embedded_members"] ?? 0 > 0)
        limits = CarveLimits()
        limits.embeddedMemberBytes = 200
        let (_, none) = try EmbeddedTesting.carve(many, limits: limits)
        #expect(none.embedded.isEmpty)
        #expect(none.limitsHit == ["embedded_member_bytes": 8])
        limits = CarveLimits()
        limits.embeddedUnpackedBytes = 1000
        let (_, large) = try EmbeddedTesting.carve(many, limits: limits)
        #expect(large.limitsHit["embedded_unpacked_bytes"] ?? 0 > 0)
    }

    @Test func damagedArchivesEnd() throws {
        var generator = SeededGenerator(seed: 15)
        let archive = try sevenZip([], [("a", text), ("b", png)])
        let worker = ReadBuffer(size: 1 << 16)
        for format in [UnpackFormat.sevenZip, .rar, .cabinet, .lha] {
            for _ in 0..<4 {
                var damaged = archive
                for _ in 0..<6 { damaged[Int.random(in: 32..<archive.count, using: &generator)] ^= 0x55 }
                var budget = EmbeddedBudget(CarveLimits(), size: damaged.count)
                let list = try UnpackedParts(
                    format: format, container: MemorySource(damaged), limits: CarveLimits(), workFolder: "/var/tmp",
                    buffer: worker
                ).list(&budget, most: 100)
                #expect(list.parts.count <= 2)
                #expect(list.parts.count == 2 || !list.refused.isEmpty)
            }
        }
    }
}
