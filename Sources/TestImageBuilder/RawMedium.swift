internal import Digesting
internal import EvidenceModel

/// A medium without a file system: files at block boundaries, something else between them.
struct RawMedium: Sendable {
    /// The unit of alignment, in bytes.
    let block: Int
    /// What was laid down so far.
    private(set) var bytes: [UInt8] = []
    /// The files planted so far.
    private(set) var files: [PlantedFile] = []
    private var generator: SeededGenerator

    /// What a gap holds.
    enum Filling: CaseIterable { case random, zeros, text }

    init(block: Int, generator: SeededGenerator) {
        self.block = block
        self.generator = generator
    }

    /// Lays down 1 to 32 blocks, or as many as said, of what chance or the caller picks.
    mutating func gap(blocks: Int? = nil, _ filling: Filling? = nil) {
        let count = (blocks ?? generator.number(in: 1...32)) * block
        switch filling ?? generator.pick(Filling.allCases) {
        case .random: bytes += generator.bytes(count)
        case .zeros: bytes += [UInt8](repeating: 0, count: count)
        case .text: bytes += text(count)
        }
    }

    private mutating func text(_ count: Int) -> [UInt8] {
        let words = ["ledger", "exhibit", "the", "of", "report", "42", "\n", "seal", "and", "drawer", "was", "opened"]
        var output: [UInt8] = []
        while output.count < count { output += Array((generator.pick(words) + " ").utf8) }
        return Array(output.prefix(count))
    }

    /// Lays down bytes and fills the last block with zeros or with random bytes (slack).
    mutating func piece(_ content: some Collection<UInt8>) -> Extent {
        let extent = Extent(offset: bytes.count, length: content.count)
        bytes += content
        let slack = (block - bytes.count % block) % block
        bytes += generator.pick([true, false]) ? [UInt8](repeating: 0, count: slack) : generator.bytes(slack)
        return extent
    }

    /// Lays down bytes and nothing after them.
    mutating func unpadded(_ content: some Collection<UInt8>) -> Extent {
        let extent = Extent(offset: bytes.count, length: content.count)
        bytes += content
        return extent
    }

    /// Notes a file whose pieces were laid down.
    mutating func record(_ file: PlantedFile) { files.append(file) }

    /// Lays down a sample in one piece.
    mutating func plant(_ sample: Sample) throws {
        record(
            try PlantedFile(type: sample.type, name: sample.name, bytes: sample.bytes, extents: [piece(sample.bytes)]))
    }

    mutating func number(in range: ClosedRange<Int>) -> Int { generator.number(in: range) }
    mutating func random(_ count: Int) -> [UInt8] { generator.bytes(count) }
    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] { generator.shuffled(elements) }

    /// The image and its truth.
    func finished(image: String, seed: String) throws -> (bytes: [UInt8], truth: Truth) {
        let ordered = files.sorted { ($0.extents.first?.offset ?? 0) < ($1.extents.first?.offset ?? 0) }
        let sha256 = try digest(.sha256, of: bytes)
        return (bytes, Truth(image: image, seed: seed, block: block, size: bytes.count, sha256: sha256, files: ordered))
    }
}
