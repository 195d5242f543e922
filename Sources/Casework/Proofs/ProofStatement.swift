import Digesting
public import EvidenceModel

/// What a proof of single blocks states: `proof.txt`. See `Documentation/Formats/proofs.md`.
///
/// Lines of words, so that a shell can read it; one form only, so that no byte of it can change unseen.
public struct ProofStatement: Hashable, Sendable {
    static let firstLine = "exhibit-block-proof 1"
    /// Most blocks in one proof: 16 GiB.
    public static let mostBlocks = 16_384
    /// Most extents in one proof.
    public static let mostExtents = 1 << 20
    /// Largest `proof.txt` that is read, in bytes: each block has at most 64 nodes.
    static let largestFile = 256 << 20

    /// A block with the way from its digest to the root.
    public struct Block: Hashable, Sendable {
        /// Number of the block, counted from 0.
        public let index: Int
        /// SHA-256 of the block.
        public let digest: Digest
        /// The inclusion proof (RFC 9162, section 2.1.3.1), from the leaf upwards.
        public let nodes: [Digest]
    }

    /// The item, for example "E001".
    public let item: String
    /// SHA-256 of manifest.json.
    public let manifest: Digest
    /// Bytes of the medium.
    public let mediaSize: Int
    public let blockCount: Int
    /// Bytes a block; the last one may be shorter.
    public let blockSize: Int
    /// The root that the signed manifest states.
    public let root: Digest
    /// Id of the artifact whose content it is; nil for a place that was named by its offset.
    public let artifact: String?
    /// The places, in the order of the content.
    public let extents: [Extent]
    /// SHA-256 of the extents, one after the other.
    public let content: Digest
    /// The blocks that hold the extents, ascending.
    public let blocks: [Block]

    /// The numbers of the blocks that hold the extents, ascending; nil when there are more than may be, or none.
    ///
    /// - Precondition: `blockSize` is positive.
    static func blocks(holding extents: [Extent], blockSize: Int) -> [Int]? {
        var numbers: Set<Int> = []
        for extent in extents where extent.length > 0 {
            let first = extent.offset / blockSize
            let last = (extent.end - 1) / blockSize
            guard last - first < mostBlocks else { return nil }
            numbers.formUnion(first...last)
            guard numbers.count <= mostBlocks else { return nil }
        }
        return numbers.isEmpty ? nil : numbers.sorted()
    }

    /// The name of a block's file: `block-00000003.bin`.
    static func fileName(ofBlock index: Int) -> String {
        let number = String(index)
        return "block-" + String(repeating: "0", count: max(0, 8 - number.count)) + number + ".bin"
    }

    // MARK: Encoding

    /// The bytes of `proof.txt`.
    var encoded: [UInt8] {
        var lines = [
            Self.firstLine, "item \(item)", "manifest \(manifest.hex)", "media \(mediaSize)",
            "blocks \(blockCount) \(blockSize) \(root.hex)",
        ]
        if let artifact { lines.append("artifact \(artifact)") }
        for extent in extents { lines.append("extent \(extent.offset) \(extent.length)") }
        lines.append("content \(content.hex)")
        for block in blocks {
            lines.append("block \(block.index) \(block.digest.hex)")
            for node in block.nodes { lines.append("node \(node.hex)") }
        }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Reads `proof.txt` and demands that it encodes to the same bytes again.
    ///
    /// - Throws: ``CaseError`` with code `damaged`.
    init(parsing bytes: [UInt8]) throws(CaseError) {
        var reader = ProofLines(bytes)
        guard let statement = reader.statement(), statement.encoded == bytes else {
            throw CaseError(.damaged, "proof.txt has another form than a proof: line \(reader.line).")
        }
        self = statement
    }

    init(
        item: String, manifest: Digest, mediaSize: Int, blockCount: Int, blockSize: Int, root: Digest,
        artifact: String?, extents: [Extent], content: Digest, blocks: [Block]
    ) {
        self.item = item
        self.manifest = manifest
        self.mediaSize = mediaSize
        self.blockCount = blockCount
        self.blockSize = blockSize
        self.root = root
        self.artifact = artifact
        self.extents = extents
        self.content = content
        self.blocks = blocks
    }
}

/// Reads the lines of `proof.txt`, one after the other.
private struct ProofLines {
    private let lines: [[Substring]]
    /// Number of the line that is read next, counted from 1.
    private(set) var line = 1

    init(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        lines = text.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: false) }
    }

    /// What the lines state; nil when one is missing or of another form.
    mutating func statement() -> ProofStatement? {
        guard lines.first?.joined(separator: " ") == ProofStatement.firstLine else { return nil }
        line += 1
        guard let item = words("item", 1)?[0], let manifest = words("manifest", 1).flatMap({ sha256($0[0]) }),
            let media = words("media", 1).flatMap({ number($0[0]) }), let blocks = words("blocks", 3),
            let count = number(blocks[0]), let size = number(blocks[1]), size > 0, let root = sha256(blocks[2])
        else { return nil }
        let artifact = words("artifact", 1)?[0]
        var extents: [Extent] = []
        while let words = words("extent", 2) {
            guard let offset = number(words[0]), let length = number(words[1]), offset <= media,
                length <= media - offset, extents.count < ProofStatement.mostExtents
            else { return nil }
            extents.append(Extent(offset: offset, length: length))
        }
        guard let content = words("content", 1).flatMap({ sha256($0[0]) }), let proven = provenBlocks(),
            line > lines.count
        else { return nil }
        return ProofStatement(
            item: String(item), manifest: manifest, mediaSize: media, blockCount: count, blockSize: size, root: root,
            artifact: artifact.map(String.init), extents: extents, content: content, blocks: proven)
    }

    private mutating func provenBlocks() -> [ProofStatement.Block]? {
        var blocks: [ProofStatement.Block] = []
        while let words = words("block", 2) {
            guard let index = number(words[0]), let digest = sha256(words[1]),
                blocks.last.map({ $0.index < index }) ?? true,
                blocks.count < ProofStatement.mostBlocks
            else { return nil }
            var nodes: [Digest] = []
            while let node = self.words("node", 1) {
                guard let hash = sha256(node[0]), nodes.count < Int.bitWidth else { return nil }
                nodes.append(hash)
            }
            blocks.append(ProofStatement.Block(index: index, digest: digest, nodes: nodes))
        }
        return blocks
    }

    /// The words after the key, when the next line has this key and so many words.
    private mutating func words(_ key: String, _ count: Int) -> [Substring]? {
        guard line <= lines.count, lines[line - 1].count == count + 1, lines[line - 1][0] == key else { return nil }
        line += 1
        return Array(lines[line - 2].dropFirst())
    }

    private func number(_ word: Substring) -> Int? { Int(word).flatMap { $0 >= 0 ? $0 : nil } }

    private func sha256(_ word: Substring) -> Digest? { Digest(.sha256, hex: String(word)) }
}
