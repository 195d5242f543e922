public import EvidenceModel
public import FormatIdentification
public import SourceMedia
internal import Synchronization

/// Names whole files whose borders are known: those of a folder or of an export.
///
/// Each file is asked about alone, with the same walkers and databases that carving uses. The result does not depend
/// on the number of workers.
public struct FileSetExamination: Sendable {
    /// One file of the set.
    public struct Member: Hashable, Sendable {
        /// Where it lies in the source.
        public var extent: Extent
        /// Forensic path: item and path within it.
        public var path: String

        /// A file of the set.
        public init(extent: Extent, path: String) {
            self.extent = extent
            self.path = path
        }
    }

    let item: String
    let source: any ByteSource
    let magic: MagicDatabases
    let limits: CarveLimits
    let workers: Int
    /// Whether files in other files are looked for.
    public var opensContainers = false
    /// Folder in which large decoded content is kept while it is looked at, in files without a name.
    public var workFolder = "/var/tmp"

    /// - Parameters:
    ///   - item: id of the evidence item, for example "E001".
    ///   - source: the item's medium.
    ///   - workers: threads, at least 1.
    public init(
        item: String, source: any ByteSource, magic: MagicDatabases, limits: CarveLimits = CarveLimits(), workers: Int
    ) {
        self.item = item
        self.source = source
        self.magic = magic
        self.limits = limits
        self.workers = max(1, workers)
    }

    /// Files examined between two reports of progress.
    private static let batch = 256

    /// Examines every member that holds bytes.
    ///
    /// - Parameter progress: called from time to time, on any thread.
    /// - Throws: ``CarveError`` when libmagic or a digest cannot be used.
    public func run(
        _ members: [Member], progress: @escaping @Sendable (CarveProgress) -> Void = { _ in }
    ) throws(CarveError) -> CarveResult {
        let signatures = CarvingSignatures(
            walkers: allFormatWalkers, index: .forCarving(walkers: allFormatWalkers, magic: magic))
        var examiners: [CarveWorker] = []
        for _ in 0..<workers {
            examiners.append(
                try CarveWorker(
                    source: source, walkers: allFormatWalkers, signatures: signatures, magic: magic, limits: limits))
        }
        let pool = WorkerPool(workers: examiners)
        let files = members.filter { $0.extent.length > 0 }
        var result = CarveResult(artifacts: [], statistics: CarveStatistics(), limitsHit: [:], warnings: [])
        var decoding = DecodingBudget(limits)
        for start in stride(from: 0, to: files.count, by: Self.batch) {
            let part = Array(files[start..<min(files.count, start + Self.batch)])
            try examine(part, pool, &decoding, &result)
            progress(CarveProgress(phase: .examining, done: part.last?.extent.end ?? 0, total: source.size))
        }
        result.statistics.candidates = files.count
        if opensContainers {
            result.artifacts.sort(by: Artifact.precedesInExport)
            try result.openContainers(pool, workFolder: workFolder, limits: limits, progress: progress)
        }
        result.artifacts.sort(by: Artifact.precedesInExport)
        return result
    }

    private func examine(
        _ files: [Member], _ pool: WorkerPool<CarveWorker>, _ decoding: inout DecodingBudget,
        _ result: inout CarveResult
    ) throws(CarveError) {
        let item = item
        let outcomes = Mutex<[Result<SealedFind, CarveError>?]>(
            [Result<SealedFind, CarveError>?](repeating: nil, count: files.count))
        let allowance = decoding.allowance(at: files.last?.extent.offset ?? 0)
        pool.run(files.count) { worker, number in
            let outcome = Result { () throws(CarveError) in
                try worker.name(files[number], item: item, allowance: allowance)
            }
            outcomes.withLock { $0[number] = outcome }
        }
        for (file, outcome) in zip(files, outcomes.withLock({ $0 })) {
            let ahead = try outcome?.get()
            let find = try decoding.pay(at: file.extent.offset, ahead) { allowance throws(CarveError) in
                try pool.workers[0].name(file, item: item, allowance: allowance)
            }
            if find.isOutOfDecoding { result.limitsHit["carve_decoded_per_byte", default: 0] += 1 }
            for name in find.limitsHit { result.limitsHit[name, default: 0] += 1 }
            result.statistics.examined += 1
            result.statistics.descriptionCalls += 1
            result.statistics.libmagicCalls += find.libmagicCalls
            result.statistics.bytesHashed += find.bytesHashed
            result.warnings += find.warnings
            if let artifact = find.artifact { result.artifacts.append(artifact) }
        }
    }
}

extension CarveWorker {
    /// Names one whole file and digests it.
    ///
    /// - Parameter allowance: bytes that walkers may decode.
    fileprivate func name(
        _ file: FileSetExamination.Member, item: String, allowance: Int
    ) throws(CarveError) -> SealedFind {
        let callsBefore = cookie.calls
        let content = ExtentSource(source, extents: [file.extent])
        var find = DecidedFind(
            offset: file.extent.offset, length: file.extent.length, confidence: .header, format: "unknown",
            fileExtension: "bin", mime: "application/octet-stream", facts: [:], warnings: [])
        var warnings: [String] = []
        do {
            let head = try content.bytes(at: 0, count: limits.describedBytes)
            let named = try cookie.identify(head)
            find.mime = named.mime
            find.fileExtension = named.extensions.first ?? "bin"
            find.format = named.extensions.first ?? named.mime.split(separator: "/").last.map(String.init) ?? "unknown"
        } catch {
            warnings.append("\(file.path): \(error)")
        }
        let examination = examine(content, allowance: allowance)
        apply(examination, to: &find)
        var sealed = try seal(find, item: item)
        sealed.limitsHit += examination.limits.sorted().map(\.rawValue)
        sealed.bytesDecoded = examination.bytesDecoded
        sealed.libmagicCalls = cookie.calls - callsBefore
        sealed.artifact?.origin = .filesystem
        sealed.artifact?.path = file.path
        sealed.warnings = warnings + sealed.warnings
        return sealed
    }

    /// Takes over what a walker says of the file; its borders are those of the file all the same.
    private func apply(_ examination: CandidateExamination, to find: inout DecidedFind) {
        func take(_ walked: WalkedFile, _ confidence: Confidence) {
            find.format = walked.format
            find.fileExtension = walked.fileExtension
            find.mime = walked.mime
            find.facts = walked.facts
            find.confidence = confidence
            find.warnings += walked.warnings
        }
        switch examination.finding {
        case .whole(let walked) where walked.length == find.length: take(walked, walked.confidence)
        case .whole(let walked):
            take(walked, .header)
            find.warnings.append("\(find.length - walked.length) bytes follow the end of the format's structure")
        case .broken(let walked, let reason):
            take(walked, .broken)
            find.warnings.append(reason)
        case .header, .nothing: break
        }
    }
}
