import Digesting
import EvidenceModel
import Foundation
import Scanning
import SourceMedia
import Testing

/// Zeros that a source knows of are not read, and count as if they were.
@Suite("A pass over a sparse medium")
struct SparseMediumTests {
    /// Counts the bytes that are asked for; what it knows as zeros is never asked for in whole pages.
    private final class Sparse: SourceReader {
        let content: [UInt8]
        /// Where other bytes than zeros stand.
        let marks: [Int]
        let declared: Int
        let knows: Bool
        private let asked = Counter()

        private final class Counter: @unchecked Sendable {
            private let lock = NSLock()
            private var value = 0
            func add(_ count: Int) { lock.withLock { value += count } }
            var total: Int { lock.withLock { value } }
        }

        init(_ content: [UInt8], marks: [Int] = [], knows: Bool, declared: Int? = nil) {
            self.content = content
            self.marks = marks
            self.knows = knows
            self.declared = declared ?? content.count
        }

        var size: Int { declared }
        var bytesAsked: Int { asked.total }
        var unreadable: [UnreadableRange] { [] }
        var isFilledInParallel: Bool { true }
        var description: SourceDescription {
            SourceDescription(
                kind: .aff4, path: "/x", files: [], mediaSize: size, sectorSize: 512, device: nil, oddities: [],
                warnings: [], properties: [SourceProperty("stored_bytes", "17")])
        }

        func checkUnchanged() throws(SourceError) {}

        func zeroRun(at offset: Int) throws(SourceError) -> Int {
            guard knows else { return 0 }
            return max(0, (marks.first { $0 >= offset } ?? size) - offset)
        }

        func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
            let count = min(destination.count, size - offset)
            for index in 0..<count { destination[index] = content[offset + index] }
            asked.add(count)
            return count
        }
    }

    private static func search(_ byte: UInt8) -> CandidateSearch {
        CandidateSearch(margin: 100) { bytes, usable, base, found in
            for index in stride(from: 0, to: usable, by: 512) where bytes[index] == byte { found.append(base + index) }
        }
    }

    @Test("the result is that of reading everything", arguments: [UInt8(0), 9])
    func sameResult(byte: UInt8) throws {
        var content = [UInt8](repeating: 0, count: 4 * MediaPass.pageSize + 700)
        let marks = [MediaPass.pageSize * 2 + 512, content.count - 1]
        for mark in marks { content[mark] = 9 }
        var results: [ScanResult] = []
        var asked: [Int] = []
        for knows in [false, true] {
            let source = Sparse(content, marks: marks, knows: knows)
            var pass = MediaPass()
            pass.search = Self.search(byte)
            results.append(try pass.run(over: source))
            asked.append(source.bytesAsked)
        }
        #expect(results[0].digests == results[1].digests)
        #expect(results[0].blockDigests == results[1].blockDigests)
        #expect(try results[0].blockTree.root == results[1].blockTree.root)
        #expect(results[0].candidates == results[1].candidates)
        #expect(asked[1] < asked[0] - 2 * MediaPass.pageSize)
    }

    @Test("a medium beyond the limit is refused, and it is said how much of it is stored")
    func boundless() throws {
        let source = Sparse([1], knows: false, declared: MediaPass.largestMedium + 1)
        let error = #expect(throws: SourceError.self) { try MediaPass().run(over: source) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("17 of them are stored") == true)
        #expect(source.bytesAsked == 0)
    }
}
