import EvidenceModel
import Testing

@testable import Carving

/// Writes small JPEG files whose blocks a seed decides.
struct JPEGWriter {
    var generator: SeededGenerator
    var width = 40
    var height = 24
    var restartInterval = 0
    var thumbnail: [UInt8] = []
    var extraSegments: [[UInt8]] = []

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    static func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] { [0xFF, marker] + .be16(body.count + 2) + body }

    /// DC codes: 4 bits for the sizes 0 to 11. AC codes: 8 bits for EOB, ZRL and the runs 0 to 15 of the sizes 1 to 8.
    static let acSymbols: [UInt8] = [0x00, 0xF0] + (0...15).flatMap { run in (1...8).map { UInt8(run << 4 | $0) } }
    static let tables: [UInt8] =
        segment(0xC4, [0x00] + [0, 0, 0, 12] + [UInt8](repeating: 0, count: 12) + (0...11).map { UInt8($0) })
        + segment(
            0xC4,
            [0x10] + [UInt8](repeating: 0, count: 7) + [UInt8(acSymbols.count)] + [UInt8](repeating: 0, count: 8)
                + acSymbols)

    private struct Bits {
        var bytes: [UInt8] = []
        var held = 0
        var count = 0

        mutating func put(_ value: Int, _ width: Int) {
            for shift in stride(from: width - 1, through: 0, by: -1) {
                held = held << 1 | (value >> shift & 1)
                count += 1
                if count == 8 { flushByte() }
            }
        }

        private mutating func flushByte() {
            bytes.append(UInt8(held))
            if held == 0xFF { bytes.append(0) }
            held = 0
            count = 0
        }

        mutating func align() { while count > 0 { put(1, 1) } }
    }

    private mutating func block(_ bits: inout Bits) {
        // DC differences of size 0 or 1 keep the brightness where a picture may have it.
        let size = Int.random(in: 0...1, using: &generator)
        bits.put(size, 4)
        bits.put(Int.random(in: 0...1, using: &generator), size)
        var index = 1
        while index < 64, Int.random(in: 0...9, using: &generator) > 0 {
            let run = Int.random(in: 0...3, using: &generator)
            guard index + run < 64 else { break }
            let size = Int.random(in: 1...5, using: &generator)
            bits.put(2 + run * 8 + size - 1, 8)
            bits.put(Int.random(in: 0..<1 << size, using: &generator), size)
            index += run + 1
        }
        if index < 64 { bits.put(0, 8) }
    }

    /// A baseline picture with one 2×2-sampled and two plain components.
    mutating func baseline() -> [UInt8] {
        var file: [UInt8] = [0xFF, 0xD8] + Self.segment(0xE0, Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0])
        for extra in extraSegments { file += extra }
        if !thumbnail.isEmpty { file += Self.segment(0xE1, Array("Exif\0\0".utf8) + thumbnail) }
        file += Self.segment(0xDB, [0] + [UInt8](repeating: 4, count: 64)) + Self.tables
        file += Self.segment(
            0xC0, [8] + .be16(height) + .be16(width) + [3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0])
        if restartInterval > 0 { file += Self.segment(0xDD, .be16(restartInterval)) }
        file += Self.segment(0xDA, [3, 1, 0, 2, 0, 3, 0, 0, 63, 0])
        let units = ((width + 15) / 16) * ((height + 15) / 16)
        var bits = Bits()
        for unit in 0..<units {
            if restartInterval > 0, unit > 0, unit % restartInterval == 0 {
                bits.align()
                bits.bytes += [0xFF, 0xD0 + UInt8((unit / restartInterval - 1) % 8)]
            }
            for _ in 0..<6 { block(&bits) }
        }
        bits.align()
        return file + bits.bytes + [0xFF, 0xD9]
    }

    /// A progressive grey picture: DC, its refinement, one band and its refinement, all blocks at EOB.
    func progressive() -> [UInt8] {
        var file: [UInt8] = [0xFF, 0xD8] + Self.segment(0xDB, [0] + [UInt8](repeating: 4, count: 64)) + Self.tables
        file += Self.segment(0xC2, [8] + .be16(8) + .be16(16) + [1, 1, 0x11, 0])
        // Two blocks: size 0 each; then one bit each.
        file += Self.segment(0xDA, [1, 1, 0, 0, 0, 0x01]) + [0x00]
        file += Self.segment(0xDA, [1, 1, 0, 0, 0, 0x10]) + [0x7F]
        // Block 1: coefficient 1 with size 1, then EOB; block 2: EOB.
        var first = Bits()
        first.put(2, 8)
        first.put(1, 1)
        first.put(0, 8)
        first.put(0, 8)
        first.align()
        file += Self.segment(0xDA, [1, 1, 0, 1, 63, 0x01]) + first.bytes
        // Block 1: EOB, one bit for the known coefficient; block 2: EOB.
        var second = Bits()
        second.put(0, 8)
        second.put(1, 1)
        second.put(0, 8)
        second.align()
        file += Self.segment(0xDA, [1, 1, 0, 1, 63, 0x10]) + second.bytes
        return file + [0xFF, 0xD9]
    }
}

