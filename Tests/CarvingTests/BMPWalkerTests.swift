import EvidenceModel
import Testing

@testable import Carving

@Suite struct BMPWalkerTests {
    static func bitmap(
        width: Int = 5, height: Int = 4, depth: Int = 24, header: Int = 40, compression: Int = 0, pixels: [UInt8],
        stated: Int? = nil
    ) -> [UInt8] {
        var body: [UInt8] = .le32(header)
        if header == 12 {
            body += .le16(width) + .le16(height) + .le16(1) + .le16(depth)
        } else {
            body += .le32(width) + .le32(height) + .le16(1) + .le16(depth) + .le32(compression) + .le32(pixels.count)
            body += [UInt8](repeating: 0, count: header - body.count)
        }
        let start = 14 + body.count
        let size = stated ?? start + pixels.count
        return Array("BM".utf8) + .le32(size) + .le32(0) + .le32(start) + body + pixels
    }

    @Test func everyHeaderVersionIsKnown() {
        var generator = SeededGenerator(seed: 1)
        for header in [12, 40, 52, 56, 64, 108, 124] {
            // Rows are padded to four bytes: 5 pixels of 24 bits take 16.
            let file = Self.bitmap(header: header, pixels: generator.bytes(64))
            expectExact(BMPWalker(), file, .structural, format: "bmp")
            expectNeverTraps(BMPWalker(), file)
        }
    }

    @Test func heightMayBeNegative() {
        expectExact(
            BMPWalker(), Self.bitmap(height: -4, pixels: [UInt8](repeating: 7, count: 64)), .structural, format: "bmp")
    }

    @Test func lyingSizeIsReplacedByThePicture() throws {
        let file = Self.bitmap(pixels: [UInt8](repeating: 7, count: 64), stated: 0)
        let found = try #require(verdict(of: BMPWalker(), on: file + [1, 2, 3]).completed)
        #expect(found.length == file.count)
        #expect(found.confidence == .header)
    }

    @Test func runsAreFollowedToTheirEnd() {
        let row: [UInt8] = [5, 1, 0, 0]
        let pixels = row + row + [0, 3, 9, 8, 7, 0, 2, 1, 0, 0] + row + [0, 1]
        let file = Self.bitmap(depth: 8, compression: 1, pixels: pixels)
        expectExact(BMPWalker(), file, .structural, format: "bmp")
        // The mark occurs in other data too: the picture is no longer than its runs, or holds a piece of something else.
        let early = Self.bitmap(depth: 8, compression: 1, pixels: pixels + [UInt8](repeating: 7, count: 600))
        #expect(verdict(of: BMPWalker(), on: early).completed?.confidence == .header)
        let tooWide = Self.bitmap(depth: 8, compression: 1, pixels: [9, 1, 0, 0, 0, 1])
        #expect(verdict(of: BMPWalker(), on: tooWide).brokenPrefix != nil)
    }

    @Test func cutFileIsNeverWhole() {
        let file = Self.bitmap(pixels: [UInt8](repeating: 7, count: 64))
        for length in 0..<file.count {
            #expect(verdict(of: BMPWalker(), on: Array(file[..<length])).completed == nil)
        }
    }
}
