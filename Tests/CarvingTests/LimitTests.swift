import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// The limits of a run: each has a name, a place where it decides, and a line in the documentation.
@Suite struct LimitTests {
    private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Numbers that shape what is done and that no evidence can exceed: nothing is ever left out for them.
    private static let shaping: Set<String> = [
        "carve_described_bytes", "carve_confirmed_bytes", "carve_zero_run", "carve_signature_above_walker",
        "carve_join_reach", "carve_join_far_gap", "carve_join_near_gap", "carve_join_back", "carve_join_reach_before",
        "carve_join_pieces", "carve_join_branches", "carve_join_batch", "carve_join_rounds", "carve_guess_work",
        "embedded_described_bytes",
    ]
    /// The second number of a limit that is counted under the name of the first.
    private static let partOf: [String: String] = [
        "carve_read_credit": "carve_reads_per_byte",
        "carve_read_credit_per_byte": "carve_reads_per_byte", "carve_most_read_credit": "carve_reads_per_byte",
        "carve_decoded_credit": "carve_decoded_per_byte",
        "carve_decoded_least": "carve_decoded_per_byte", "carve_magic_credit": "carve_bytes_per_magic",
        "embedded_decoded_credit": "embedded_decoded_per_byte", "embedded_ratio_above": "embedded_ratio",
        "walk_inflated_ratio_above": "walk_inflated_ratio",
    ]

    private static func texts(_ folder: String, _ suffix: String) throws -> String {
        let path = package.appendingPathComponent(folder)
        let names = try #require(FileManager.default.enumerator(atPath: path.path)).compactMap { $0 as? String }
        return try names.filter { $0.hasSuffix(suffix) }.sorted()
            .map { try String(contentsOf: path.appendingPathComponent($0), encoding: .utf8) }.joined(separator: "\n")
    }

    @Test func everyLimitIsDocumentedAndDecidesSomewhere() throws {
        let documents = try Self.texts("Documentation/Formats", ".md")
        let code = try Self.texts("Sources/Carving", ".swift")
        let named = CarveLimits().named
        #expect(Set(named.map(\.name)).count == named.count)
        for (name, _) in named where !documents.contains("`\(name)`") { Issue.record("\(name) is not documented") }
        for (name, _) in named {
            guard !Self.shaping.contains(name), Self.partOf[name] == nil else { continue }
            if let limit = WalkLimit(rawValue: name) {
                let isNoted =
                    code.contains("reached(.\(limit))") || code.contains("stop(at: .\(limit),")
                    || code.contains("? .\(limit) :") || code.contains(": .\(limit),")
                #expect(isNoted, "\(name) decides nowhere")
            } else {
                let isCounted = ["limitsHit[\"\(name)\"", "append(\"\(name)\")", ".limit(\"\(name)\")", "\"\(name)\""]
                    .contains { code.components(separatedBy: $0).count > 1 }
                let uses = code.components(separatedBy: "\"\(name)\"").count - 1
                #expect(isCounted && uses > 1, "\(name) decides nowhere")
            }
        }
        for name in Self.shaping.union(Self.partOf.keys).union(Self.partOf.values) {
            #expect(named.contains { $0.name == name }, "\(name) is no limit any more")
        }
    }

    // MARK: What is decoded on a medium

    private static func carve(
        _ medium: [UInt8], workers: Int, limits: CarveLimits, opensContainers: Bool = false
    ) throws -> CarveResult {
        let magic = try #require(EmbeddedTesting.magic)
        var candidates: [Int] = []
        SignatureIndex.forCarving(magic: magic).candidates(
            in: medium.span, count: medium.count, baseOffset: 0, blockSize: 512, into: &candidates)
        var carver = Carver(
            item: "E001", source: MemorySource(medium), magic: magic, limits: limits, workers: workers)
        carver.opensContainers = opensContainers
        return try carver.carve(candidates: candidates)
    }

    private static func expectSame(_ results: [CarveResult]) {
        for result in results.dropFirst() {
            #expect(result.artifacts == results[0].artifacts)
            #expect(result.limitsHit == results[0].limitsHit)
            #expect(result.statistics == results[0].statistics)
            #expect(result.warnings == results[0].warnings)
        }
    }

