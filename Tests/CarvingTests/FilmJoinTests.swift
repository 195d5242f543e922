import Digesting
import EvidenceModel
import Testing

@testable import Carving

/// Films and sound whose pieces are told by an index or by the chain of their parts.
@Suite struct FilmJoinTests {
    private static let walkers: [any FormatWalker] = [
        ISOMediaWalker(), FlashVideoWalker(), RIFFWalker(), MatroskaWalker(), AdvancedSystemsWalker(),
    ]

    private func carve(_ bytes: [UInt8]) throws -> [Artifact] {
        try PieceTesting.carve(bytes, with: Self.walkers, workers: 1, limits: CarveLimits()).artifacts
    }

    private func isSure(_ artifact: Artifact) -> Bool {
        artifact.confidence == .proven || artifact.confidence == .structural
    }

    /// Pieces with what lies between them, at whole blocks, noise around them.
    private func medium(_ parts: [[UInt8]], seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = generator.bytes(1024)
        for part in parts { bytes += part + generator.bytes(-part.count & 511) }
        return bytes + generator.bytes(4096)
    }

    private func noise(_ blocks: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return generator.bytes(512 * blocks)
    }

    /// Lays each format's files down in pieces; answers how many of them were found, of how many.
    ///
    /// What is found and said to be sure must be the file.
    private func found(
        _ make: (UInt64) -> [UInt8], seeds: Range<UInt64>, gap: (UInt64) -> [UInt8]
    ) throws -> (found: Int, sure: Int, of: Int) {
        var counts = (found: 0, sure: 0, of: 0)
        for seed in seeds {
            let file = make(seed)
            let sum = try digest(.sha256, of: file)
            var generator = SeededGenerator(seed: seed)
            let blocks = (file.count - 1) / 512
            let split = 512 * Int.random(in: 2..<blocks, using: &generator)
            let between = gap(seed)
            let other = try digest(.sha256, of: between)
            let artifacts = try carve(medium([Array(file[..<split]), between, Array(file[split...])], seed: seed))
            let whole = artifacts.filter { isSure($0) && $0.size >= file.count / 2 && $0.sha256 != other }
            #expect(whole.allSatisfy { $0.sha256 == sum }, "seed \(seed), split at \(split)")
            counts.of += 1
            counts.sure += whole.isEmpty ? 0 : 1
            counts.found += artifacts.contains { $0.sha256 == sum } ? 1 : 0
        }
        return counts
    }

