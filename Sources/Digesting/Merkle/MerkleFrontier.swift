/// A growing Merkle tree (RFC 6962) of which only the right edge is kept: the roots of its complete subtrees, at most
/// one a level.
///
/// Appending and taking the root cost O(log n); the state is what ``levels`` gives and can be stored and restored.
public struct MerkleFrontier: Sendable, Hashable {
    /// Number of leaves.
    public private(set) var count = 0
    /// Root of the complete subtree of 2^index leaves, where the tree has one.
    private var peaks: [[UInt8]?] = []

    /// The empty tree.
    public init() {}

    /// Restores a tree from what ``levels`` gave.
    ///
    /// Throws ``DigestError/Code/malformedTree`` when a level that `count` needs is absent, one that it has not is
    /// present, or a hash is not 32 bytes long. A wrong hash shows only in a wrong root.
    public init(count: Int, levels: [Int: [UInt8]]) throws(DigestError) {
        guard count >= 0, levels.count == count.nonzeroBitCount else {
            throw DigestError(.malformedTree, "\(levels.count) subtree roots do not make a tree of \(count) leaves")
        }
        for level in 0..<(Int.bitWidth - count.leadingZeroBitCount) {
            guard count >> level & 1 == 1 else {
                peaks.append(nil)
                continue
            }
            guard let hash = levels[level], hash.count == MerkleTree.hashSize else {
                throw DigestError(.malformedTree, "the tree of \(count) leaves lacks its subtree of level \(level)")
            }
            peaks.append(hash)
        }
        self.count = count
    }

    /// The roots of the complete subtrees by level (a subtree of level l has 2^l leaves): the state to store.
    public var levels: [Int: [UInt8]] {
        var result: [Int: [UInt8]] = [:]
        for (level, hash) in peaks.enumerated() { result[level] = hash }
        return result
    }

    /// Adds a leaf at the right.
    /// - Precondition: the hash is 32 bytes long.
    public mutating func append(leafHash: [UInt8]) throws(DigestError) {
        precondition(leafHash.count == MerkleTree.hashSize, "a leaf hash is 32 bytes")
        var carried = leafHash
        var level = 0
        while level < peaks.count, let left = peaks[level] {
            carried = try MerkleTree.nodeHash(left, carried)
            level += 1
        }
        // Nothing is changed before the last hash is known, so a failure leaves the tree as it was.
        for lower in 0..<level { peaks[lower] = nil }
        if level < peaks.count { peaks[level] = carried } else { peaks.append(carried) }
        count += 1
    }

    /// The root over all leaves so far; SHA-256 of nothing when there are none.
    public var root: [UInt8] {
        get throws(DigestError) {
            var result: [UInt8]?
            for case let peak? in peaks {
                result = if let right = result { try MerkleTree.nodeHash(peak, right) } else { peak }
            }
            guard let result else { return try MerkleTree.emptyRoot() }
            return result
        }
    }

    /// SHA-256(0x00 ‖ data) (RFC 6962, section 2.1).
    public static func leafHash(_ data: [UInt8]) throws(DigestError) -> [UInt8] { try MerkleTree.leafHash(data) }

    /// SHA-256(0x01 ‖ left ‖ right) (RFC 6962, section 2.1).
    public static func nodeHash(_ left: [UInt8], _ right: [UInt8]) throws(DigestError) -> [UInt8] {
        try MerkleTree.nodeHash(left, right)
    }
}
