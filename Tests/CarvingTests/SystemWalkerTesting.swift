import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// The verdict as the carver takes it: believed only as far as the file's end shows.
func judgedVerdict(of walker: any FormatWalker, on content: [UInt8]) -> WalkedFile? {
    let reader = ByteReader(MemorySource(content), at: 0)
    do {
        guard case .complete(let file) = try walker.walk(reader) else { return nil }
        return try EndEvidence.judged(file, reader)
    } catch {
        return nil
    }
}

/// True when the carver would call the bytes proven or structural.
func isBelieved(_ walker: any FormatWalker, _ content: [UInt8]) -> Bool {
    let confidence = judgedVerdict(of: walker, on: content)?.confidence
    return confidence == .proven || confidence == .structural
}

/// Checks a walker against what evidence does to a file: cut off anywhere, with lies in its numbers, or nothing but its
/// first bytes.
///
/// - Parameters:
///   - step: distance of the lengths to which the file is cut.
///   - lies: where 32-bit numbers are set to 0, 1, 7FFFFFFF and FFFFFFFF; the first 512 bytes, unless told otherwise.
///   - decoy: how many first bytes a decoy keeps.
///   - wholeAt: lengths at which a cut file is whole all the same: formats that are sequences without an end.
func expectSteadfast(
    _ walker: any FormatWalker, _ file: [UInt8], every step: Int = 1, lies: [Int]? = nil, decoy: Int,
    wholeAt: (Int) -> Bool = { _ in false }, sourceLocation: SourceLocation = #_sourceLocation
) {
    var generator = SeededGenerator(seed: UInt64(file.count))
    for length in stride(from: 0, to: file.count, by: step) where !wholeAt(length) {
        // Pieces of files end at blocks: only there may unused space follow.
        let hasTail = length % 512 == 0 && file[length...].contains { $0 != 0 }
        for tail in hasTail ? [[], [UInt8](repeating: 0, count: 700)] : [[]] {
            #expect(
                !isBelieved(walker, file[..<length] + tail), "cut to \(length) of \(file.count), \(tail.count) zeros",
                sourceLocation: sourceLocation)
        }
    }
    for offset in lies ?? Array(0..<min(512, file.count)) {
        for lie in [
            [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0xFF, 0xFF, 0xFF, 0x7F], [0x7F, 0xFF, 0xFF, 0xFF],
            [0xFF, 0xFF, 0xFF, 0xFF],
        ] as [[UInt8]] where offset + 4 <= file.count {
            var lying = file
            lying.put(lie, at: offset)
            let length = judgedVerdict(of: walker, on: lying)?.length ?? 0
            #expect(length <= file.count, "a lie at \(offset)", sourceLocation: sourceLocation)
        }
    }
    let bodies: [[UInt8]] = [
        generator.bytes(20_000), [UInt8](repeating: 0, count: 20_000), [UInt8](repeating: 0xFF, count: 20_000),
        Array(repeating: Array("a ledger of seals\n".utf8), count: 1000).flatMap { $0 },
    ]
    for body in bodies {
        #expect(!isBelieved(walker, file.prefix(decoy) + body), "a decoy", sourceLocation: sourceLocation)
    }
    expectNeverTraps(walker, file, rounds: 200)
}

extension [UInt8] {
    /// UTF-16, low byte first.
    static func utf16(_ text: String) -> [UInt8] { text.utf16.flatMap { [UInt8].le16(Int($0)) } }
}
