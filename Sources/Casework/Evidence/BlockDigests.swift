import Digesting
import EvidenceModel

/// The digests of an item's 1 MiB blocks, as `blocks.sha256` keeps them: 32 bytes each, in order.
struct BlockDigests {
    private let bytes: [UInt8]

    /// Number of whole digests.
    var count: Int { bytes.count / MerkleTree.hashSize }

    /// - Parameter bytes: one digest after the other; a part of one at the end is left out.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads `blocks.sha256` and demands that it is the list whose root the manifest states.
    ///
    /// - Throws: ``CaseError`` with code `damaged`, file and digest errors.
    init(of manifest: EvidenceManifest, in folder: EvidenceFolder) throws {
        // What the manifest claims is a number from outside: a longer list than there can be is not asked for.
        let (expected, overflow) = manifest.blocks.count.multipliedReportingOverflow(by: MerkleTree.hashSize)
        guard manifest.blocks.count >= 0, !overflow else {
            throw CaseError(.damaged, "The manifest states an absurd number of blocks: \(manifest.blocks.count).")
        }
        self.init(try DurableFile.read(folder.blocksPath, limit: max(1, expected)))
        guard bytes.count == expected, try root() == manifest.blocks.root.bytes else {
            throw CaseError(
                .damaged, "\(folder.blocksPath) is not the list of block digests that the manifest speaks of.")
        }
    }

    /// The SHA-256 of a block.
    /// - Precondition: there is such a block.
    subscript(block: Int) -> ArraySlice<UInt8> {
        bytes[block * MerkleTree.hashSize..<(block + 1) * MerkleTree.hashSize]
    }

    /// The RFC 6962 root over some of the digests; over all of them unless a range is named.
    func root(over range: Range<Int>? = nil) throws(DigestError) -> [UInt8] {
        var tree = MerkleFrontier()
        for block in range ?? 0..<count { try tree.append(leafHash: MerkleFrontier.leafHash(Array(self[block]))) }
        return try tree.root
    }

    /// The runs of neighbouring blocks whose digests differ; of lists of different length, in the part that both have.
    func runsDiffering(from other: BlockDigests) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for block in 0..<min(count, other.count) where self[block] != other[block] {
            if let last = runs.last, last.upperBound == block {
                runs[runs.count - 1] = last.lowerBound..<block + 1
            } else {
                runs.append(block..<block + 1)
            }
        }
        return runs
    }
}
