import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Scanning

/// The tests of `Documentation/Formats/coverage.md`, written down once more and as plainly as possible.
enum NaiveClassifier {
    static func kind(of block: ArraySlice<UInt8>) -> BlockClass {
        if Set(block).count == 1, block.first == 0 || block.count >= 16 { return block.first == 0 ? .zero : .filled }
        let isControl: (UInt8) -> Bool = { ($0 < 32 && ![9, 10, 12, 13].contains($0)) || $0 == 127 }
        if !block.contains(where: isControl) {
            if block.count(where: { $0 > 127 }) * 8 <= block.count { return .text }
            if block.count < 16 { return .other }
            for front in 0...min(3, block.count) where block.prefix(front).allSatisfy({ $0 & 0xC0 == 0x80 }) {
                for back in 0...min(3, block.count - front) {
                    let cut = Array(block.suffix(back))
                    guard String(validating: block.dropFirst(front).dropLast(back), as: UTF8.self) != nil,
                        cut.isEmpty || canBegin(cut)
                    else { continue }
                    return .text
                }
            }
        }
        return block.count == 512 && Set(block).count >= 192 ? .highEntropy : .other
    }

    /// Whether some bytes complete the character that these begin.
    private static func canBegin(_ bytes: [UInt8]) -> Bool {
        let continuations: [UInt8] = [0x80, 0x90, 0xA0, 0xBF]
        guard bytes.count < 4, bytes[0] >= 0xC0 else { return false }
        for next in continuations {
            let longer = bytes + [next]
            if let text = String(validating: longer, as: UTF8.self), text.unicodeScalars.count == 1 { return true }
            if longer.count < 4, canBegin(longer) { return true }
        }
        return false
    }

    static func kinds(of content: [UInt8]) -> [BlockClass] {
        stride(from: 0, to: content.count, by: 512).map { kind(of: content[$0..<min(content.count, $0 + 512)]) }
    }
}

/// Blocks of every kind, and of the borders between kinds.
struct BlockMaker {
    var numbers: SeededNumbers

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    mutating func block(_ count: Int = 512) -> [UInt8] {
        switch Int.random(in: 0..<12, using: &numbers) {
        case 0: return [UInt8](repeating: 0, count: count)
        case 1: return [UInt8](repeating: .random(in: .min ... .max, using: &numbers), count: count)
        case 2:
            // One byte is different.
            var bytes = [UInt8](repeating: 0, count: count)
            bytes[.random(in: 0..<count, using: &numbers)] = .random(in: .min ... .max, using: &numbers)
            return bytes
        case 3: return (0..<count).map { _ in .random(in: 0x20...0x7E, using: &numbers) }
        case 4:
            // Text with high bytes, about as many as may be.
            return (0..<count).map { _ in
                Int.random(in: 0..<8, using: &numbers) == 0
                    ? .random(in: 0x80...0xFF, using: &numbers) : .random(in: 0x20...0x7E, using: &numbers)
            }
        case 5, 6:
            // UTF-8 that the block's borders cut anywhere; sometimes a byte is wrong.
            let characters = Array("aé Жя漢字😀\n\u{FFFF}\u{10FFFF}\u{800}")
            let letters = Array(String(characters).utf8)
            var text: [UInt8] = []
            while text.count < count + 8 {
                text += Array(String(characters.randomElement(using: &numbers) ?? "a").utf8)
            }
            text = Array(text.dropFirst(.random(in: 0..<5, using: &numbers)).prefix(count))
            if Bool.random(using: &numbers) {
                text[.random(in: 0..<count, using: &numbers)] = letters.randomElement(using: &numbers) ?? 0
            }
            return text
        case 7: return (0..<count).map { _ in .random(in: .min ... .max, using: &numbers) }
        case 8:
            // As many values as the border of high entropy, or nearly.
            let values = Array((0...255).shuffled(using: &numbers).prefix(.random(in: 189...194, using: &numbers)))
            return (0..<count).map { UInt8(values[$0 % values.count]) }.shuffled(using: &numbers)
        case 9:
            // Printable but for one byte.
            var bytes: [UInt8] = (0..<count).map { _ in .random(in: 0x20...0x7E, using: &numbers) }
            bytes[.random(in: 0..<count, using: &numbers)] = .random(in: 0...0x20, using: &numbers)
            return bytes
        case 10: return (0..<count).map { _ in .random(in: 0x80...0xFF, using: &numbers) }
        default: return (0..<count).map { _ in .random(in: 0...40, using: &numbers) }
        }
    }

