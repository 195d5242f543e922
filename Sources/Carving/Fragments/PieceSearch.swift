internal import EvidenceModel
internal import SourceMedia

/// The search for all pieces of one broken file: piece by piece, in the order of the file.
///
/// A join that comes further than the file did without making it whole is followed: the gap is left out of the space,
/// and the search goes on where the walk breaks now.
struct PieceSearch {
    let source: any ByteSource
    let walker: any FormatWalker
    let file: BrokenFile
    let taken: [Extent]
    /// Other files that break off, in the order of their offsets.
    let others: [BrokenFile]
    let limits: CarveLimits
    let work: JoinWork

    func run() throws(ReadFailure) -> JoinedFile? {
        let space = FreeSpace(source, from: file.offset, without: taken, reach: limits.joinReach)
        let search = JoinSearch(
            walker: walker, space: space, prefix: file.prefix, isUncertain: file.isUncertain, limits: limits,
            work: work)
        try search.attemptWithoutGap()
        if let joined = search.joined { return joined }
        if let joined = try follow(search) { return joined }
        if let joined = try followBounded(search) { return joined }
        if let joined = try followBare(search) { return joined }
        if let joined = try searchBefore() { return joined }
        if !search.isOver {
            try ForeignRuns(search: search, foreign: walker.foreign, isWhole: file.isWhole).run()
        }
        if !search.isOver, !search.isAmbiguous {
            try NeighbouringPieces(search: search, neighbours: neighbours(in: search.space)).run()
        }
        return search.joined
    }

    /// Files that break off or may be longer than they seem, around this one.
    private func neighbours(in space: FreeSpace) -> [NeighbouringPieces.Neighbour] {
        let low = file.offset - limits.joinReachBefore
        let high = file.offset + file.prefix + FreeSpace.block
        return others[firstOther(from: low)...].prefix { $0.offset <= high }.compactMap { other in
            guard other.offset != file.offset, FreeSpace.isOnOneGrid(other.offset, file.offset) else { return nil }
            let start = other.offset < file.offset ? other.offset - file.offset : space.offset(ofMedium: other.offset)
            return start.map { .init(start: $0, prefix: other.prefix, isWhole: other.isWhole) }
        }
    }

    /// Position of the first of the others that begins at an offset or behind it.
    private func firstOther(from offset: Int) -> Int {
        var low = 0
        var high = others.count
        while low < high {
            let middle = (low + high) / 2
            if others[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Searches with the space before the file moved to behind its first piece.
    private func searchBefore() throws(ReadFailure) -> JoinedFile? {
        let reach = (walker as? any JoinProvingWalker)?.reachBehindBreak
        let tied = (walker as? any JoinTyingWalker)?.tiedReachBehindBreak
        let bounded = (walker as? any GapBoundingWalker)?.boundedReachBehindBreak
        guard let reach = reach ?? tied ?? bounded, !work.isExhausted, file.offset >= FreeSpace.block else {
            return nil
        }
        let block = FreeSpace.block
        let firstPiece = (file.prefix + reach + block - 1) / block * block
        let space = FreeSpace(
            turned: source, from: file.offset, firstPiece: firstPiece, before: limits.joinReachBefore,
            without: taken, reach: limits.joinReach)
        let search = JoinSearch(
            walker: walker, space: space, prefix: file.prefix, isTurned: true, limits: limits, work: work)
        if let joined = try follow(search) { return joined }
        if let joined = try followBounded(search) { return joined }
        return try followBare(search)
    }

    /// Joins what the format's structure tells the gap of, and the borders between which it lies.
    private func followBounded(_ search: JoinSearch) throws(ReadFailure) -> JoinedFile? {
        guard !search.isOver else { return nil }
        return try BoundedGapSearch(limits: limits).run(search)
    }

    /// Searches with every run of blocks left out that cannot belong to the file: only gaps of other data are left.
    private func followBare(_ search: JoinSearch) throws(ReadFailure) -> JoinedFile? {
        guard let proving = walker as? any JoinProvingWalker, proving.searchesBare,
            !(walker is any JoinTyingWalker), !work.isExhausted
        else { return nil }
        let kinds = walker.foreign.intersection([.text, .uniform])
        let runs = try ForeignRuns(search: search, foreign: kinds, isWhole: false)
            .runs(upTo: search.prefix + limits.farJoinGap)
        guard let space = search.space.without(runs.map(\.range)) else { return nil }
        let reader = ByteReader(space, at: 0)
        let verdict = try walker.walk(reader)
        work.spend(reader.bytesFetched + reader.bytesInflated)
        func bare(_ prefix: Int) -> JoinSearch {
            JoinSearch(
                walker: walker, space: space, prefix: prefix, isTurned: search.isTurned, limits: limits, work: work)
        }
        switch verdict {
        case .complete(let file):
            let whole = bare(file.length)
            if file.confidence == .proven { try whole.attemptWithoutGap() }
            return whole.joined
        case .broken(let file, _): return try follow(bare(min(file.length, space.size)))
        case .rejected: return nil
        }
    }

    /// Proposals that lead out of the space end only themselves, not the search.
    private func withinSpace(_ body: () throws(ReadFailure) -> Void) throws(ReadFailure) {
        do throws(ReadFailure) { try body() } catch {
            if case .medium = error { throw error }
        }
    }

    /// Where files need not state their end, a joined one may go on in another piece.
    private func goOn(_ search: JoinSearch, pieces: Int) throws(ReadFailure) -> JoinedFile? {
        guard let joined = search.joined, joined.file.confidence == .header, let kept = search.kept, kept.gap > 0,
            let walker = walker as? any JoinTyingWalker, walker.continuesWithoutEnd, pieces < limits.joinPieces
        else { return nil }
        let next = JoinSearch(
            walker: walker, space: search.space.without(kept.split..<kept.split + kept.gap), prefix: kept.prefix,
            isTurned: search.isTurned, limits: limits, work: work)
        return try follow(next, pieces: pieces + 1)
    }

    /// Searches the next piece, and from each join that comes furthest the one behind it.
    private func follow(_ search: JoinSearch, pieces: Int = 2) throws(ReadFailure) -> JoinedFile? {
        if let walker = walker as? any JoinProvingWalker {
            try withinSpace { () throws(ReadFailure) in try walker.searchJoin(search) }
        }
        if !search.isOver, let walker = walker as? any JoinTyingWalker {
            try withinSpace { () throws(ReadFailure) in
                try search.attemptAll(walker, walker.proposeJoins(search))
            }
        }
        if var joined = search.joined {
            // A join on the way was one of several.
            if pieces > 2, joined.file.confidence == .structural { joined.file.confidence = .header }
            return try goOn(search, pieces: pieces) ?? joined
        }
        guard pieces < limits.joinPieces, !search.isAmbiguous else { return nil }
        var guess: JoinedFile?
        for partial in search.partials where !work.isExhausted {
            let next = JoinSearch(
                walker: walker, space: search.space.without(partial.split..<partial.split + partial.gap),
                prefix: partial.prefix, isTurned: search.isTurned, limits: limits, work: work)
            guard let joined = try follow(next, pieces: pieces + 1) else { continue }
            // Another join on the way may lead to a proof.
            if joined.file.confidence != .header { return joined }
            guess = guess ?? joined
        }
        return guess
    }
}
