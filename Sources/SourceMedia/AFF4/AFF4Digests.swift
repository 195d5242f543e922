import Digesting
import EvidenceModel

/// Digests as containers state them: hexadecimal, the algorithm in the type of the literal (Standard v1.0, 6.1).
enum AFF4Digests {
    /// The algorithm that the local name of a type or of a segment stands for.
    static func algorithm(_ name: some StringProtocol) -> DigestAlgorithm? {
        switch name.lowercased() {
        case "md5": .md5
        case "sha1": .sha1
        case "sha256": .sha256
        case "sha512": .sha512
        case "blake2b": .blake2b512
        default: nil
        }
    }

    /// The names of segments with block hashes, in the order in which their hashes are joined (Standard v1.0, 6.2).
    static let blockHashNames = ["md5", "sha1", "sha256", "sha512", "blake2b"]

    /// A digest that a literal holds; nil when its type is of none, or it has another length.
    static func digest(_ term: AFF4Graph.Term, prefix: String = "") -> Digest? {
        guard case .literal(let hex, let type) = term, type.hasPrefix(AFF4Lexicon.base + prefix),
            let algorithm = algorithm(type.dropFirst(AFF4Lexicon.base.count + prefix.count))
        else { return nil }
        return Digest(algorithm, hex: hex)
    }

    /// The digest over the bytes of segments, one after the other; nil when one of them cannot be read.
    static func digest(_ algorithm: DigestAlgorithm, of segments: [AFF4Segment]) throws(SourceError) -> Digest? {
        do {
            var running = try RunningDigest(algorithm)
            for segment in segments {
                guard try segment.forEachPiece({ (piece) throws(DigestError) in try running.update(piece) }) else {
                    return nil
                }
            }
            return try running.finalize()
        } catch {
            throw SourceError(.unreadable, error.message)
        }
    }

    static func digest(_ algorithm: DigestAlgorithm, of bytes: Span<UInt8>) throws(SourceError) -> Digest {
        do {
            var running = try RunningDigest(algorithm)
            try running.update(bytes)
            return try running.finalize()
        } catch {
            throw SourceError(.unreadable, error.message)
        }
    }
}
