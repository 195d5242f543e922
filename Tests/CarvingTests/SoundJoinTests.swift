import Digesting
import EvidenceModel
import Testing

@testable import Carving

/// Sound in pieces: MPEG frames and the encoder's checksum over them, tags before them, metadata of FLAC.
@Suite struct SoundJoinTests {
    private static let walkers: [any FormatWalker] = [MPEGAudioWalker(), FLACWalker()]

    private func carve(_ bytes: [UInt8], workers: Int = 1) throws -> [Artifact] {
        try PieceTesting.carve(bytes, with: Self.walkers, workers: workers, limits: CarveLimits()).artifacts
    }

    /// Pieces at whole blocks, gaps between them, noise around them; answers where the pieces lie.
    private func lay(_ parts: [(bytes: [UInt8], isPiece: Bool)], seed: UInt64) -> (bytes: [UInt8], extents: [Extent]) {
        var generator = SeededGenerator(seed: seed)
        var bytes = generator.bytes(1024)
        var extents: [Extent] = []
        for part in parts {
            if part.isPiece { extents.append(Extent(offset: bytes.count, length: part.bytes.count)) }
            bytes += part.bytes + generator.bytes(-part.bytes.count & 511)
        }
        return (bytes + generator.bytes(4096), extents)
    }

    private func gaps(seed: UInt64) -> [[UInt8]] {
        var generator = SeededGenerator(seed: seed)
        return [
            generator.bytes(512 * Int.random(in: 1...9, using: &generator)), [UInt8](repeating: 0, count: 1536),
            Array(PieceTesting.text(300, seed: seed).prefix(2048)),
        ]
    }

    private static func crc(_ bytes: ArraySlice<UInt8>) -> Int {
        var crc = 0
        for byte in bytes {
            crc ^= Int(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xA001 : crc >> 1 }
        }
        return crc
    }

    /// An MP3 as LAME writes it: frames of 320 kbit/s (1044 bytes) behind one that states them and their checksum.
    static func encoded(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let sound = (0..<count).flatMap { _ -> [UInt8] in [0xFF, 0xFB, 0xE0, 0x00] + generator.bytes(1040) }
        var first = [0xFF, 0xFB, 0x90, 0x00] + [UInt8](repeating: 0, count: 413)
        first.put(Array("Info".utf8) + .be32(15) + .be32(count) + .be32(417 + sound.count), at: 36)
        first.put(Array("LAME3.100".utf8), at: 156)
        first.put(.be32(417 + sound.count) + .be16(crc(sound[...])), at: 156 + 28)
        first.put(.be16(crc(first[..<190])), at: 190)
        return first + sound
    }

    private func tagged(_ sound: [UInt8], padding: Int) -> [UInt8] {
        let text = [0] + Array("J. Doe".utf8)
        let frame = Array("TPE1".utf8) + .be32(text.count) + [0, 0] + text + [UInt8](repeating: 0, count: padding)
        return Array("ID3".utf8) + [3, 0, 0, 0, 0, UInt8(frame.count >> 7), UInt8(frame.count & 127)] + frame + sound
    }

    @Test func theEncodersChecksumProvesTheWholeFile() throws {
        let file = Self.encoded(20, seed: 1)
        expectExact(MPEGAudioWalker(), file, .proven, format: "mp3")
        expectExact(MPEGAudioWalker(), tagged(file, padding: 300), .structural, format: "mp3")
        // Any byte behind the head of the first frame and those of the others.
        for index in [40, 100, 170, 185, 300, 416, 500, 2000, file.count - 1] {
            var changed = file
            changed[index] ^= 1
            let verdict = verdict(of: MPEGAudioWalker(), on: changed).completed
            #expect(verdict?.confidence != .proven, "byte \(index)")
        }
        expectNeverTraps(MPEGAudioWalker(), file, rounds: 300)
    }

    @Test func theChecksumTellsTheBorder() throws {
        let file = Self.encoded(20, seed: 2)
        let other = MPEGAudioWalkerTests.frames(9, seed: 3)
        for split in stride(from: 512, to: file.count - 1536, by: 1536) {
            for gap in gaps(seed: UInt64(split)) + [other] {
                let (bytes, extents) = lay(
                    [(Array(file[..<split]), true), (gap, false), (Array(file[split...]), true)], seed: 4)
                let found = try carve(bytes).filter { $0.confidence == .proven }
                #expect(found.map(\.extents) == [extents], "split at \(split), gap of \(gap.count)")
                #expect(try found.first?.sha256 == digest(.sha256, of: file))
            }
        }
    }

