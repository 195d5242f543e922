import Digesting
import EvidenceModel
import Foundation
import SourceMedia

/// What is to be done and what has been done: shared by the reader and the workers of one pass.
///
/// Every mutable field is guarded by `condition`; a page's bytes are written by the reader before it posts the page and
/// only read afterwards.
final class PassBoard: @unchecked Sendable {
    private let condition = NSCondition()
    private let pageCount: Int
    private let lanes: [DigestLane]
    private let digestsBlocks: Bool
    private let search: CandidateSearch?
    private let pageWork: PageWork?

    private var spare: [[UInt8]] = []
    private var buffersMade = 0
    private var pages: [Int: Page] = [:]
    private var pagesPosted = 0
    private var pagesRetired = 0
    private var laneNext: [Int]
    private var laneBusy: [Bool]
    private var freeWork: [FreeWork] = []
    private var failure: (any Error)?

    private var blockDigests: [UInt8] = []
    private var blockTree = MerkleFrontier()
    private var candidates: [Int] = []

    /// A page in memory and what it still waits for.
    private final class Page {
        let index: Int
        let usable: Int
        var buffer: [UInt8]
        var tasksLeft: Int
        var blockDigest: [UInt8]?
        var candidates: [Int] = []

        init(index: Int, usable: Int, buffer: [UInt8], tasksLeft: Int) {
            self.index = index
            self.usable = usable
            self.buffer = buffer
            self.tasksLeft = tasksLeft
        }

        /// The copy of the array ends with the call, so that the reader finds the buffer unshared and fills it in place.
        func withBytes<E: Error>(_ body: (Span<UInt8>) throws(E) -> Void) throws(E) {
            let bytes = buffer
            try body(bytes.span)
        }
    }

    private enum FreeWork {
        case digestBlock(page: Int)
        case search(page: Int)
    }

    private enum Work {
        case lane(Int, Page)
        case digestBlock(Page)
        case search(Page)
    }

    init(
        pageCount: Int, lanes: [DigestLane], digestsBlocks: Bool, search: CandidateSearch?, pageWork: PageWork?
    ) throws {
        self.pageWork = pageWork
        self.pageCount = pageCount
        self.lanes = lanes
        self.digestsBlocks = digestsBlocks
        self.search = search
        laneNext = Array(repeating: 0, count: lanes.count)
        laneBusy = Array(repeating: false, count: lanes.count)
    }

    // MARK: The reader

    /// Fills page after page until the medium ends or something fails.
    func read(_ source: any SourceReader, progress: (@Sendable (Int) -> Void)?) {
        let margin = search?.margin ?? 0
        do {
            for index in 0..<pageCount {
                guard var buffer = takeBuffer(size: MediaPass.pageSize + margin) else { return }
                let offset = index * MediaPass.pageSize
                let usable = min(MediaPass.pageSize, source.size - offset)
                var destination = buffer.mutableSpan
                let count = try source.read(at: offset, into: &destination)
                try post(Page(index: index, usable: usable, buffer: buffer, tasksLeft: 0), holding: count)
                progress?(offset + usable)
            }
        } catch {
            fail(error)
        }
    }

    private func takeBuffer(size: Int) -> [UInt8]? {
        condition.lock()
        defer { condition.unlock() }
        while failure == nil {
            if let buffer = spare.popLast() { return buffer }
            if buffersMade < MediaPass.pagesInFlight {
                buffersMade += 1
                return [UInt8](repeating: 0, count: size)
            }
            condition.wait()
        }
        return nil
    }

    private func post(_ page: Page, holding count: Int) throws(DigestError) {
        // Only the last pages are shorter than their buffer; what lies after the medium's end must not be seen.
        if count < page.buffer.count { page.buffer.removeLast(page.buffer.count - count) }
        page.tasksLeft = lanes.count + (digestsBlocks ? 1 : 0) + (search == nil ? 0 : 1)
        condition.lock()
        defer { condition.unlock() }
        pages[page.index] = page
        pagesPosted += 1
        if search != nil { freeWork.append(.search(page: page.index)) }
        if digestsBlocks { freeWork.append(.digestBlock(page: page.index)) }
        if page.tasksLeft == 0 { try retireFinishedPages() }
        condition.broadcast()
    }

    // MARK: The workers

    /// Takes work until every page is done or something fails.
    func work() {
        while let work = nextWork() {
            do {
                try perform(work)
            } catch {
                fail(error)
            }
        }
    }

    private func nextWork() -> Work? {
        condition.lock()
        defer { condition.unlock() }
        while failure == nil, pagesRetired < pageCount {
            for lane in lanes.indices where !laneBusy[lane] {
                guard let page = pages[laneNext[lane]] else { continue }
                laneBusy[lane] = true
                return .lane(lane, page)
            }
            if !freeWork.isEmpty {
                switch freeWork.removeFirst() {
                case .digestBlock(let index): if let page = pages[index] { return .digestBlock(page) }
                case .search(let index): if let page = pages[index] { return .search(page) }
                }
                continue
            }
            condition.wait()
        }
        return nil
    }

    private func perform(_ work: Work) throws {
        switch work {
        case .lane(let lane, let page):
            try page.withBytes { bytes throws(DigestError) in try lanes[lane].update(bytes.extracting(..<page.usable)) }
            try finish(page) {
                laneBusy[lane] = false
                laneNext[lane] += 1
            }
        case .digestBlock(let page):
            let value = try digest(.sha256, of: page.buffer[..<page.usable]).bytes
            try page.withBytes { bytes throws in
                try pageWork?(bytes.extracting(..<page.usable), page.index * MediaPass.pageSize, value)
            }
            try finish(page) { page.blockDigest = value }
        case .search(let page):
            var found: [Int] = []
            page.withBytes { bytes in
                search?.find(bytes, page.usable, page.index * MediaPass.pageSize, &found)
            }
            try finish(page) { page.candidates = found }
        }
    }

    private func finish(_ page: Page, _ record: () -> Void) throws(DigestError) {
        condition.lock()
        defer { condition.unlock() }
        record()
        page.tasksLeft -= 1
        if page.tasksLeft == 0 { try retireFinishedPages() }
        condition.broadcast()
    }

    /// Takes what finished pages found, in the order of the medium, and gives their buffers back.
    private func retireFinishedPages() throws(DigestError) {
        while let page = pages[pagesRetired], page.tasksLeft == 0 {
            if let value = page.blockDigest {
                blockDigests += value
                try blockTree.append(leafHash: MerkleFrontier.leafHash(value))
            }
            candidates += page.candidates
            pages[pagesRetired] = nil
            pagesRetired += 1
            spare.append(page.buffer)
            page.buffer = []
        }
    }

    // MARK: The end

    private func fail(_ error: any Error) {
        condition.lock()
        if failure == nil { failure = error }
        condition.broadcast()
        condition.unlock()
    }

    func throwFailure() throws {
        if let failure { throw failure }
    }

    func result(unreadable: [UnreadableRange], bytesRead: Int) throws -> ScanResult {
        var digests: [Digest] = []
        var fileDigests: [Digest] = []
        for lane in lanes {
            if lane.coversWholeMedium { digests += try lane.results() } else { fileDigests = try lane.results() }
        }
        let order = DigestAlgorithm.allCases
        return ScanResult(
            digests: digests.sorted {
                (order.firstIndex(of: $0.algorithm) ?? 0) < (order.firstIndex(of: $1.algorithm) ?? 0)
            },
            fileDigests: fileDigests, blockDigests: blockDigests, blockTree: blockTree, candidates: candidates,
            unreadable: unreadable, bytesRead: bytesRead)
    }
}
