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
    /// True when its walker calls it whole, although not all of it holds.
    var isWhole = false
}

/// What the search for a file's second piece came to.
private struct JoinOutcome: Sendable {
    var joined: JoinedFile?
    var isExhausted = false
    /// Bytes read and inflated.
    var cost = 0
}

extension CarvingRun {
    /// Searches the pieces of broken files in the space that no whole file takes.
    ///
    /// Each round searches for all of them in the same space, in parallel, and then decides in the order of offsets: the
    /// result does not depend on the workers. What a round finds is left out of the space of the next. Joins that
    /// nothing proves wait until no other is found.
    func joinPieces() throws(CarveError) {
        var open = brokenFiles.filter { !isTaken($0.offset) }.sorted { $0.offset < $1.offset }
        let uncertain = Set(brokenFiles.filter(\.isUncertain).map(\.offset))
        var due = open
        let most = limits.joinWork.saturatingProduct(limits.joinBatch)
        var budget = max(most, limits.joinTotalWork.saturatingProduct(mediumSize))
        var guesses: [Int: JoinedFile] = [:]
        for _ in 0..<limits.joinRounds {
            let outcomes = search(due, without: taken, budget: &budget)
            var found: [DecidedFind] = []
            for (file, outcome) in zip(due, outcomes) {
                guesses[file.offset] = nil
                if outcome.isExhausted {
                    result.limitsHit["carve_join_work", default: 0] += 1
                    open.removeAll { $0.offset == file.offset }
                }
                guard let joined = outcome.joined else { continue }
                if joined.file.confidence == .proven || joined.file.confidence == .structural {
                    add(joined, at: file.offset, to: &found)
                } else {
                    guesses[file.offset] = joined
                }
            }
            if found.isEmpty {
                for (offset, joined) in guesses.sorted(by: { $0.key < $1.key }) where !isTaken(offset) {
                    guard joined.extents.allSatisfy({ !isTaken(within: $0) }) else { continue }
                    add(joined, at: offset, to: &found)
                }
                guesses.removeAll()
            }
            guard !found.isEmpty else { return }
            var secondReadings: Set<Int> = []
            for index in found.indices {
                let isSecondReading = found[index].confidence == .header && uncertain.contains(found[index].offset)
                guard isSecondReading else { continue }
                found[index].warnings.append("it may as well lie in one piece: that reading is catalogued too")
                secondReadings.insert(found[index].offset)
            }
            replaceParts(of: found, keepingFirstReadingsAt: secondReadings)
            try seal(found)
            open.removeAll { isTaken($0.offset) }
            // Only where something has left the free space is there anything new to find.
            due = open.filter { file in
                let start = file.offset - limits.joinReachBefore
                let end = file.offset + file.prefix + limits.farJoinGap
                return found.contains { $0.extents.contains { start < $0.end && $0.offset < end } }
            }
        }
    }

    /// Adds a file that shares no byte with those found before.
    private func add(_ joined: JoinedFile, at offset: Int, to found: inout [DecidedFind]) {
        guard found.allSatisfy({ other in joined.extents.allSatisfy { $0.isDisjoint(from: other.extents) } }) else {
            return
        }
        found.append(DecidedFind(joined, at: offset))
    }

    private func isTaken(_ offset: Int) -> Bool {
        let index = FreeSpace.firstIndex(of: taken, endingAfter: offset)
        return index < taken.count && taken[index].offset <= offset
    }

    /// True when a whole file has a part of the extent.
    private func isTaken(within extent: Extent) -> Bool {
        let index = FreeSpace.firstIndex(of: taken, endingAfter: extent.offset)
        return index < taken.count && taken[index].offset < extent.end
    }

    /// True when a whole file lies in the extent, but for one that ends it: an archive behind the program that unpacks it.
    private func holdsTaken(_ extent: Extent) -> Bool {
        let index = FreeSpace.firstIndex(of: taken, endingAfter: extent.offset)
        return taken[index...].prefix { $0.offset < extent.end }.contains { $0.end != extent.end }
    }

