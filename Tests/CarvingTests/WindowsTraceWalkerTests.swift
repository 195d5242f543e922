import EvidenceModel
import SourceMedia
import Testing

@testable import Carving

/// Change journals, caches of thumbnails, mail folders of Outlook Express, jump lists and shortcuts.
@Suite struct WindowsTraceWalkerTests {
    // MARK: Change journals

    /// A record as NTFS writes it, at its place in the journal.
    private static func change(_ name: String, usn: Int, reason: Int, version: Int) -> [UInt8] {
        let text = [UInt8].utf16(name)
        let header = version == 2 ? 60 : 76
        let length = (header + text.count + 7) / 8 * 8
        let reference = [UInt8](repeating: 7, count: version == 2 ? 8 : 16)
        var record = joined(
            .le32(length), .le16(version), .le16(0), reference, reference, .le64(usn),
            .le64(133_000_000_000_000_000 + usn), .le32(reason), .le32(0), .le32(0), .le32(0x20), .le16(text.count),
            .le16(header), text)
        record += [UInt8](repeating: 0, count: length - record.count)
        return record
    }

    /// Three pages of a journal, the last of them half full.
    static func journal(version: Int = 2) -> [UInt8] {
        var generator = SeededGenerator(seed: 31)
        let first = 4096 * 9000
        var bytes: [UInt8] = []
        var number = 0
        while bytes.count < 2 * 4096 + 2000 {
            let name = "report-\(number)" + String(repeating: "x", count: Int.random(in: 0...40, using: &generator))
            let reason = [0x100, 0x8000_0200, 0x1000, 0x2].randomElement(using: &generator) ?? 0
            var record = change(name, usn: first + bytes.count, reason: reason, version: version)
            let rest = 4096 - bytes.count % 4096
            if record.count > rest {
                bytes += [UInt8](repeating: 0, count: rest)
                record = change(name, usn: first + bytes.count, reason: reason, version: version)
            }
            bytes += record
            number += 1
        }
        return bytes
    }

    @Test(arguments: [2, 3]) func journalsEndWithTheirLastRecord(_ version: Int) throws {
        let file = Self.journal(version: version)
        for tail in [[UInt8](repeating: 0, count: 4096), []] {
            let found = try #require(believed(ChangeJournalWalker(), file + tail))
            #expect(found.length == file.count)
            #expect(found.confidence == .structural)
            #expect(found.isPiece)
            #expect(found.facts["first_usn"] == .size(4096 * 9000))
            #expect(found.facts["last_change"] != nil)
            #expect(found.facts["deleted_names"] != nil)
        }
        expectNeverTraps(ChangeJournalWalker(), file, rounds: 500)
        expectDecoyRefused(ChangeJournalWalker(), file, keeping: 64)
        expectDecoysRefused(ChangeJournalWalker(), file)
    }

    /// Each record states its place: what is found is always the beginning of the journal, up to where it is not its own.
    @Test func piecesInJournalsEndThem() throws {
        let file = Self.journal()
        var generator = SeededGenerator(seed: 5)
        for border in stride(from: 512, to: file.count, by: 512) {
            for piece in [generator.bytes(512), [UInt8](repeating: 0, count: 512), prose(512), Array(file[..<512])] {
                let found = believed(ChangeJournalWalker(), file[..<border] + piece + file[border...])
                #expect(found?.length ?? 0 <= border)
            }
        }
        for length in stride(from: 0, to: file.count, by: 7) {
            let found = believed(ChangeJournalWalker(), Array(file[..<length]))
            #expect(found?.length ?? 0 <= length)
        }
        expectLiesAreFound(ChangeJournalWalker(), file)
    }

    // MARK: Thumbnails

    private static func thumbnails(version: UInt8, _ pictures: [(name: String, data: [UInt8])]) -> [UInt8] {
        let start = version < 26 ? 24 : 28
        var file = joined([0x43, 0x4D, 0x4D, 0x4D, version, 0, 0, 0], .le32(2), .le32(start))
        file += [UInt8](repeating: 0, count: start - file.count)
        for (name, data) in pictures {
            let text = [UInt8].utf16(name)
            let head = version == 21 ? 48 : 56
            var entry = joined([0x43, 0x4D, 0x4D, 0x4D], .le32(head + text.count + 2 + data.count), .le64(77))
            if version == 20 { entry += [UInt8].utf16("jpg\0") }
            entry += joined(.le32(text.count), .le32(2), .le32(data.count))
            entry += [UInt8](repeating: 9, count: head - entry.count)
            file += joined(entry, text, [0, 0], data)
        }
        return file
    }

