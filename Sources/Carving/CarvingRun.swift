internal import EvidenceModel
internal import FormatIdentification
internal import SourceMedia
internal import Synchronization

/// A carving run that takes its candidates as they become known, in ascending order.
///
/// Candidates are examined in parallel, some ahead of the decision about them; decisions are made one by one in the
/// order of offsets, so that they do not depend on the parallel part. Not thread-safe.
public final class CarvingRun {
    let item: String
    let limits: CarveLimits
    let pool: WorkerPool<CarveWorker>
    let mediumSize: Int
    /// Where decoded content may be kept; nil when files in other files are not looked for.
    private let workFolder: String?
    private let gapSearch: SignatureSearch?
    /// Nil where only blocks are candidates.
    private var budget: ExaminationBudget
    private var decoding: DecodingBudget
    private var asking: MagicBudget

    private var waiting: [Int] = []
    private var last = -1
    /// Finds without a proof of their end, in the order of offsets: a whole file that comes later may cut them.
    private var open: [DecidedFind] = []
    /// Finds whose extent is final and that wait for their digests.
    private var decided: [DecidedFind] = []
    /// Where the last whole file ends: candidates before it are part of it.
    var coveredUntil = 0
    /// Where the furthest valid prefix of a broken file ends: libmagic alone does not override it.
    private var explainedUntil = 0
    var result = CarveResult(artifacts: [], statistics: CarveStatistics(), limitsHit: [:], warnings: [])
    /// Where whole files were found, in ascending order.
    var taken: [Extent] = []
    /// Broken files: their other pieces may be found once it is known what lies between.
    var brokenFiles: [BrokenFile] = []
    /// The last archive of each walker whose tails are files too, by the walker's position, where that is no sure find.
    private var archives: [Int: Range<Int>] = [:]
    /// The last broken file of each walker, by its position.
    private var brokenRanges: [Int: Range<Int>] = [:]
    /// The last file of which something does not hold, and its walker: it hides nothing.
    private var dubious: (range: Range<Int>, walker: Int)?
    let progress: @Sendable (CarveProgress) -> Void

    /// Starts a run.
    ///
    /// - Parameter progress: called from time to time, on any thread.
    /// - Throws: ``CarveError`` when libmagic cannot be used.
    public init(
        _ carver: Carver, progress: @escaping @Sendable (CarveProgress) -> Void = { _ in }
    ) throws(CarveError) {
        self.progress = progress
        self.item = carver.item
        self.limits = carver.limits
        self.mediumSize = carver.source.size
        self.workFolder = carver.opensContainers ? carver.workFolder : nil
        self.gapSearch = carver.gapSearch
        self.budget = ExaminationBudget(carver.limits, mediumSize: carver.source.size)
        self.decoding = DecodingBudget(carver.limits)
        self.asking = MagicBudget(carver.limits)
        let signatures = CarvingSignatures(
            walkers: carver.walkers, index: .forCarving(walkers: carver.walkers, magic: carver.magic))
        var workers: [CarveWorker] = []
        for _ in 0..<carver.workers {
            workers.append(
                try CarveWorker(
                    source: carver.source, walkers: carver.walkers, signatures: signatures, magic: carver.magic,
                    limits: carver.limits))
        }
        self.pool = WorkerPool(workers: workers)
    }

    /// Takes the next candidate.
    ///
    /// - Precondition: it is not smaller than the one before.
    public func add(_ candidate: Int) throws(CarveError) {
        precondition(candidate >= max(0, last), "candidates come in ascending order")
        guard candidate > last else { return }
        last = candidate
        result.statistics.candidates += 1
        waiting.append(candidate)
        if waiting.count >= limits.candidatesAhead { try decideWaiting() }
    }

    /// Decides what is left.
    ///
    /// - Returns: everything found. The run is over.
    public func finish() throws(CarveError) -> CarveResult {
        try decideWaiting()
        closeOpen(before: Int.max)
        try sealDecided()
        try joinPieces()
        if let gapSearch {
            coveredUntil = 0
            try searchGaps(with: gapSearch)
        }
        if let workFolder {
            result.artifacts.sort(by: Artifact.precedesInExport)
            try result.openContainers(pool, workFolder: workFolder, limits: limits, progress: progress)
        }
        result.artifacts.sort(by: Artifact.precedesInExport)
        return result
    }

    // MARK: Deciding, in the order of offsets

