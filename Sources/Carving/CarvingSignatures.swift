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
