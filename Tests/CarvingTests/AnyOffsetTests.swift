import Digesting
import EvidenceModel
import FormatIdentification
import SourceMedia
import Testing

@testable import Carving

/// Carving where files may begin at every byte.
@Suite struct AnyOffsetTests {
    private static let magic = try? MagicDatabases.standard()
    private static let search = magic.flatMap { try? SignatureSearch.forCarving(magic: $0) }

    /// Whole, broken and cut files of several formats at offsets that are no block borders, with noise, zeros and text
    /// between them; one picture in two pieces, 3 blocks of noise apart; and one that another holds.
    private static let medium: [UInt8] = {
        var generator = SeededGenerator(seed: 17)
        var medium = generator.bytes(777)
        func gap(_ round: Int) {
            let count = Int.random(in: 1...1500, using: &generator)
            switch round % 3 {
            case 0: medium += generator.bytes(count)
            case 1: medium += [UInt8](repeating: 0, count: count)
            default: medium += Array(repeating: "ledger of seals 42 ", count: count / 19 + 1).joined().utf8
            }
            medium.append(0xEE)
        }
        let picture = PNGWalkerTests.picture(chunks: 4, &generator)
        var jpeg = JPEGWriter(seed: 5)
        let photograph = jpeg.baseline()
        let files: [[UInt8]] = [
            picture, BMPWalkerTests.bitmap(width: 40, height: 30, pixels: generator.bytes(3600)),
            GIFWalkerTests.sample(), MPEGAudioWalkerTests.counted(9, seed: 3), photograph,
            ZipWalkerTests.stored([("a.txt", generator.bytes(900)), ("b.txt", Array("second".utf8))]),
            PDFWalkerTests.document([Array("<< /Type /Catalog >>".utf8)]), SystemFileWalkerTests.eventLog(),
            SystemFileWalkerTests.hive(), TIFFWalkerTests.file(), CompoundFileWalkerTests.file(),
            Array("<?xml version=\"1.0\"?>\n<case><item>E001</item></case>\n".utf8),
            Array(
                "-----BEGIN CERTIFICATE-----\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\n-----END CERTIFICATE-----\n".utf8),
        ]
        for (round, file) in (files + files.map { Array($0.prefix($0.count * 2 / 3)) }).enumerated() {
            medium += file
            gap(round)
        }
        medium += picture.prefix(2560) + generator.bytes(3 * 512) + picture.dropFirst(2560) + generator.bytes(999)
        return medium
    }()

    private func candidates(_ bytes: [UInt8], pageSize: Int) throws -> [Int] {
        let search = try #require(Self.search)
        var found: [Int] = []
        for start in stride(from: 0, to: bytes.count, by: pageSize) {
            let usable = min(pageSize, bytes.count - start)
            let page = Array(bytes[start..<min(bytes.count, start + usable + search.requiredMargin)])
            search.candidates(in: page.span, count: usable, baseOffset: start, into: &found)
        }
        return found
    }

    private func carve(
        _ bytes: [UInt8], pageSize: Int = 1 << 20, workers: Int = 2, limits: CarveLimits = CarveLimits()
    ) throws -> CarveResult {
        let carver = Carver(
            item: "E001", source: MemorySource(bytes), magic: try #require(Self.magic), limits: limits,
            workers: workers)
        return try carver.carve(candidates: candidates(bytes, pageSize: pageSize))
    }

    /// What is said of each artifact, with its places moved by `shift`.
    private func said(_ result: CarveResult, shift: Int = 0) -> [String] {
        result.artifacts.map { artifact in
            var artifact = artifact
            artifact.extents = artifact.extents.map { Extent(offset: $0.offset - shift, length: $0.length) }
            artifact.id = ""
            artifact.path = ""
            return artifact.canonical.encodedText
        }.sorted()
    }

    @Test func findsFilesAtAnyByte() throws {
        let result = try carve(Self.medium)
        let proven = result.artifacts.filter { $0.confidence == .proven || $0.confidence == .structural }
        for format in ["png", "gif", "jpeg", "zip", "pdf", "evtx", "hive", "xml", "pem"] {
            #expect(proven.contains { $0.format.hasPrefix(format) }, "no \(format)")
        }
        #expect(proven.contains { $0.format == "png" && $0.extents.count == 2 })
        #expect(result.artifacts.contains { $0.confidence == .broken })
    }