    /// Searches in batches: what one leaves of the budget is known before the next, however many workers there are.
    private func search(
        _ broken: [BrokenFile], without space: [Extent], budget: inout Int
    ) -> [JoinOutcome] {
        let others = brokenFiles.sorted { $0.offset < $1.offset }
        var all: [JoinOutcome] = []
        while all.count < broken.count {
            let batch = Array(broken[all.count...].prefix(max(1, limits.joinBatch)))
            guard budget > 0 else {
                result.limitsHit["carve_join_total_work", default: 0] += broken.count - all.count
                return all + Array(repeating: JoinOutcome(), count: broken.count - all.count)
            }
            let most = min(limits.joinWork, max(1, budget / batch.count))
            let outcomes = Mutex<[JoinOutcome]>([JoinOutcome](repeating: JoinOutcome(), count: batch.count))
            pool.run(batch.count) { worker, number in
                let outcome = worker.join(batch[number], among: others, without: space, most: most)
                outcomes.withLock { $0[number] = outcome }
            }
            all += outcomes.withLock { $0 }
            budget -= all.suffix(batch.count).reduce(0) { $0 + $1.cost }
            progress(CarveProgress(phase: .joining, done: all.count, total: broken.count))
        }
        return all
    }

    /// Takes the extents of joined files, and drops the finds that were parts of them.
    ///
    /// Where a file may as well be whole as it lies, no other file lies in it and nothing proves the join, both readings
    /// stay in the catalogue.
    private func replaceParts(of finds: [DecidedFind], keepingFirstReadingsAt offsets: Set<Int>) {
        let pieces = finds.indices.flatMap { number in finds[number].extents.map { (extent: $0, find: number) } }
            .sorted { $0.extent.offset < $1.extent.offset }
        let extents = pieces.map(\.extent)
        result.artifacts.removeAll { artifact in
            let isPiece = artifact.facts[WalkedFile.pieceFact] != nil
            guard artifact.confidence == .broken || artifact.confidence == .header || isPiece,
                let first = artifact.extents.first
            else { return false }
            let index = FreeSpace.firstIndex(of: extents, endingAfter: first.offset)
            guard index < pieces.count, extents[index].offset <= first.offset else { return false }
            let number = pieces[index].find
            guard first.offset == finds[number].offset else {
                // What begins in a whole file is part of it, however far it seems to reach.
                if [.proven, .structural].contains(finds[number].confidence) { return true }
                return artifact.extents.allSatisfy { part in finds[number].extents.contains { $0.contains(part) } }
            }
            let isOneReading = artifact.extents.count == 1 && artifact.confidence == .header
            let holdsAnother = pieces[index...].prefix { $0.extent.offset < first.end }.contains { $0.find != number }
            return !(offsets.contains(first.offset) && isOneReading && !holdsAnother && !holdsTaken(first))
        }
        taken += extents
        taken.sort { $0.offset < $1.offset }
    }
}

extension CarveWorker {
    /// Searches the other pieces of a broken file in the space around it that no whole file takes.
    fileprivate func join(
        _ file: BrokenFile, among others: [BrokenFile], without taken: [Extent], most: Int
    ) -> JoinOutcome {
        let work = JoinWork(most: most)
        var outcome = JoinOutcome()
        do throws(ReadFailure) {
            outcome.joined = try PieceSearch(
                source: source, walker: walkers[file.walker], file: file, taken: taken, others: others,
                limits: limits, work: work
            ).run()
        } catch {
            // What cannot be read holds no piece; the candidate's own examination has noted a failing medium.
        }
        outcome.isExhausted = outcome.joined == nil && work.isExhausted
        outcome.cost = work.cost
        return outcome
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

extension Int {
    /// The product, or the largest number where that has no room for it.
    fileprivate func saturatingProduct(_ other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
