/// Finds the places where a known format may start, at every offset of a medium.
///
/// A signature that stands at `p` and belongs `d` bytes behind the start of its file makes `p - d` a candidate. What it
/// answers about an offset depends only on the ``requiredMargin`` bytes there, so the size of pages changes nothing.
/// Immutable: any number of threads share one.
public struct SignatureSearch: Sendable {
    /// Signatures of a database with fewer bytes than this are not searched for at every offset: they stand in data of
    /// every kind.
    public static let smallestDatabaseSignature = 6
    /// First bytes of a candidate that a refinement sees.
    public static let refinedBytes = 2048

    /// False when the bytes at a place rule out that the format of a signature begins there.
    ///
    /// Gets the signature's position in ``SignatureIndex/signatures`` and the place's first ``refinedBytes`` bytes, or
    /// fewer where the medium ends. Must be a pure function of them.
    public typealias Refinement = @Sendable (_ signature: Int, _ head: Span<UInt8>) -> Bool

    /// Bytes that must be readable from a place for a full answer.
    public let requiredMargin: Int
    /// How many signatures are searched for.
    public let signatureCount: Int

    private let scanner: LiteralScanner
    private let refinement: Refinement
    /// The signatures that consist of each literal.
    private let uses: [[Use]]

    /// One signature of a literal.
    private struct Use {
        /// Distance from the file's start to the literal's end.
        let end: Int
        /// Position in the index.
        let signature: Int
    }

    /// Compiles the walkers' signatures of an index, all of them, and those of the databases that say enough.
    ///
    /// - Parameter refinement: asked where a walker's signature stands, before the place becomes a candidate.
    /// - Throws: ``MagicError`` when the search cannot be prepared.
    public init(
        _ index: SignatureIndex, refinement: @escaping Refinement = { _, _ in true }
    ) throws(MagicError) {
        var literals: [[UInt8]] = []
        var numbers: [[UInt8]: Int] = [:]
        var uses: [[Use]] = []
        var longest = 0
        var count = 0
        for (position, signature) in index.signatures.enumerated() {
            guard position < index.walkerCount || signature.bytes.count >= Self.smallestDatabaseSignature else {
                continue
            }
            let number = numbers[signature.bytes] ?? literals.count
            if number == literals.count {
                numbers[signature.bytes] = number
                literals.append(signature.bytes)
                uses.append([])
            }
            uses[number].append(Use(end: signature.end, signature: position))
            longest = max(longest, signature.end)
            count += 1
        }
        self.scanner = try LiteralScanner(literals)
        self.refinement = refinement
        self.uses = uses
        self.requiredMargin = max(longest, Self.refinedBytes)
        self.signatureCount = count
    }

    /// Appends the offsets at which a signature matches, ascending, each once.
    ///
    /// - Parameters:
    ///   - bytes: the page and, after it, as much of ``requiredMargin`` as the medium still has.
    ///   - usable: bytes that belong to the page; only candidates that start in them are reported.
    ///   - baseOffset: offset of the page's first byte on the medium.
    ///   - candidates: receives offsets on the medium.
    public func candidates(
        in bytes: Span<UInt8>, count usable: Int, baseOffset: Int, into candidates: inout [Int]
    ) {
        precondition(usable <= bytes.count && baseOffset >= 0)
        var found: [Int] = []
        scanner.scan(bytes) { literal, end in
            for use in uses[literal] {
                let start = end - use.end
                guard start >= 0, start < usable else { continue }
                let head = bytes.extracting(start..<min(bytes.count, start + Self.refinedBytes))
                if refinement(use.signature, head) { found.append(start) }
            }
        }
        found.sort()
        var last = -1
        for start in found where start != last {
            candidates.append(baseOffset + start)
            last = start
        }
    }
}
