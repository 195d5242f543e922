import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// Random numbers that are the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}

/// The verdict on `content` from `offset` on; a failed read counts as a rejection, as in the carver.
func verdict(of walker: any FormatWalker, on content: [UInt8], at offset: Int = 0) -> WalkVerdict {
    do {
        return try walker.walk(ByteReader(MemorySource(content), at: offset))
    } catch {
        return .rejected(reason: "\(error)")
    }
}

extension WalkVerdict {
    /// The file, when it is whole.
    var completed: WalkedFile? {
        guard case .complete(let file) = self else { return nil }
        return file
    }

    /// The valid prefix, when it is broken.
    var brokenPrefix: Int? {
        guard case .broken(let file, _) = self else { return nil }
        return file.length
    }
}

/// Checks that the walker finds the file's exact end at a block boundary, whatever lies before and behind it.
func expectExact(
    _ walker: any FormatWalker, _ file: [UInt8], _ confidence: Confidence, format: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    var generator = SeededGenerator(seed: UInt64(file.count))
    let slack = (512 - file.count % 512) % 512
    let tails: [[UInt8]] = [
        [], [UInt8](repeating: 0, count: slack + 4096), generator.bytes(slack + 4096), generator.bytes(70_000),
        [UInt8](repeating: 0, count: slack) + file,
        [UInt8](repeating: 0, count: slack) + Array("ledger of seals ".utf8),
    ]
    for (index, tail) in tails.enumerated() {
        // A line end that happens to follow a text belongs to it; random slack must not begin with one.
        let safe = tail.first.map { [0x09, 0x0A, 0x0C, 0x0D, 0x20].contains($0) } == true ? [1] + tail : tail
        let found = verdict(of: walker, on: generator.bytes(512) + file + safe, at: 512)
        #expect(
            found.completed?.length == file.count, "tail \(index): \(found)", sourceLocation: sourceLocation)
        #expect(found.completed?.confidence == confidence, "tail \(index)", sourceLocation: sourceLocation)
        #expect(found.completed?.format == format, "tail \(index)", sourceLocation: sourceLocation)
    }
    expectDecoysRefused(walker, file, sourceLocation: sourceLocation)
    expectCutsNoticed(walker, file, sourceLocation: sourceLocation)
}

/// What the carver believes of `content`: the walker's verdict and what the end shows; nil for what is not whole.
func believed(_ walker: any FormatWalker, _ content: [UInt8]) -> WalkedFile? {
    guard let file = verdict(of: walker, on: content).completed, file.length <= content.count else { return nil }
    return try? EndEvidence.judged(file, ByteReader(MemorySource(content), at: 0))
}

/// Text that has nothing of any format's syntax.
func prose(_ count: Int) -> [UInt8] {
    let sentence = Array("the ledger of seals lay on the desk, 42 pages of it; ".utf8)
    return (0..<count).map { sentence[$0 % sentence.count] }
}

extension WalkedFile {
    /// True when the carver stands by the whole content.
    var isBelieved: Bool { confidence == .proven || confidence == .structural }
}

/// Checks that the first bytes of a file alone, before anything else, are not taken for one.
func expectDecoysRefused(
    _ walker: any FormatWalker, _ file: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) {
    var generator = SeededGenerator(seed: UInt64(file.count) + 5)
    for head in [16, 24, 32, 48, 64] where head < file.count {
        for tail in [generator.bytes(12_000), [UInt8](repeating: 0, count: 12_000), prose(12_000)] {
            let decoy: [UInt8] = file[..<head] + tail
            // Within one block any content is content: nothing else can have been put in its place.
            guard let found = believed(walker, decoy), found.isBelieved, found.length > 512 else { continue }
            let isSame = found.length <= file.count && decoy[..<found.length].elementsEqual(file[..<found.length])
            #expect(isSame, "the first \(head) bytes: \(found)", sourceLocation: sourceLocation)
        }
    }
}

