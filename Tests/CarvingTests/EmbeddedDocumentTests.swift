import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

@Suite struct EmbeddedDocumentTests {
    /// A photo with a thumbnail in its Exif block.
    static func photo() -> [UInt8] {
        var small = JPEGWriter(seed: 9)
        small.width = 16
        small.height = 16
        let thumbnail = small.baseline()
        var large = JPEGWriter(seed: 10)
        // First directory: the camera; second: place and length of the thumbnail.
        let first = joined(.le16(1), .le16(0x10F), .le16(2), .le32(4), Array("Cam\0".utf8), .le32(26))
        let second = joined(
            .le16(2), .le16(0x201), .le16(4), .le32(1), .le32(56), .le16(0x202), .le16(4), .le32(1),
            .le32(thumbnail.count + 6), .le32(0))
        large.thumbnail = joined(
            [0x49, 0x49, 0x2A, 0], .le32(8), first, second, thumbnail, [UInt8](repeating: 0, count: 6))
        return large.baseline()
    }

    static func mail(base64: String) -> [UInt8] {
        Array(
            """
            From: a@example.org
            To: b@example.org
            Subject: seals
            Date: Mon, 1 Jan 2024 10:00:00 +0000
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary="frontier"

            --frontier
            Content-Type: text/plain; charset=utf-8

            The text of the message.
            --frontier
            Content-Type: image/png; name="=?utf-8?B?w6nDqS5wbmc=?="
            Content-Transfer-Encoding: base64
            Content-Disposition: attachment

            \(base64)
            --frontier
            Content-Type: text/csv
            Content-Transfer-Encoding: quoted-printable
            Content-Disposition: attachment; filename*=utf-8''caf%C3%A9%2Fx.csv

            caf=C3=A9,one long =
            line
            --frontier--

            """.utf8)
    }

    @Test func thumbnailsOfPhotos() throws {
        let (medium, result) = try EmbeddedTesting.carve(Self.photo())
        try EmbeddedTesting.expectSound(result, medium)
        let thumbnail = try #require(result.embedded.first)
        #expect(thumbnail.path == "E001/3584/thumbnail.jpg")
        #expect(thumbnail.format == "jpeg")
        #expect(thumbnail.facts["width"] == 16)
        #expect(thumbnail.confidence == .structural)
        #expect(EmbeddedTesting.bytes(thumbnail, medium).suffix(2) == [0xFF, 0xD9], "ends where it says, not behind")
    }

    @Test func attachmentsOfMails() throws {
        let png = PNGWalkerTests.sample
        let lines = Data(png).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
        let (medium, result) = try EmbeddedTesting.carve(Self.mail(base64: lines))
        try EmbeddedTesting.expectSound(result, medium)
        let picture = try #require(result.embedded("/éé.png"))
        #expect(picture.format == "png")
        #expect(picture.decoding == "base64")
        #expect(picture.size == png.count)
        #expect(picture.confidence == .proven)
        #expect(picture.facts["member_mime"] == "image/png")
        let stored = try #require(String(bytes: EmbeddedTesting.bytes(picture, medium), encoding: .utf8))
        #expect(stored == lines)
        let table = try #require(result.embedded("/café\u{2215}x.csv"))
        #expect(table.decoding == "quoted-printable")
        #expect(table.size == "café,one long line".utf8.count)
        #expect(result.embedded.count == 2)
    }

    @Test func garbageInBase64IsRefused() throws {
        for garbage in ["!!!! no base64 at all ????", "A", "", "====", "iVBORw0KGgo*AAA"] {
            let list = try ContainerKind.mail.parts(
                of: try #require(EmbeddedTesting.carve(Self.mail(base64: "AAAA")).result.carved.first),
                ByteReader(MemorySource(Self.mail(base64: garbage)), at: 0), most: 10)
            for part in list.parts where part.coding == .base64 {
                var budget = EmbeddedBudget(CarveLimits(), size: 1000)
                var sink = try ContentSink(folder: "/var/tmp")
                let decoder = PartDecoder(
                    part: part, container: MemorySource(Self.mail(base64: garbage)), limits: CarveLimits(),
                    buffer: ReadBuffer(size: 4096))
                let end = try decoder.decode(into: &sink, &budget)
                #expect(end == .refused(.damaged), "\(garbage)")
            }
        }
    }

