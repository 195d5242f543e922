import EvidenceModel

/// Which table lists which chunk of the medium, and which chunks no table lists.
struct EWFChunkMap: Hashable {
    /// What the segments gave, in their order.
    enum Piece: Hashable {
        case table(EWFTable)
        /// Chunks that should be here but are not; how many, only the rest of the set tells.
        case lost(String)
    }

    /// Consecutive chunks of one origin.
    struct Run: Hashable {
        let first: Int
        let count: Int
        /// Nil for chunks that are lost.
        let table: EWFTable?
        /// Why they are lost.
        let reason: String
    }

    /// Ascending, without gaps, together `chunkCount` chunks.
    let runs: [Run]
    let chunkCount: Int
    /// Chunks that no table lists.
    let lostCount: Int
    /// What does not fit together.
    let damage: [String]

    /// Places the tables: forward up to the first loss, then backward from the last chunk.
    ///
    /// - Parameter declared: chunks that the medium has as the set says; 0 when it does not say.
    init(_ pieces: [Piece], declared: Int) {
        var listed = 0
        for case .table(let table) in pieces { listed += table.count }
        let total = declared == 0 ? listed : declared
        var pieces = pieces
        var damage: [String] = []
        let lacks = total > listed
        if lacks, !pieces.contains(where: { if case .lost = $0 { true } else { false } }) {
            pieces.append(.lost("no table lists them: the set is cut off"))
        }
        if listed > total {
            damage.append("the tables list \(listed) chunks, but the medium has \(total)")
        }
        let firstLoss = pieces.firstIndex { if case .lost = $0 { true } else { false } } ?? pieces.endIndex
        var runs: [Run] = []
        var position = 0
        func add(_ table: EWFTable, upTo limit: Int) {
            let count = min(table.count, limit - position)
            guard count > 0 else { return }
            runs.append(Run(first: position, count: count, table: table, reason: ""))
            position += count
        }
        for case .table(let table) in pieces[..<firstLoss] { add(table, upTo: total) }
        if lacks {
            // What lies between two losses cannot be placed: nobody knows how long each of them is.
            let lastLoss = pieces.lastIndex { if case .lost = $0 { true } else { false } } ?? firstLoss
            var tail = 0
            for case .table(let table) in pieces[(lastLoss + 1)...] { tail += table.count }
            var reasons: [String] = []
            for case .lost(let reason) in pieces[firstLoss...lastLoss] { reasons.append(reason) }
            let gap = total - position - tail
            if gap > 0 {
                runs.append(Run(first: position, count: gap, table: nil, reason: reasons.joined(separator: "; ")))
                position += gap
            }
            lostCount = max(0, gap)
            for case .table(let table) in pieces[(lastLoss + 1)...] { add(table, upTo: total) }
        } else {
            // Nothing is lost but what holds no chunk.
            lostCount = 0
            for case .table(let table) in pieces[firstLoss...] { add(table, upTo: total) }
        }
        self.runs = runs
        self.damage = damage
        chunkCount = total
    }

    /// The run that a chunk belongs to.
    ///
    /// - Precondition: `chunk` is less than ``chunkCount``.
    func run(of chunk: Int) -> (index: Int, run: Run) {
        var low = 0
        var high = runs.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if runs[middle].first <= chunk { low = middle } else { high = middle }
        }
        return (low, runs[low])
    }
}
