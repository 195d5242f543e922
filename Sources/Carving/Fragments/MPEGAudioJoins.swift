/// Frames follow each other: where the next one stands tells the gap, and the frame before it holds the split.
extension MPEGAudioWalker: JoinTyingWalker {
    /// Frames that must follow each other behind a gap.
    private static let framesLookedAt = 3
    /// Longest frame, in bytes: layer II at 384 kbit/s and 32 kHz.
    private static let longestFrame = 1729

    var continuesWithoutEnd: Bool { true }

    func proposeJoins(_ search: JoinSearch) throws(ReadFailure) -> [JoinProposal] {
        let reader = search.reader
        guard let first = try firstFrame(reader) else { return [] }
        var gaps: [Int] = []
        for gap in JoinSearch.borders(from: 1, through: search.limits.nearJoinGap) {
            search.spend(16)
            var at = search.prefix + gap
            var frames = 0
            while frames < Self.framesLookedAt, reader.count - at >= 4,
                let frame = MPEGAudioFrame(try reader.u32be(at)), frame.continues(first)
            {
                frames += 1
                at += frame.length
            }
            // The last frames of a file have none behind them.
            if frames > 0, frames == Self.framesLookedAt || reader.count - at < 4 { gaps.append(gap) }
        }
        let splits = JoinSearch.borders(from: search.prefix - Self.longestFrame, through: search.prefix)
        return gaps.map { JoinProposal(gap: $0, splits: splits) }
    }

    private func firstFrame(_ reader: ByteReader) throws(ReadFailure) -> MPEGAudioFrame? {
        let input = WalkInput(reader)
        do throws(WalkStop) {
            let at = try ID3Tag.length(input, at: 0) ?? 0
            guard input.fits(at, 4) else { return nil }
            return MPEGAudioFrame(try input.u32be(at))
        } catch {
            if case .failed(let failure) = error { throw failure }
            return nil
        }
    }
}
