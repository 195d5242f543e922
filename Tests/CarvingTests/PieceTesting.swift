import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// What tests of files in pieces lay down, and how they carve it.
enum PieceTesting {
    private static let magic = try? MagicDatabases.standard()

    static func carve(
        _ bytes: [UInt8], with walkers: [any FormatWalker], workers: Int, limits: CarveLimits
    ) throws -> CarveResult {
        let magic = try #require(Self.magic)
        let index = SignatureIndex.forCarving(walkers: walkers, magic: magic)
        var candidates: [Int] = []
        index.candidates(in: bytes.span, count: bytes.count, baseOffset: 0, blockSize: 512, into: &candidates)
        let carver = Carver(
            item: "E001", source: MemorySource(bytes), walkers: walkers, magic: magic, limits: limits, workers: workers)
        return try carver.carve(candidates: candidates)
    }

    static func text(_ lines: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return Array((0..<lines).map { "line \($0) \(generator.next() % 100_000)\n" }.joined().utf8)
    }

    static func gzip(_ content: [UInt8]) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            try Data(content).write(to: folder.appendingPathComponent("a.txt"))
            return try run("gzip", ["-c", "a.txt"], in: folder)
        }
    }

    /// An archive of texts, made by Info-ZIP.
    static func zip(_ members: [(name: String, content: [UInt8])]) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            for member in members {
                try Data(member.content).write(to: folder.appendingPathComponent(member.name))
            }
            try run("zip", ["-q", "x.zip"] + members.map(\.name), in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.zip")))
        }
    }
}
