internal import EvidenceModel

/// Joins that other finds suggest, for every format: pieces of two files that take turns.
///
/// Between two pieces of a file may lie the first piece of another one: it begins with that file's own header, and ends
/// near where its walk breaks off. And where a file begins inside one that states its length, the gap is as long as what
/// is left of that one. The walker decides whether what is so brought together is a file; when it accepts several, with
/// different contents, none is believed.
struct NeighbouringPieces {
    /// A file near the one whose pieces are searched, in the coordinates of the search.
    struct Neighbour {
        /// Negative for one that begins before the searched file.
        var start: Int
        var prefix: Int
        /// True when the prefix is its length.
        var isWhole: Bool
    }

    /// Blocks about the place where a neighbour breaks at which the next piece may begin.
    private static let blocksAboutBreak = -1...8
    /// Blocks about the place where the file breaks at which its first piece may end.
    private static let blocksBeforeBreak = -4...1
    /// Most neighbours on each side that are looked at.
    private static let mostNeighbours = 3

    let search: JoinSearch
    /// In ascending order.
    let neighbours: [Neighbour]

    func run() throws(ReadFailure) {
        try search.attemptRuns(behindLaterFiles(), atMost: .header)
        if !search.isOver, !search.isAmbiguous { try search.attemptRuns(behindEarlierFiles(), atMost: .header) }
    }

    /// The first piece ends where a later file begins; the second begins where that one breaks off.
    private func behindLaterFiles() -> [ForeignRuns.Proposal] {
        let block = FreeSpace.block
        // The file breaks in the gap or behind it.
        let later = neighbours.filter { $0.start > 0 && $0.start <= search.prefix + block }
        return later.prefix(Self.mostNeighbours).flatMap { file in
            Self.blocksAboutBreak.map { step in
                ForeignRuns.Proposal(split: file.start, gap: (file.prefix / block + step) * block)
            }
        }
    }

    /// The first piece ends where the file breaks off; as much lies behind it as an earlier file lacks.
    private func behindEarlierFiles() -> [ForeignRuns.Proposal] {
        let block = FreeSpace.block
        let earlier = neighbours.filter { $0.start < 0 && $0.start + $0.prefix > 0 && $0.isWhole }
        return earlier.suffix(Self.mostNeighbours).flatMap { file in
            let gap = (file.start + file.prefix + block - 1) / block * block
            return Self.blocksBeforeBreak.map { step in
                ForeignRuns.Proposal(split: (search.prefix / block + step) * block, gap: gap)
            }
        }
    }
}
