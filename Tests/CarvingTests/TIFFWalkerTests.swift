import EvidenceModel
import Testing

@testable import Carving

@Suite struct TIFFWalkerTests {
    /// A TIFF file with its directory before or after the pixels.
    static func file(
        bigEndian: Bool = false, big: Bool = false, directoryFirst: Bool = true, strips: Int = 3, artist: String = ""
    ) -> [UInt8] {
        func u16(_ value: Int) -> [UInt8] { bigEndian ? .be16(value) : .le16(value) }
        func u32(_ value: Int) -> [UInt8] { bigEndian ? .be32(value) : .le32(value) }
        func u64(_ value: Int) -> [UInt8] { bigEndian ? .le64(value).reversed() : .le64(value) }
        func wide(_ value: Int) -> [UInt8] { big ? u64(value) : u32(value) }
        let pixels = [UInt8](repeating: 0x5A, count: 40 * strips)
        let header: [UInt8] = Array((bigEndian ? "MM" : "II").utf8) + (big ? u16(43) + u16(8) + u16(0) : u16(42))
        let headerSize = big ? 16 : 8

        func directory(at start: Int, pixelsAt: Int) -> [UInt8] {
            var fields: [(Int, Int, Int, [UInt8])] = [
                (0x100, 3, 1, u16(40)), (0x101, 3, 1, u16(strips)), (0x102, 3, 1, u16(8)), (0x103, 3, 1, u16(1)),
                (0x111, 4, strips, (0..<strips).flatMap { u32(pixelsAt + 40 * $0) }), (0x115, 3, 1, u16(1)),
                (0x117, 4, strips, (0..<strips).flatMap { _ in u32(40) }),
            ]
            if !artist.isEmpty { fields.append((0x13B, 2, artist.utf8.count, Array(artist.utf8))) }
            let width = big ? 8 : 4
            let tableSize = (big ? 8 : 2) + fields.count * (big ? 20 : 12) + width
            var table = big ? u64(fields.count) : u16(fields.count)
            var values: [UInt8] = []
            for (tag, type, count, bytes) in fields {
                table += u16(tag) + u16(type) + wide(count)
                if bytes.count <= width {
                    table += bytes + [UInt8](repeating: 0, count: width - bytes.count)
                } else {
                    table += wide(start + tableSize + values.count)
                    values += bytes
                }
            }
            return table + wide(0) + values
        }
        if directoryFirst {
            let size = directory(at: headerSize, pixelsAt: 0).count
            return header + wide(headerSize) + directory(at: headerSize, pixelsAt: headerSize + size) + pixels
        }
        let start = headerSize + pixels.count
        return header + wide(start) + pixels + directory(at: start, pixelsAt: headerSize)
    }

    @Test func endsAtTheFurthestByte() throws {
        for bigEndian in [false, true] {
            for big in [false, true] {
                for directoryFirst in [false, true] {
                    let file = Self.file(
                        bigEndian: bigEndian, big: big, directoryFirst: directoryFirst, artist: "Jane Doe, Vienna")
                    expectExact(TIFFWalker(), file, .structural, format: "tiff")
                    let found = try #require(verdict(of: TIFFWalker(), on: file).completed)
                    #expect(found.facts["width"] == 40)
                    #expect(found.facts["artist"] == "Jane Doe, Vienna")
                }
            }
        }
    }

    @Test func cutFileIsNeverWhole() {
        expectNeverTraps(TIFFWalker(), Self.file(), rounds: 2000)
        expectNeverTraps(TIFFWalker(), Self.file(big: true), rounds: 2000)
        for file in [Self.file(), Self.file(directoryFirst: false), Self.file(big: true)] {
            for length in 0..<file.count {
                #expect(verdict(of: TIFFWalker(), on: Array(file[..<length])).completed == nil, "cut to \(length)")
            }
        }
    }

    @Test func directoriesInALoopEnd() throws {
        var file = Self.file(strips: 1)
        // The next directory is the first one again.
        let next = 8 + 2 + 7 * 12
        file.put(.le32(8), at: next)
        guard case .broken(_, let reason) = verdict(of: TIFFWalker(), on: file) else {
            Issue.record("a circle is no whole file")
            return
        }
        #expect(reason == "the directories run in a circle")
    }

    @Test func degreesBecomeDecimalText() {
        #expect(Exif.decimal(-16.3738, digits: 6) == "-16.373800")
        #expect(Exif.decimal(0.0000001, digits: 6) == "0.000000")
        #expect(Exif.decimal(48.5, digits: 1) == "48.5")
    }
}
