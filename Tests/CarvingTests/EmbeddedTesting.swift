import Digesting
import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Testing

@testable import Carving

/// Media and containers for the tests of embedded artifacts.
enum EmbeddedTesting {
    static let magic = try? MagicDatabases.standard()

    /// Carves a medium on which the file begins at block 7.
    static func carve(
        _ file: [UInt8], workers: Int = 1, limits: CarveLimits = CarveLimits()
    ) throws -> (medium: [UInt8], result: CarveResult) {
        let medium =
            [UInt8](repeating: 0, count: 3584) + file
            + [UInt8](repeating: 0, count: 512 - file.count % 512 + 2048)
        return (medium, try carve(medium: medium, workers: workers, limits: limits))
    }

    static func carve(
        medium: [UInt8], workers: Int = 1, limits: CarveLimits = CarveLimits()
    ) throws -> CarveResult {
        let magic = try #require(magic)
        let index = SignatureIndex.forCarving(magic: magic)
        var candidates: [Int] = []
        index.candidates(in: medium.span, count: medium.count, baseOffset: 0, blockSize: 512, into: &candidates)
        var carver = Carver(
            item: "E001", source: MemorySource(medium), magic: magic, limits: limits, workers: workers)
        carver.opensContainers = true
        return try carver.carve(candidates: candidates)
    }

    /// The bytes that a script of Python writes to its output; `arguments` are its `sys.argv`.
    static func python(_ script: String, _ arguments: [String] = []) throws -> [UInt8] {
        try withTemporaryFolder { folder in
            try run("python3", ["-I", "-c", "import sys\nout = sys.stdout.buffer\n" + script] + arguments, in: folder)
        }
    }

    /// Bytes that no format begins with and that do not compress.
    static func noise(_ count: Int, seed: UInt64 = 3) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return [0x80, 0x00] + generator.bytes(count - 2)
    }

    static func text(_ lines: Int) -> [UInt8] {
        Array((0..<lines).map { "ledger of seals, line \($0)\n" }.joined().utf8)
    }

    static func bytes(_ artifact: Artifact, _ medium: [UInt8]) -> [UInt8] {
        artifact.extents.flatMap { medium[$0.offset..<$0.end] }
    }

    /// The artifacts from the one on the medium down to the parent.
    static func ancestors(of artifact: Artifact, in result: CarveResult) -> [Artifact] {
        var chain: [Artifact] = []
        var next = artifact.parent
        while let id = next, let parent = result.artifacts.first(where: { $0.id == id }) {
            chain.insert(parent, at: 0)
            next = parent.parent
        }
        return chain
    }

    /// Checks what holds for every embedded artifact of a result.
    static func expectSound(
        _ result: CarveResult, _ medium: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(Set(result.artifacts.map(\.id)).count == result.artifacts.count, sourceLocation: sourceLocation)
        #expect(
            result.artifacts == result.artifacts.sorted(by: Artifact.precedesInExport), sourceLocation: sourceLocation)
        for child in result.artifacts where child.origin == .embedded {
            let chain = ancestors(of: child, in: result)
            let outermost = try #require(chain.first, sourceLocation: sourceLocation)
            #expect(outermost.origin == .carved, sourceLocation: sourceLocation)
            #expect(child.path.hasPrefix((chain.last?.path ?? "-") + "/"), sourceLocation: sourceLocation)
            for extent in child.extents {
                #expect(outermost.extents.contains { $0.contains(extent) }, sourceLocation: sourceLocation)
            }
            let source = MemorySource(medium)
            let content = try EmbeddedContent(source: source, workFolder: "/var/tmp").open(child, ancestors: chain)
            let bytes = try content.bytes(at: 0, count: content.size)
            #expect(bytes.count == child.size, "\(child.path)", sourceLocation: sourceLocation)
            #expect(try digest(.sha256, of: bytes) == child.sha256, "\(child.path)", sourceLocation: sourceLocation)
            #expect(try digest(.md5, of: bytes) == child.md5, "\(child.path)", sourceLocation: sourceLocation)
            if child.decoding == nil {
                #expect(Self.bytes(child, medium) == bytes, "\(child.path)", sourceLocation: sourceLocation)
            }
        }
    }
}

extension CarveResult {
    var embedded: [Artifact] { artifacts.filter { $0.origin == .embedded } }
    var carved: [Artifact] { artifacts.filter { $0.origin == .carved } }

    /// The embedded artifact whose path ends so.
    func embedded(_ suffix: String) -> Artifact? { embedded.first { $0.path.hasSuffix(suffix) } }
}
