import Digesting
import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Synchronization
import Testing

@testable import Carving

/// A format of the tests: "EXHB", a big-endian length, then content; a byte 0xFF breaks it.
private struct ToyWalker: FormatWalker {
    let name = "toy"
    let signatures = [WalkerSignature("EXHB")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        let length = try reader.u32be(4)
        guard length >= 8 else { return .rejected(reason: "too short") }
        var valid = 8
        while valid < min(length, reader.count), try reader.u8(valid) != 0xFF { valid += 1 }
        var file = WalkedFile(
            length: valid, confidence: .proven, format: "toy", fileExtension: "toy", mime: "application/x-toy")
        file.facts["claimed"] = .integer(length)
        return valid == length ? .complete(file) : .broken(file, reason: "bad byte at \(valid)")
    }
}

private func toy(_ length: Int, brokenAt: Int? = nil, inside: [(Int, [UInt8])] = []) -> [UInt8] {
    var bytes: [UInt8] = Array("EXHB".utf8) + .be32(length)
    while bytes.count < length { bytes.append(UInt8(truncatingIfNeeded: bytes.count * 6)) }
    for (offset, content) in inside { bytes.put(content, at: offset) }
    if let brokenAt { bytes[brokenAt] = 0xFF }
    return bytes
}

/// A medium of 512-byte blocks.
private struct Medium {
    var bytes: [UInt8]
    init(blocks: Int, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        bytes = generator.bytes(blocks * 512)
    }
    mutating func put(_ content: [UInt8], atBlock block: Int) { bytes.put(content, at: block * 512) }
}

@Suite struct CarverTests {
    static let magic = try? MagicDatabases.standard()

    private func carve(
        _ bytes: [UInt8], walkers: [any FormatWalker] = [ToyWalker()], workers: Int = 1, blockSize: Int = 512,
        limits: CarveLimits = CarveLimits()
    ) throws -> CarveResult {
        let magic = try #require(Self.magic)
        let index = SignatureIndex.forCarving(walkers: walkers, magic: magic)
        var candidates: [Int] = []
        index.candidates(
            in: bytes.span, count: bytes.count, baseOffset: 0, blockSize: blockSize, into: &candidates)
        let carver = Carver(
            item: "E001", source: MemorySource(bytes), walkers: walkers, magic: magic, limits: limits,
            workers: workers)
        return try carver.carve(candidates: candidates)
    }

    private func export(_ result: CarveResult) -> String {
        result.artifacts.map(\.canonical.encodedText).joined(separator: "\n")
    }

    @Test func cataloguesAWholeFile() throws {
        var medium = Medium(blocks: 40)
        let file = toy(3000)
        medium.put(file, atBlock: 7)
        let result = try carve(medium.bytes)
        let artifact = try #require(result.artifacts.first)
        #expect(result.artifacts.count == 1)
        #expect(artifact.extents == [Extent(offset: 3584, length: 3000)])
        #expect(artifact.confidence == .proven)
        #expect(try artifact.sha256 == digest(.sha256, of: file))
        #expect(try artifact.md5 == digest(.md5, of: file))
        #expect(artifact.path == "E001/3584")
        #expect(artifact.facts["claimed"] == .integer(3000))
        let identity = try digest(.sha256, of: Array("E001\ntoy\n3584+3000".utf8)).hex.prefix(16)
        #expect(artifact.id == String(identity))
        #expect(result.warnings.isEmpty)
        #expect(result.statistics.bytesHashed == 3000)
    }