    /// Forty gzip files of 300 KB of zeros each, one behind the other, with a picture between them.
    private static func bombs() throws -> [UInt8] {
        let bomb = try EmbeddedTesting.python("import gzip\nout.write(gzip.compress(bytes(300000), 9, mtime=0))")
        let padded = bomb + [UInt8](repeating: 0, count: -bomb.count & 511)
        let picture = PNGWalkerTests.sample
        return (0..<40).flatMap { _ in padded } + picture + [UInt8](repeating: 0, count: -picture.count & 511) + padded
    }

    @Test func manySmallBombsEndAtTheMediumsLimit() throws {
        let medium = try Self.bombs()
        var limits = CarveLimits()
        limits.decodedPerByte = 1
        limits.decodedCredit = 3_000_000
        let results = try [1, 2, 8].map { try Self.carve(medium, workers: $0, limits: limits) }
        Self.expectSame(results)
        // What needs little decoding is found as ever.
        #expect(results[0].artifacts.contains { $0.format == "png" && $0.confidence == .proven })
        let whole = results[0].artifacts.count { $0.format == "gz" && $0.confidence == .proven }
        #expect((9...11).contains(whole))
        #expect(results[0].limitsHit["carve_decoded_per_byte"] ?? 0 >= 30, "\(results[0].limitsHit)")
        let ample = try Self.carve(medium, workers: 2, limits: CarveLimits())
        #expect(ample.artifacts.count { $0.format == "gz" && $0.confidence == .proven } == 41)
        #expect(ample.limitsHit == [:])
    }

    @Test func whatAllContainersGiveEndsAtTheMediumsLimit() throws {
        let medium = try Self.bombs()
        var limits = CarveLimits()
        limits.embeddedDecodedPerByte = 1
        limits.embeddedDecodedCredit = 2_500_000
        let results = try [1, 2, 8].map {
            try Self.carve(medium, workers: $0, limits: limits, opensContainers: true)
        }
        Self.expectSame(results)
        let children = results[0].artifacts.filter { $0.origin == .embedded }
        #expect((9...14).contains(children.count), "\(children.count)")
        #expect(results[0].limitsHit["embedded_decoded_per_byte"] ?? 0 >= 25, "\(results[0].limitsHit)")
        #expect(
            results[0].artifacts.contains {
                $0.warnings.contains("1 embedded file was not opened: limit embedded_decoded_per_byte")
            })
    }

    // MARK: What only libmagic knows

    @Test func aFloodOfSignaturesIsCountedAndNotCatalogued() throws {
        // Four bytes that libmagic knows and no walker, at every block.
        var generator = SeededGenerator(seed: 8)
        let block = [0xDE, 0x12, 0x04, 0x95] + generator.bytes(508)
        let medium = (0..<2000).flatMap { _ in block }
        var limits = CarveLimits()
        limits.magicCredit = 300
        limits.bytesPerMagic = 8192
        let results = try [1, 2, 8].map { try Self.carve(medium, workers: $0, limits: limits) }
        Self.expectSame(results)
        // 300 of credit, and one for each 16 of the 2000 blocks.
        let found = results[0].artifacts.count
        #expect((400...426).contains(found), "\(found)")
        #expect(results[0].limitsHit["carve_bytes_per_magic"] == 2000 - found)
        let ample = try Self.carve(Array(medium.prefix(100_000)), workers: 2, limits: CarveLimits())
        #expect(ample.limitsHit["carve_bytes_per_magic"] == nil)
    }

    // MARK: Limits of walkers

    @Test func aWalkersLimitReachesTheLimitsHitByItsName() throws {
        let depth = WalkLimit.jsonDepth.value + 10
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let medium = Array("{\"a\":1,\"b\":2,\"c\":\(text)}".utf8) + [UInt8](repeating: 0, count: 4096)
        for workers in [1, 4] {
            let result = try Self.carve(medium, workers: workers, limits: CarveLimits())
            #expect(result.limitsHit["walk_json_depth"] == 1, "\(result.limitsHit)")
        }
        // In a file inside another one too.
        let archive = ZipWalkerTests.stored([("deep.json", Array(medium.prefix { $0 != 0 }))])
        let (_, result) = try EmbeddedTesting.carve(archive)
        #expect(result.limitsHit["walk_json_depth"] == 1, "\(result.limitsHit)")
    }
}