    @Test(arguments: [1, 2, 8], [4096, 65_536 + 1, 1 << 20])
    func workersAndPagesChangeNothing(workers: Int, pageSize: Int) throws {
        let one = try carve(Self.medium, pageSize: Self.medium.count, workers: 1)
        let other = try carve(Self.medium, pageSize: pageSize, workers: workers)
        #expect(other.artifacts.map(\.canonical.encodedText) == one.artifacts.map(\.canonical.encodedText))
        #expect(other.statistics == one.statistics)
        #expect(other.limitsHit == one.limitsHit)
    }

    /// A medium that begins some bytes later holds the same files, as many bytes later.
    @Test(arguments: [1, 2, 3, 7, 64, 100, 255, 256, 257, 511, 512])
    func aShiftMovesEveryArtifact(shift: Int) throws {
        let before = try carve(Self.medium)
        let after = try carve([UInt8](repeating: 0xAA, count: shift) + Self.medium)
        #expect(said(after, shift: shift) == said(before))
    }

    /// The search beside the blocks finds the same places as a comparison at each of them, after the same checks.
    @Test func candidatesAreThoseOfAComparisonAtEveryOffset() throws {
        let bytes = Array(Self.medium.prefix(30_000))
        let magic = try #require(Self.magic)
        let index = SignatureIndex.forCarving(magic: magic)
        let walkers = allFormatWalkers.flatMap { walker in walker.signatures.map { _ in walker } }
        var expected: [Int] = []
        for at in bytes.indices {
            let head = bytes[at..<min(bytes.count, at + SignatureSearch.refinedBytes)]
            let isCandidate = index.matches(bytes.span, at: at).contains { number in
                number < index.walkerCount
                    ? walkers[number].mayBegin(head.span)
                    : index.signatures[number].bytes.count >= SignatureSearch.smallestDatabaseSignature
            }
            if isCandidate { expected.append(at) }
        }
        #expect(try candidates(bytes, pageSize: 4096) == expected)
    }

    /// A file that lies in another one, at no block of it, is not taken for one that lies between its pieces.
    @Test func aFileInsideABrokenOneStaysInIt() {
        var generator = SeededGenerator(seed: 3)
        let bytes = generator.bytes(4096)
        let taken = [Extent(offset: 1100, length: 300), Extent(offset: 1536, length: 700)]
        let space = FreeSpace(MemorySource(bytes), from: 512, without: taken, reach: 1 << 20)
        #expect(space.size == 4096 - 512 - 1024)
        #expect(space.places(of: 0..<1200) == [Extent(offset: 512, length: 1024), Extent(offset: 2560, length: 176)])
        let shifted = FreeSpace(MemorySource(bytes), from: 76, without: taken, reach: 1 << 20)
        #expect(shifted.places(of: 0..<1100) == [Extent(offset: 76, length: 1024), Extent(offset: 1612, length: 76)])
    }

    /// Members of a broken archive are part of it, and so is a picture in one; neither cuts it.
    @Test func whatLiesInABrokenFileIsPartOfIt() throws {
        var generator = SeededGenerator(seed: 31)
        let members = (0..<20).map { (name: "\($0)", content: generator.bytes(601)) }
        let archive = ZipWalkerTests.stored(members + [("p.png", PNGWalkerTests.sample), ("z", generator.bytes(5000))])
        let cut = archive.count - 4000
        let found = try carve(generator.bytes(1001) + archive.prefix(cut) + [UInt8](repeating: 0, count: 9000))
        let archives = found.artifacts.filter { $0.format == "zip" }
        #expect(archives.map { $0.extents[0].offset } == [1001])
        #expect(archives.allSatisfy { $0.confidence == .broken && $0.size > 20 * 601 + PNGWalkerTests.sample.count })
        #expect(found.artifacts.contains { $0.format == "png" && $0.confidence == .proven })
    }