    private func decideWaiting() throws(CarveError) {
        let batch = waiting.filter { $0 >= coveredUntil }
        result.statistics.covered += waiting.count - batch.count
        let ahead = ExaminationsAhead(count: batch.count)
        let mayLookAhead = !budget.isUsedUp
        let allowance = decoding.allowance(at: batch.last ?? 0)
        let mostAsked = asking.allowed(upTo: batch.last ?? 0)
        let asked = Mutex(0)
        try sealAndExamine(batch) { worker, number in
            let offset = batch[number]
            guard mayLookAhead, ahead.isWorthwhile, !ahead.isProbablyCovered(offset) else { return }
            let asksMagic = asked.withLock { $0 < mostAsked }
            let examination = worker.examine(offset, asksMagic: asksMagic, allowance: allowance)
            if examination.confirmationCalls > 0 { asked.withLock { $0 += 1 } }
            ahead.put(examination, number: number, offset: offset)
        }
        for (number, offset) in batch.enumerated() {
            guard offset >= coveredUntil else {
                result.statistics.covered += 1
                continue
            }
            guard budget.allows(offset) else {
                result.limitsHit["carve_reads_per_byte", default: 0] += 1
                continue
            }
            // Passed over because a file seemed to cover it that was not accepted in the end: now it counts.
            var examination = decoding.pay(at: offset, ahead.take(number)) { allowance in
                pool.workers[0].examine(offset, asksMagic: asking.allowed(upTo: offset) > 0, allowance: allowance)
            }
            asking.judge(&examination, at: offset) {
                pool.workers[0].examine(offset, allowance: decoding.allowed)
            }
            result.note(examination)
            if !examination.isCovering { budget.charge(examination.bytesRead) }
            decide(examination, at: offset)
        }
        if let reached = waiting.last {
            progress(CarveProgress(phase: .examining, done: reached, total: mediumSize))
        }
        waiting.removeAll(keepingCapacity: true)
    }

    private func decide(_ examination: CandidateExamination, at offset: Int) {
        result.statistics.examined += 1
        result.statistics.confirmationCalls += examination.confirmationCalls
        result.statistics.libmagicCalls += examination.libmagicCalls
        result.warnings += examination.warnings
        closeOpen(before: offset)
        if let short = examination.shortBroken {
            brokenFiles.append(BrokenFile(offset: offset, walker: short.walker, prefix: short.prefix))
            result.limitsHit["carve_smallest_broken", default: 0] += 1
        }
        if let dubious, dubious.range.contains(offset), isExplained(examination, by: dubious.walker, at: offset) {
            return
        }
        switch examination.finding {
        case .nothing:
            if examination.wasRejected { result.statistics.rejected += 1 }
        case .whole(let file):
            let offset = offset - file.leading
            if file.leading > 0, isTorn(at: offset) { return }
            if isTail(offset, file, of: examination.walker) { return }
            // A piece says nothing new where a broken file explains it.
            if file.isPiece, offset < explainedUntil { return }
            cutOpen(at: offset)
            take(file, at: offset)
            if file.isUncertain || file.holdsFiles {
                // Another file may lie in what nothing vouches for, and this one in pieces around it.
                coveredUntil = max(coveredUntil, offset + max(1, file.unchecked.first?.lowerBound ?? 0))
                if file.isUncertain, file.leading == 0 {
                    brokenFiles.append(
                        BrokenFile(
                            offset: offset, walker: examination.walker, prefix: file.length, isUncertain: true,
                            isWhole: true))
                }
                decided.append(DecidedFind(file, at: offset, confidence: file.confidence))
                return
            }
            if file.confidence == .header, file.leading == 0 {
                // Something does not hold: pieces of other files may be the cause.
                brokenFiles.append(
                    BrokenFile(offset: offset, walker: examination.walker, prefix: file.length, isWhole: true))
            }
            if file.confidence == .header, !pool.workers[0].walkers[examination.walker].holdsWholeFiles {
                // Pieces of others may be why something does not hold: they are looked for, and what only seems a file
                // is not told apart from this one's own content.
                dubious = (offset..<offset + file.coveredLength, examination.walker)
            } else {
                coveredUntil = offset + file.coveredLength
            }
            if file.coveredLength < file.length {
                // Only a guess says that more belongs to it: another file there ends it sooner.
                open.append(DecidedFind(file, at: offset, confidence: .header))
            } else {
                decided.append(DecidedFind(file, at: offset, confidence: file.confidence))
            }
        case .broken(let file, let reason) where file.leading > 0:
            // What begins before its candidate ends no find there: what was found is its own, or in its way.
            var find = DecidedFind(file, at: offset - file.leading, confidence: .broken)
            find.warnings.append(reason)
            if find.offset < coveredUntil {
                find.length -= coveredUntil - find.offset
                find.offset = coveredUntil
            }
            if find.length >= limits.smallestBroken { open.append(find) }
        case .broken(let file, let reason):
            guard !isPart(offset, of: examination.walker), !isTail(offset, file, of: examination.walker) else { return }
            brokenRanges[examination.walker] = offset..<offset + file.length
            brokenFiles.append(BrokenFile(offset: offset, walker: examination.walker, prefix: file.length))
            cutOpen(at: offset, onlyGuessed: true)
            explainedUntil = max(explainedUntil, offset + file.length)
            var find = DecidedFind(file, at: offset, confidence: .broken)
            find.length = file.likelyLength ?? find.length
            find.warnings.append(reason)
            open.append(find)
        case .header(let format):
            guard offset >= explainedUntil else { return }
            cutOpen(at: offset, onlyGuessed: true)
            open.append(DecidedFind(format, at: offset, length: min(limits.largestHeader, mediumSize - offset)))
        }
    }

