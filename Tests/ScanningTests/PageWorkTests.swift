import Digesting
import EvidenceModel
import Scanning
import SourceMedia
import Synchronization
import Testing

@Suite("Work that rides a pass")
struct PageWorkTests {
    /// What the work was given, by offset.
    private final class Record: Sendable {
        let pages = Mutex<[Int: [UInt8]]>([:])
    }

    private struct Refusal: Error {}

    @Test("each page is given once, with its SHA-256", arguments: [1, 3])
    func everyPage(workers: Int) throws {
        let content = (0..<(3 << 20) + 17).map { UInt8(truncatingIfNeeded: $0 >> 8) }
        let record = Record()
        var pass = MediaPass()
        pass.workers = workers
        pass.search = CandidateSearch(margin: 100) { _, _, _, _ in }
        pass.pageWork = { bytes, offset, sha256 throws in
            let page = bytes.indices.map { bytes[$0] }
            let expected = try digest(.sha256, of: page).bytes
            #expect(expected == sha256)
            record.pages.withLock { #expect($0.updateValue(page, forKey: offset) == nil) }
        }
        _ = try pass.run(over: MemoryMedium([content]))
        let pages = record.pages.withLock { $0 }
        #expect(pages.sorted { $0.key < $1.key }.flatMap(\.value) == content)
    }

    @Test("what the work throws ends the pass")
    func failure() throws {
        var pass = MediaPass()
        pass.pageWork = { _, offset, _ in if offset > 0 { throw Refusal() } }
        #expect(throws: Refusal.self) { try pass.run(over: MemoryMedium([[UInt8](repeating: 1, count: 40 << 20)])) }
    }
}
