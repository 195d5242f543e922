public import EvidenceModel
public import SourceMedia

/// Makes the coverage statement of a medium from the classes of its blocks and what was found on it.
public struct Coverage {
    private let unreadable: [Extent]
    private let carved: [Claim]

    /// Bytes that belong to finds, of which the strongest is this one.
    private struct Claim {
        let extent: Extent
        let kind: CoverageStatement.Kind
    }

    /// Where an extent begins (+1) or ends (−1).
    private struct Border {
        let offset: Int
        let rank: Int
        let change: Int
    }

    /// - Parameters:
    ///   - finds: in any order; those taken out of another one lie within it and are left out.
    ///   - unreadable: what could not be read, in any order.
    public init(finds: some Sequence<Artifact>, unreadable: [UnreadableRange]) {
        self.unreadable = unreadable.map(\.extent).sorted { $0.offset < $1.offset }
        carved = Self.claims(of: finds)
    }

    /// The statement.
    ///
    /// - Throws: ``SourceError`` when classes have to be told again and the source can no longer be read.
    public func statement(of source: any ByteSource, _ map: BlockMap) throws -> CoverageStatement {
        var tally = CoverageTally()
        var nextUnreadable = 0
        var nextClaim = 0
        try map.forEachRun(of: source) { blockClass, run in
            var at = run.offset
            while at < run.end {
                while nextUnreadable < unreadable.count, unreadable[nextUnreadable].end <= at { nextUnreadable += 1 }
                while nextClaim < carved.count, carved[nextClaim].extent.end <= at { nextClaim += 1 }
                var claimed: CoverageStatement.Kind?
                var end = run.end
                if nextClaim < carved.count {
                    let claim = carved[nextClaim]
                    if claim.extent.offset <= at { claimed = claim.kind }
                    end = min(end, claim.extent.offset <= at ? claim.extent.end : claim.extent.offset)
                }
                if nextUnreadable < unreadable.count {
                    let range = unreadable[nextUnreadable]
                    if range.offset <= at {
                        claimed = .unreadable
                        end = min(run.end, range.end)
                    } else {
                        end = min(end, range.offset)
                    }
                }
                if let claimed {
                    tally.add(claimed, at..<end)
                } else {
                    try add(at..<end, of: blockClass, source, to: &tally)
                }
                at = end
            }
        }
        return tally.statement(readAgain: map.bytesNotKept)
    }

    /// Adds bytes that nothing else claims. Of a block that something claims a part of, the rest is judged by its own bytes:
    /// behind a find they are mostly zeros, whatever the find is made of.
    private func add(
        _ range: Range<Int>, of blockClass: BlockClass, _ source: any ByteSource, to tally: inout CoverageTally
    ) throws(SourceError) {
        let size = BlockClass.blockSize
        var at = range.lowerBound
        while at < range.upperBound {
            let block = at / size * size
            let isWhole = at == block && range.upperBound >= min(block + size, source.size)
            guard !isWhole else {
                let end = range.upperBound == source.size ? source.size : range.upperBound / size * size
                tally.add(CoverageStatement.Kind(blockClass), at..<end)
                at = end
                continue
            }
            let end = min(block + size, range.upperBound)
            // A part of a block of one value has that value.
            let isOneValue = blockClass == .zero || blockClass == .filled
            let ownClass =
                isOneValue
                ? blockClass : BlockClassifier.kind(ofShort: try source.bytes(at: at, count: end - at))
            tally.add(CoverageStatement.Kind(ownClass), at..<end)
            at = end
        }
    }

    /// Disjoint extents in ascending order, each with the strongest confidence of the finds that share it.
    private static func claims(of finds: some Sequence<Artifact>) -> [Claim] {
        let kinds = Confidence.allCases.map { CoverageStatement.Kind($0) }
        var borders: [Border] = []
        for find in finds where find.parent == nil {
            guard let rank = Confidence.allCases.firstIndex(of: find.confidence) else { continue }
            for extent in find.extents where extent.length > 0 {
                borders.append(Border(offset: extent.offset, rank: rank, change: 1))
                borders.append(Border(offset: extent.end, rank: rank, change: -1))
            }
        }
        borders.sort { $0.offset < $1.offset }
        var claims: [Claim] = []
        var open = [Int](repeating: 0, count: kinds.count)
        var start = 0
        for border in borders {
            if border.offset > start, let strongest = open.firstIndex(where: { $0 > 0 }) {
                claims.append(
                    Claim(extent: Extent(offset: start, length: border.offset - start), kind: kinds[strongest]))
            }
            start = border.offset
            open[border.rank] += border.change
        }
        return claims
    }
}

extension CoverageStatement.Kind {
    /// The class of what belongs to no find.
    fileprivate init(_ blockClass: BlockClass) {
        self =
            switch blockClass {
            case .zero: .zero
            case .filled: .filled
            case .text: .text
            case .highEntropy: .highEntropy
            case .other: .unexplained
            }
    }
}

/// Adds up the classes of a medium, from its first byte to its last.
private struct CoverageTally {
    private var bytes: [CoverageStatement.Kind: Int] = [:]
    private var runs: [CoverageStatement.Kind: Int] = [:]
    private var large: [CoverageStatement.Kind: Int] = [:]
    private var largest: [CoverageStatement.Kind: [Extent]] = [:]
    private var size = 0
    private var open: (kind: CoverageStatement.Kind, start: Int)?

    /// - Precondition: `range` begins where the one before has ended.
    mutating func add(_ kind: CoverageStatement.Kind, _ range: Range<Int>) {
        precondition(range.lowerBound == size, "no byte counts twice, and none is left out")
        if let open, open.kind != kind { close(open.kind, open.start) }
        if open?.kind != kind { open = (kind, size) }
        size = range.upperBound
    }

    private mutating func close(_ kind: CoverageStatement.Kind, _ start: Int) {
        let run = Extent(offset: start, length: size - start)
        guard run.length > 0 else { return }
        bytes[kind, default: 0] += run.length
        runs[kind, default: 0] += 1
        guard CoverageStatement.listedKinds.contains(kind) else { return }
        if run.length >= CoverageStatement.largeRun { large[kind, default: 0] += 1 }
        var listed = largest[kind] ?? []
        if listed.count == CoverageStatement.mostListedRuns {
            guard let smallest = listed.last, run.length > smallest.length else { return }
            listed.removeLast()
        }
        // Of equal ones, the one that stands earlier on the medium stands first.
        listed.insert(run, at: listed.firstIndex { $0.length < run.length } ?? listed.count)
        largest[kind] = listed
    }

    mutating func statement(readAgain: Int) -> CoverageStatement {
        if let open { close(open.kind, open.start) }
        open = nil
        return CoverageStatement(
            size: size, bytes: bytes, runs: runs, large: large, largest: largest, readAgain: readAgain)
    }
}
