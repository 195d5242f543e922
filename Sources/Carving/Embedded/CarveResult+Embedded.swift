internal import EvidenceModel
internal import Synchronization

extension CarveResult {
    /// Artifacts looked into before the limits of the medium are counted: bounds memory, changes no result.
    private static let batch = 256

    /// Looks for files in the artifacts found so far, and adds them.
    ///
    /// Each artifact is one task; what they give is put together in the order of the artifacts, so that the result does
    /// not depend on the workers.
    mutating func openContainers(
        _ pool: WorkerPool<CarveWorker>, workFolder: String, limits: CarveLimits,
        progress: (CarveProgress) -> Void
    ) throws(CarveError) {
        let positions = artifacts.indices.filter { artifacts[$0].confidence != .broken }
        var decoding = EmbeddedDecoding(limits)
        for start in stride(from: 0, to: positions.count, by: Self.batch) {
            let batch = Array(positions[start..<min(positions.count, start + Self.batch)])
            try open(batch, pool, workFolder, &decoding)
            progress(CarveProgress(phase: .openingFiles, done: start + batch.count, total: positions.count))
        }
    }

    private mutating func open(
        _ positions: [Int], _ pool: WorkerPool<CarveWorker>, _ workFolder: String, _ decoding: inout EmbeddedDecoding
    ) throws(CarveError) {
        let containers = positions.map { artifacts[$0] }
        let outcomes = Mutex<[Result<EmbeddedOutcome, CarveError>?]>(
            [Result<EmbeddedOutcome, CarveError>?](repeating: nil, count: containers.count))
        let atStart = decoding
        let spent = Mutex(0)
        pool.run(containers.count) { worker, number in
            // What is over what the medium allows would be done again in its turn.
            guard atStart.left == 0 || spent.withLock({ $0 < atStart.left }) else { return }
            let outcome = Result { () throws(CarveError) in
                try worker.open(
                    containers[number], workFolder: workFolder, allowance: atStart.allowance(of: containers[number]))
            }
            if case .success(let opened) = outcome {
                spent.withLock { $0 += atStart.cost(of: opened, containers[number]) }
            }
            outcomes.withLock { $0[number] = outcome }
        }
        for ((position, container), outcome) in zip(zip(positions, containers), outcomes.withLock { $0 }) {
            let ahead = try outcome?.get()
            let found = try decoding.pay(for: container, ahead) { allowance throws(CarveError) in
                try pool.workers[0].open(container, workFolder: workFolder, allowance: allowance)
            }
            artifacts[position] = found.container
            artifacts += found.children
            statistics.embedded += found.children.count
            statistics.bytesHashed += found.bytesHashed
            statistics.descriptionCalls += found.descriptionCalls
            statistics.libmagicCalls += found.libmagicCalls
            warnings += found.warnings
            for (name, count) in found.limitsHit { limitsHit[name, default: 0] += count }
        }
    }
}

/// How many bytes may be decoded while all artifacts of a medium are looked into.
///
/// Each artifact may give some bytes for each of its own; what goes beyond is taken from a credit of the whole medium, in
/// the order of the artifacts. So thousands of small bombs cost no more than a few.
struct EmbeddedDecoding: Sendable {
    private let perByte: Int
    private let least: Int
    /// What is left of the credit, in bytes.
    private(set) var left: Int

    init(_ limits: CarveLimits) {
        perByte = limits.embeddedDecodedPerByte
        least = limits.decodedLeast
        left = limits.embeddedDecodedCredit
    }

    /// Bytes that an artifact's own bytes pay for.
    private func own(_ artifact: Artifact) -> Int {
        let (product, overflow) = artifact.size.multipliedReportingOverflow(by: perByte)
        return max(least, overflow ? Int.max / 2 : min(Int.max / 2, product))
    }

    /// Bytes that may be decoded while an artifact is looked into.
    func allowance(of artifact: Artifact) -> Int { own(artifact) + left }

    /// What looking into an artifact takes from the credit.
    func cost(of work: some DecodingWork, _ artifact: Artifact) -> Int { max(0, work.bytesDecoded - own(artifact)) }

    /// What was made with at least as much as may be decoded, or else made again.
    mutating func pay<Made: DecodingWork, Failure: Error>(
        for artifact: Artifact, _ ahead: Made?, make: (Int) throws(Failure) -> Made
    ) throws(Failure) -> Made {
        let allowed = allowance(of: artifact)
        let made: Made
        if let ahead, ahead.bytesDecoded < allowed { made = ahead } else { made = try make(allowed) }
        left = max(0, left - cost(of: made, artifact))
        return made
    }
}