    @Test(arguments: [20, 21, 30, 32] as [UInt8]) func thumbnailsAreChildrenOfTheirCache(_ version: UInt8) throws {
        let png = PNGWalkerTests.sample
        let file = Self.thumbnails(version: version, [("eb66cb10cb6b289e", png), ("0011", []), ("77aa", png)])
        let found = try #require(believed(ThumbnailCacheWalker(), file + [UInt8](repeating: 0, count: 3000)))
        #expect(found.length == file.count)
        #expect(found.confidence == .header)
        #expect(found.facts["pictures"] == 2)
        expectSteadfast(ThumbnailCacheWalker(), file, every: 3, decoy: 40)
        let (medium, result) = try EmbeddedTesting.carve(file)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded.map(\.path) == ["E001/3584/eb66cb10cb6b289e", "E001/3584/77aa"])
        #expect(result.embedded.allSatisfy { $0.format == "png" && $0.confidence == .proven && $0.decoding == nil })
    }

    // MARK: Outlook Express

    /// A folder with one message in two pieces, and one that the tree no longer names.
    private static func folder() -> [UInt8] {
        var generator = SeededGenerator(seed: 3)
        var file = [UInt8](repeating: 0, count: 0x24BC)
        file.put([0xCF, 0xAD, 0x12, 0xFE, 0xC5, 0xFD, 0x74, 0x6F, 0x66, 0xE3], at: 0)
        file.put([0xD1, 0x11, 0x9A, 0x4E, 0, 0xC0, 0x4F, 0xA3, 9, 0xD4], at: 10)
        let text = message("first", filler: 700)
        let deleted = message("deleted", filler: 20)
        func piece(_ bytes: ArraySlice<UInt8>, at: Int, next: Int) -> [UInt8] {
            joined(
                .le32(at), .le32(512), .le32(bytes.count), .le32(next), Array(bytes), generator.bytes(512 - bytes.count)
            )
        }
        let second = file.count + 2 * 528
        file += piece(text[..<512], at: file.count, next: second)
        file += piece(deleted[...], at: file.count, next: 0)
        file += piece(text[512...], at: file.count, next: 0)
        let record = file.count
        file += joined(.le32(record), .le32(12), .le32(0), [UInt8](repeating: 0, count: 12))
        let node = file.count
        file += joined(
            .le32(node), .le32(0), .le32(0), .le32(0), [0, 1, 0, 0], .le32(0), .le32(record), .le32(0), .le32(0))
        file.put(.le32(file.count), at: 0x7C)
        file.put(.le32(1), at: 0xC4)
        file.put(.le32(node), at: 0xE4)
        return file
    }

    private static func message(_ subject: String, filler: Int) -> [UInt8] {
        Array(
            """
            From: Ann <ann@example.org>
            To: Bob <bob@example.org>
            Subject: \(subject)
            Date: Mon, 4 Jan 2021 10:11:12 +0000

            \(String(repeating: "seal ", count: filler / 5))

            """.utf8)
    }

    @Test func foldersGiveTheirMessages() throws {
        let file = Self.folder()
        let found = try #require(believed(OutlookExpressWalker(), file + [UInt8](repeating: 0, count: 3000)))
        #expect(found.length == file.count)
        #expect(found.confidence == .header)
        #expect(found.facts["entries"] == 1)
        expectSteadfast(OutlookExpressWalker(), file, every: 37, decoy: 300)
        let (medium, result) = try EmbeddedTesting.carve(file)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded.map { $0.facts["subject"] } == ["first", "deleted"])
        #expect(result.embedded.map(\.extents.count) == [2, 1])
        #expect(result.embedded.allSatisfy { $0.format == "eml" })
    }

    @Test func chainsThatLeadBackEnd() throws {
        var file = Self.folder()
        // The second piece names the first as its next.
        file.put(.le32(0x24BC), at: 0x24BC + 2 * 528 + 12)
        let (_, result) = try EmbeddedTesting.carve(file)
        #expect(result.embedded.map { $0.facts["subject"] } == ["deleted"])
    }

    // MARK: Jump lists and shortcuts

    private static func destinations(version: Int) -> [UInt8] {
        var list = joined(.le32(version), .le32(2), .le32(1), [UInt8](repeating: 0, count: 20))
        for (index, path) in ["C:\\Users\\ann\\plan.docx", "E:\\photos"].enumerated() {
            var entry = [UInt8](repeating: 0, count: 112)
            entry.put(Array("desktop-7".utf8), at: 72)
            entry.put(.le64(133_000_000_000_000_000 + index * 10_000_000), at: 100)
            entry.put(.le32(index == 0 ? 0xFFFF_FFFF : 0), at: 108)
            if version > 1 { entry += [UInt8](repeating: 0xFF, count: 16) }
            list += joined(entry, .le16(path.utf16.count), .utf16(path), version > 1 ? [0, 0, 0, 0] : [])
        }
        return list + [UInt8](repeating: 0, count: 4096 - list.count)
    }

    @Test(arguments: [1, 4]) func jumpListsTellWhatWasOpened(_ version: Int) throws {
        let content = Self.destinations(version: version)
        let file = CompoundFileWalkerTests.file(stream: "DestList", content: content)
        let found = try #require(verdict(of: CompoundFileWalker(), on: file).completed)
        #expect(found.format == "automaticDestinations-ms")
        #expect(found.facts["entries"] == 2)
        #expect(found.facts["pinned"] == 1)
        #expect(found.facts["machine"] == "desktop-7")
        #expect(found.facts["targets"] == ["C:\\Users\\ann\\plan.docx", "E:\\photos"])
        #expect(found.facts["last_opened"] == "2022-06-18T04:26:41.000Z")
        for length in 0..<300 { _ = DestinationList(Array(content[..<length])) }
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<300 {
            var damaged = content
            for _ in 0..<4 { damaged[Int.random(in: 0..<300, using: &generator)] = 0xFF }
            _ = DestinationList(damaged)
        }
    }

    /// A shortcut to a file on a removable drive, with the tracker's data.
    private static func shortcut() -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 76)
        header.put(ShellLinkWalker().signatures[0].bytes, at: 0)
        header.put(.le32(0x82), at: 20)
        header.put(.le32(1), at: 60)
        let volume = joined(.le32(16 + 6), .le32(2), .le32(0x1A2B_3C4D), .le32(16), Array("STICK\0".utf8))
        let path = Array("E:\\photos\\seal.jpg\0".utf8)
        let location = joined(
            .le32(28 + volume.count + path.count + 1), .le32(28), .le32(1), .le32(28), .le32(28 + volume.count),
            .le32(0),
            .le32(28 + volume.count + path.count), volume, path, [0])
        // A version 1 UUID (RFC 9562, appendix A.1): C232AB00-9414-11EC-B3C8-9F6BDECED846.
        let identifier: [UInt8] = [
            0x00, 0xAB, 0x32, 0xC2, 0x14, 0x94, 0xEC, 0x11, 0xB3, 0xC8, 0x9E, 0x6B, 0xDE, 0xCE, 0xD8, 0x46,
        ]
        let tracker = joined(
            .le32(96), .le32(0xA000_0003), .le32(88), .le32(0), Array("desktop-7".utf8),
            [UInt8](repeating: 0, count: 7), [UInt8](repeating: 1, count: 16), identifier,
            [UInt8](repeating: 1, count: 16), identifier)
        return joined(header, location, tracker, .le32(0))
    }

    @Test func shortcutsTellWhereTheirTargetWas() throws {
        let file = Self.shortcut()
        let found = try #require(verdict(of: ShellLinkWalker(), on: file).completed)
        #expect(found.length == file.count)
        #expect(found.facts["target"] == "E:\\photos\\seal.jpg")
        #expect(found.facts["volume_serial"] == "1A2B-3C4D")
        #expect(found.facts["volume_name"] == "STICK")
        #expect(found.facts["drive_kind"] == "removable")
        #expect(found.facts["machine"] == "desktop-7")
        #expect(found.facts["file_identifier"] == "c232ab00-9414-11ec-b3c8-9e6bdeced846")
        #expect(found.facts["file_identifier_made"] == "2022-02-22T19:22:22.000Z")
        #expect(found.facts["network_address"] == "9e:6b:de:ce:d8:46")
        expectNeverWholeWhenTruncated(ShellLinkWalker(), file, noise: 0)
        expectNeverTraps(ShellLinkWalker(), file, rounds: 1000)
        expectLiesAreFound(ShellLinkWalker(), file)
    }

    // MARK: Tables

    @Test func tablesEndWithTheirLastLine() throws {
        let table =
            "Date,Name,\"Amount, total\"\r\n2021-01-04,Ann,\"4,50\"\r\n"
            + "2021-01-05,\"B\"\"ob\r\nC.\",7\r\n2021-01-06,,\r\n"
        let file = Array(table.utf8)
        for tail in [[UInt8](repeating: 0, count: 2000), [0x80] + EmbeddedTesting.noise(2000)] {
            let found = try #require(believed(TableWalker(), file + tail))
            #expect(found.length == file.count)
            #expect(found.confidence == .header)
            #expect(found.facts["rows"] == 3)
            #expect(found.facts["columns"] == 3)
        }
        for (separator, mark) in [(";", ""), ("\t", ""), (",", "\u{FEFF}")] {
            let other = Array((mark + "Name;Number;When\nAnn;1;2\nBob;2;3\n".replacing(";", with: separator)).utf8)
            #expect(believed(TableWalker(), other + [0, 0])?.length == other.count)
        }
        expectNeverTraps(TableWalker(), file, rounds: 500)
        expectSteadfast(TableWalker(), file, every: 3, decoy: 20)
        for text in [
            "name, the second of them, was\nnot, as one might think, given\nbut, of all things, taken\n",
            "id, name, {\n a, b, c;\n d, e, f;\n", "Date,Name\n1,2\n3,4\n", "Type,A,B\n1,2\n1,2,3\n",
        ] {
            #expect(believed(TableWalker(), Array(text.utf8)) == nil)
        }
    }
}
