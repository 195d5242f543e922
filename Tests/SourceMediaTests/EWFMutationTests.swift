import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// Thousands of seeded changes to a small set, checksums put right in half of them: no trap, no hang, no false "whole".
@Suite("Mutated EWF images")
struct EWFMutationTests {
    let folder: EWFFolder

    init() throws { folder = try EWFFolder() }

    /// SplitMix64.
    private struct Numbers {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((value ^ (value >> 31)) >> 1) % bound
        }
    }

    private static let strangeValues = [0, 1, 0x7F, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, Int.max, -1, Int.min]

    /// Where the structures of a segment lie: descriptors and the content of all sections but the chunks.
    private static func structures(_ file: [UInt8]) -> [(start: Int, end: Int, type: String)] {
        [
            "header", "volume", "data", "sectors", "table", "table2", "hash", "digest", "error2", "session", "next",
            "done",
        ]
        .compactMap { type in
            EWFWriter.section(type, in: file).map { ($0.start, type == "sectors" ? $0.start + 76 : $0.end, type) }
        }
    }

    /// Puts the checksums of a descriptor and of the content after it right again.
    private static func seal(_ file: inout [UInt8], _ structure: (start: Int, end: Int, type: String)) {
        guard structure.start + 76 <= file.count else { return }
        EWFWriter.seal(&file, structure.start, 72)
        let content = structure.start + 76
        let counts: [(at: Int, count: Int)] =
            switch structure.type {
            case "volume", "data": [(content, 1048)]
            case "table", "table2": [(content, 20), (content + 24, max(0, structure.end - content - 28))]
            case "hash": [(content, 32)]
            case "digest": [(content, 76)]
            case "error2": [(content, 516)]
            case "session": [(content, 32)]
            default: []
            }
        for (at, count) in counts where at + count + 4 <= file.count { EWFWriter.seal(&file, at, count) }
    }

    @Test("a set of three segments, changed in 3,000 ways", arguments: [1, 2, 3])
    func mutations(seed: Int) throws {
        var writer = EWFWriter()
        writer.digests = [
            EWFWriter.digest([UInt8](repeating: 1, count: 16), [UInt8](repeating: 2, count: 20)),
            EWFWriter.hash([UInt8](repeating: 1, count: 16)),
        ]
        writer.errors = [(1, 2)]
        writer.sectorsPerChunk = 2
        let medium = EWFMedia.medium(24 * writer.chunkSize + 300)
        let segments = writer.write(medium)
        var numbers = Numbers(state: UInt64(seed))
        let clock = ContinuousClock()
        let began = clock.now
        var wholes = 0
        for round in 0..<1_000 {
            var changed = segments
            var isSealed = false
            for _ in 0...numbers.next(3) {
                let index = numbers.next(changed.count)
                let places = Self.structures(segments[index])
                let structure = places[numbers.next(places.count)]
                let at = structure.start + numbers.next(min(160, structure.end - structure.start))
                let width = [1, 2, 4, 8][numbers.next(4)]
                guard at + width <= changed[index].count else { continue }
                let value = Self.strangeValues[numbers.next(Self.strangeValues.count)]
                switch numbers.next(4) {
                case 0: changed[index][at] ^= UInt8(1 << numbers.next(8))
                case 1: changed[index][at] = UInt8(numbers.next(256))
                case 2:
                    for byte in 0..<width {
                        changed[index][at + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
                    }
                default: changed[index].removeLast(numbers.next(changed[index].count))
                }
                if round % 2 == 0 {
                    Self.seal(&changed[index], structure)
                    isSealed = true
                }
            }
            let source: any SourceReader
            do {
                source = try SourceOpener.open(try folder.set(changed))
            } catch let error as SourceError {
                #expect([.damaged, .unsupported, .unreadable].contains(error.code), "\(seed)/\(round): \(error)")
                continue
            }
            // An image may claim more than it has, but not without bound, and not in silence.
            try #require(source.size <= medium.count + (128 << 20), "\(seed)/\(round): \(source.size)")
            let bytes = try source.bytes(at: 0, count: min(source.size, medium.count * 2))
            let isWhole = source.description.damage.isEmpty && source.unreadable.isEmpty
            if isWhole { wholes += 1 }
            // With its checksums put right, a changed structure can be a sound one that says something else.
            if isWhole, !isSealed { #expect(bytes == medium, "\(seed)/\(round)") }
        }
        #expect(wholes < 1_000)
        #expect(clock.now - began < .seconds(300))
    }
}
