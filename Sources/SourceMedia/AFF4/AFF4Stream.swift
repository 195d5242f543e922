/// A stream of a container: bytes at any offset, some of which may be lost.
protocol AFF4Stream: Sendable {
    /// In bytes; `Int.max` for streams without end.
    var size: Int { get }

    /// Fills `destination`; what is lost becomes zeros and is reported.
    ///
    /// A flaw covers all that is lost together, whatever part of it was asked for: what is reported does not depend on
    /// how a medium is read.
    /// - Precondition: all bytes asked for lie within the stream.
    func read(
        at offset: Int, into destination: inout MutableSpan<UInt8>, flaws: inout [AFF4Flaw]
    ) throws(SourceError)

    /// Number of bytes from `offset` on that are known to be zeros without reading them.
    func zeroRun(at offset: Int) throws(SourceError) -> Int
}

/// Bytes of a stream that are lost, and why.
struct AFF4Flaw: Hashable, Sendable {
    /// In bytes of the stream.
    var range: Range<Int>
    /// Which chunks of an image stream these are; nil where chunks have nothing to do with it.
    var chunks: Range<Int>?
    /// The stream that failed, or another place.
    let place: String
    let problem: String

    var words: String {
        guard let chunks else { return place.isEmpty ? problem : "\(place): \(problem)" }
        let which =
            chunks.count == 1
            ? "chunk \(chunks.lowerBound)" : "chunks \(chunks.lowerBound) to \(chunks.upperBound - 1)"
        return "\(which) of \(place): \(problem)"
    }
}

/// Streams that hold no bytes of their own (Standard v1.0, 4.4).
struct AFF4SymbolicStream: AFF4Stream, Hashable {
    enum Content: Hashable, Sendable {
        case fill(UInt8)
        /// Text that is repeated anew in each 1 MiB.
        case unknown
        case unreadable
    }

    /// Bytes after which a repeated text begins anew.
    static let tileSize = 1 << 20

    static let zero = AFF4SymbolicStream(.fill(0))

    let content: Content
    var size: Int { .max }

    private init(_ content: Content) { self.content = content }

    /// Nil when the IRI is of no symbolic stream.
    init?(_ iri: String) {
        guard iri.hasPrefix(AFF4Lexicon.base) else { return nil }
        let name = iri.dropFirst(AFF4Lexicon.base.count)
        switch name {
        case "Zero": content = .fill(0)
        case "FFDevice": content = .fill(0xFF)
        case "UnknownData": content = .unknown
        case "UnreadableData": content = .unreadable
        default:
            let prefixes = ["SymbolicStream", "SymbolicData"]
            guard let prefix = prefixes.first(where: { name.hasPrefix($0) }), name.utf8.count == prefix.utf8.count + 2,
                let value = UInt8(name.suffix(2), radix: 16), !name.suffix(2).hasPrefix("+")
            else { return nil }
            content = .fill(value)
        }
    }

    func read(
        at offset: Int, into destination: inout MutableSpan<UInt8>, flaws: inout [AFF4Flaw]
    ) throws(SourceError) {
        let tile: [UInt8]
        switch content {
        case .fill(let byte):
            AFF4Bytes.fill(&destination, with: byte)
            return
        case .unknown: tile = Self.unknownTile
        case .unreadable: tile = Self.unreadableTile
        }
        var filled = 0
        while filled < destination.count {
            let start = (offset + filled) % Self.tileSize
            let count = min(destination.count - filled, Self.tileSize - start)
            var part = destination._mutatingExtracting(filled..<filled + count)
            AFF4Bytes.copy(tile, from: start, into: &part)
            filled += count
        }
    }

    func zeroRun(at offset: Int) -> Int { content == .fill(0) ? .max - offset : 0 }

    private static let unknownTile = tile("UNKNOWN")
    private static let unreadableTile = tile("UNREADABLEDATA")

    private static func tile(_ text: String) -> [UInt8] {
        let text = Array(text.utf8)
        return (0..<tileSize).map { text[$0 % text.count] }
    }
}
