import EvidenceModel
import Testing

@testable import Carving

/// Every byte of a ZIP archive is accounted for, or the archive is not proven and says how many are not.
@Suite struct ZipAccountTests {
    private static let members = [
        (name: "a.txt", content: Array("first".utf8)), (name: "b.txt", content: Array("second".utf8)),
    ]

    /// An archive with other local headers than its directory says, and with bytes between its parts.
    private static func archive(
        extra: [UInt8] = [], between: [UInt8] = [], beforeDirectory: [UInt8] = [], unlisted: Set<Int> = [],
        otherNames: [Int: String] = [:], time: Int = 0, directoryExtra: [UInt8] = []
    ) -> [UInt8] {
        var body: [UInt8] = []
        var directory: [UInt8] = []
        for (number, (name, content)) in members.enumerated() {
            if number > 0 { body += between }
            var crc = CRC32()
            crc.update(content[...])
            let start =
                [UInt8](repeating: 0, count: 8) + .le32(Int(crc.value)) + .le32(content.count)
                + .le32(content.count) + .le16(name.utf8.count)
            if !unlisted.contains(number) {
                directory += joined(
                    [0x50, 0x4B, 1, 2, 20, 0, 10, 0], start, .le16(directoryExtra.count),
                    [UInt8](repeating: 0, count: 10), .le32(body.count), Array(name.utf8), directoryExtra)
            }
            let own = otherNames[number] ?? name
            body += joined(
                [0x50, 0x4B, 3, 4, 10, 0], Array(start.prefix(4)), .le32(time), Array(start.dropFirst(8).dropLast(2)),
                .le16(own.utf8.count), .le16(extra.count),
                Array(own.utf8), extra, content)
        }
        body += beforeDirectory
        let count = members.count - unlisted.count
        return body + directory
            + joined(
                [0x50, 0x4B, 5, 6, 0, 0, 0, 0], .le16(count), .le16(count), .le32(directory.count), .le32(body.count),
                .le16(0))
    }

    private static func expectStray(_ file: [UInt8], _ count: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        let found = verdict(of: ZipWalker(), on: file).completed
        #expect(found?.confidence == .structural, sourceLocation: sourceLocation)
        #expect(
            found?.warnings == ["\(count) bytes of the archive belong to no member, and no checksum covers them"],
            sourceLocation: sourceLocation)
    }

    /// No checksum covers a header: the block that holds it may be that of a like archive.
    @Test func anotherTimeInTheDirectoryIsNoProof() {
        let other = verdict(of: ZipWalker(), on: Self.archive(time: 0x5C42_8884)).completed
        #expect(other?.confidence == .structural)
        #expect(other?.warnings == ["2 members have another time in the central directory"])
        func extended(_ seconds: Int) -> [UInt8] { joined(.le16(0x5455), .le16(5), [1], .le32(seconds)) }
        let same = Self.archive(extra: extended(7), directoryExtra: extended(7))
        expectExact(ZipWalker(), same, .proven, format: "zip")
        let later = verdict(of: ZipWalker(), on: Self.archive(extra: extended(7), directoryExtra: extended(8)))
            .completed
        #expect(later?.confidence == .structural)
    }

    @Test func foreignBytesBetweenMembersAreNeverPartOfAWholeArchive() {
        expectExact(ZipWalker(), Self.archive(), .proven, format: "zip")
        var generator = SeededGenerator(seed: 3)
        for count in [1, 10, 512, 3000, 3072] {
            for bytes in [generator.bytes(count), [UInt8](repeating: 0, count: count)] {
                #expect(verdict(of: ZipWalker(), on: Self.archive(between: bytes)).completed == nil)
            }
        }
    }

    @Test func foreignBytesInAnExtraFieldAreCounted() {
        var generator = SeededGenerator(seed: 4)
        let record: [UInt8] = .le16(0x5455) + .le16(4) + generator.bytes(4)
        expectExact(ZipWalker(), Self.archive(extra: record + [0, 0, 0]), .proven, format: "zip")
        // Each of the two members has as many.
        let foreign = [UInt8](repeating: 0xEE, count: 3000)
        Self.expectStray(Self.archive(extra: foreign), 6000)
        Self.expectStray(Self.archive(extra: record + foreign), 6000)
    }

    @Test func foreignBytesBeforeTheDirectoryAreCounted() {
        var generator = SeededGenerator(seed: 5)
        let record = [0x50, 0x4B, 6, 8] + .le32(3000) + generator.bytes(3000)
        Self.expectStray(Self.archive(beforeDirectory: record), 3008)
        // A signing block whose pairs fill it accounts for all of it; one that holds anything else does not.
        func block(_ content: [UInt8]) -> [UInt8] {
            let size = content.count + 24
            return joined(.le64(size), content, .le64(size), Array("APK Sig Block 42".utf8))
        }
        let pair: [UInt8] = .le64(104) + generator.bytes(104)
        expectExact(ZipWalker(), Self.archive(beforeDirectory: block(pair + pair)), .proven, format: "zip")
        Self.expectStray(Self.archive(beforeDirectory: block(pair + [UInt8](repeating: 0xEE, count: 3000))), 3000)
    }

    @Test func membersThatTheDirectoryDoesNotNameAreOpened() throws {
        for number in 0...1 {
            let (medium, result) = try EmbeddedTesting.carve(Self.archive(unlisted: [number]))
            #expect(result.carved.first?.confidence == .structural)
            #expect(result.carved.first?.warnings == ["1 members are not in the central directory"])
            let children = result.embedded
            #expect(children.map(\.path) == ["E001/3584/a.txt", "E001/3584/b.txt"])
            for (index, child) in children.enumerated() {
                #expect(EmbeddedTesting.bytes(child, medium) == Self.members[index].content)
                #expect(
                    child.warnings
                        == (index == number ? ["not in the archive's directory: found by its own header"] : []))
            }
            try EmbeddedTesting.expectSound(result, medium)
        }
    }

    @Test func aMemberOfTwoNamesSaysSo() throws {
        let (_, result) = try EmbeddedTesting.carve(Self.archive(otherNames: [1: "z.exe"]))
        #expect(result.carved.first?.warnings == ["1 members have another name in the central directory"])
        #expect(result.embedded.map(\.path) == ["E001/3584/a.txt", "E001/3584/b.txt"])
        #expect(result.embedded.last?.warnings == ["its own header gives it another name: z.exe"])
        #expect(result.embedded.first?.warnings == [])
    }
}