    /// A medium of runs of such blocks, with a short one at the end.
    mutating func medium(_ size: Int) -> [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(size + 600)
        while content.count < size {
            let block = block()
            let most = Int.random(in: 0..<10, using: &numbers) == 0 ? 3000 : 3
            for _ in 0...Int.random(in: 0..<most, using: &numbers) where content.count < size { content += block }
        }
        return Array(content.prefix(size))
    }
}

/// Numbers that look random and are the same in every run.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

@Suite("The classes of blocks")
struct BlockClassTests {
    private static func kinds(_ map: BlockMap, of content: [UInt8]) throws -> [BlockClass] {
        var kinds: [BlockClass] = []
        var end = 0
        try map.forEachRun(of: MemorySource(content)) { kind, run in
            #expect(run.offset == end)
            end = run.end
            kinds += [BlockClass](repeating: kind, count: (run.length + 511) / 512)
        }
        #expect(end == content.count)
        return kinds
    }

    @Test("each block is what the documented tests say", arguments: [UInt64(1), 2, 3])
    func reference(seed: UInt64) {
        var maker = BlockMaker(seed: seed)
        var counts: [BlockClass: Int] = [:]
        for round in 0..<1500 {
            let block = maker.block(round % 4 == 0 ? .random(in: 1...511, using: &maker.numbers) : 512)
            let expected = NaiveClassifier.kind(of: block[...])
            counts[expected, default: 0] += 1
            let found = BlockClassifier.runs(of: block.span)
            #expect(found == [BlockRun(kind: expected, blocks: 1)], "\(block)")
        }
        #expect(BlockClass.allCases.allSatisfy { counts[$0] ?? 0 > 20 }, "\(counts)")
    }

    @Test(
        "a pass tells them all, whatever its workers and wherever pages end",
        arguments: [0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 1, (2 << 20) - 511])
    func pass(size: Int) throws {
        var maker = BlockMaker(seed: UInt64(size))
        let content = maker.medium(size)
        let expected = NaiveClassifier.kinds(of: content)
        for workers in [1, 2, 8] {
            var pass = MediaPass()
            pass.workers = workers
            pass.algorithms = [.sha256]
            pass.classifiesBlocks = true
            let map = try #require(try pass.run(over: MemoryMedium([content])).blockMap)
            #expect(try Self.kinds(map, of: content) == expected)
            #expect(map.bytesNotKept == 0)
        }
    }

    @Test("what there is no room for is read again, and the answer is the same", arguments: [0, 20, 1000])
    func limit(limit: Int) throws {
        var maker = BlockMaker(seed: 9)
        var content = maker.medium(4 << 20)
        content.replaceSubrange(2 << 20..<3 << 20, with: repeatElement(7, count: 1 << 20))
        let expected = NaiveClassifier.kinds(of: content)
        var notKept: Set<Int> = []
        for workers in [1, 8] {
            var pass = MediaPass()
            pass.workers = workers
            pass.algorithms = []
            pass.classifiesBlocks = true
            pass.blockMapLimit = limit
            let map = try #require(try pass.run(over: MemoryMedium([content])).blockMap)
            #expect(try Self.kinds(map, of: content) == expected)
            #expect(map.bytesUsed <= 2 * limit + MediaPass.pageSize / BlockClass.blockSize / 16 + 16)
            notKept.insert(map.bytesNotKept)
        }
        #expect(notKept.count == 1)
        if limit < 1000 { #expect(notKept != [0]) }
    }

    @Test("a run may be as long as a medium")
    func longRuns() throws {
        var map = BlockMap()
        let blocks = [1, 16, 17, 2048, 1 << 20, 1 << 38]
        for (index, count) in blocks.enumerated() {
            map.append([BlockRun(kind: index.isMultiple(of: 2) ? .zero : .other, blocks: count)], bytes: 0)
        }
        struct Huge: ByteSource {
            let size = 1 << 48
            func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int { 0 }
        }
        var found: [Int] = []
        try map.forEachRun(of: Huge()) { _, run in found.append(run.length / 512) }
        #expect(found == blocks)
    }
}
