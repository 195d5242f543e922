import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// Containers made to exhaust whoever opens them: each ends within a limit that the catalogue names.
@Suite(.timeLimit(.minutes(10))) struct EmbeddedHostileTests {
    private func expectBounded(
        _ file: [UInt8], limit: String?, limits: CarveLimits = CarveLimits(),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> CarveResult {
        let (medium, result) = try EmbeddedTesting.carve(file, limits: limits)
        if let limit {
            #expect(result.limitsHit[limit] ?? 0 > 0, "\(result.limitsHit)", sourceLocation: sourceLocation)
            #expect(
                result.artifacts.contains { $0.warnings.contains { $0.hasSuffix("limit " + limit) } },
                sourceLocation: sourceLocation)
        }
        try EmbeddedTesting.expectSound(result, medium, sourceLocation: sourceLocation)
        return result
    }

    @Test func nestedBombEndsAtTheRatio() throws {
        // Sixteen archives of sixteen archives … of 64 MiB of zeros: 64 TiB in some kilobytes.
        let bomb = try EmbeddedTesting.python(
            """
            import io, zipfile
            content, name = b'\\0' * (64 << 20), 'zeros'
            for level in range(6):
                box = io.BytesIO()
                with zipfile.ZipFile(box, 'w', zipfile.ZIP_DEFLATED) as z:
                    for number in range(1 if level == 0 else 16): z.writestr(f'{name}-{number}', content)
                content, name = box.getvalue(), f'level-{level}.zip'
            out.write(content)
            """)
        #expect(bomb.count < 1 << 20)
        let result = try expectBounded(bomb, limit: "embedded_ratio")
        #expect(result.embedded.allSatisfy { $0.size < 64 << 20 })
    }

    @Test func overlappingMembersAreNotOpenedTwice() throws {
        // Many entries of the central directory name one and the same member.
        let bomb = try EmbeddedTesting.python(
            """
            import struct, zlib
            plain = b'\\0' * (1 << 20)
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            data = packer.compress(plain) + packer.flush()
            crc = zlib.crc32(plain)
            local = struct.pack('<IHHHHHIIIHH', 0x04034b50, 20, 0, 8, 0, 0x21, crc, len(data), len(plain), 4, 0) + b'0000'
            directory = b''
            for n in range(3000):
                directory += struct.pack('<IHHHHHHIIIHHHHHII', 0x02014b50, 20, 20, 0, 8, 0, 0x21, crc, len(data),
                    len(plain), 4, 0, 0, 0, 0, 0, 0) + b'%04x' % n
            out.write(local + data + directory + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 3000, 3000,
                len(directory), len(local) + len(data), 0))
            """)
        let result = try expectBounded(bomb, limit: nil)
        #expect(result.embedded.count <= 1)
        // Opened all the same, every byte is given once.
        let list = try ContainerKind.zip.parts(
            of: try #require(result.artifacts.first), ByteReader(MemorySource(bomb), at: 0), most: 100_000)
        #expect(list.parts.count == 1)
        #expect(list.refused == [.overlap: 2_999])
    }

    @Test func quotedOverlapIsNoArchive() throws {
        // Each member's data quotes the next member's header as a stored DEFLATE block, down to one kernel.
        let bomb = try EmbeddedTesting.python(
            """
            import struct, zlib
            plain = b'a' * (1 << 20)
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            body = packer.compress(plain) + packer.flush()
            def header(n, crc, packed, size):
                return struct.pack('<IHHHHHIIIHH', 0x04034b50, 20, 0, 8, 0, 0x21, crc, packed, size, 4, 0) + b'%04x' % n
            files = []
            content = plain
            size = len(plain)
            crc = zlib.crc32(plain)
            count = 60
            for n in reversed(range(count)):
                head = header(n, crc, len(body), size)
                files.append((n, crc, len(body), size, head))
                quoted = head
                body = struct.pack('<BHH', 0, len(quoted), len(quoted) ^ 0xffff) + quoted + body
                content = quoted + content
                size, crc = len(content), zlib.crc32(content)
            files.reverse()
            whole = files[0][4] + body[5 + len(files[0][4]):]
            offset, directory = 0, b''
            for n, crc, packed, size, head in files:
                directory += struct.pack('<IHHHHHHIIIHHHHHII', 0x02014b50, 20, 20, 0, 8, 0, 0x21, crc, packed, size, 4,
                    0, 0, 0, 0, 0, offset) + b'%04x' % n
                offset += len(head) + 5
            out.write(whole + directory + struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, count, count, len(directory),
                len(whole), 0))
            """)
        let result = try expectBounded(bomb, limit: nil)
        #expect(result.carved.first?.confidence == .broken)
        let list = try ContainerKind.zip.parts(
            of: try #require(result.artifacts.first), ByteReader(MemorySource(bomb), at: 0), most: 100_000)
        #expect(list.parts.count == 1)
    }

    @Test func tenLevelsEndAtTheDepth() throws {
        let archive = try EmbeddedTesting.python(
            """
            import io, zipfile
            content = b'bottom ' * 100
            for level in reversed(range(10)):
                box = io.BytesIO()
                with zipfile.ZipFile(box, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr(f'{level}.zip', content)
                content = box.getvalue()
            out.write(content)
            """)
        let result = try expectBounded(archive, limit: "embedded_depth")
        #expect(result.embedded.count == 8)
        #expect(result.limitsHit == ["embedded_depth": 1])
        let last = try #require(result.embedded.max { $0.path.utf8.count < $1.path.utf8.count })
        #expect(last.warnings == ["1 embedded file was not opened: limit embedded_depth"])
    }

    @Test func largeMembersAreRefusedUnread() throws {
        var limits = CarveLimits()
        limits.embeddedMemberBytes = 10_000
        let archive = try EmbeddedTesting.python(
            """
            import random, zipfile
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
                z.writestr('large.bin', random.Random(1).randbytes(20_000)); z.writestr('small.txt', b'small')
            """)
        let result = try expectBounded(archive, limit: "embedded_member_bytes", limits: limits)
        #expect(result.embedded.map(\.path) == ["E001/3584/small.txt"])
        limits = CarveLimits()
        limits.embeddedTotalBytes = 15_000
        _ = try expectBounded(archive, limit: "embedded_total_bytes", limits: limits)
        limits = CarveLimits()
        limits.embeddedMembers = 1
        let first = try expectBounded(archive, limit: "embedded_members", limits: limits)
        #expect(first.embedded.count == 1)
    }

    @Test func absurdSizesInTarEndTheList() throws {
        for field in [
            "777777777777", "\\x80\\x00\\x00\\x00\\x7f\\xff\\xff\\xff\\xff\\xff\\xff\\xff",
            "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff",
        ] {
            let archive = try EmbeddedTesting.python(
                """
                def head(name, size):
                    h = bytearray(512)
                    h[0:len(name)] = name; h[100:107] = b'0000644'; h[124:136] = size; h[156:157] = b'0'
                    h[257:265] = b'ustar\\x0000'; h[148:156] = b' ' * 8
                    h[148:156] = b'%06o\\0 ' % sum(h)
                    return bytes(h)
                out.write(head(b'good', b'00000000005\\0') + b'hello' + bytes(507) + head(b'bad', b'\(field)') + bytes(2048))
                """)
            _ = try expectBounded(archive, limit: nil)
            let list = try ContainerKind.tar.parts(
                of: Self.anything, ByteReader(MemorySource(archive), at: 0), most: 100)
            #expect(list.parts.map(\.path) == ["good"])
        }
    }

    @Test func twentyThousandPicturesInAPDF() throws {
        let picture: [UInt8] = [0xFF, 0xD8, 0xFF, 0xD9]
        let object = joined(
            Array("<< /Subtype /Image /Filter /DCTDecode /Length \(picture.count) >>\nstream\n".utf8), picture,
            Array("\nendstream".utf8))
        let file = PDFWalkerTests.document([[UInt8]](repeating: object, count: 20_000))
        var limits = CarveLimits()
        limits.embeddedMembers = 300
        let result = try expectBounded(file, limit: "embedded_members", limits: limits)
        #expect(result.embedded.count == 300)
        #expect(result.limitsHit["embedded_members"] == 19_700)
    }

    @Test func damageNeverTraps() throws {
        let png = PNGWalkerTests.sample
        let samples: [(ContainerKind, [UInt8])] = [
            (.zip, ZipWalkerTests.stored([("a.png", png), ("b", png)])),
            (
                .pdf,
                PDFWalkerTests.document([Array("<< /Filter [ /DCTDecode ] /Length 3 >>\nstream\nabc\nendstream".utf8)])
            ),
            (
                .ole2,
                CompoundFileWalkerTests.file(stream: "Package", content: png + EmbeddedTesting.noise(4096 - png.count))
            ),
            (.mail, EmbeddedDocumentTests.mail(base64: "iVBORw0KGgo=")),
            (.jpeg, EmbeddedDocumentTests.photo()),
            (
                .tar,
                try EmbeddedTesting.python(
                    "import io, tarfile\nt = tarfile.open(fileobj=out, mode='w|', format=tarfile.PAX_FORMAT)\n"
                        + "i = tarfile.TarInfo('é' * 90); i.size = 600; t.addfile(i, io.BytesIO(b'x' * 600)); t.close()"
                )
            ),
        ]
        var generator = SeededGenerator(seed: 11)
        for (kind, sample) in samples {
            for _ in 0..<400 {
                var damaged = sample
                for _ in 0..<Int.random(in: 1...8, using: &generator) {
                    let at = Int.random(in: 0..<damaged.count, using: &generator)
                    damaged[at] =
                        [0, 0xFF, 0x7F, 0x80, UInt8.random(in: 0...255, using: &generator)]
                        .randomElement(using: &generator) ?? 0
                }
                let cut = Int.random(in: 0...damaged.count, using: &generator)
                let source = MemorySource(Array(damaged[..<cut]))
                for part in try kind.parts(of: Self.anything, ByteReader(source, at: 0), most: 1000).parts {
                    for piece in part.pieces { #expect(piece.lowerBound >= 0 && piece.upperBound <= cut) }
                }
            }
        }
    }

    private static let anything = Artifact(
        id: "", item: "E001", origin: .carved, mime: "", format: "", fileExtension: "", description: "", size: 0,
        sha256: Digest(.sha256, [UInt8](repeating: 0, count: 32)), md5: Digest(.md5, [UInt8](repeating: 0, count: 16)),
        extents: [], confidence: .structural, parent: nil, path: "", facts: [:], warnings: [])
}