    @Test func picturesAndFilesOfPDFs() throws {
        var sample = JPEGWriter(seed: 2)
        let picture = sample.baseline()
        let deflated = try EmbeddedTesting.python("import zlib; out.write(zlib.compress(b'attached file ' * 50))")
        func stream(_ dictionary: String, _ content: [UInt8]) -> [UInt8] {
            joined(
                Array("<< \(dictionary) /Length \(content.count) >>\nstream\n".utf8), content,
                Array("\nendstream".utf8))
        }
        let file = PDFWalkerTests.document([
            Array("<< /Type /Catalog >>".utf8), stream("/Subtype /Image /Filter /DCTDecode", picture),
            stream("/Subtype /Image /Filter [ /DCTDecode ]", picture),
            stream("/Subtype /Image /Filter /FlateDecode", deflated),
            stream("/Type /EmbeddedFile /Filter /FlateDecode", deflated),
            Array("<< /Type /Filespec /F (plan.txt) /EF << /F 5 0 R >> >>".utf8),
        ])
        let (medium, result) = try EmbeddedTesting.carve(file)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(
            Set(result.embedded.map(\.path)) == [
                "E001/3584/object-2.jpg", "E001/3584/object-3.jpg", "E001/3584/plan.txt",
            ])
        let plan = try #require(result.embedded("/plan.txt"))
        #expect(plan.decoding == "zlib")
        #expect(plan.size == 700)
        #expect(plan.confidence == .proven, "the stream's Adler-32 holds")
    }

    @Test func objectsInCompoundFiles() throws {
        let png = PNGWalkerTests.sample
        let native = joined(
            .le32(0), .le16(2), Array("plan.png\0C:\\docs\\plan.png\0".utf8), .le32(0x30000), .le32(8),
            Array("C:\\t.pn\0".utf8), .le32(png.count), png)
        let whole = native + [UInt8](repeating: 0, count: 4096 - native.count)
        let (medium, result) = try EmbeddedTesting.carve(
            CompoundFileWalkerTests.file(stream: "\u{1}Ole10Native", content: whole))
        try EmbeddedTesting.expectSound(result, medium)
        let object = try #require(result.embedded.first)
        #expect(object.path == "E001/3584/%01Ole10Native/plan.png")
        #expect(object.facts["original_path"] == "C:\\docs\\plan.png")
        #expect(object.format == "png")
        #expect(object.confidence == .proven)

        let stream = png + [UInt8](repeating: 0, count: 4096 - png.count)
        let unknown = try EmbeddedTesting.carve(CompoundFileWalkerTests.file(stream: "Something", content: stream))
        #expect(unknown.result.embedded.isEmpty, "nothing says that the stream is one file")
    }

    @Test func pathsAreSafeToShow() {
        #expect(PartPath.escaped(Array("a/b c.txt".utf8)) == "a/b c.txt")
        #expect(PartPath.escaped(Array("/.././/a".utf8)) == "%2E%2E/a")
        #expect(PartPath.escaped(Array("a\u{1B}[31m\u{202E}txt.exe".utf8)) == "a%1B[31m%E2%80%AEtxt.exe")
        #expect(PartPath.escaped(Array("50%\\x\u{0}".utf8)) == "50%25%5Cx%00")
        #expect(PartPath.escaped([0x82, 0x41, 0xFF]) == "%82A%FF")
        #expect(PartPath.escaped(Array("日本/é".utf8)) == "日本/é")
        let long = PartPath.escaped([UInt8](repeating: 0x61, count: 5000))
        #expect(long.utf8.count <= PartPath.longest)
        #expect(long != PartPath.escaped([UInt8](repeating: 0x61, count: 5001)))
    }
}