    private func expectNothingSure(_ number: Int, _ make: (UInt64) -> [UInt8], seeds: Range<UInt64>) throws {
        for seed in seeds {
            let (file, other) = (make(seed), make(seed + 1000))
            var generator = SeededGenerator(seed: seed)
            let split = 512 * Int.random(in: 2..<(file.count - 1) / 512, using: &generator)
            let rest = Array(other[(file.count / 1024 * 512)...])
            for tail in [[], rest] {
                let artifacts = try carve(medium([Array(file[..<split]), noise(3, seed: seed), tail], seed: seed))
                #expect(
                    artifacts.allSatisfy { !isSure($0) || $0.size < 512 }, "\(number): seed \(seed), split at \(split)")
            }
        }
    }

    // MARK: Samples

    private static func full(_ type: String, _ body: [UInt8]) -> [UInt8] { ISOMediaWalkerTests.full(type, body) }
    private static func box(_ type: String, _ body: [UInt8]) -> [UInt8] { ISOMediaWalkerTests.box(type, body) }

    /// Pictures in H.264 of 200 to 500 bytes, the index behind or before them.
    private static func film(indexFirst: Bool, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let samples = (0..<40).map { _ -> [UInt8] in
            let unit = [0x41] + generator.bytes(Int.random(in: 200...500, using: &generator))
            return .be32(unit.count) + unit
        }
        let type = ISOMediaWalkerTests.fileType
        let data = box("mdat", samples.flatMap { $0 })
        let sizes = samples.map(\.count)
        guard indexFirst else { return type + data + ISOMediaWalkerTests.movie(sizes: sizes, offset: type.count + 8) }
        let length = ISOMediaWalkerTests.movie(sizes: sizes, offset: 0).count
        return type + ISOMediaWalkerTests.movie(sizes: sizes, offset: type.count + length + 8) + data
    }

    /// Sound in AAC: nothing but the first bits of a sample shows what it is.
    private static func sound(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let samples = (0..<60).map { _ -> [UInt8] in
            [0x20 | UInt8(generator.next() & 1)] + generator.bytes(Int.random(in: 200...450, using: &generator))
        }
        let type = box("ftyp", Array("M4A ".utf8) + .be32(0) + Array("M4A mp42".utf8))
        let sizes = samples.map(\.count)
        let tables =
            full("stsd", .be32(1) + box("mp4a", [UInt8](repeating: 0, count: 28)))
            + full("stts", .be32(1) + .be32(sizes.count) + .be32(1024))
            + full("stsc", .be32(1) + .be32(1) + .be32(sizes.count) + .be32(1))
            + full("stsz", .be32(0) + .be32(sizes.count) + sizes.flatMap { [UInt8].be32($0) })
            + full("stco", .be32(1) + .be32(type.count + 8))
        let media =
            full("mdhd", .be32(0) + .be32(0) + .be32(44100) + .be32(40) + .be32(0))
            + full("hdlr", .be32(0) + Array("soun".utf8) + [UInt8](repeating: 0, count: 13))
            + box("minf", box("stbl", tables))
        let header = full("mvhd", .be32(0) + .be32(0) + .be32(1000) + .be32(0) + [UInt8](repeating: 0, count: 80))
        let track = box("trak", full("tkhd", [UInt8](repeating: 0, count: 80)) + box("mdia", media))
        return type + box("mdat", samples.flatMap { $0 }) + box("moov", header + track)
    }

    private static func flash(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var file = Array("FLV\u{01}\u{05}".utf8) + .be32(9) + .be32(0)
        for number in 0..<40 {
            let length = Int.random(in: 100...480, using: &generator)
            let tag =
                [9, 0, UInt8(length >> 8), UInt8(length & 255)] + .be32(number) + [0, 0, 0] + generator.bytes(length)
            file += tag + .be32(tag.count)
        }
        return file
    }

    private static func interleaved(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        func list(_ kind: String, _ body: [UInt8]) -> [UInt8] { RIFFWalkerTests.chunk("LIST", Array(kind.utf8) + body) }
        let head = list("hdrl", RIFFWalkerTests.chunk("avih", [UInt8](repeating: 0, count: 56)))
        let chunks = (0..<40).flatMap { _ -> [UInt8] in
            RIFFWalkerTests.chunk("00dc", generator.bytes(Int.random(in: 50...230, using: &generator) * 2))
        }
        return RIFFWalkerTests.riff(
            "AVI ", head + list("movi", chunks) + RIFFWalkerTests.chunk("idx1", generator.bytes(640)))
    }

    private static func matroska(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        func element(_ identifier: [UInt8], _ body: [UInt8]) -> [UInt8] {
            identifier + [0x10 | UInt8(body.count >> 24)] + [UInt8].be32(body.count)[1...] + body
        }
        let header = element([0x1A, 0x45, 0xDF, 0xA3], element([0x42, 0x82], Array("matroska".utf8)))
        let track = element([0xAE], element([0xD7], [1]) + element([0x83], [1]))
        let clusters = (0..<3).flatMap { _ -> [UInt8] in
            let blocks = (0..<16).flatMap { _ -> [UInt8] in
                element([0xA3], [0x81, 0, 0, 0x80] + generator.bytes(Int.random(in: 100...450, using: &generator)))
            }
            return element([0x1F, 0x43, 0xB6, 0x75], element([0xE7], [0]) + blocks)
        }
        let cues = element([0x1C, 0x53, 0xBB, 0x6B], generator.bytes(40))
        return header
            + element([0x18, 0x53, 0x80, 0x67], element([0x16, 0x54, 0xAE, 0x6B], track) + clusters + cues)
    }

    private static func windowsMedia(seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let identifier: [UInt8] = [
            0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C,
        ]
        let properties: [UInt8] = [
            0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65,
        ]
        let index: [UInt8] = [
            0x90, 0x08, 0x00, 0x33, 0xB1, 0xE5, 0xCF, 0x11, 0x89, 0xF4, 0x00, 0xA0, 0xC9, 0x03, 0x49, 0xCB,
        ]
        let (size, count) = (480, 30)
        let total = 134 + 50 + size * count + 56
        var stated = properties + .le64(104) + [UInt8](repeating: 0, count: 80)
        stated.put(.le64(total), at: 40)
        stated.put(.le32(size) + .le32(size), at: 92)
        let packets = (0..<count).flatMap { _ -> [UInt8] in [0x82, 0, 0] + generator.bytes(size - 3) }
        let head: [UInt8] = identifier + .le64(134) + .le32(1) + [1, 2] + stated
        var data: [UInt8] = [0x36] + identifier[1...] + .le64(50 + packets.count)
        data += [UInt8](repeating: 0, count: 16) + .le64(count) + [1, 1] + packets
        return head + data + index + .le64(56) + generator.bytes(32)
    }

    // MARK: Joins

    @Test func piecesAreToldByTheIndex() throws {
        for make in [{ Self.film(indexFirst: false, seed: $0) }, Self.sound] as [(UInt64) -> [UInt8]] {
            let counts = try found(make, seeds: 1..<13) { noise(Int($0 % 7) + 1, seed: $0 + 50) }
            #expect(counts.found >= counts.of * 3 / 4 && counts.sure >= counts.of / 2, "\(counts)")
        }
        // Nothing stands behind the last sample: only the end of the block shows the end.
        let counts = try found({ Self.film(indexFirst: true, seed: $0) }, seeds: 20..<32) { noise(4, seed: $0) }
        #expect(counts.found >= counts.of / 2, "\(counts)")
    }

    @Test func anotherFilmInTheGap() throws {
        for make in [{ Self.film(indexFirst: false, seed: $0) }, Self.sound] as [(UInt64) -> [UInt8]] {
            let counts = try found(make, seeds: 40..<48) { make($0 + 500) }
            #expect(counts.found >= counts.of / 2, "\(counts)")
            // Without its head it is not known, and lies there as it is.
            _ = try found(make, seeds: 50..<58) { Array(make($0 + 500)[1024..<6144]) }
        }
    }

    @Test func piecesAreToldByTheChain() throws {
        let makers: [(UInt64) -> [UInt8]] = [Self.flash, Self.interleaved, Self.matroska, Self.windowsMedia]
        for (number, make) in makers.enumerated() {
            expectSame(make(60))
            let counts = try found(make, seeds: 60..<70) { noise(Int($0 % 5) + 1, seed: $0 + 50) }
            #expect(counts.found >= counts.of / 2, "\(number): \(counts)")
        }
    }

    /// The files themselves are whole.
    private func expectSame(_ file: [UInt8]) {
        let sizes = Self.walkers.compactMap { verdict(of: $0, on: file).completed?.length }
        #expect(sizes == [file.count])
    }

    @Test func aMissingPieceIsNeverSure() throws {
        let makers: [(UInt64) -> [UInt8]] = [
            { Self.film(indexFirst: false, seed: $0) }, { Self.film(indexFirst: true, seed: $0) }, Self.sound,
            Self.interleaved, Self.matroska, Self.windowsMedia,
        ]
        for (number, make) in makers.enumerated() { try expectNothingSure(number, make, seeds: 80..<88) }
    }

    @Test func filmsInThreePiecesAndOutOfOrder() throws {
        for seed in 90..<96 as Range<UInt64> {
            let file = Self.film(indexFirst: false, seed: seed)
            let sum = try digest(.sha256, of: file)
            let (first, second) = (2048, 7168)
            let bytes = medium(
                [
                    Array(file[..<first]), noise(3, seed: seed), Array(file[first..<second]), noise(5, seed: seed + 1),
                    Array(file[second...]),
                ], seed: seed)
            #expect(try carve(bytes).allSatisfy { !isSure($0) || $0.sha256 == sum || $0.size < 512 }, "seed \(seed)")
            let turned = medium([Array(file[first...]), noise(3, seed: seed), Array(file[..<first])], seed: seed)
            #expect(try carve(turned).contains { $0.sha256 == sum }, "seed \(seed)")
        }
    }
}
