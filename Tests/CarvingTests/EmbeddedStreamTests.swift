import Digesting
import EvidenceModel
import SourceMedia
import Testing

@testable import Carving

/// Compressed streams, simple archives, mailboxes and discs as containers.
@Suite struct EmbeddedStreamTests {
    private static let lzip = """
        import lzma, struct, zlib
        def lzip(content):
            alone = lzma.compress(content, lzma.FORMAT_ALONE)
            member = b'LZIP\\1\\x17' + alone[13:] + struct.pack('<IQ', zlib.crc32(content), len(content))
            return member + struct.pack('<Q', len(member) + 8)

        """

    @Test(arguments: [
        ("xz", "import lzma; out.write(lzma.compress(b'seal ' * 9000) + lzma.compress(b'more ' * 9))"),
        ("lzip", lzip + "out.write(lzip(b'seal ' * 9000) + lzip(b'more ' * 9))"),
    ])
    func checkedStreamsAreProven(_ sample: (coding: String, script: String)) throws {
        let (medium, result) = try EmbeddedTesting.carve(try EmbeddedTesting.python(sample.script))
        try EmbeddedTesting.expectSound(result, medium)
        let content = try #require(result.embedded.first)
        #expect(content.size == 45_045)
        #expect(content.decoding == sample.coding)
        #expect(content.format == "text")
        #expect(content.confidence == .proven)
        #expect(content.path == "E001/3584/content")
    }

    @Test func framesAreDecompressed() throws {
        let zstd = try #require(ZstandardWalkerTests.frames.first)
        let expected = Array(LZ4WalkerTests.expected) + [UInt8](repeating: 0x33, count: 40)
        for (file, coding) in [
            (LZ4WalkerTests.frame(), "lz4"), (LZ4WalkerTests.frame() + LZ4WalkerTests.frame(), "lz4"), (zstd, "zstd"),
        ] {
            let (medium, result) = try EmbeddedTesting.carve(file)
            try EmbeddedTesting.expectSound(result, medium)
            let content = try #require(result.embedded.first, "\(coding)")
            #expect(content.decoding == coding)
            #expect(content.confidence == .proven)
            if coding == "lz4" {
                let whole = file.count > LZ4WalkerTests.frame().count ? expected + expected : expected
                #expect(try content.sha256 == digest(.sha256, of: whole))
            }
        }
        // Without a checksum, nothing proves the content.
        let (_, result) = try EmbeddedTesting.carve(LZ4WalkerTests.frame(contentCheck: false))
        #expect(result.embedded.map(\.confidence) == [.header])
    }

    @Test func streamsWithoutAChecksumAreNotProven() throws {
        let file = try EmbeddedTesting.python(
            "import lzma; out.write(lzma.compress(b'seal ' * 900, check=lzma.CHECK_NONE))")
        let (_, result) = try EmbeddedTesting.carve(file)
        #expect(result.embedded.map(\.confidence) == [.header])
    }

    @Test func archivesInStreamsAreOpened() throws {
        let file = try EmbeddedTesting.python(
            """
            import io, lzma, tarfile
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode='w') as t:
                info = tarfile.TarInfo('notes/one.txt'); info.size = 600; info.mtime = 1_600_000_000
                t.addfile(info, io.BytesIO(b'ledger ' * 85 + b'.....'))
            out.write(lzma.compress(tar.getvalue()))
            """)
        let (medium, result) = try EmbeddedTesting.carve(file)
        try EmbeddedTesting.expectSound(result, medium)
        let note = try #require(result.embedded("/content/notes/one.txt"))
        #expect(note.decoding == "xz/tar")
        #expect(note.size == 600)
    }