    @Test func soundInThreePiecesAndOutOfOrder() throws {
        for seed in 10...15 as ClosedRange<UInt64> {
            let file = Self.encoded(24, seed: seed)
            let gaps = gaps(seed: seed)
            let pieces = [Array(file[..<5120]), Array(file[5120..<13_312]), Array(file[13_312...])]
            var (bytes, extents) = lay(
                [(pieces[0], true), (gaps[0], false), (pieces[1], true), (gaps[1], false), (pieces[2], true)],
                seed: seed)
            #expect(try carve(bytes).filter { $0.confidence == .proven }.map(\.extents) == [extents])
            let rest = Array(file[5120...])
            (bytes, extents) = lay([(rest, true), (gaps[2], false), (pieces[0], true)], seed: seed)
            let found = try carve(bytes).filter { $0.confidence == .proven }
            #expect(found.map(\.extents) == [extents.reversed()])
            #expect(try found.first?.sha256 == digest(.sha256, of: file))
        }
    }

    @Test func aMissingEndIsNeverSure() throws {
        for seed in 20...24 as ClosedRange<UInt64> {
            let file = Self.encoded(24, seed: seed)
            let other = Self.encoded(24, seed: seed + 100)
            for split in [2048, 9216] {
                // Nothing behind, and the second piece of another file of the same kind.
                for rest in [[], Array(other[split...]), MPEGAudioWalkerTests.frames(40, seed: seed)] {
                    let bytes = lay(
                        [(Array(file[..<split]), true), (gaps(seed: seed)[0], false), (rest, false)], seed: seed
                    ).bytes
                    let sure = try carve(bytes).filter { $0.confidence == .proven || $0.confidence == .structural }
                    #expect(sure.isEmpty, "seed \(seed), split at \(split), \(rest.count) bytes")
                }
            }
        }
    }

    @Test func withoutACountTheFramesAreFollowed() throws {
        let file = MPEGAudioWalkerTests.frames(60, seed: 30)
        for split in stride(from: 3072, to: file.count - 4096, by: 2048) {
            for gap in gaps(seed: UInt64(split)) {
                let bytes = lay([(Array(file[..<split]), true), (gap, false), (Array(file[split...]), true)], seed: 31)
                    .bytes
                let found = try carve(bytes)
                #expect(found.allSatisfy { $0.confidence != .proven && $0.confidence != .structural })
                #expect(try found.contains { try $0.sha256 == digest(.sha256, of: file) }, "split at \(split)")
            }
        }
    }

    @Test func aGapInTheTag() throws {
        let file = tagged(Self.encoded(12, seed: 40), padding: 4000)
        for split in [512, 1536, 3584] {
            for gap in gaps(seed: UInt64(split)) {
                let bytes = lay(
                    [(Array(file[..<split]), true), (gap, false), (Array(file[split...]), true)], seed: 41
                ).bytes
                let found = try carve(bytes)
                let says = found.map { "\($0.extents) \($0.size) \($0.confidence) \($0.warnings)" }
                let sure = found.filter { $0.confidence == .structural }.map(\.sha256)
                #expect(try sure == [digest(.sha256, of: file)], "split at \(split), \(gap.count): \(says)")
            }
        }
    }

    /// FLAC whose sound begins behind a block of padding.
    private func padded(_ padding: Int, seed: UInt64) -> [UInt8] {
        let file = FLACWalkerTests.sample(seed: seed)
        let block = [0x01, 0] + [UInt8].be16(padding) + [UInt8](repeating: 0, count: padding)
        return Array(file[..<42]) + block + file[42...]
    }

    @Test func aGapInTheMetadata() throws {
        for seed in 50...54 as ClosedRange<UInt64> {
            let file = padded(4096, seed: seed)
            expectExact(FLACWalker(), file, .structural, format: "flac")
            for split in [512, 2048, 4096] {
                for gap in gaps(seed: seed) {
                    let bytes = lay(
                        [(Array(file[..<split]), true), (gap, false), (Array(file[split...]), true)], seed: seed
                    ).bytes
                    let found = try carve(bytes).filter { $0.confidence == .structural }
                    #expect(try found.map(\.sha256) == [digest(.sha256, of: file)], "split at \(split), \(gap.count)")
                }
            }
        }
    }

    @Test func theSameForAnyNumberOfWorkers() throws {
        var bytes: [UInt8] = []
        for seed in 60..<64 as Range<UInt64> {
            let file = Self.encoded(12, seed: seed)
            bytes +=
                lay(
                    [(Array(file[..<3072]), true), (gaps(seed: seed)[0], false), (Array(file[3072...]), true)],
                    seed: seed
                ).bytes
        }
        let exports = try [1, 2, 8].map { try carve(bytes, workers: $0).map(\.canonical.encodedText).joined() }
        #expect(exports[0].contains("\"proven\""))
        #expect(exports[1] == exports[0])
        #expect(exports[2] == exports[0])
    }
}
