public import FormatIdentification

extension SignatureIndex {
    /// The pre-filter of a carving run: the walkers' signatures and those of the magic databases.
    ///
    /// The pass over a medium asks it at every block; hand the offsets it names to ``Carver``.
    public static func forCarving(
        walkers: [any FormatWalker] = allFormatWalkers, magic: MagicDatabases
    ) -> SignatureIndex {
        SignatureIndex(
            walkers: walkers.flatMap { walker in
                walker.signatures.map {
                    FormatSignature(offset: $0.offset, bytes: $0.bytes, description: walker.name)
                }
            },
            database: magic.signatures)
    }
}

extension SignatureSearch {
    /// The pre-filter of a carving run that looks at every offset: hand it to the pass over a medium in place of
    /// ``SignatureIndex/forCarving(walkers:magic:)``.
    ///
    /// - Throws: `MagicError` when the search cannot be prepared.
    public static func forCarving(
        walkers: [any FormatWalker] = allFormatWalkers, magic: MagicDatabases
    ) throws(MagicError) -> SignatureSearch {
        let index = SignatureIndex.forCarving(walkers: walkers, magic: magic)
        let walkerOfSignature = walkers.flatMap { walker in walker.signatures.map { _ in walker } }
        return try SignatureSearch(index) { signature, head in
            signature >= walkerOfSignature.count || walkerOfSignature[signature].mayBegin(head)
        }
    }

    /// The search of what lies between finds (``Carver/gapSearch``): the walkers' signatures only, and of these no pairs of
    /// bytes. JSON is left out: what its brackets enclose anywhere in a text is JSON again, and no file.
    ///
    /// - Throws: `MagicError` when the search cannot be prepared.
    public static func forGaps(
        walkers: [any FormatWalker] = allFormatWalkers
    ) throws(MagicError) -> SignatureSearch {
        let pairs = walkers.filter { !($0 is JSONWalker) }.flatMap { walker in
            walker.signatures.filter { $0.bytes.count > 2 }.map { (walker, $0) }
        }
        let index = SignatureIndex(
            walkers: pairs.map { walker, signature in
                FormatSignature(offset: signature.offset, bytes: signature.bytes, description: walker.name)
            })
        return try SignatureSearch(index) { signature, head in pairs[signature].0.mayBegin(head) }
    }
}

/// Which walkers, and which entries of the databases, a place's first bytes call for.
struct CarvingSignatures: Sendable {
    let index: SignatureIndex
    /// Position in the table of walkers of each of the index's first signatures.
    private let walkerOfSignature: [Int]

    init(walkers: [any FormatWalker], index: SignatureIndex) {
        self.index = index
        self.walkerOfSignature = walkers.enumerated().flatMap { position, walker in
            walker.signatures.map { _ in position }
        }
    }

    struct Match {
        /// Positions in the table of walkers, ascending, each once.
        var walkers: [Int] = []
        /// Length of the longest signature by which a walker was called.
        var longestOfWalkers = 0
        /// Entries of the databases.
        var entries: [FormatSignature] = []
    }

    func match(_ bytes: Span<UInt8>) -> Match {
        var match = Match()
        for found in index.matches(bytes, at: 0) {
            if found < index.walkerCount {
                let walker = walkerOfSignature[found]
                if match.walkers.last != walker { match.walkers.append(walker) }
                match.longestOfWalkers = max(match.longestOfWalkers, index.signatures[found].bytes.count)
            } else {
                match.entries.append(index.signatures[found])
            }
        }
        return match
    }
}