    /// Moving a medium's content by whole blocks moves every artifact by as much and changes nothing else.
    @Test(arguments: [1, 3, 64]) func shiftMovesEveryArtifact(blocks: Int) throws {
        var medium = Medium(blocks: 200, seed: 2)
        for block in stride(from: 3, to: 180, by: 11) {
            medium.put(toy(300 + block * 13, brokenAt: block % 3 == 0 ? 250 + block * 13 : nil), atBlock: block)
        }
        medium.put(Array("LVF\t\r\n".utf8) + [0xFF, 0], atBlock: 196)
        let before = try carve(medium.bytes)
        let after = try carve([UInt8](repeating: 0, count: blocks * 512) + medium.bytes)
        #expect(before.artifacts.count > 10)
        #expect(Set(before.artifacts.map(\.confidence)).count == 3)
        #expect(
            after.artifacts.map { [$0.extents[0].offset - blocks * 512, $0.size] }
                == before.artifacts.map { [$0.extents[0].offset, $0.size] })
        #expect(after.artifacts.map(\.sha256) == before.artifacts.map(\.sha256))
        #expect(after.artifacts.map(\.description) == before.artifacts.map(\.description))
    }

    /// Files in files, overlapping and broken ones, far more than one batch: one result for any number of workers.
    @Test func workersChangeNothing() throws {
        var generator = SeededGenerator(seed: 5)
        var medium = Medium(blocks: 3000, seed: 3)
        for _ in 0..<900 {
            let block = Int.random(in: 0..<2800, using: &generator)
            let length = Int.random(in: 9..<20_000, using: &generator)
            let isBroken = Bool.random(using: &generator)
            medium.put(
                toy(length, brokenAt: isBroken ? Int.random(in: 8..<length, using: &generator) : nil), atBlock: block)
            medium.put(Array("EVF2\r\n".utf8) + [0x81, 0], atBlock: Int.random(in: 0..<2999, using: &generator))
        }
        var limits = CarveLimits()
        limits.candidatesAhead = 40
        let one = try carve(medium.bytes, workers: 1, limits: limits)
        #expect(Set(one.artifacts.map(\.confidence)) == [.proven, .header, .broken])
        #expect(Set(one.artifacts.map(\.id)).count == one.artifacts.count)
        for (workers, ahead) in [(2, 40), (8, 7), (3, 1), (1, 100_000)] {
            limits.candidatesAhead = ahead
            let other = try carve(medium.bytes, workers: workers, limits: limits)
            #expect(export(other) == export(one))
            #expect(other.statistics == one.statistics)
            #expect(other.limitsHit == one.limitsHit)
        }
        // Whole files never share a byte, and what is uncertain never reaches into one.
        let extents = one.artifacts.filter { $0.confidence == .proven }.map { $0.extents[0] }
        for (left, right) in zip(extents, extents.dropFirst()) { #expect(left.end <= right.offset) }
        for find in one.artifacts where find.confidence != .proven {
            #expect(find.size > 0)
            #expect(extents.allSatisfy { $0.isDisjoint(from: find.extents[0]) })
        }
    }

    @Test func aCandidateInsideAWholeFileIsPartOfIt() throws {
        var medium = Medium(blocks: 40)
        medium.put(toy(6000, inside: [(1024, toy(1000))]), atBlock: 2)
        let result = try carve(medium.bytes)
        #expect(result.artifacts.map(\.size) == [6000])
        #expect(result.statistics.covered == 1)
    }

    @Test func aBrokenFileHidesNothing() throws {
        var medium = Medium(blocks: 60)
        medium.put(toy(20_000, brokenAt: 15_000, inside: [(2048, toy(1000))]), atBlock: 2)
        let result = try carve(medium.bytes)
        #expect(result.artifacts.map(\.size) == [2048, 1000])
        #expect(result.artifacts.map(\.confidence) == [.broken, .proven])
        #expect(result.artifacts[0].warnings == ["bad byte at 15000", "cut where another find begins"])
    }

    @Test func aTinyBrokenPrefixIsNoFind() throws {
        var medium = Medium(blocks: 20)
        medium.put(toy(5000, brokenAt: 400), atBlock: 2)
        let result = try carve(medium.bytes)
        #expect(result.artifacts.isEmpty)
        #expect(result.limitsHit == ["carve_smallest_broken": 1])
    }

    /// What only libmagic knows ends at the next find, at a run of zeros, at the limit or with the medium.
    @Test func headersEndWhereTheRulesSay() throws {
        let header: [UInt8] = Array("EVF2\r\n".utf8) + [0x81, 0]
        var medium = Medium(blocks: 4000)
        medium.put(header, atBlock: 2)
        medium.put(header, atBlock: 6)
        medium.put(toy(1000), atBlock: 9)
        medium.put(header, atBlock: 12)
        medium.put([UInt8](repeating: 0, count: 4096), atBlock: 20)
        medium.put(header, atBlock: 40)
        medium.put(header, atBlock: 3990)
        let result = try carve(medium.bytes)
        #expect(result.artifacts.map { $0.extents[0].offset / 512 } == [2, 6, 9, 12, 40, 3990])
        #expect(result.artifacts.map(\.size) == [2048, 1536, 1000, 4096, 1 << 20, 5120])
        #expect(result.limitsHit == ["carve_largest_header": 1])
        #expect(result.artifacts[0].format == "ex01")
        #expect(result.artifacts[0].mime == "application/x-ewf2")
        #expect(result.artifacts[0].description == "EnCase evidence file, version 2 (Ex01)")
    }

    /// A walker may call a file whole and be unsure of its last bytes: the engine does not cut it.
    @Test func aWholeFileOfLittleConfidenceKeepsItsEnd() throws {
        struct Doubtful: FormatWalker {
            let name = "doubtful"
            let signatures = [WalkerSignature("EXHB")]
            func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
                .complete(
                    WalkedFile(
                        length: try reader.u32be(4), confidence: .header, format: "doubtful", fileExtension: "d",
                        mime: "a/b"))
            }
        }
        var medium = Medium(blocks: 60)
        let zeros = [UInt8](repeating: 0, count: 8192)
        medium.put(toy(20_000, inside: [(1024, toy(600)), (4096, zeros)]), atBlock: 2)
        let result = try carve(medium.bytes, walkers: [Doubtful()])
        #expect(result.artifacts.map(\.size) == [20_000])
        #expect(result.artifacts.first?.confidence == .header)
    }

    /// What a walker declines is kept as a header find only when a long signature brought the walker there.
    @Test func aRefusalCountsUnlessTheSignatureIsLong() throws {
        struct Refuser: FormatWalker {
            let name = "refuser"
            let signatures: [WalkerSignature]
            func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { .rejected(reason: "not mine") }
        }
        let header: [UInt8] = Array("EVF2\r\n".utf8) + [0x81, 0]
        var medium = Medium(blocks: 10)
        medium.put(header, atBlock: 3)
        for (length, count) in [(2, 1), (4, 0), (5, 0), (6, 1), (8, 1)] {
            let walker = Refuser(signatures: [WalkerSignature(Array(header.prefix(length)))])
            let result = try carve(medium.bytes, walkers: [walker])
            #expect(result.artifacts.count == count, "\(length) bytes")
        }
    }

    @Test func randomDataAndTextGiveNothing() throws {
        var generator = SeededGenerator(seed: 11)
        let random = generator.bytes(1 << 20)
        let inRandom = try carve(random, walkers: allFormatWalkers, workers: 2).artifacts.count
        #expect(inRandom == 0)
        let words = [
            "ledger ", "of ", "the ", "exhibit ", "seal ", "42 ", "\n", "From ", "#!/bin/sh\n", "GIF8 ", "BM ",
        ]
        var text: [UInt8] = []
        while text.count < 1 << 18 { text += (words.randomElement(using: &generator) ?? "").utf8 }
        let found = try carve(text).artifacts.count
        #expect(found == 0)
    }

    @Test func nothingToCarveIsAnEmptyResult() throws {
        #expect(try carve([]).artifacts.isEmpty)
        #expect(try carve([UInt8](repeating: 0, count: 5000)).statistics.candidates == 0)
    }

    @Test func aWalkerThatMisreadsCannotHurt() throws {
        struct Liar: FormatWalker {
            let name = "liar"
            let signatures = [WalkerSignature("EXHB")]
            let length: Int
            let broken: Bool
            func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
                let file = WalkedFile(
                    length: length, confidence: .proven, format: "lie", fileExtension: "lie", mime: "a/b")
                return broken ? .broken(file, reason: "lie") : .complete(file)
            }
        }
        var medium = Medium(blocks: 10)
        medium.put(toy(700), atBlock: 3)
        for length in [0, -5, Int.max, Int.min, 100_000] {
            let whole = try carve(medium.bytes, walkers: [Liar(length: length, broken: false), ToyWalker()])
            #expect(whole.artifacts.map(\.format) == ["toy"])
            let broken = try carve(medium.bytes, walkers: [Liar(length: length, broken: true)])
            #expect(broken.artifacts.allSatisfy { $0.extents[0].end <= medium.bytes.count && $0.size > 0 })
        }
    }

    @Test func aMediumThatFailsIsAWarning() throws {
        struct Failing: ByteSource {
            let content: MemorySource
            let bad: Range<Int>
            var size: Int { content.size }
            func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
                if bad.overlaps(offset..<offset + destination.count) { throw SourceError(.unreadable, "bad cable") }
                return try content.read(at: offset, into: &destination)
            }
        }
        var medium = Medium(blocks: 1000)
        medium.put(toy(700), atBlock: 3)
        medium.put(toy(700), atBlock: 700)
        let source = Failing(content: MemorySource(medium.bytes), bad: 340_000..<400_000)
        let carver = Carver(
            item: "E001", source: source, walkers: [ToyWalker()], magic: try #require(Self.magic))
        let result = try carver.carve(candidates: [1536, 358_400])
        #expect(result.artifacts.map(\.size) == [700])
        #expect(result.warnings.count == 1)
        #expect(result.warnings.first?.contains("bad cable") == true)
    }

    @Test func progressReachesTheEnd() throws {
        var medium = Medium(blocks: 600)
        for block in stride(from: 0, to: 590, by: 3) { medium.put(toy(600), atBlock: block) }
        let carver = Carver(
            item: "E001", source: MemorySource(medium.bytes), walkers: [ToyWalker()], magic: try #require(Self.magic))
        let seen = Mutex<[CarveProgress]>([])
        let result = try carver.carve(candidates: stride(from: 0, to: 590 * 512, by: 512)) { progress in
            seen.withLock { $0.append(progress) }
        }
        let examined = seen.withLock { $0 }.filter { $0.phase == .examining }
        #expect(result.artifacts.count == 197)
        #expect(examined.map(\.done) == [255 * 512, 511 * 512, 589 * 512])
        #expect(examined.allSatisfy { $0.total == 600 * 512 })
    }
}
