import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Scanning

@Suite("The coverage statement")
struct CoverageTests {
    private typealias Kind = CoverageStatement.Kind

    /// A medium of which some ranges cannot be read: zeros stand in their place.
    private struct DamagedMedium: SourceReader {
        let base: MemoryMedium
        let unreadable: [UnreadableRange]
        var description: SourceDescription { base.description }
        var size: Int { base.size }
        func checkUnchanged() throws(SourceError) {}
        func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
            try base.read(at: offset, into: &destination)
        }
    }

    private static func find(
        _ confidence: Confidence, _ extents: [Extent], parent: String? = nil
    ) throws -> Artifact {
        let digits = String(repeating: "0", count: 64)
        return Artifact(
            id: "0", item: "E001", origin: .carved, mime: "", format: "", fileExtension: "", description: "", size: 0,
            sha256: try #require(Digest(.sha256, hex: digits)),
            md5: try #require(Digest(.md5, hex: String(digits.prefix(32)))), extents: extents, confidence: confidence,
            parent: parent, path: "", facts: [:], warnings: [])
    }

    private static func statement(
        _ content: [UInt8], _ finds: [Artifact], _ unreadable: [UnreadableRange], limit: Int = BlockMap.usualLimit
    ) throws -> CoverageStatement {
        let medium = DamagedMedium(base: MemoryMedium([content]), unreadable: unreadable)
        var pass = MediaPass()
        pass.algorithms = []
        pass.workers = 2
        pass.classifiesBlocks = true
        pass.blockMapLimit = limit
        let scan = try pass.run(over: medium)
        return try Coverage(finds: finds, unreadable: scan.unreadable)
            .statement(of: medium, try #require(scan.blockMap))
    }

    /// The class of each byte, one by one.
    private static func naive(
        _ content: [UInt8], _ finds: [Artifact], _ unreadable: [UnreadableRange]
    ) -> [Kind] {
        var claimed = [Kind?](repeating: nil, count: content.count)
        for confidence in Confidence.allCases.reversed() {
            for find in finds where find.confidence == confidence && find.parent == nil {
                for extent in find.extents {
                    for offset in extent.offset..<min(content.count, extent.end) { claimed[offset] = Kind(confidence) }
                }
            }
        }
        for range in unreadable {
            for offset in range.extent.offset..<range.extent.end { claimed[offset] = .unreadable }
        }
        var kinds: [Kind] = []
        for block in stride(from: 0, to: content.count, by: 512) {
            while kinds.count < min(content.count, block + 512) {
                if let kind = claimed[kinds.count] {
                    kinds.append(kind)
                    continue
                }
                let start = kinds.count
                let rest = content[start..<min(content.count, block + 512)]
                let piece = rest.indices.prefix { claimed[$0] == nil }
                kinds += [Kind](repeating: kind(of: content[piece]), count: piece.count)
            }
        }
        return kinds
    }

    private static func kind(of piece: ArraySlice<UInt8>) -> Kind {
        switch NaiveClassifier.kind(of: piece) {
        case .zero: .zero
        case .filled: .filled
        case .text: .text
        case .highEntropy: .highEntropy
        case .other: .unexplained
        }
    }

    /// The runs of a class, the largest first.
    private static func runs(_ kinds: [Kind]) -> [Kind: [Extent]] {
        var runs: [Kind: [Extent]] = [:]
        var start = 0
        for offset in kinds.indices where offset + 1 == kinds.count || kinds[offset + 1] != kinds[start] {
            runs[kinds[start], default: []].append(Extent(offset: start, length: offset + 1 - start))
            start = offset + 1
        }
        return runs.mapValues { $0.sorted { ($1.length, $0.offset) < ($0.length, $1.offset) } }
    }

    private static func randomExtent(_ size: Int, _ numbers: inout SeededNumbers) -> Extent {
        let start = Int.random(in: 0..<max(1, size), using: &numbers)
        let most = Bool.random(using: &numbers) ? 3000 : size
        return Extent(offset: start, length: min(size - start, Int.random(in: 0...most, using: &numbers)))
    }

    @Test("every byte counts once, as the definition says", arguments: 0..<4)
    func everyByte(seed: UInt64) throws {
        var maker = BlockMaker(seed: seed)
        let size = seed == 0 ? 0 : Int.random(in: 1...50_000, using: &maker.numbers)
        let content = maker.medium(size)
        var finds: [Artifact] = []
        for _ in 0..<Int.random(in: 0...20, using: &maker.numbers) {
            let extents = (0..<Int.random(in: 1...3, using: &maker.numbers)).map { _ in
                Self.randomExtent(size, &maker.numbers)
            }
            let confidence = Confidence.allCases.randomElement(using: &maker.numbers) ?? .broken
            let isChild = Int.random(in: 0..<5, using: &maker.numbers) == 0
            finds.append(try Self.find(confidence, extents, parent: isChild ? "1" : nil))
        }
        var unreadable = UnreadableRanges()
        for _ in 0..<Int.random(in: 0...4, using: &maker.numbers) {
            let extent = Self.randomExtent(size, &maker.numbers)
            guard !unreadable.overlaps(extent.offset..<extent.end) else { continue }
            unreadable.add(extent.offset..<extent.end, "no")
        }

        let expected = Self.naive(content, finds, unreadable.ranges)
        let runs = Self.runs(expected)
        for limit in [BlockMap.usualLimit, 0] {
            let statement = try Self.statement(content, finds, unreadable.ranges, limit: limit)
            #expect(statement.size == size)
            #expect(statement.bytes.values.reduce(0, +) == size)
            for kind in Kind.allCases {
                #expect(statement.bytes(of: kind) == expected.count { $0 == kind }, "\(kind)")
                #expect(statement.runs[kind] ?? 0 == runs[kind]?.count ?? 0, "\(kind)")
            }
            #expect(statement.bytes(of: .unreadable) == unreadable.byteCount)
            for kind in CoverageStatement.listedKinds {
                let listed = statement.largest[kind] ?? []
                #expect(listed == Array((runs[kind] ?? []).prefix(CoverageStatement.mostListedRuns)))
            }
            #expect(CoverageStatement(statement.canonical) == statement)
            if limit == 0, size > 10_000 { #expect(statement.readAgain > 0) }
        }
    }

    @Test("a block that a find shares with other data counts to the byte")
    func sharedBlock() throws {
        let text = (0..<512).map { UInt8(0x61 + $0 % 26) }
        let find = try Self.find(.proven, [Extent(offset: 500, length: 24)])
        let statement = try Self.statement(text + [UInt8](repeating: 0, count: 512), [find], [])
        #expect(statement.bytes == [.text: 500, .carvedProven: 24, .zero: 500])
        #expect(statement.runs == [.text: 1, .carvedProven: 1, .zero: 1])
    }

    @Test("behind a find, the rest of its block counts by its own bytes")
    func slack() throws {
        var numbers = SeededNumbers(seed: 2)
        let noise = (0..<400).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
        let content = noise + [UInt8](repeating: 0, count: 112) + [UInt8](repeating: 0, count: 512)
        let find = try Self.find(.structural, [Extent(offset: 0, length: 400)])
        let statement = try Self.statement(content, [find], [])
        #expect(statement.bytes == [.carvedStructural: 400, .zero: 624])
    }

    @Test("a large run of random numbers is one run, with its place")
    func container() throws {
        var numbers = SeededNumbers(seed: 4)
        let noise = (0..<(2 << 20) / 8).flatMap { _ in
            let word = UInt64.random(in: .min ... .max, using: &numbers)
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
        let zeros = [UInt8](repeating: 0, count: 700 * 512)
        let statement = try Self.statement(zeros + noise + zeros, [], [])
        #expect(statement.largest[.highEntropy] == [Extent(offset: zeros.count, length: noise.count)])
        #expect(statement.large == [.highEntropy: 1])
        #expect(statement.bytes == [.highEntropy: noise.count, .zero: 2 * zeros.count])
    }

    @Test("a statement that does not add up is not read")
    func damaged() throws {
        let statement = try Self.statement([UInt8](repeating: 1, count: 2000), [], [])
        guard case .object(let fields) = statement.canonical else {
            Issue.record("no object")
            return
        }
        for (name, value) in [("size", CanonicalValue.integer(1999)), ("block", 4096), ("bytes", .object([:]))] {
            #expect(CoverageStatement(.object(fields.merging([name: value]) { $1 })) == nil)
        }
    }
}
