import Digesting
import EvidenceModel
import Testing

@Suite("Merkle tree of RFC 6962")
struct MerkleTreeTests {
    // The definitions of RFC 9162, sections 2.1.1, 2.1.3.1 and 2.1.4.1, word for word.

    private func naiveRoot(_ leaves: ArraySlice<[UInt8]>) throws -> [UInt8] {
        if leaves.isEmpty { return try digest(.sha256, of: []).bytes }
        if leaves.count == 1 { return leaves[leaves.startIndex] }
        let middle = leaves.startIndex + naiveSplit(leaves.count)
        let children = try naiveRoot(leaves[..<middle]) + naiveRoot(leaves[middle...])
        return try digest(.sha256, of: [1] + children).bytes
    }

    private func naiveSplit(_ count: Int) -> Int {
        var split = 1
        while split * 2 < count { split *= 2 }
        return split
    }

    private func naiveInclusion(_ index: Int, _ leaves: ArraySlice<[UInt8]>) throws -> [[UInt8]] {
        if leaves.count == 1 { return [] }
        let split = naiveSplit(leaves.count)
        let (left, right) = (leaves[..<(leaves.startIndex + split)], leaves[(leaves.startIndex + split)...])
        return index < split
            ? try naiveInclusion(index, left) + [naiveRoot(right)]
            : try naiveInclusion(index - split, right) + [naiveRoot(left)]
    }

    private func naiveConsistency(_ first: Int, _ leaves: ArraySlice<[UInt8]>, _ whole: Bool) throws -> [[UInt8]] {
        if first == leaves.count { return whole ? [] : [try naiveRoot(leaves)] }
        let split = naiveSplit(leaves.count)
        let (left, right) = (leaves[..<(leaves.startIndex + split)], leaves[(leaves.startIndex + split)...])
        return first <= split
            ? try naiveConsistency(first, left, whole) + [naiveRoot(right)]
            : try naiveConsistency(first - split, right, false) + [naiveRoot(left)]
    }

    private func leaves(_ count: Int) throws -> [[UInt8]] {
        try (0..<count).map { try MerkleTree.leafHash(Array("leaf \($0)".utf8)) }
    }

    private static let sizes: [Int] = {
        var random = SeededGenerator(seed: 1)
        return Array(0...70) + (0..<12).map { _ in Int.random(in: 71...2000, using: &random) }
    }()

    @Test("the frontier's root, grown or restored at any point, is the recursive definition's")
    func roots() throws {
        for size in Self.sizes {
            let leaves = try leaves(size)
            var frontier = MerkleFrontier()
            for (index, leaf) in leaves.enumerated() {
                if index.isMultiple(of: 3) { frontier = try MerkleFrontier(count: index, levels: frontier.levels) }
                try frontier.append(leafHash: leaf)
                #expect(frontier.levels.count <= Int.bitWidth - frontier.count.leadingZeroBitCount)
            }
            let expected = try naiveRoot(leaves[...])
            #expect(frontier.count == size)
            #expect(try frontier.root == expected)
            #expect(try MerkleTree.root(leaves: leaves) == expected)
            #expect(try MerkleFrontier(count: size, levels: frontier.levels) == frontier)
        }
    }

    @Test("published values: the trees of the Certificate Transparency project's test data")
    func published() throws {
        let inputs = [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        ]
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ]
        var frontier = MerkleFrontier()
        for (input, root) in zip(inputs, roots) {
            let data = try #require(Hex.decode(input))
            try frontier.append(leafHash: MerkleTree.leafHash(data))
            #expect(try Hex.encode(frontier.root) == root)
        }
    }

    @Test("inclusion proofs are the definition's and verify; any change does not")
    func inclusion() throws {
        var random = SeededGenerator(seed: 2)
        for size in Self.sizes where size > 0 {
            let leaves = try leaves(size)
            let root = try naiveRoot(leaves[...])
            let indices = size <= 20 ? Array(0..<size) : (0..<8).map { _ in Int.random(in: 0..<size, using: &random) }
            for index in indices {
                let proof = try MerkleTree.inclusionProof(index: index, leaves: leaves)
                #expect(try proof == naiveInclusion(index, leaves[...]))
                func verifies(
                    _ leaf: [UInt8]? = nil, at position: Int? = nil, of count: Int? = nil, by hashes: [[UInt8]]? = nil,
                    under other: [UInt8]? = nil
                ) throws -> Bool {
                    try MerkleTree.verifyInclusion(
                        leafHash: leaf ?? leaves[index], index: position ?? index, size: count ?? size,
                        proof: hashes ?? proof, root: other ?? root)
                }
                #expect(try verifies())
                #expect(try !verifies(at: index + 1))
                #expect(try !verifies(at: -1))
                #expect(try !verifies(of: index))
                #expect(try !verifies(by: proof + [root]))
                #expect(try !verifies(by: [[]] + proof))
                #expect(try !verifies(under: flipped(root, &random)))
                #expect(try !verifies(flipped(leaves[index], &random)))
                if let at = proof.indices.randomElement(using: &random) {
                    var changed = proof
                    changed[at] = flipped(changed[at], &random)
                    #expect(try !verifies(by: changed))
                    changed.remove(at: at)
                    #expect(try !verifies(by: changed))
                }
            }
        }
    }

    @Test("consistency proofs are the definition's and verify; any change does not")
    func consistency() throws {
        var random = SeededGenerator(seed: 3)
        for size in Self.sizes {
            let leaves = try leaves(size)
            let root = try naiveRoot(leaves[...])
            let firsts = size <= 20 ? Array(0...size) : (0..<8).map { _ in Int.random(in: 0...size, using: &random) }
            for first in firsts {
                let firstRoot = try naiveRoot(leaves[..<first])
                let proof = try MerkleTree.consistencyProof(first: first, leaves: leaves)
                if first > 0 { #expect(try proof == naiveConsistency(first, leaves[...], true)) }
                func verifies(
                    _ oldRoot: [UInt8]? = nil, by hashes: [[UInt8]]? = nil, under other: [UInt8]? = nil
                ) throws -> Bool {
                    try MerkleTree.verifyConsistency(
                        first: first, firstRoot: oldRoot ?? firstRoot, second: size, secondRoot: other ?? root,
                        proof: hashes ?? proof)
                }
                #expect(try verifies())
                #expect(try !verifies(flipped(firstRoot, &random)))
                #expect(try !verifies(by: proof + [root]))
                #expect(try !verifies(by: [[]] + proof))
                if first > 0 { #expect(try !verifies(under: flipped(root, &random))) }
                if let at = proof.indices.randomElement(using: &random) {
                    var changed = proof
                    changed[at] = flipped(changed[at], &random)
                    #expect(try !verifies(by: changed))
                    changed.remove(at: at)
                    #expect(try !verifies(by: changed))
                }
            }
        }
        let empty = try MerkleTree.emptyRoot()
        #expect(
            try !MerkleTree.verifyConsistency(first: 2, firstRoot: empty, second: 1, secondRoot: empty, proof: []))
    }

    @Test("levels that do not make the tree are refused")
    func malformed() throws {
        let hash = [UInt8](repeating: 1, count: 32)
        for (count, levels) in [
            (-1, [:]), (0, [0: hash]), (1, [:]), (1, [1: hash]), (1, [0: [1]]), (5, [0: hash]),
            (5, [0: hash, 1: hash]),
        ] as [(Int, [Int: [UInt8]])] {
            #expect(throws: DigestError.self) { try MerkleFrontier(count: count, levels: levels) }
        }
    }

    private func flipped(_ hash: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var changed = hash
        changed[Int.random(in: hash.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        return changed
    }
}