/// Checks that a file whose end is lost, at any of some dozen lengths, is not taken for a whole one.
func expectCutsNoticed(
    _ walker: any FormatWalker, _ file: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) {
    var generator = SeededGenerator(seed: UInt64(file.count) + 6)
    for length in stride(from: 1, to: file.count, by: max(1, file.count / 60)) {
        // Where the medium ends, and at a border of blocks, where anything may follow.
        let border = length / 512 * 512
        let cuts: [[UInt8]] = [
            Array(file[..<length]), file[..<border] + generator.bytes(3000), file[..<border] + prose(3000),
            file[..<border] + [UInt8](repeating: 0, count: 3000),
        ]
        for cut in border > 0 ? cuts : [cuts[0]] {
            guard let found = believed(walker, cut), found.isBelieved, found.length > 512 else { continue }
            // What was cut off may have been padding, or line ends.
            let isSame = found.length <= file.count && cut[..<found.length].elementsEqual(file[..<found.length])
            #expect(isSame, "cut to \(length): \(found)", sourceLocation: sourceLocation)
        }
    }
}

/// Checks that a piece of something else, of one block or more at any inner border, keeps the file from being believed.
func expectPiecesNoticed(
    _ walker: any FormatWalker, _ file: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
) {
    var generator = SeededGenerator(seed: UInt64(file.count) + 4)
    let padded = file + [UInt8](repeating: 0, count: -file.count & 511)
    #expect(believed(walker, padded + generator.bytes(600))?.isBelieved == true, sourceLocation: sourceLocation)
    for border in stride(from: 512, to: file.count, by: 512) {
        for blocks in [1, 2, 5] {
            let pieces = [
                generator.bytes(512 * blocks), [UInt8](repeating: 0, count: 512 * blocks), prose(512 * blocks),
            ]
            for (kind, piece) in pieces.enumerated() {
                let joint: [UInt8] = file[..<border] + piece + padded[border...] + generator.bytes(600)
                guard let found = believed(walker, joint), found.isBelieved else { continue }
                let isSame = found.length == file.count && joint[..<file.count].elementsEqual(file)
                #expect(isSame, "kind \(kind) at \(border), \(blocks): \(found)", sourceLocation: sourceLocation)
            }
        }
    }
}

/// Checks that no truncation of the file, at the end of the source or before `noise` random bytes, counts as whole.
///
/// Without noise for formats whose last bytes nothing describes.
func expectNeverWholeWhenTruncated(
    _ walker: any FormatWalker, _ file: [UInt8], every step: Int = 1, noise noiseLength: Int = 2000,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    var generator = SeededGenerator(seed: 7)
    let noise = generator.bytes(noiseLength)
    for length in stride(from: 0, to: file.count, by: step) {
        for tail in [[], noise] {
            let found = verdict(of: walker, on: file[..<length] + tail)
            #expect(
                found.completed == nil, "cut to \(length) of \(file.count): \(found)", sourceLocation: sourceLocation)
        }
    }
}

/// Checks that no flipped byte in `range` leaves the verdict `proven`.
func expectNeverProvenWhenFlipped(
    _ walker: any FormatWalker, _ file: [UInt8], in range: Range<Int>,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    for index in range {
        var damaged = file
        damaged[index] ^= UInt8(1 << (index % 8))
        let found = verdict(of: walker, on: damaged + [UInt8](repeating: 0, count: 100))
        #expect(
            found.completed?.confidence != .proven, "byte \(index) flipped: \(found)", sourceLocation: sourceLocation)
    }
}

/// Checks that any damage ends in a verdict: random bytes are changed and the walk must come back.
func expectNeverTraps(_ walker: any FormatWalker, _ file: [UInt8], rounds: Int = 300) {
    var generator = SeededGenerator(seed: UInt64(file.count) + 99)
    guard !file.isEmpty else { return }
    for _ in 0..<rounds {
        var damaged = file
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
            let at = Int.random(in: 0..<file.count, using: &generator)
            let width = Int.random(in: 1...8, using: &generator)
            for index in at..<min(file.count, at + width) {
                damaged[index] =
                    [0, 0xFF, 0x7F, 0x80, UInt8.random(in: 0...255, using: &generator)]
                    .randomElement(using: &generator) ?? 0
            }
        }
        _ = verdict(of: walker, on: damaged)
    }
}

