import Digesting

/// Inclusion proofs of many blocks of one tree: what they share is computed once.
struct InclusionProofs {
    private let digests: BlockDigests
    private var roots: [Range<Int>: [UInt8]] = [:]

    init(_ digests: BlockDigests) { self.digests = digests }

    /// The hashes that show that a block is in the tree over all of them (RFC 9162, section 2.1.3.1).
    /// - Precondition: there is such a block.
    mutating func proof(of block: Int) throws(DigestError) -> [[UInt8]] {
        var hashes: [[UInt8]] = []
        for range in MerkleTree.inclusionRanges(index: block, size: digests.count) {
            if let known = roots[range] {
                hashes.append(known)
            } else {
                let root = try digests.root(over: range)
                roots[range] = root
                hashes.append(root)
            }
        }
        return hashes
    }
}