    /// Words that are signatures, over and over: the work is bounded, what is left out is counted, and the result does not
    /// depend on the workers.
    @Test func workIsBounded() throws {
        let words = Array(repeating: "%PDF-1.4 mdat RIFF {\\rtf GIF89a ", count: 2000).joined()
        var limits = CarveLimits()
        limits.readCredit = 10 << 20
        limits.mostReadCredit = 10 << 20
        limits.readsPerByte = 64
        let picture = PNGWalkerTests.sample
        let bytes = Array(words.utf8) + [UInt8](repeating: 0, count: 1 << 20) + picture
        let one = try carve(bytes, workers: 1, limits: limits)
        #expect((one.limitsHit["carve_reads_per_byte"] ?? 0) > 1000)
        #expect(one.artifacts.contains { $0.format == "png" && $0.confidence == .proven })
        let other = try carve(bytes, workers: 4, limits: limits)
        #expect(said(other) == said(one))
        #expect(other.limitsHit == one.limitsHit)
        #expect(other.statistics == one.statistics)
    }

    // MARK: Gaps

    /// Aligned candidates only, then the gaps.
    private func carveGaps(
        _ bytes: [UInt8], limits: CarveLimits = CarveLimits(), workers: Int = 2
    ) throws -> CarveResult {
        let magic = try #require(Self.magic)
        var candidates: [Int] = []
        SignatureIndex.forCarving(magic: magic).candidates(
            in: bytes.span, count: bytes.count, baseOffset: 0, blockSize: 512, into: &candidates)
        var carver = Carver(
            item: "E001", source: MemorySource(bytes), magic: magic, limits: limits, workers: workers)
        carver.gapSearch = try SignatureSearch.forGaps()
        return try carver.carve(candidates: candidates)
    }

    /// In the slack behind a file, between files and behind the last one.
    @Test func gapsAreSearchedAtEveryOffset() throws {
        var generator = SeededGenerator(seed: 21)
        let small = PNGWalkerTests.sample
        let large = PNGWalkerTests.picture(chunks: 1, of: 3000, &generator)
        var bytes = generator.bytes(20_000)
        bytes.put(large, at: 1024)
        let slack = 1024 + large.count + 10
        bytes.put(small, at: slack)
        bytes.put(large, at: 8192)
        bytes.put(small, at: 8192 - small.count)
        bytes.put(large, at: 15_001)
        let found = try carveGaps(bytes)
        #expect(found.artifacts.map { $0.extents[0].offset } == [1024, slack, 8192 - small.count, 8192, 15_001])
        #expect(found.artifacts.allSatisfy { $0.confidence == .proven })
        #expect(found.statistics.gapBytesSearched == 20_000 - 2 * large.count)
        #expect(try carveGaps(bytes, workers: 1).statistics == found.statistics)

        var limits = CarveLimits()
        limits.embeddedGapBytes = 2000
        let limited = try carveGaps(bytes, limits: limits)
        #expect(limited.artifacts.map { $0.extents[0].offset } == [1024, slack, 8192])
        #expect(limited.limitsHit["carve_embedded_gap_bytes"] == 2)
    }

    /// What is cut by the next find, or not vouched for to its end, is not taken out of a gap.
    @Test func gapsGiveWholeFilesOnly() throws {
        var generator = SeededGenerator(seed: 22)
        let picture = PNGWalkerTests.picture(chunks: 1, of: 3000, &generator)
        var bytes = generator.bytes(20_000)
        bytes.put(Array(picture.prefix(2000)), at: 101)
        bytes.put(BMPWalkerTests.bitmap(width: 40, height: 30, pixels: generator.bytes(3600)), at: 5003)
        // Stored in an archive that begins before a block and goes on behind it, where a picture begins.
        bytes.put(ZipWalkerTests.stored([("a.png", picture), ("b", generator.bytes(100))]), at: 12_288 - 35)
        #expect(bytes[12_288...].starts(with: picture))
        let found = try carveGaps(bytes)
        #expect(found.artifacts.map { $0.extents[0] } == [Extent(offset: 12_288, length: picture.count)])
    }
}
