import Digesting
import EvidenceModel

/// A digest that must see the medium's pages one after the other.
///
/// Owner of the digest context: the worker that the board has given this lane to, one at a time.
final class DigestLane: @unchecked Sendable {
    let algorithm: DigestAlgorithm
    private let boundaries: [Int]?
    private var running: RunningDigest?
    private var finished: [Digest] = []
    private var leftInFile = 0

    /// - Parameter boundaries: lengths of the parts that get a digest each; nil for one digest over everything.
    init(_ algorithm: DigestAlgorithm, boundaries: [Int]?) throws(DigestError) {
        self.algorithm = algorithm
        self.boundaries = boundaries
        running = try RunningDigest(algorithm)
        leftInFile = boundaries?.first ?? .max
        try finishCompletedFiles()
    }

    var coversWholeMedium: Bool { boundaries == nil }

    func update(_ bytes: Span<UInt8>) throws(DigestError) {
        guard boundaries != nil else {
            try running?.update(bytes)
            return
        }
        var offset = 0
        while offset < bytes.count, leftInFile > 0 {
            let count = min(bytes.count - offset, leftInFile)
            try running?.update(bytes.extracting(offset..<offset + count))
            offset += count
            leftInFile -= count
            try finishCompletedFiles()
        }
    }

    /// The digests, once every page has passed.
    func results() throws(DigestError) -> [Digest] {
        guard boundaries == nil else { return finished }
        guard let digest = running.take() else { return finished }
        finished = [try digest.finalize()]
        return finished
    }

    private func finishCompletedFiles() throws(DigestError) {
        guard let boundaries else { return }
        while leftInFile == 0, finished.count < boundaries.count {
            guard let digest = running.take() else { return }
            finished.append(try digest.finalize())
            running = try RunningDigest(algorithm)
            if finished.count < boundaries.count { leftInFile = boundaries[finished.count] }
        }
    }
}