    @Test func bombsAndLargeWindowsAreRefused() throws {
        for (script, limit) in [
            ("import lzma; out.write(lzma.compress(b'\\0' * (160 << 20)))", "embedded_ratio"),
            (
                """
                import lzma
                filters = [{'id': lzma.FILTER_LZMA2, 'preset': 0, 'dict_size': 128 << 20}]
                out.write(lzma.compress(b'seal ' * 900, filters=filters))
                """, "embedded_window_bytes"
            ),
        ] {
            let (_, result) = try EmbeddedTesting.carve(try EmbeddedTesting.python(script))
            #expect(result.embedded.isEmpty)
            #expect(result.limitsHit == [limit: 1])
            #expect(result.carved.first?.warnings.contains("1 embedded file was not opened: limit " + limit) == true)
        }
    }

    @Test(arguments: ["070701", "070702", "070707"])
    func membersOfCPIOLieWhereTheirBytesLie(_ magic: String) throws {
        let (medium, result) = try EmbeddedTesting.carve(CPIOWalkerTests.sample(magic))
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded.map(\.path) == ["E001/3584/etc/hostname", "E001/3584/bin/true"])
        #expect(result.embedded.map(\.size) == [13, 1290])
        #expect(result.embedded.allSatisfy { $0.decoding == nil })
    }

    @Test func membersOfPackagesAreOpened() throws {
        let data = try EmbeddedTesting.python(
            """
            import gzip, io, tarfile
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode='w') as t:
                info = tarfile.TarInfo('./usr/bin/seal'); info.size = 700
                t.addfile(info, io.BytesIO(bytes(range(200, 250)) * 14))
            out.write(gzip.compress(tar.getvalue(), mtime=0))
            """)
        let package = joined(
            Array("!<arch>\n".utf8), UnixArchiveWalkerTests.member("debian-binary", Array("2.0\n".utf8)),
            UnixArchiveWalkerTests.member("data.tar.gz", data))
        let (medium, result) = try EmbeddedTesting.carve(package)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded("/data.tar.gz")?.decoding == nil)
        #expect(result.embedded("/data.tar.gz")?.facts["member_modified"] == "2023-11-14T22:13:20.000Z")
        #expect(result.embedded("/data.tar.gz/content/usr/bin/seal")?.size == 700)
    }

    @Test func longNamesOfLibrariesAreRead() throws {
        let noise = EmbeddedTesting.noise(300)
        let library = joined(
            Array("!<arch>\n".utf8), UnixArchiveWalkerTests.member("/", [0, 0, 0, 0]),
            UnixArchiveWalkerTests.member("//", Array("a_name_of_more_than_sixteen.o/\n".utf8)),
            UnixArchiveWalkerTests.member("/0", noise),
            UnixArchiveWalkerTests.member("#1/20", Array("bsd_long_name.o\0\0\0\0\0".utf8) + noise),
            UnixArchiveWalkerTests.member("short.o/", noise))
        let (medium, result) = try EmbeddedTesting.carve(library)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(
            result.embedded.map { $0.path.dropFirst(10) } == [
                "a_name_of_more_than_sixteen.o", "bsd_long_name.o", "short.o",
            ])
        #expect(try result.embedded.allSatisfy { try $0.sha256 == digest(.sha256, of: noise) })
    }

    @Test func payloadOfAPackageIsAFile() throws {
        let (medium, result) = try EmbeddedTesting.carve(try RPMWalkerTests.sample(.md5))
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded.map(\.path) == ["E001/3584/payload"])
        #expect(result.embedded.first?.size == 1777)
    }

    @Test func messagesAndTheirAttachmentsAreFound() throws {
        let png = PNGWalkerTests.sample
        let encoded = base64(png)
        let mailbox = """
            From ann@example.org Mon Jan  4 10:11:12 2021
            From: Ann <ann@example.org>
            To: Bob <bob@example.org>
            Subject: the ledger
            Date: Mon, 4 Jan 2021 10:11:12 +0000
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary="b"

            --b
            Content-Type: text/plain

            See the picture.
            From here on, nothing.
            --b
            Content-Type: image/png
            Content-Disposition: attachment; filename="seal.png"
            Content-Transfer-Encoding: base64

            \(encoded)
            --b--

            From bob@example.org Tue Jan  5 10:11:12 2021
            From: Bob <bob@example.org>
            To: Ann <ann@example.org>
            Subject: Re: the ledger
            Date: Tue, 5 Jan 2021 10:11:12 +0000

            Thank you.

            """
        let (medium, result) = try EmbeddedTesting.carve(Array(mailbox.utf8))
        try EmbeddedTesting.expectSound(result, medium)
        let box = try #require(result.carved.first)
        #expect(box.format == "mbox")
        let messages = result.embedded.filter { $0.parent == box.id }
        #expect(messages.map(\.format) == ["eml", "eml"])
        #expect(messages.map { $0.facts["subject"] } == ["the ledger", "Re: the ledger"])
        #expect(messages.allSatisfy { $0.decoding == nil && $0.confidence == .header })
        let picture = try #require(result.embedded("/message-1.eml/seal.png"))
        #expect(picture.decoding == "base64")
        #expect(try picture.sha256 == digest(.sha256, of: png))
        #expect(picture.confidence == .proven)
    }

    private func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let value = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                text.append(index <= group.count ? alphabet[value >> (18 - 6 * index) & 63] : "=")
            }
        }
        return text
    }

    @Test func filesOfADiscAreListed() throws {
        let (medium, result) = try EmbeddedTesting.carve(DiskImageWalkerTests.disc())
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.embedded.map(\.path) == ["E001/3584/README.TXT", "E001/3584/SUB/A.BIN"])
        #expect(result.embedded.map(\.size) == [3000, 4096])
        #expect(result.embedded.first?.extents == [Extent(offset: 3584 + 20 * 2048, length: 3000)])
        #expect(result.embedded.first?.facts["member_modified"] == "2024-01-02T03:04:05.000Z")
    }

    @Test func damagedContainersNeverTrap() throws {
        let container = Artifact(
            id: "0123456789abcdef", item: "E001", origin: .carved, mime: "", format: "", fileExtension: "",
            description: "", size: 1, sha256: try digest(.sha256, of: []), md5: try digest(.md5, of: []), extents: [],
            confidence: .proven, parent: nil, path: "E001/0", facts: [:], warnings: [])
        var generator = SeededGenerator(seed: 77)
        let disc = DiskImageWalkerTests.disc()
        let samples: [(ContainerKind, [UInt8])] = [
            (.cpio, CPIOWalkerTests.sample("070701")), (.cpio, CPIOWalkerTests.sample("070707")),
            (.ar, joined(Array("!<arch>\n".utf8), UnixArchiveWalkerTests.member("#1/20", EmbeddedTesting.noise(300)))),
            (.rpm, try RPMWalkerTests.sample(.none)), (.iso9660, disc),
            (
                .mbox,
                Array("From a@b Mon Jan  4 10:11:12 2021\nFrom: a\n\n\nFrom a@b Mon Jan  4 1:2:3 2021\nTo: b\n".utf8)
            ),
        ]
        for (kind, sample) in samples {
            for _ in 0..<200 {
                var damaged = sample
                for _ in 0..<4 {
                    let at = Int.random(in: 0..<sample.count, using: &generator)
                    for index in at..<min(at + 4, sample.count) {
                        damaged[index] = [0, 0x39, 0x7F, 0xFF].randomElement(using: &generator) ?? 0
                    }
                }
                if kind == .iso9660, let byte = (18 * 2048..<20 * 2048).randomElement(using: &generator) {
                    damaged[byte] = 0xFF
                }
                damaged.removeLast(Int.random(in: 0..<sample.count / 2, using: &generator))
                let list = try kind.parts(of: container, ByteReader(MemorySource(damaged), at: 0), most: 100)
                for part in list.parts {
                    for piece in part.pieces { #expect(piece.upperBound <= damaged.count) }
                }
            }
        }
    }
}
