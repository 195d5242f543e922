import EvidenceModel
import Testing

@testable import Carving

@Suite struct PSDWalkerTests {
    static func document(compression: Int, picture: [UInt8]) -> [UInt8] {
        var header = Array("8BPS".utf8) + [0, 1, 0, 0, 0, 0, 0, 0, 0, 3]
        header += .be32(4)
        header += .be32(6)
        header += [0, 8, 0, 3]
        let resource = Array("8BIM".utf8) + [4, 36, 0, 0, 0, 0, 0, 5] + Array("<xmp>".utf8) + [0]
        let sections: [[UInt8]] = [
            header, .be32(0), .be32(resource.count), resource, .be32(0), .be16(compression), picture,
        ]
        return sections.flatMap { $0 }
    }

    @Test func endsAfterItsRows() {
        let plain = Self.document(compression: 0, picture: [UInt8](repeating: 9, count: 72))
        expectExact(PSDWalker(), plain, .structural, format: "psd")
        let row: [UInt8] = [0xFE, 7, 2, 1, 2, 3]
        let rows = (0..<12).flatMap { _ in [UInt8].be16(row.count) } + (0..<12).flatMap { _ in row }
        let packed = Self.document(compression: 1, picture: rows)
        expectExact(PSDWalker(), packed, .structural, format: "psd")
        expectNeverTraps(PSDWalker(), packed, rounds: 1000)
        for file in [plain, packed] {
            for length in 0..<file.count {
                #expect(verdict(of: PSDWalker(), on: Array(file[..<length])).completed == nil)
            }
        }
    }
}

@Suite struct ICOWalkerTests {
    @Test func endsAfterItsLastPicture() {
        var picture: [UInt8] = []
        for number in [40, 16, 32, 1 | 32 << 16] { picture += .le32(number) }
        picture += [UInt8](repeating: 0, count: 24)
        picture += [UInt8](repeating: 5, count: 1024 + 64)
        func entry(_ offset: Int) -> [UInt8] {
            var entry: [UInt8] = [16, 16, 0, 0, 1, 0, 32, 0]
            entry += .le32(picture.count)
            entry += .le32(offset)
            return entry
        }
        let directory = [0, 0, 1, 0, 2, 0] + entry(38) + entry(38 + picture.count)
        let file = directory + picture + picture
        expectExact(ICOWalker(), file, .structural, format: "ico")
        expectNeverTraps(ICOWalker(), file)
        for length in 0..<file.count {
            #expect(verdict(of: ICOWalker(), on: Array(file[..<length])).completed == nil)
        }
    }
}

@Suite struct JPEG2000WalkerTests {
    static let codeStream: [UInt8] = {
        var size: [UInt8] = .be16(41)
        size += .be16(0)
        for number in [8, 6, 0, 0, 8, 6, 0, 0] { size += .be32(number) }
        size += .be16(1)
        size += [7, 1, 1]
        let tile: [UInt8] = [0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 34, 0, 1, 0xFF, 0x93]
        let packets = [UInt8](repeating: 3, count: 20)
        let parts: [[UInt8]] = [[0xFF, 0x4F, 0xFF, 0x51], size, tile, packets, [0xFF, 0xD9]]
        return parts.flatMap { $0 }
    }()

    static let file: [UInt8] = {
        func box(_ type: String, _ body: [UInt8]) -> [UInt8] { .be32(body.count + 8) + Array(type.utf8) + body }
        let parts: [[UInt8]] = [
            box("jP  ", [0x0D, 0x0A, 0x87, 0x0A]), box("ftyp", Array("jp2 \0\0\0\0jp2 ".utf8)),
            box("jp2h", [UInt8](repeating: 0, count: 22)), box("jp2c", codeStream),
        ]
        return parts.flatMap { $0 }
    }()

    @Test func endsAfterItsCodeStream() {
        expectExact(JPEG2000Walker(), Self.file, .structural, format: "jp2")
        expectExact(JPEG2000Walker(), Self.codeStream, .structural, format: "j2k")
        for file in [Self.file, Self.codeStream] {
            expectNeverTraps(JPEG2000Walker(), file, rounds: 1000)
            for length in 0..<file.count {
                #expect(verdict(of: JPEG2000Walker(), on: Array(file[..<length])).completed == nil)
            }
        }
    }
}

@Suite struct MatroskaWalkerTests {
    static func element(_ identifier: [UInt8], _ body: [UInt8]) -> [UInt8] {
        identifier + [0x40 | UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
    }

    static let film: [UInt8] = {
        let header = element([0x1A, 0x45, 0xDF, 0xA3], element([0x42, 0x82], Array("webm".utf8)))
        let information = element(
            [0x15, 0x49, 0xA9, 0x66],
            element([0x2A, 0xD7, 0xB1], .be32(1_000_000)) + element([0x44, 0x89], .be32(0x447A_0000)))
        let video = element([0xE0], element([0xB0], .be16(64)) + element([0xBA], .be16(48)))
        let track = element([0xAE], element([0x83], [1]) + element([0x86], Array("V_VP8".utf8)) + video)
        let cluster = element(
            [0x1F, 0x43, 0xB6, 0x75],
            element([0xE7], [0]) + element([0xA3], [UInt8](repeating: 1, count: 40))
                + element([0xA3], [UInt8](repeating: 2, count: 50)))
        let body = information + element([0x16, 0x54, 0xAE, 0x6B], track) + cluster + cluster
        return header + element([0x18, 0x53, 0x80, 0x67], body)
    }()

    @Test func endsWithItsSegment() throws {
        expectExact(MatroskaWalker(), Self.film, .structural, format: "webm")
        let file = try #require(verdict(of: MatroskaWalker(), on: Self.film).completed)
        #expect(file.facts["duration_ms"] == 1000)
        #expect(file.facts["width"] == 64)
        #expect(file.facts["codec"] == "V_VP8")
        expectNeverTraps(MatroskaWalker(), Self.film, rounds: 1000)
        for length in 0..<Self.film.count {
            #expect(verdict(of: MatroskaWalker(), on: Array(Self.film[..<length])).completed == nil)
        }
    }
}
