internal import EvidenceModel
internal import FormatIdentification
internal import SourceMedia
internal import Synchronization

/// A part of a gap between finds, to be searched by one worker.
private struct GapPart: Sendable {
    let offset: Int
    let length: Int
    /// Position of its gap.
    let gap: Int
}

extension CarvingRun {
    /// Searches what lies between the finds, and behind them up to the next one, at every offset.
    ///
    /// Only whole files count here that lie in one gap and whose own structure vouches for all of them: what begins at no
    /// block needs better reasons than what does. The gaps are read a second time, up to a limit.
    func searchGaps(with search: SignatureSearch) throws(CarveError) {
        let gaps = gapsBetweenFinds()
        var budget = ExaminationBudget(limits, mediumSize: mediumSize)
        var decoding = DecodingBudget(limits)
        let parts = partsWithinLimit(of: gaps)
        result.statistics.gapBytesSearched = parts.reduce(0) { $0 + $1.length }
        var searched = 0
        for start in stride(from: 0, to: parts.count, by: limits.candidatesAhead) {
            let batch = Array(parts[start..<min(parts.count, start + limits.candidatesAhead)])
            let found = candidates(in: batch, of: gaps, search)
            for first in stride(from: 0, to: found.count, by: limits.candidatesAhead) {
                let some = Array(found[first..<min(found.count, first + limits.candidatesAhead)])
                try decide(some, in: gaps, &budget, &decoding)
            }
            searched += batch.reduce(0) { $0 + $1.length }
            progress(
                CarveProgress(phase: .searchingGaps, done: searched, total: result.statistics.gapBytesSearched))
        }
        try sealDecided()
    }

    /// What no find reaches over, ascending.
    private func gapsBetweenFinds() -> [Extent] {
        var gaps: [Extent] = []
        var at = 0
        for extent in result.artifacts.flatMap(\.extents).sorted(by: { $0.offset < $1.offset }) {
            if extent.offset > at { gaps.append(Extent(offset: at, length: extent.offset - at)) }
            at = max(at, extent.end)
        }
        if at < mediumSize { gaps.append(Extent(offset: at, length: mediumSize - at)) }
        return gaps
    }

    /// The gaps in parts of a bounded size, as far as the limit goes.
    private func partsWithinLimit(of gaps: [Extent]) -> [GapPart] {
        var parts: [GapPart] = []
        var left = limits.embeddedGapBytes
        for (number, gap) in gaps.enumerated() {
            if gap.length > left { result.limitsHit["carve_embedded_gap_bytes", default: 0] += 1 }
            let end = gap.offset + min(gap.length, left)
            left -= end - gap.offset
            for offset in stride(from: gap.offset, to: end, by: CarveWorker.gapPartSize) {
                parts.append(GapPart(offset: offset, length: min(CarveWorker.gapPartSize, end - offset), gap: number))
            }
        }
        return parts
    }

    private func candidates(
        in parts: [GapPart], of gaps: [Extent], _ search: SignatureSearch
    ) -> [(offset: Int, gap: Int)] {
        let found = Mutex<[Result<[Int], SourceError>?]>(
            [Result<[Int], SourceError>?](repeating: nil, count: parts.count))
        pool.run(parts.count) { worker, number in
            let part = parts[number]
            let outcome = Result { () throws(SourceError) in
                try worker.candidates(at: part.offset, count: part.length, search)
            }
            found.withLock { $0[number] = outcome }
        }
        var candidates: [(offset: Int, gap: Int)] = []
        for (part, outcome) in zip(parts, found.withLock { $0 }) {
            switch outcome {
            case .success(let offsets)?: candidates += offsets.map { ($0, part.gap) }
            case .failure(let error)?:
                result.warnings.append("offset \(part.offset): not searched at every offset: \(error.message)")
            case nil: break
            }
        }
        return candidates
    }

    /// Takes the whole files among the candidates, in the order of their offsets.
    private func decide(
        _ candidates: [(offset: Int, gap: Int)], in gaps: [Extent], _ budget: inout ExaminationBudget,
        _ decoding: inout DecodingBudget
    ) throws(CarveError) {
        let batch = candidates.filter { $0.offset >= coveredUntil }
        let ahead = Mutex<[CandidateExamination?]>([CandidateExamination?](repeating: nil, count: batch.count))
        if !budget.isUsedUp {
            let allowance = decoding.allowance(at: batch.last?.offset ?? 0)
            pool.run(batch.count) { worker, number in
                let examination = worker.examine(batch[number].offset, asksMagic: false, allowance: allowance)
                ahead.withLock { $0[number] = examination }
            }
        }
        result.statistics.candidates += candidates.count
        result.statistics.examined += batch.count
        result.statistics.covered += candidates.count - batch.count
        for (candidate, known) in zip(batch, ahead.withLock { $0 }) where candidate.offset >= coveredUntil {
            guard budget.allows(candidate.offset) else {
                result.limitsHit["carve_reads_per_byte", default: 0] += 1
                continue
            }
            let examination = decoding.pay(at: candidate.offset, known) { allowance in
                pool.workers[0].examine(candidate.offset, asksMagic: false, allowance: allowance)
            }
            result.note(examination)
            guard let file = examination.wholeFile(ofAtMost: gaps[candidate.gap].end - candidate.offset) else {
                budget.charge(examination.bytesRead)
                result.statistics.rejected += 1
                continue
            }
            coveredUntil = candidate.offset + file.length
            decideWhole(file, at: candidate.offset)
        }
    }
}

extension CarveWorker {
    /// Bytes of a gap that are searched at a time.
    fileprivate static let gapPartSize = 1 << 20

    /// The candidates that begin in a part of the medium, whatever its borders.
    fileprivate func candidates(
        at offset: Int, count: Int, _ search: SignatureSearch
    ) throws(SourceError) -> [Int] {
        var found: [Int] = []
        guard try source.zeroRun(at: offset) < count else { return found }
        let bytes = try source.bytes(at: offset, count: count + search.requiredMargin)
        search.candidates(in: bytes.span, count: min(count, bytes.count), baseOffset: offset, into: &found)
        return found
    }
}

extension CandidateExamination {
    /// The whole file of at most some bytes, when its own structure vouches for all of it.
    fileprivate func wholeFile(ofAtMost length: Int) -> WalkedFile? {
        guard case .whole(let file) = finding, !file.isUncertain, !file.isPiece, file.leading == 0,
            file.length <= length, file.certainLength == nil,
            file.confidence == .proven || file.confidence == .structural
        else { return nil }
        return file
    }
}
