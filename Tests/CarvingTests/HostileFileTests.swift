import EvidenceModel
import Foundation
import Testing

@testable import Carving

/// Files made to keep a program busy for ever, on a medium: each ends quickly, and the catalogue says what is wrong.
/// Bombs that are archives are tested in `EmbeddedHostileTests`.
@Suite(.timeLimit(.minutes(10))) struct HostileFileTests {
    private static func carve(_ file: [UInt8]) throws -> (find: Artifact, result: CarveResult) {
        let (_, result) = try EmbeddedTesting.carve(file)
        return (try #require(result.artifacts.first), result)
    }

    @Test func aPictureThatClaimsTwoThousandMillionPixels() throws {
        // 2^16 times 2^15 pixels of one byte, and as much data as the limit and a little more: 17 pieces of 64 MiB.
        let file = try EmbeddedTesting.python(
            """
            import struct, zlib
            def chunk(kind, body):
                return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
            packer = zlib.compressobj(9)
            first = packer.compress(bytes(64 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
            piece = packer.compress(bytes(64 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
            out.write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 1 << 16, 1 << 15, 8, 0, 0, 0, 0))
                + chunk(b'IDAT', first) + chunk(b'IDAT', piece) * 16 + chunk(b'IEND', b''))
            """)
        let (find, result) = try Self.carve(file)
        #expect(find.format == "png" && find.confidence == .structural && find.size == file.count)
        #expect(find.warnings == ["the picture's data were not inflated to their end: limit walk_png_inflated_bytes"])
        #expect(result.limitsHit["walk_png_inflated_bytes"] == 1)
    }

    @Test func aPictureThatClaimsThemAndHasNone() throws {
        let file = try EmbeddedTesting.python(
            """
            import struct, zlib
            def chunk(kind, body):
                return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
            out.write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 1 << 16, 1 << 15, 8, 6, 0, 0, 0))
                + chunk(b'IDAT', zlib.compress(bytes(4096))) + chunk(b'tEXt', b'Comment\\0' + b'x' * 600)
                + chunk(b'IEND', b''))
            """)
        let (find, _) = try Self.carve(file)
        #expect(find.format == "png" && find.confidence == .header)
        #expect(find.warnings.contains { $0.contains("not those that its header calls for") })
    }

    @Test func boxesWithoutEnd() throws {
        let kind: [UInt8] = .be32(24) + Array("ftypisom".utf8) + .be32(512) + Array("isommp42".utf8)
        let empty: [UInt8] = .be32(8) + Array("free".utf8)
        let count = WalkLimit.isoMediaBoxes.value + 16
        let flood = kind + [[UInt8]](repeating: empty, count: count).flatMap { $0 }
        let (find, result) = try Self.carve(flood)
        #expect(find.confidence == .broken)
        #expect(find.warnings == ["more boxes than any real file has: limit walk_iso_media_boxes"])
        #expect(result.limitsHit["walk_iso_media_boxes"] == 1)
    }

    @Test func boxesInBoxesAndBoxesThatHoldThemselves() throws {
        let kind: [UInt8] = .be32(24) + Array("ftypisom".utf8) + .be32(512) + Array("isommp42".utf8)
        var nest: [UInt8] = .be32(8) + Array("free".utf8)
        for level in 0..<4000 { nest = .be32(nest.count + 8) + Array((level == 3999 ? "moov" : "trak").utf8) + nest }
        for file in [
            kind + nest,
            // Sizes that lead back to the box itself, or in front of it.
            kind + .be32(0) + Array("moov".utf8) + .be32(4) + Array("trak".utf8) + [UInt8](repeating: 0, count: 1000),
            kind + .be32(1) + Array("moov".utf8) + .be32(-1) + .be32(-8) + [UInt8](repeating: 1, count: 1000),
        ] {
            let (_, result) = try EmbeddedTesting.carve(file)
            #expect(!result.artifacts.contains { [.proven, .structural].contains($0.confidence) && $0.size > 32 })
        }
    }

    @Test func aCompoundFileWithACircularTable() throws {
        let (find, _) = try Self.carve(CompoundFileWalkerTests.file(chain: [3, 4, 5, 6, 7, 8, 9, 2]))
        #expect([.broken, .header].contains(find.confidence), "\(find.canonical.encodedText)")
    }

    @Test func aDocumentWhoseSectionsLeadBackToThemselves() throws {
        let whole = PDFWalkerTests.document([Array("<< /Type /Catalog >>".utf8)])
        let text = String(decoding: whole, as: UTF8.self)
        let place = try #require(text.range(of: "startxref")).upperBound
        let offset = try #require(Int(text[place...].split(separator: "\n").first ?? ""))
        let circular = Array(
            text.replacing("trailer\n<<", with: "trailer\n<< /Prev \(offset)", maxReplacements: 1).utf8)
        try #require(circular != whole)
        let (find, _) = try Self.carve(circular)
        #expect(find.format == "pdf" && ![.proven, .structural].contains(find.confidence), "\(find.confidence)")
        #expect(find.warnings.contains { $0.contains("run in a circle") }, "\(find.warnings)")
    }

    @Test func aProgramFullOfPrograms() throws {
        // A program of 40 sections' worth of blocks that begin like programs: its checksum is not computed.
        var generator = SeededGenerator(seed: 9)
        let block = [0x4D, 0x5A] + generator.bytes(510)
        let body = (0..<40).flatMap { _ in block }
        let header = 64 + 24 + 224 + 40
        var file: [UInt8] = [0x4D, 0x5A] + [UInt8](repeating: 0, count: 58) + .le32(64)
        file += [0x50, 0x45, 0, 0] + .le16(0x14C) + .le16(1) + .le32(0) + .le32(0) + .le32(0) + .le16(224) + .le16(2)
        var optional = [UInt8](repeating: 0, count: 224)
        optional.put(.le16(0x10B), at: 0)
        optional.put(.le32(512), at: 36)
        optional.put(.le32(512), at: 60)
        optional.put(.le32(0x1234), at: 64)
        optional.put(.le16(3), at: 68)
        optional.put(.le32(16), at: 92)
        file += optional
        file +=
            Array(".text\0\0\0".utf8) + .le32(body.count) + .le32(0x1000) + .le32(body.count) + .le32(512)
            + [UInt8](repeating: 0, count: 16)
        file += [UInt8](repeating: 0, count: 512 - header) + body
        let (_, result) = try EmbeddedTesting.carve(file)
        #expect(result.limitsHit["walk_pe_programs_inside"] ?? 0 > 0, "\(result.limitsHit)")
        #expect(!result.artifacts.contains { $0.facts["checksum"] != nil })
    }
}
