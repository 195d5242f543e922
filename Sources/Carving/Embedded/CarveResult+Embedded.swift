internal import EvidenceModel
internal import Synchronization

extension CarveResult {
    /// Looks for files in the artifacts found so far, and adds them.
    ///
    /// Each artifact is one task; what they give is put together in the order of the artifacts, so that the result does
    /// not depend on the workers.
    mutating func openContainers(_ pool: WorkerPool<CarveWorker>, workFolder: String) throws(CarveError) {
        let positions = artifacts.indices.filter { artifacts[$0].confidence != .broken }
        let containers = positions.map { artifacts[$0] }
        let outcomes = Mutex<[Result<EmbeddedOutcome, CarveError>?]>(
            [Result<EmbeddedOutcome, CarveError>?](repeating: nil, count: containers.count))
        pool.run(containers.count) { worker, number in
            let outcome = Result { () throws(CarveError) in
                try worker.open(containers[number], workFolder: workFolder)
            }
            outcomes.withLock { $0[number] = outcome }
        }
        for (position, outcome) in zip(positions, outcomes.withLock { $0 }) {
            guard let found = try outcome?.get() else { continue }
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
