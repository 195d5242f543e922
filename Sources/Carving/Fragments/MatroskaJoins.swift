/// Elements follow each other in the segment, blocks in a cluster: where they go on tells the gap.
extension MatroskaWalker: ChainedWalker {
    /// Elements of a cluster, and of the segment, that must follow each other behind a gap.
    private static let blocksLookedAt = 12
    private static let elementsLookedAt = 2

    func findBreak(_ input: WalkInput) throws(WalkStop) -> ChainBreak? {
        guard let header = try EBMLElement(input, at: 0, limit: input.count), header.identifier == 0x1A45_DFA3,
            let start = header.end, let segment = try EBMLElement(input, at: start, limit: input.count),
            segment.identifier == 0x1853_8067, let end = segment.end
        else { return nil }
        var at = segment.body
        var last: (at: Int, element: EBMLElement)?
        while at < end, let element = try element(input, at: at, limit: end, of: MatroskaWalk.segmentElements),
            let next = element.end
        {
            last = (at, element)
            at = next
        }
        guard at < end, let last else { return nil }
        guard last.element.identifier == 0x1F43_B675 else { return ChainBreak(last: last.at, next: at) }
        let clusterEnd = at
        at = last.element.body
        var block = last.at
        while at < clusterEnd,
            let child = try element(input, at: at, limit: clusterEnd, of: MatroskaWalk.clusterElements),
            let next = child.end
        {
            (block, at) = (at, next)
        }
        return ChainBreak(last: block, next: at, end: clusterEnd)
    }

    func goesOn(_ input: WalkInput, at place: Int, gap: Int, _ chain: ChainBreak) throws(WalkStop) -> Bool {
        var at = place
        if let end = chain.end {
            for _ in 0..<Self.blocksLookedAt where at < end + gap {
                guard let child = try element(input, at: at, limit: end + gap, of: MatroskaWalk.clusterElements),
                    let next = child.end
                else { return false }
                at = next
            }
            if at < end + gap { return true }
        }
        var found = 0
        while found < Self.elementsLookedAt,
            let next = try element(input, at: at, limit: input.count, of: MatroskaWalk.segmentElements)
        {
            found += 1
            guard let end = next.end else { break }
            at = end
        }
        // The last elements have none behind them.
        return found == Self.elementsLookedAt || found > 0 && chain.end != nil
    }

    private func element(
        _ input: WalkInput, at: Int, limit: Int, of identifiers: Set<Int>
    ) throws(WalkStop) -> EBMLElement? {
        guard let element = try EBMLElement(input, at: at, limit: limit), identifiers.contains(element.identifier),
            (element.end ?? limit) <= limit
        else { return nil }
        return element
    }
}
