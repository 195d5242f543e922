import EvidenceModel
import Testing

@testable import Carving

/// Pictures whose header says how large they are.
@Suite struct SizedPictureWalkerTests {
    private static func djvu() -> [UInt8] {
        var generator = SeededGenerator(seed: 61)
        let info = joined(Array("INFO".utf8), .be32(10), .be16(2480), .be16(3508), [24, 0], .le16(300), [22, 1])
        let picture = joined(Array("BG44".utf8), .be32(701), generator.bytes(701), [0])
        let page = joined(Array("DJVU".utf8), info, picture)
        let pages = joined(Array("FORM".utf8), .be32(page.count), page)
        let directory = joined(Array("DIRM".utf8), .be32(20), generator.bytes(20))
        let body = joined(Array("DJVM".utf8), directory, pages, pages)
        return joined(Array("AT&TFORM".utf8), .be32(body.count), body)
    }

    @Test func djvuFillsItsForm() {
        let file = Self.djvu()
        expectExact(DjVuWalker(), file, .structural, format: "djvu")
        expectNeverWholeWhenTruncated(DjVuWalker(), file, noise: 0)
        expectNeverTraps(DjVuWalker(), file)
        expectLiesAreFound(DjVuWalker(), file)
        expectDecoyRefused(DjVuWalker(), file, keeping: 16)
        let facts = verdict(of: DjVuWalker(), on: file).completed?.facts
        #expect(facts?["pages"] == .size(2))
        #expect(facts?["dots_per_inch"] == .size(300))
    }

    private static func surface(_ code: String, levels: Int, cube: Bool) -> [UInt8] {
        var generator = SeededGenerator(seed: 62)
        var file = Array("DDS ".utf8) + [UInt8](repeating: 0, count: 124)
        file.put(joined(.le32(124), .le32(0x2_1007), .le32(32), .le32(64)), at: 4)
        file.put(.le32(levels), at: 28)
        file.put(joined(.le32(32), .le32(4), Array(code.utf8)), at: 76)
        if cube { file.put(.le32(0xFE00), at: 112) }
        var size = 0
        for level in 0..<levels {
            size += max(1, 64 >> level + 3 >> 2) * max(1, 32 >> level + 3 >> 2) * (code == "DXT1" ? 8 : 16)
        }
        size = (0..<levels).reduce(0) { sum, level in
            let (wide, high) = (max(1, 64 >> level), max(1, 32 >> level))
            return sum + (wide + 3) / 4 * ((high + 3) / 4) * (code == "DXT1" ? 8 : 16)
        }
        return file + generator.bytes(size * (cube ? 6 : 1))
    }

    @Test(arguments: [("DXT1", 1, false), ("DXT5", 7, false), ("DXT1", 3, true)])
    func surfacesAreAsLargeAsTheirLevels(_ kind: (String, Int, Bool)) {
        let file = Self.surface(kind.0, levels: kind.1, cube: kind.2)
        let walker = DirectDrawSurfaceWalker()
        expectExact(walker, file, .structural, format: "dds")
        expectNeverWholeWhenTruncated(walker, file, every: 7, noise: 0)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 8)
        #expect(verdict(of: walker, on: file).completed?.unchecked.isEmpty == false)
    }

    /// A picture of 20 lines, packed by the line.
    private static func openEXR() -> [UInt8] {
        var generator = SeededGenerator(seed: 63)
        func attribute(_ name: String, _ type: String, _ value: [UInt8]) -> [UInt8] {
            joined(Array((name + "\0" + type + "\0").utf8), .le32(value.count), value)
        }
        let head = joined(
            [0x76, 0x2F, 0x31, 0x01, 2, 0, 0, 0],
            attribute("capDate", "string", Array("2024:05:06 07:08:09".utf8)),
            attribute("channels", "chlist", Array("G\0".utf8) + [UInt8](repeating: 0, count: 17)),
            attribute("compression", "compression", [2]),
            attribute("dataWindow", "box2i", joined(.le32(0), .le32(0), .le32(29), .le32(19))), [0])
        var chunks: [[UInt8]] = []
        for line in 0..<20 {
            let packed = generator.bytes(Int.random(in: 20...60, using: &generator))
            chunks.append(joined(.le32(line), .le32(packed.count), packed))
        }
        var table: [UInt8] = []
        var at = head.count + 8 * chunks.count
        for chunk in chunks {
            table += .le64(at)
            at += chunk.count
        }
        return head + table + chunks.joined()
    }

    @Test func openEXRChunksFollowEachOther() {
        let file = Self.openEXR()
        let walker = OpenEXRWalker()
        expectExact(walker, file, .structural, format: "exr")
        expectNeverWholeWhenTruncated(walker, file, noise: 0)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 8)
        expectDecoyRefused(walker, file, keeping: 200)
        let facts = verdict(of: walker, on: file).completed?.facts
        #expect(facts?["width"] == .size(30))
        #expect(facts?["taken"] == "2024:05:06 07:08:09")
    }

    private static func radiance(flat: Bool) -> [UInt8] {
        var generator = SeededGenerator(seed: 64)
        let head = Array("#?RADIANCE\nSOFTWARE=test\nFORMAT=32-bit_rle_rgbe\n\n-Y 12 +X 40\n".utf8)
        if flat { return head + generator.bytes(12 * 40 * 4).map { $0 | 4 } }
        var body: [UInt8] = []
        for _ in 0..<12 {
            body += [2, 2, 0, 40]
            for _ in 0..<4 { body += joined([128 + 30, 7, 10], generator.bytes(10)) }
        }
        return head + body
    }

    @Test func radianceLinesAreFollowed() {
        let walker = RadianceWalker()
        for flat in [false, true] {
            let file = Self.radiance(flat: flat)
            expectExact(walker, file, .structural, format: "hdr")
            expectNeverWholeWhenTruncated(walker, file, noise: 0)
            expectNeverTraps(walker, file)
            expectLiesAreFound(walker, file)
            expectDecoyRefused(walker, file, keeping: 11)
        }
        let facts = verdict(of: walker, on: Self.radiance(flat: false)).completed?.facts
        #expect(facts?["width"] == .size(40))
        #expect(facts?["software"] == "test")
        #expect(verdict(of: walker, on: Self.radiance(flat: true)).completed?.unchecked.isEmpty == false)
    }

    @Test func aRawPictureEndsWithItsFurthestPart() {
        var generator = SeededGenerator(seed: 65)
        var builder = JPEGWriter(seed: 65)
        let picture = builder.baseline()
        var file = Array("FUJIFILMCCD-RAW 0201FF129502X100".utf8) + [UInt8](repeating: 0, count: 128)
        let parts = [picture, generator.bytes(300), generator.bytes(2000)]
        for (index, part) in parts.enumerated() {
            file.put(.be32(file.count) + .be32(part.count), at: 84 + 8 * index)
            file += part
        }
        let walker = FujifilmRawWalker()
        expectExact(walker, file, .structural, format: "raf")
        expectNeverWholeWhenTruncated(walker, file, every: 13, noise: 0)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file, head: 160)
        expectDecoyRefused(walker, file, keeping: 120)
    }
}
