import Digesting
import EvidenceModel
import Foundation
import SourceMedia

/// What is to be done and what has been done: shared by the threads of one pass.
///
/// Every mutable field is guarded by `condition`. A page's number is handed out together with the buffer for it, in the
/// order of the medium: the lowest page in flight is being filled or can be worked on, so bounded memory never blocks.
final class PassBoard: @unchecked Sendable {
    /// Filled pages that workers keep ahead of the slowest lane before they turn to other work.
    private static let pagesAhead = 4

    private let condition = NSCondition()
    private let source: any SourceReader
    private let mostPages: Int
    private let pageCount: Int
    private let lanes: [DigestLane]
    private let container: ContainerLane?
    private let digestsBlocks: Bool
    private let search: CandidateSearch?
    private let pageWork: PageWork?
    private let classifiesBlocks: Bool

    private var spare: [[UInt8]] = []
    private var buffersMade = 0
    private var pages: [Int: PassPage] = [:]
    private var pagesHanded = 0
    /// All pages before this one have been filled.
    private var pagesFilled = 0
    private var pagesRetired = 0
    private var laneNext: [Int]
    private var laneBusy: [Bool]
    private var containerLimit = 0
    private var containerDone = 0
    private var containerBusy = false
    private var freeWork: [FreeWork] = []
    private var zeros: PageOfZeros?
    private var failure: (any Error)?

    private var blockDigests: [UInt8] = []
    private var blockTree = MerkleFrontier()
    private var candidates: [Int] = []
    private var blockMap: BlockMap

    /// A page to be filled.
    private final class Ticket {
        let index: Int
        private var buffer: [UInt8]

        init(index: Int, buffer: [UInt8]) {
            self.index = index
            self.buffer = buffer
        }

        func takeBuffer() -> [UInt8] {
            var taken: [UInt8] = []
            swap(&taken, &buffer)
            return taken
        }
    }

    private enum FreeWork {
        case digestBlock(page: Int)
        case search(page: Int)
        case classify(page: Int)
    }

    private enum Work {
        case fill(Ticket)
        case lane(Int, PassPage)
        case container(bytes: Int)
        case digestBlock(PassPage)
        case search(PassPage)
        case classify(PassPage)
    }

    init(
        _ source: any SourceReader, mostPages: Int, lanes: [DigestLane], container: ContainerLane?, digestsBlocks: Bool,
        search: CandidateSearch?, pageWork: PageWork?, blockMap: BlockMap?
    ) throws {
        self.pageWork = pageWork
        classifiesBlocks = blockMap != nil
        self.blockMap = blockMap ?? BlockMap()
        self.source = source
        self.mostPages = max(1, mostPages)
        pageCount = (source.size + MediaPass.pageSize - 1) / MediaPass.pageSize
        self.lanes = lanes
        self.container = container
        self.digestsBlocks = digestsBlocks
        self.search = search
        laneNext = Array(repeating: 0, count: lanes.count)
        laneBusy = Array(repeating: false, count: lanes.count)
    }

    // MARK: Filling pages

    /// Fills page after page, strictly in order, until the medium ends or something fails.
    func read(progress: PassProgress) {
        while let ticket = nextTicket() { attempt { try fill(ticket, progress) } }
    }

    private func nextTicket() -> Ticket? {
        condition.lock()
        defer { condition.unlock() }
        while failure == nil, pagesHanded < pageCount {
            if let ticket = takeTicket() { return ticket }
            condition.wait()
        }
        return nil
    }

    /// The next page and a buffer for it; nil when as many pages as may be are in flight. The lock must be held.
    private func takeTicket() -> Ticket? {
        guard pagesHanded < pageCount else { return nil }
        if spare.isEmpty {
            guard buffersMade < mostPages else { return nil }
            buffersMade += 1
            spare.append([UInt8](repeating: 0, count: MediaPass.pageSize + (search?.margin ?? 0)))
        }
        guard let buffer = spare.popLast() else { return nil }
        pagesHanded += 1
        return Ticket(index: pagesHanded - 1, buffer: buffer)
    }

    private func fill(_ ticket: Ticket, _ progress: PassProgress) throws {
        // Taken out of the ticket, so that it is filled in place and not copied.
        var buffer = ticket.takeBuffer()
        let offset = ticket.index * MediaPass.pageSize
        let usable = min(MediaPass.pageSize, source.size - offset)
        var count = min(buffer.count, source.size - offset)
        // Zeros that the source knows of are not read, and what becomes of a page of them is known as well.
        let isZero = try source.zeroRun(at: offset) >= count
        var destination = buffer.mutableSpan
        if isZero {
            destination.update(repeating: 0)
        } else {
            count = try source.read(at: offset, into: &destination)
        }
        let known = isZero && count == buffer.count ? try knownZeros() : nil
        // Only the last pages are shorter than their buffer; what lies after the medium's end must not be seen.
        if count < buffer.count { buffer.removeLast(buffer.count - count) }
        let page = PassPage(index: ticket.index, usable: usable, buffer: buffer)
        page.isSearched = search != nil && known?.holdCandidates ?? true
        page.isDigested = digestsBlocks && (known == nil || pageWork != nil)
        if digestsBlocks, !page.isDigested { page.blockDigest = known?.digest }
        page.isClassified = classifiesBlocks && known == nil
        if classifiesBlocks, !page.isClassified {
            page.blockRuns = [BlockRun(kind: .zero, blocks: MediaPass.pageSize / BlockClass.blockSize)]
        }
        page.tasksLeft =
            lanes.count + (page.isDigested ? 1 : 0) + (page.isSearched ? 1 : 0) + (page.isClassified ? 1 : 0)
        if container != nil { page.containerPosition = source.containerPosition(atMedium: offset + usable) }
        try post(page)
        progress.advance(by: usable)
    }