    /// True when what was found inside a file of which something does not hold is likely to be its own content.
    ///
    /// A file that breaks off there is not catalogued, but its pieces are searched: when they are found it was none.
    private func isExplained(_ examination: CandidateExamination, by walker: Int, at offset: Int) -> Bool {
        switch examination.finding {
        case .nothing: return false
        case .header: return true
        case .whole(let file):
            return file.isPiece || examination.walker == walker && file.confidence == .header
        case .broken(let file, _):
            if file.leading == 0, !file.isPiece, examination.walker != walker {
                brokenFiles.append(BrokenFile(offset: offset, walker: examination.walker, prefix: file.length))
            }
            return true
        }
    }

    /// True when a whole file that was found before reaches over the place: what begins there is not whole.
    private func isTorn(at start: Int) -> Bool {
        func crosses(_ extent: Extent) -> Bool { extent.offset < start && start < extent.end }
        func isSure(_ confidence: Confidence) -> Bool { confidence == .proven || confidence == .structural }
        return decided.contains { isSure($0.confidence) && crosses(Extent(offset: $0.offset, length: $0.length)) }
            || result.artifacts.contains { isSure($0.confidence) && $0.extents.contains(where: crosses) }
    }

    /// Most bytes that writers of archives pad them with.
    private static let mostPadding = 10_240

    /// True when the file begins inside one of the same walker's and ends with it; notes it where it may hold such tails.
    private func isTail(_ offset: Int, _ file: WalkedFile, of walker: Int) -> Bool {
        guard pool.workers[0].walkers[walker].tailsAreFiles else { return false }
        let end = offset + file.length
        if let range = archives[walker], offset > range.lowerBound, offset < range.upperBound,
            abs(end - range.upperBound) <= Self.mostPadding
        {
            return true
        }
        if ![.proven, .structural].contains(file.confidence) || file.isUncertain { archives[walker] = offset..<end }
        return false
    }

    /// True when a broken file that begins at `offset` is part of one that its walker has followed before.
    ///
    /// Such as a member of a broken archive. Files that can be neighbours on a volume are whole blocks apart.
    private func isPart(_ offset: Int, of walker: Int) -> Bool {
        guard let range = brokenRanges[walker] else { return false }
        return range.contains(offset) && !FreeSpace.isOnOneGrid(offset, range.lowerBound)
    }

    /// Takes a whole file out of the space in which pieces of others are searched.
    private func take(_ file: WalkedFile, at offset: Int) {
        guard file.confidence == .proven || file.confidence == .structural, !file.isPiece, !file.holdsFiles
        else { return }
        taken.append(Extent(offset: offset, length: file.length))
    }

    /// Ends the open finds that reach over `offset`, where another find begins.
    ///
    /// But for a broken file whose structure was followed there: what begins in it at no block is part of it.
    private func cutOpen(at offset: Int, onlyGuessed: Bool = false) {
        for index in open.indices where open[index].endIsGuessed || !onlyGuessed {
            guard open[index].offset + open[index].length > offset else { continue }
            if open[index].confidence == .broken, !FreeSpace.isOnOneGrid(offset, open[index].offset) { continue }
            open[index].length = offset - open[index].offset
            if open[index].confidence == .broken {
                open[index].warnings.append("cut where another find begins")
            }
        }
        closeOpen(before: offset)
    }