@Suite struct JPEGWalkerTests {
    @Test func baselineEndsAtItsEOI() {
        for seed in 1...5 as ClosedRange<UInt64> {
            var writer = JPEGWriter(seed: seed)
            expectExact(JPEGWalker(), writer.baseline(), .structural, format: "jpeg")
            writer.restartInterval = 2
            expectExact(JPEGWalker(), writer.baseline(), .structural, format: "jpeg")
        }
    }

    @Test func progressiveEndsAtItsEOI() {
        expectExact(JPEGWalker(), JPEGWriter(seed: 1).progressive(), .structural, format: "jpeg")
        expectNeverWholeWhenTruncated(JPEGWalker(), JPEGWriter(seed: 1).progressive())
        expectNeverTraps(JPEGWalker(), JPEGWriter(seed: 1).progressive(), rounds: 2000)
    }

    @Test func thumbnailDoesNotEndTheFile() {
        var writer = JPEGWriter(seed: 3)
        writer.width = 8
        writer.height = 8
        let thumbnail = writer.baseline()
        writer.width = 64
        writer.thumbnail = thumbnail
        expectExact(JPEGWalker(), writer.baseline(), .structural, format: "jpeg")
    }

    @Test func cutFileIsNeverWhole() {
        var writer = JPEGWriter(seed: 4)
        writer.restartInterval = 1
        expectNeverWholeWhenTruncated(JPEGWalker(), writer.baseline())
        expectNeverTraps(JPEGWalker(), writer.baseline(), rounds: 1000)
    }

    @Test func otherBytesInsideAScanAreNoticed() {
        var writer = JPEGWriter(seed: 5)
        writer.width = 400
        writer.height = 400
        let file = writer.baseline()
        var generator = SeededGenerator(seed: 6)
        var noticed = 0
        for _ in 0..<20 {
            let gap = 512 * Int.random(in: 2..<file.count / 512 - 2, using: &generator)
            let damaged = Array(file[..<gap]) + generator.bytes(1024) + Array(file[gap...])
            if verdict(of: JPEGWalker(), on: damaged).completed == nil { noticed += 1 }
        }
        #expect(noticed == 20)
    }

    @Test func picturesOfTheMultiPictureIndexBelongToTheFile() throws {
        var writer = JPEGWriter(seed: 7)
        let second = writer.baseline()
        func index(offset: Int) -> [UInt8] {
            let entries: [UInt8] =
                .be32(0x030000) + .be32(0) + .be32(0) + .be32(0)
                + .be32(0x020002) + .be32(second.count) + .be32(offset) + .be32(0)
            return Array("MPF\0".utf8) + Array("MM".utf8) + .be16(42) + .be32(8) + .be16(1)
                + .be16(0xB002) + .be16(7) + .be32(32) + .be32(26) + .be32(0) + entries
        }
        var first = JPEGWriter(seed: 8)
        first.extraSegments = [JPEGWriter.segment(0xE2, index(offset: 0))]
        let length = first.baseline().count
        first = JPEGWriter(seed: 8)
        // The index counts offsets from its own byte order mark: SOI, APP0 (18 bytes), APP2 header and "MPF\0".
        first.extraSegments = [JPEGWriter.segment(0xE2, index(offset: length + 100 - (2 + 18 + 4 + 4)))]
        let file = first.baseline() + [UInt8](repeating: 0, count: 100) + second
        expectExact(JPEGWalker(), file, .structural, format: "mpo")
        let found = try #require(verdict(of: JPEGWalker(), on: file).completed)
        #expect(found.facts["pictures"] == 2)
    }

    @Test func filmOfAMotionPhotoBelongsToTheFile() throws {
        var writer = JPEGWriter(seed: 9)
        let xmp = Array("http://ns.adobe.com/xap/1.0/\0<x GCamera:MotionPhoto=\"1\"/>".utf8)
        writer.extraSegments = [JPEGWriter.segment(0xE1, xmp)]
        let file = writer.baseline() + ISOMediaWalkerTests.film
        expectExact(JPEGWalker(), file, .structural, format: "jpeg")
        var plain = JPEGWriter(seed: 9)
        let picture = plain.baseline()
        #expect(verdict(of: JPEGWalker(), on: picture + ISOMediaWalkerTests.film).completed?.length == picture.count)
    }
}
