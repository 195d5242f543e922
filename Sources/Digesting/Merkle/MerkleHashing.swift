internal import EvidenceModel

/// The Merkle tree hash of RFC 6962, section 2.1, with SHA-256: roots, and the proofs of RFC 9162, sections 2.1.3 and
/// 2.1.4.
///
/// `leaves` are always leaf hashes (32 bytes each), never the data. Functions that verify return false for every kind
/// of malformed proof.
public enum MerkleTree {
    /// Length of a leaf, node or root hash, in bytes.
    public static let hashSize = 32

    /// SHA-256(0x00 ‖ data).
    public static func leafHash(_ data: [UInt8]) throws(DigestError) -> [UInt8] {
        var hasher = try RunningDigest(.sha256)
        try hasher.update([0])
        try hasher.update(data)
        return try hasher.finalize().bytes
    }

    /// SHA-256(0x01 ‖ left ‖ right).
    public static func nodeHash(_ left: [UInt8], _ right: [UInt8]) throws(DigestError) -> [UInt8] {
        var input: [UInt8] = []
        input.reserveCapacity(1 + left.count + right.count)
        input.append(1)
        input.append(contentsOf: left)
        input.append(contentsOf: right)
        return try digest(.sha256, of: input).bytes
    }

    /// SHA-256 of nothing: the root of the tree without leaves.
    public static func emptyRoot() throws(DigestError) -> [UInt8] { try digest(.sha256, of: []).bytes }

    /// The root over all leaves.
    public static func root(leaves: [[UInt8]]) throws(DigestError) -> [UInt8] {
        try root(of: 0..<leaves.count, leaves: leaves)
    }

    /// The root over a part of the leaves, as proofs name it.
    public static func root(of range: Range<Int>, leaves: [[UInt8]]) throws(DigestError) -> [UInt8] {
        var frontier = MerkleFrontier()
        for leaf in leaves[range] { try frontier.append(leafHash: leaf) }
        return try frontier.root
    }

    /// The largest power of two below `count`: where a tree of `count` leaves is split.
    static func split(_ count: Int) -> Int {
        precondition(count > 1, "a single leaf is not split")
        return 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}
