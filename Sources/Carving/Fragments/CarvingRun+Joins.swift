internal import EvidenceModel
internal import SourceMedia
internal import Synchronization

/// A candidate that begins as a file and breaks off.
struct BrokenFile: Sendable {
    let offset: Int
    /// Position of its walker in the table of walkers.
    let walker: Int
    /// Bytes that its walker believes.
    let prefix: Int
    /// True when it may as well be whole: then only an end that shows makes another way to join it better.
    var isUncertain = false
}

/// What the search for a file's second piece came to.
private struct JoinOutcome: Sendable {
    var joined: JoinedFile?
    var isExhausted = false
}

extension CarvingRun {
    /// Searches the second pieces of broken files in the space that no whole file takes.
    ///
    /// Each round searches for all of them in the same space, in parallel, and then decides in the order of offsets: the
    /// result does not depend on the workers. What a round finds is left out of the space of the next.
    func joinPieces() throws(CarveError) {
        var broken = brokenFiles
        for _ in 0..<limits.joinRounds where !broken.isEmpty {
            let space = taken
            broken.removeAll { file in
                let index = FreeSpace.firstIndex(of: space, endingAfter: file.offset)
                return index < space.count && space[index].offset <= file.offset
            }
            let outcomes = search(broken, without: space)
            var found: [DecidedFind] = []
            for (file, outcome) in zip(broken, outcomes) {
                if outcome.isExhausted { result.limitsHit["carve_join_work", default: 0] += 1 }
                guard let joined = outcome.joined,
                    found.allSatisfy({ other in joined.extents.allSatisfy { $0.isDisjoint(from: other.extents) } })
                else { continue }
                found.append(DecidedFind(joined, at: file.offset))
            }
            for find in found { replace(find) }
            try sealJoined(found)
            // Only where something has left the free space is there anything new to find.
            broken = zip(broken, outcomes).compactMap { file, outcome in
                let end = file.offset + file.prefix + limits.farJoinGap
                let isNear = found.contains { $0.extents.contains { file.offset < $0.offset && $0.offset < end } }
                return isNear && !outcome.isExhausted ? file : nil
            }
        }
    }

    private func search(_ broken: [BrokenFile], without space: [Extent]) -> [JoinOutcome] {
        let outcomes = Mutex<[JoinOutcome]>([JoinOutcome](repeating: JoinOutcome(), count: broken.count))
        pool.run(broken.count) { worker, number in
            let outcome = worker.join(broken[number], without: space)
            outcomes.withLock { $0[number] = outcome }
        }
        return outcomes.withLock { $0 }
    }

    /// Takes the blocks of a joined file, and drops the finds that were parts of it.
    private func replace(_ find: DecidedFind) {
        result.artifacts.removeAll { artifact in
            let isPiece = artifact.facts[WalkedFile.pieceFact] != nil
            guard artifact.confidence == .broken || artifact.confidence == .header || isPiece else { return false }
            if artifact.extents.first?.offset == find.offset { return true }
            return artifact.extents.allSatisfy { part in find.extents.contains { $0.contains(part) } }
        }
        taken += find.extents.map(FreeSpace.wholeBlocks)
        taken.sort { $0.offset < $1.offset }
    }

    private func sealJoined(_ finds: [DecidedFind]) throws(CarveError) {
        let worker = pool.workers[0]
        for find in finds {
            let sealed = try worker.seal(find, item: item)
            result.statistics.descriptionCalls += 1
            result.statistics.libmagicCalls += sealed.libmagicCalls
            result.statistics.bytesHashed += sealed.bytesHashed
            result.warnings += sealed.warnings
            if let artifact = sealed.artifact { result.artifacts.append(artifact) }
        }
    }
}

extension CarveWorker {
    /// Searches the second piece of a broken file in the space that begins with it.
    fileprivate func join(_ file: BrokenFile, without taken: [Extent]) -> JoinOutcome {
        let walker = walkers[file.walker]
        let space = FreeSpace(source, from: file.offset, without: taken, reach: limits.joinReach)
        let search = JoinSearch(
            walker: walker, space: space, prefix: file.prefix, isUncertain: file.isUncertain, limits: limits)
        do throws(ReadFailure) {
            try search.attemptWithoutGap()
            if !search.isOver, let walker = walker as? any JoinProvingWalker { try walker.searchJoin(search) }
            if !search.isOver, let walker = walker as? any JoinTyingWalker {
                let (splits, gaps) = try walker.proposeJoins(search)
                try search.attemptAll(walker, splits: splits, gaps: gaps)
            }
            if !search.isOver {
                try ForeignRuns(search: search, foreign: walker.foreign).run()
            }
        } catch {
            // What cannot be read holds no piece; the candidate's own examination has noted a failing medium.
            return JoinOutcome()
        }
        return JoinOutcome(joined: search.joined, isExhausted: search.joined == nil && search.isExhausted)
    }
}

extension DecidedFind {
    fileprivate init(_ joined: JoinedFile, at offset: Int) {
        let file = joined.file
        self.init(
            offset: offset, length: joined.extents[0].length, confidence: file.confidence, format: file.format,
            fileExtension: file.fileExtension, mime: file.mime, facts: file.facts,
            warnings: file.warnings + [
                file.confidence == .proven
                    ? "its pieces lie apart; the format's own checksums prove that they belong together"
                    : file.confidence == .structural
                        ? "its pieces lie apart; nothing else fits the format's structure"
                        : "its pieces lie apart; what lies between them is of another kind, but nothing proves the join"
            ],
            furtherExtents: Array(joined.extents.dropFirst()))
    }
}

extension Extent {
    fileprivate func isDisjoint(from others: [Extent]) -> Bool { others.allSatisfy { isDisjoint(from: $0) } }
}
