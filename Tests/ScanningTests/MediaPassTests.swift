import Digesting
import EvidenceModel
import Foundation
import Scanning
import SourceMedia
import Testing

/// A medium in memory that is made of several files.
struct MemoryMedium: SourceReader {
    let content: [UInt8]
    let description: SourceDescription

    init(_ files: [[UInt8]]) {
        content = files.flatMap { $0 }
        description = SourceDescription(
            kind: .split, path: "/memory",
            files: files.map { SourceFile(nameBytes: [97], size: $0.count, modified: nil, mode: nil) },
            mediaSize: content.count, sectorSize: 512, device: nil, oddities: [], warnings: [])
    }

    var size: Int { content.count }
    var unreadable: [UnreadableRange] { [] }
    func checkUnchanged() throws(SourceError) {}
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        try MemorySource(content).read(at: offset, into: &destination)
    }
}

private func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}

@Suite("One pass over a medium")
struct MediaPassTests {
    @Test(
        "digests equal those taken at once, for any size around the page border and any number of workers",
        arguments: [0, 1, 511, 1 << 20, (1 << 20) + 1, (5 << 20) - 1], [1, 2, 8])
    func digests(size: Int, workers: Int) throws {
        let content = noise(size, seed: 7)
        var pass = MediaPass()
        pass.workers = workers
        pass.algorithms = DigestAlgorithm.allCases
        let result = try pass.run(over: MemoryMedium([content]))
        #expect(result.digests == (try DigestAlgorithm.allCases.map { try digest($0, of: content) }))
        var blocks: [[UInt8]] = []
        for start in stride(from: 0, to: size, by: 1 << 20) {
            blocks.append(try digest(.sha256, of: content[start..<min(size, start + (1 << 20))]).bytes)
        }
        #expect(result.blockDigests == blocks.flatMap { $0 })
        #expect(result.blockTree.count == blocks.count)
        #expect(result.bytesRead == size)
    }

    @Test("each file gets its own digest, empty ones and those that cross pages too")
    func fileDigests() throws {
        let files = [noise(0, seed: 1), noise(3_000_000, seed: 2), [], noise(5, seed: 3), noise(1 << 20, seed: 4), []]
        var pass = MediaPass()
        pass.digestsFiles = true
        let result = try pass.run(over: MemoryMedium(files))
        #expect(result.fileDigests == (try files.map { try digest(.sha256, of: $0) }))
    }

    @Test("a search sees the margin after each page and every offset once, in order", arguments: [1, 2, 8])
    func candidates(workers: Int) throws {
        let content = noise((3 << 20) + 77, seed: 9)
        let pattern = Array(content[((1 << 20) - 2)..<((1 << 20) + 2)])
        var pass = MediaPass()
        pass.workers = workers
        pass.search = CandidateSearch(margin: 8) { bytes, usable, base, found in
            for index in 0..<usable where index + 4 <= bytes.count {
                if bytes[index] == pattern[0], bytes[index + 1] == pattern[1], bytes[index + 2] == pattern[2],
                    bytes[index + 3] == pattern[3]
                {
                    found.append(base + index)
                }
            }
        }
        let result = try pass.run(over: MemoryMedium([content]))
        #expect(result.candidates == (0...(content.count - 4)).filter { Array(content[$0..<$0 + 4]) == pattern })
        #expect(result.candidates.contains((1 << 20) - 2))
    }

    @Test("a source that fails ends the pass with its error")
    func failure() throws {
        struct Failing: SourceReader {
            let base = MemoryMedium([noise(5 << 20, seed: 5)])
            var description: SourceDescription { base.description }
            var size: Int { base.size }
            var unreadable: [UnreadableRange] { [] }
            func checkUnchanged() throws(SourceError) {}
            func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
                if offset >= 3 << 20 { throw SourceError(.changed, "gone") }
                return try base.read(at: offset, into: &destination)
            }
        }
        #expect(throws: SourceError.self) { try MediaPass().run(over: Failing()) }
    }
}
