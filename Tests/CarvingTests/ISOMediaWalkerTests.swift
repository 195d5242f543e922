import EvidenceModel
import Testing

@testable import Carving

@Suite struct ISOMediaWalkerTests {
    static func box(_ type: String, _ body: [UInt8]) -> [UInt8] { .be32(body.count + 8) + Array(type.utf8) + body }

    static func full(_ type: String, _ body: [UInt8]) -> [UInt8] { box(type, [0, 0, 0, 0] + body) }

    static let fileType = box("ftyp", Array("isom".utf8) + .be32(512) + Array("isomavc1".utf8))

    /// A movie with one H.264 track of samples of the given sizes, which lie at `offset` in one chunk.
    static func movie(sizes: [Int], offset: Int) -> [UInt8] {
        let entry = box(
            "avc1", [UInt8](repeating: 0, count: 78) + box("avcC", [1, 66, 0, 30, 0xFF, 0xE0, 0]))
        let tables =
            full("stsd", .be32(1) + entry) + full("stts", .be32(1) + .be32(sizes.count) + .be32(40))
            + full("stsc", .be32(1) + .be32(1) + .be32(sizes.count) + .be32(1))
            + full("stsz", .be32(0) + .be32(sizes.count) + sizes.flatMap { [UInt8].be32($0) })
            + full("stco", .be32(1) + .be32(offset))
        let media =
            full("mdhd", .be32(0) + .be32(0) + .be32(1000) + .be32(40) + .be32(0))
            + full("hdlr", .be32(0) + Array("vide".utf8) + [UInt8](repeating: 0, count: 13))
            + box("minf", box("stbl", tables))
        let header = full(
            "tkhd", [UInt8](repeating: 0, count: 72) + .be32(64 << 16) + .be32(48 << 16))
        let movieHeader = full(
            "mvhd", .be32(2_082_844_801) + .be32(0) + .be32(1000) + .be32(2500) + [UInt8](repeating: 0, count: 80))
        return box("moov", movieHeader + box("trak", header + box("mdia", media)))
    }

    /// Three samples of two units each.
    static let samples: [[UInt8]] = {
        var generator = SeededGenerator(seed: 11)
        return (0..<3).map { _ in
            (0..<2).flatMap { _ -> [UInt8] in
                let unit = [0x65] + generator.bytes(30)
                return .be32(unit.count) + unit
            }
        }
    }()

    static let film: [UInt8] = {
        let data = samples.flatMap { $0 }
        return fileType + box("mdat", data) + movie(sizes: samples.map(\.count), offset: fileType.count + 8)
    }()

    static let fastStart: [UInt8] = {
        let data = samples.flatMap { $0 }
        let length = movie(sizes: samples.map(\.count), offset: 0).count
        return fileType + movie(sizes: samples.map(\.count), offset: fileType.count + length + 8) + box("mdat", data)
    }()

    /// A HEIF picture whose HEVC data hold one unit.
    static let picture: [UInt8] = {
        let unit = [0x26, 0x01] + [UInt8](repeating: 0x55, count: 60)
        let data = [UInt8].be32(unit.count) + unit
        let type = box("ftyp", Array("heic".utf8) + .be32(0) + Array("mif1heic".utf8))
        func meta(_ offset: Int) -> [UInt8] {
            let place =
                [UInt8].be16(0x4400) + .be16(1) + .be16(1) + .be16(0) + .be16(1) + .be32(offset) + .be32(data.count)
            let item = box("infe", [2, 0, 0, 0] + .be16(1) + .be16(0) + Array("hvc1".utf8) + [0])
            let size = full("ispe", .be32(64) + .be32(32))
            return full(
                "meta",
                full("hdlr", .be32(0) + Array("pict".utf8) + [UInt8](repeating: 0, count: 13)) + full("pitm", .be16(1))
                    + full("iinf", .be16(1) + item) + full("iloc", place) + box("iprp", box("ipco", size)))
        }
        return type + meta(type.count + meta(0).count + 8) + box("mdat", data)
    }()

    @Test func filmsEndAfterTheirLastBox() throws {
        expectExact(ISOMediaWalker(), Self.film, .structural, format: "mp4")
        expectExact(ISOMediaWalker(), Self.fastStart, .structural, format: "mp4")
        let file = try #require(verdict(of: ISOMediaWalker(), on: Self.film).completed)
        #expect(file.facts["duration_ms"] == 2500)
        #expect(file.facts["width"] == 64)
        #expect(file.facts["codec"] == "avc1")
        #expect(file.facts["created"] == "1970-01-01T00:00:01.000Z")
    }

    @Test func picturesEndAfterTheirLastBox() throws {
        expectExact(ISOMediaWalker(), Self.picture, .structural, format: "heic")
        let file = try #require(verdict(of: ISOMediaWalker(), on: Self.picture).completed)
        #expect(file.facts["width"] == 64)
    }

    @Test func cutFilesAreNeverWhole() {
        expectNeverWholeWhenTruncated(ISOMediaWalker(), Self.film)
        for file in [Self.fastStart, Self.picture] {
            for length in 0..<file.count {
                #expect(verdict(of: ISOMediaWalker(), on: Array(file[..<length])).completed == nil, "cut to \(length)")
            }
        }
        for file in [Self.film, Self.fastStart, Self.picture] {
            expectNeverTraps(ISOMediaWalker(), file, rounds: 2000)
        }
    }

    @Test func samplesOfAnotherFileAreNoticed() {
        // The second unit's length becomes a lie.
        var damaged = Self.fastStart
        damaged.put([0, 1, 0, 0], at: damaged.count - Self.samples[2].count)
        #expect(verdict(of: ISOMediaWalker(), on: damaged).completed == nil)
    }

    @Test func aBoxOfUnknownKindDoesNotBelongToTheFile() {
        let follower = Self.box("what", [1, 2, 3])
        #expect(verdict(of: ISOMediaWalker(), on: Self.film + follower).completed?.length == Self.film.count)
        let free = Self.box("free", [1, 2, 3])
        #expect(verdict(of: ISOMediaWalker(), on: Self.film + free).completed?.length == Self.film.count + free.count)
    }
}
