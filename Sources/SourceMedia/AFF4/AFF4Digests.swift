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

    /// The digest over the bytes of segments, one after the other; nil when one of them is missing or cannot be read.
    ///
    /// They are opened one at a time: a deflated one is kept in memory while it is open.
    static func digest(
        _ algorithm: DigestAlgorithm, count: Int, _ segment: (Int) throws(SourceError) -> AFF4Segment?
    ) throws(SourceError) -> Digest? {
        var running: RunningDigest
        do { running = try RunningDigest(algorithm) } catch { throw failure(error) }
        for number in 0..<count {
            guard let opened = try segment(number), try add(opened, to: &running) else { return nil }
        }
        do { return try running.finalize() } catch { throw failure(error) }
    }

    /// False when not all of its bytes can be read.
    private static func add(_ segment: AFF4Segment, to running: inout RunningDigest) throws(SourceError) -> Bool {
        var at = 0
        while at < segment.size {
            guard let piece = segment.bytes(at: at, count: min(1 << 18, segment.size - at)) else { return false }
            at += piece.count
            do { try running.update(piece) } catch { throw failure(error) }
        }
        return true
    }

    private static func failure(_ error: DigestError) -> SourceError { SourceError(.unreadable, error.message) }

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
