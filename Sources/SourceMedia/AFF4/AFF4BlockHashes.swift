import Digesting
import EvidenceModel

/// The hashes of a bevy's chunks (Standard v1.0, 6.2).
struct AFF4BlockHashes: Sendable {
    struct List: Sendable {
        let algorithm: DigestAlgorithm
        let segment: AFF4Segment
    }

    let lists: [List]

    /// What checking a chunk came to.
    enum Verdict: Hashable {
        case holds
        /// None is stored for the chunk.
        case unknown
        /// It is not the chunk's; but one by a stronger algorithm is.
        case doubtful(DigestAlgorithm)
        case differs(DigestAlgorithm)
    }

    /// Says whether every chunk of the first `count` has a hash.
    func covers(_ count: Int) -> Bool {
        lists.contains { $0.segment.size / $0.algorithm.byteCount >= count }
    }

    /// Checks a chunk by all of its hashes.
    ///
    /// - Parameters:
    ///   - index: of the chunk in its bevy.
    ///   - bytes: the chunk with its padding.
    ///   - length: bytes of it that belong to the stream: of the last chunk writers hash either.
    func check(_ index: Int, _ bytes: Span<UInt8>, length: Int) throws(SourceError) -> Verdict {
        var verdict = Verdict.unknown
        // From the weakest to the strongest.
        for list in lists {
            let size = list.algorithm.byteCount
            guard let stored = list.segment.bytes(at: index * size, count: size) else { continue }
            var holds = try AFF4Digests.digest(list.algorithm, of: bytes).bytes == stored
            if !holds, length < bytes.count {
                holds = try AFF4Digests.digest(list.algorithm, of: bytes.extracting(0..<length)).bytes == stored
            }
            if !holds {
                verdict = .differs(list.algorithm)
            } else if case .differs(let weaker) = verdict {
                verdict = .doubtful(weaker)
            } else if verdict == .unknown {
                verdict = .holds
            }
        }
        return verdict
    }
}
