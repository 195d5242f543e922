extension MerkleTree {
    // MARK: Which subtrees a proof names

    /// The leaf ranges whose roots make the inclusion proof of a leaf, in proof order (RFC 9162, section 2.1.3.1).
    ///
    /// A caller that stores inner nodes computes the roots itself; each range starts at a multiple of its width
    /// rounded up to a power of two.
    /// - Precondition: `0 <= index < size`.
    public static func inclusionRanges(index: Int, size: Int) -> [Range<Int>] {
        precondition(index >= 0 && index < size, "leaf \(index) is not in a tree of \(size)")
        var ranges: [Range<Int>] = []
        var start = 0
        var end = size
        while end - start > 1 {
            let middle = start + split(end - start)
            if index < middle {
                ranges.append(middle..<end)
                end = middle
            } else {
                ranges.append(start..<middle)
                start = middle
            }
        }
        return ranges.reversed()
    }

    /// The leaf ranges whose roots make the consistency proof between two sizes, in proof order (RFC 9162, section
    /// 2.1.4.1).
    /// - Precondition: `0 <= first <= second`.
    public static func consistencyRanges(first: Int, second: Int) -> [Range<Int>] {
        precondition(first >= 0 && first <= second, "a tree does not shrink")
        guard first > 0, first < second else { return [] }
        var ranges: [Range<Int>] = []
        var start = 0
        var end = second
        // The left part is whole only while no split has left it; then its root is the old root, known to the verifier.
        var isOldRoot = true
        while first < end {
            let middle = start + split(end - start)
            if first <= middle {
                ranges.append(middle..<end)
                end = middle
            } else {
                ranges.append(start..<middle)
                start = middle
                isOldRoot = false
            }
        }
        if !isOldRoot { ranges.append(start..<end) }
        return ranges.reversed()
    }

    // MARK: Proofs

    /// The hashes that show that leaf `index` is in the tree over `leaves` (RFC 9162, section 2.1.3.1).
    public static func inclusionProof(index: Int, leaves: [[UInt8]]) throws(DigestError) -> [[UInt8]] {
        try hashes(of: inclusionRanges(index: index, size: leaves.count), leaves)
    }

    /// The hashes that show that the tree over `leaves` extends the one over its first `first` (RFC 9162, 2.1.4.1).
    public static func consistencyProof(first: Int, leaves: [[UInt8]]) throws(DigestError) -> [[UInt8]] {
        try hashes(of: consistencyRanges(first: first, second: leaves.count), leaves)
    }

    // MARK: Verification

    /// Whether the proof shows that the leaf is at `index` of the tree of `size` leaves with this root (RFC 9162,
    /// section 2.1.3.2).
    public static func verifyInclusion(
        leafHash: [UInt8], index: Int, size: Int, proof: [[UInt8]], root: [UInt8]
    ) throws(DigestError) -> Bool {
        guard index >= 0, index < size, leafHash.count == hashSize, proof.allSatisfy({ $0.count == hashSize }) else {
            return false
        }
        var node = index
        var last = size - 1
        var hash = leafHash
        for sibling in proof {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                hash = try nodeHash(sibling, hash)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                hash = try nodeHash(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// Whether the proof shows that the second tree begins with all leaves of the first (RFC 9162, section 2.1.4.2).
    ///
    /// An empty first tree is consistent with every tree, by an empty proof.
    public static func verifyConsistency(
        first: Int, firstRoot: [UInt8], second: Int, secondRoot: [UInt8], proof: [[UInt8]]
    ) throws(DigestError) -> Bool {
        guard first >= 0, first <= second, firstRoot.count == hashSize, secondRoot.count == hashSize,
            proof.allSatisfy({ $0.count == hashSize })
        else { return false }
        if first == second { return proof.isEmpty && firstRoot == secondRoot }
        if first == 0 {
            let emptyRoot = try emptyRoot()
            return proof.isEmpty && firstRoot == emptyRoot
        }
        // A first tree that is one complete subtree is its own first proof element.
        var rest = proof[...]
        let seed: [UInt8]
        if first.nonzeroBitCount == 1 {
            seed = firstRoot
        } else {
            guard let head = rest.popFirst() else { return false }
            seed = head
        }
        var node = first - 1
        var last = second - 1
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        var (old, new) = (seed, seed)
        for hash in rest {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                old = try nodeHash(hash, old)
                new = try nodeHash(hash, new)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                new = try nodeHash(new, hash)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && old == firstRoot && new == secondRoot
    }

    private static func hashes(of ranges: [Range<Int>], _ leaves: [[UInt8]]) throws(DigestError) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for range in ranges { result.append(try root(of: range, leaves: leaves)) }
        return result
    }
}