    /// Moves the open finds that end before `offset` to the decided ones.
    private func closeOpen(before offset: Int) {
        decided += open.filter { $0.length > 0 && $0.offset + $0.length <= offset }
        open.removeAll { $0.length <= 0 || $0.offset + $0.length <= offset }
    }

    /// Takes a whole file that lies in a gap, outside the order of the candidates.
    func decideWhole(_ file: WalkedFile, at offset: Int) {
        decided.append(DecidedFind(file, at: offset, confidence: file.confidence))
    }

    // MARK: Work in parallel

    /// Seals finds outside the order of the candidates.
    func seal(_ finds: [DecidedFind]) throws(CarveError) {
        decided += finds
        try sealDecided()
    }

    /// Seals what is decided.
    func sealDecided() throws(CarveError) {
        try sealAndExamine([]) { _, _ in }
    }

    /// Seals what is decided and examines candidates, side by side.
    private func sealAndExamine(
        _ candidates: [Int], _ examine: @Sendable (CarveWorker, Int) -> Void
    ) throws(CarveError) {
        let finds = decided
        decided.removeAll()
        let item = item
        let sealed = Mutex<[Result<SealedFind, CarveError>?]>(
            [Result<SealedFind, CarveError>?](
                repeating: nil, count: finds.count))
        pool.run(finds.count + candidates.count) { worker, number in
            guard number < finds.count else { return examine(worker, number - finds.count) }
            let outcome = Result { () throws(CarveError) in try worker.seal(finds[number], item: item) }
            sealed.withLock { $0[number] = outcome }
        }
        for case let outcome? in sealed.withLock({ $0 }) {
            let find = try outcome.get()
            result.statistics.descriptionCalls += 1
            result.statistics.libmagicCalls += find.libmagicCalls
            result.statistics.bytesHashed += find.bytesHashed
            result.warnings += find.warnings
            for name in find.limitsHit { result.limitsHit[name, default: 0] += 1 }
            if let artifact = find.artifact { result.artifacts.append(artifact) }
        }
    }
}

/// Examinations made before their turn, shared by the workers of a batch.
private final class ExaminationsAhead: Sendable {
    private struct State {
        var examinations: [CandidateExamination?]
        /// Whole files seen in this batch, which may yet turn out to lie in one another.
        var files: [Range<Int>] = []
        /// Bytes read for candidates that were declined.
        var readInVain = 0
    }
    /// Bytes that a batch may read in vain before its turn: what candidates cost is known only when they are decided.
    private static let mostReadInVain = 256 << 20

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(examinations: [CandidateExamination?](repeating: nil, count: count)))
    }

    /// False once the batch has cost so much that its candidates had better wait for their turn.
    var isWorthwhile: Bool { state.withLock { $0.readInVain < Self.mostReadInVain } }

    /// True when a file seen so far reaches over the offset: a saving, not a decision.
    func isProbablyCovered(_ offset: Int) -> Bool {
        state.withLock { $0.files.contains { $0.lowerBound < offset && offset < $0.upperBound } }
    }

    func put(_ examination: CandidateExamination, number: Int, offset: Int) {
        state.withLock { state in
            state.examinations[number] = examination
            if !examination.isCovering { state.readInVain += examination.bytesRead }
            if case .whole(let file) = examination.finding, !file.isUncertain, !file.holdsFiles,
                file.confidence != .header
            {
                state.files.append(offset..<offset + file.coveredLength)
            }
        }
    }

    func take(_ number: Int) -> CandidateExamination? {
        state.withLock { $0.examinations[number] }
    }
}

extension WalkedFile {
    /// Bytes in which no other file is looked for.
    fileprivate var coveredLength: Int { max(1, min(length, certainLength ?? length)) }
}

extension DecidedFind {
    fileprivate init(_ file: WalkedFile, at offset: Int, confidence: Confidence) {
        self.init(
            offset: offset, length: file.length, confidence: confidence, format: file.format,
            fileExtension: file.fileExtension, mime: file.mime, facts: file.facts, warnings: file.warnings)
    }

    /// A find that libmagic alone names; it ends where the next one begins, or sooner.
    fileprivate init(_ format: IdentifiedFormat, at offset: Int, length: Int) {
        let subtype = format.mime.split(separator: "/").last.map(String.init) ?? "unknown"
        let name = format.extensions.first ?? subtype
        self.init(
            offset: offset, length: length, confidence: .header, format: name.lowercased(),
            fileExtension: format.extensions.first ?? "bin", mime: format.mime, facts: [:], warnings: [],
            endIsGuessed: true)
    }
}