    /// What a page of zeros gives, found out once.
    private func knownZeros() throws -> PageOfZeros {
        condition.lock()
        defer { condition.unlock() }
        if let zeros { return zeros }
        let found = try PageOfZeros(search)
        zeros = found
        return found
    }

    private func post(_ page: PassPage) throws(DigestError) {
        condition.lock()
        defer { condition.unlock() }
        pages[page.index] = page
        while let filled = pages[pagesFilled] {
            containerLimit = max(containerLimit, filled.containerPosition)
            pagesFilled += 1
        }
        if page.isSearched { freeWork.append(.search(page: page.index)) }
        if page.isDigested { freeWork.append(.digestBlock(page: page.index)) }
        if page.isClassified { freeWork.append(.classify(page: page.index)) }
        if page.tasksLeft == 0 { try retireFinishedPages() }
        condition.broadcast()
    }

    // MARK: The workers

    /// Takes work until every page is done or something fails.
    func work(progress: PassProgress) {
        while let work = nextWork() { attempt { try perform(work, progress) } }
    }

    private func nextWork() -> Work? {
        condition.lock()
        defer { condition.unlock() }
        while failure == nil, pagesRetired < pageCount || containerDone < (container?.size ?? 0) {
            if let work = takeWork() { return work }
            condition.wait()
        }
        return nil
    }

    /// What is most urgent, so that the slowest lane never waits. The lock must be held.
    private func takeWork() -> Work? {
        if let work = takeLane(in: lanes.indices.prefix(1)) { return work }
        let mayFill = source.isFilledInParallel
        if mayFill, pagesHanded - (laneNext.first ?? pagesRetired) < Self.pagesAhead, let ticket = takeTicket() {
            return .fill(ticket)
        }
        if let work = takeLane(in: lanes.indices.dropFirst()) ?? takeContainer() ?? takeFreeWork() { return work }
        return mayFill ? takeTicket().map { .fill($0) } : nil
    }

    private func takeLane(in range: Range<Int>) -> Work? {
        for lane in range where !laneBusy[lane] {
            guard let page = pages[laneNext[lane]] else { continue }
            laneBusy[lane] = true
            return .lane(lane, page)
        }
        return nil
    }

    /// The container's files follow the pages that have been filled, and do not overtake them.
    private func takeContainer() -> Work? {
        guard let container, !containerBusy, containerDone < container.size else { return nil }
        let limit = pagesFilled == pageCount ? container.size : min(container.size, containerLimit)
        let count = min(limit - containerDone, ContainerLane.stepSize)
        // Short steps wait for more, but for the last one.
        guard count == ContainerLane.stepSize || (count > 0 && limit == container.size) else { return nil }
        containerBusy = true
        return .container(bytes: count)
    }

    private func takeFreeWork() -> Work? {
        while !freeWork.isEmpty {
            switch freeWork.removeFirst() {
            case .digestBlock(let index): if let page = pages[index] { return .digestBlock(page) }
            case .search(let index): if let page = pages[index] { return .search(page) }
            case .classify(let index): if let page = pages[index] { return .classify(page) }
            }
        }
        return nil
    }

    private func perform(_ work: Work, _ progress: PassProgress) throws {
        switch work {
        case .fill(let ticket): try fill(ticket, progress)
        case .lane(let lane, let page):
            try page.withBytes { bytes throws(DigestError) in try lanes[lane].update(bytes.extracting(..<page.usable)) }
            try finish(page) {
                laneBusy[lane] = false
                laneNext[lane] += 1
            }
        case .container(let count):
            try container?.advance(by: count)
            condition.lock()
            containerBusy = false
            containerDone += count
            condition.broadcast()
            condition.unlock()
        case .digestBlock(let page):
            let value = try BlockDigest.of(page.buffer[..<page.usable])
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
        case .classify(let page):
            var runs: [BlockRun] = []
            page.withBytes { bytes in runs = BlockClassifier.runs(of: bytes.extracting(..<page.usable)) }
            try finish(page) { page.blockRuns = runs }
        }
    }

    private func finish(_ page: PassPage, _ record: () -> Void) throws(DigestError) {
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
            if classifiesBlocks { blockMap.append(page.blockRuns, bytes: page.usable) }
            pages[pagesRetired] = nil
            pagesRetired += 1
            spare.append(page.takeBuffer())
        }
    }

    // MARK: The end

    /// Keeps the first error, which ends the pass.
    private func attempt(_ body: () throws -> Void) {
        do {
            try body()
        } catch {
            condition.lock()
            if failure == nil { failure = error }
            condition.broadcast()
            condition.unlock()
        }
    }

    func throwFailure() throws {
        if let failure { throw failure }
    }

    func result() throws -> ScanResult {
        var digests: [Digest] = []
        var fileDigests: [DigestAlgorithm: [Digest]] = [:]
        for lane in lanes {
            if lane.coversWholeMedium {
                digests += try lane.results()
            } else {
                fileDigests[lane.algorithm] = try lane.results()
            }
        }
        let ofFiles = fileDigests.removeValue(forKey: .sha256) ?? []
        let order = DigestAlgorithm.allCases
        return ScanResult(
            digests: digests.sorted {
                (order.firstIndex(of: $0.algorithm) ?? 0) < (order.firstIndex(of: $1.algorithm) ?? 0)
            },
            fileDigests: ofFiles, containerDigests: try container?.results() ?? [], furtherFileDigests: fileDigests,
            blockDigests: blockDigests, blockTree: blockTree, candidates: candidates,
            blockMap: classifiesBlocks ? blockMap : nil, unreadable: source.unreadable, bytesRead: source.size)
    }
}