/// A folder for one test, removed after it.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("walker-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { #expect(throws: Never.self) { try FileManager.default.removeItem(at: folder) } }
    return try body(folder)
}

/// Runs a tool that real files are made with; its output is returned, a failure fails the test.
@discardableResult
func run(_ tool: String, _ arguments: [String], in folder: URL) throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(tool) \(arguments) failed")
    return bytes
}

/// One run of bytes out of several.
func joined(_ parts: [UInt8]...) -> [UInt8] { Array(parts.joined()) }

/// Numbers as formats store them.
extension [UInt8] {
    static func le16(_ value: Int) -> [UInt8] { (0..<2).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    static func le32(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    static func le64(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    static func be16(_ value: Int) -> [UInt8] { le16(value).reversed() }
    static func be32(_ value: Int) -> [UInt8] { le32(value).reversed() }

    /// Overwrites bytes from `offset` on.
    mutating func put(_ bytes: [UInt8], at offset: Int) { replaceSubrange(offset..<offset + bytes.count, with: bytes) }
}

/// Checks that no 32-bit number in the file's first `head` bytes can lie its way to a trap or past the end: each is set
/// to 0, 1, 7FFFFFFF and FFFFFFFF, in both byte orders.
///
/// What the walker still calls whole must not reach past the end, and a proof must not survive where `isChecked`.
func expectLiesAreFound(
    _ walker: any FormatWalker, _ file: [UInt8], from start: Int = 0, head: Int = 512, isChecked: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let lies: [[UInt8]] = [
        [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0x7F, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0x7F],
        [0xFF, 0xFF, 0xFF, 0xFF],
    ]
    for offset in start..<max(start, min(head, file.count - 3)) {
        for lie in lies where !lie.elementsEqual(file[offset..<offset + 4]) {
            var lying = file
            lying.put(lie, at: offset)
            guard let found = verdict(of: walker, on: lying + [UInt8](repeating: 0, count: 64)).completed else {
                continue
            }
            #expect(found.length <= file.count + 64, "\(lie) at \(offset)", sourceLocation: sourceLocation)
            if isChecked {
                #expect(found.confidence != .proven, "\(lie) at \(offset)", sourceLocation: sourceLocation)
            }
        }
    }
}

/// Checks that the file's first bytes in front of another body are neither proven nor structural.
func expectDecoyRefused(
    _ walker: any FormatWalker, _ file: [UInt8], keeping head: Int, sourceLocation: SourceLocation = #_sourceLocation
) {
    var generator = SeededGenerator(seed: UInt64(head) + 5)
    let bodies: [[UInt8]] = [
        generator.bytes(8192), [UInt8](repeating: 0, count: 8192), [UInt8](repeating: 0xFF, count: 8192),
        Array(String(repeating: "the quick brown fox ", count: 400).utf8),
    ]
    for (index, body) in bodies.enumerated() {
        let found = verdict(of: walker, on: file.prefix(head) + body)
        #expect(
            found.completed == nil || found.completed?.confidence == .header, "body \(index): \(found)",
            sourceLocation: sourceLocation)
    }
}

/// Checks that no cut, at the end of the source or before zeros, is called proven or structural.
func expectNeverSureWhenTruncated(
    _ walker: any FormatWalker, _ file: [UInt8], every step: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
) {
    for length in stride(from: 0, to: file.count, by: step) {
        for tail in [[], [UInt8](repeating: 0, count: 2000)] {
            let found = verdict(of: walker, on: file[..<length] + tail)
            #expect(
                found.completed == nil || found.completed?.confidence == .header, "cut to \(length): \(found)",
                sourceLocation: sourceLocation)
        }
    }
}
