/// Joins for every format: what lies between two pieces is often of another kind than the file itself.
///
/// A run of blocks that are all text, or all one byte, or all as dense as random data, is proposed as the gap. The
/// walker decides whether what is left is a file; when it accepts several, with different contents, none is believed.
struct ForeignRuns {
    /// Most blocks that are looked at.
    private static let mostBlocks = 8192

    let search: JoinSearch
    /// Kinds that the file's own content is not made of.
    let foreign: BlockKind

    /// Tries every run, the one nearest to where the file breaks first.
    func run() throws(ReadFailure) {
        guard !foreign.isEmpty else { return }
        let block = FreeSpace.block
        var runs: [(start: Int, length: Int)] = []
        var open: (kind: BlockKind, start: Int)?
        // The gap begins before the place at which the file no longer makes sense.
        let reach = search.prefix + block + (search.isUncertain ? 0 : search.limits.nearJoinGap)
        let last = min(min(search.reader.count, reach) / block, Self.mostBlocks)
        func close(at end: Int) {
            if let open, end - open.start <= search.limits.nearJoinGap { runs.append((open.start, end - open.start)) }
            open = nil
        }
        for index in 1..<max(1, last) {
            search.spend(block)
            let kind = BlockKind(of: try search.reader.bytes(at: index * block, count: block)).intersection(foreign)
            if let current = open, current.kind != kind { close(at: index * block) }
            if open == nil, !kind.isEmpty { open = (kind, index * block) }
        }
        let place = search.prefix
        func distance(_ run: (start: Int, length: Int)) -> Int { abs(run.start - place) }
        runs.sort { (distance($0), $0.start) < (distance($1), $1.start) }
        try search.attemptRuns(runs)
    }
}
