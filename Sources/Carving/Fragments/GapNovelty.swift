/// Which of several places of a gap leaves out blocks that are least like those that stay.
///
/// Each block is known by how often every byte value occurs in it. A block of another file is unlike all blocks that
/// stay; where the gap is put wrong, a part of it stays, and what is left out has its like there.
struct GapNovelty {
    /// Most blocks that are compared with each other.
    private static let mostBlocks = 1024
    /// Blocks on each side of the possible gaps that are compared too.
    private static let around = 48
    /// Blocks at each end of a large gap that are compared.
    private static let beside = 24

    /// The best place; nil when two are as good.
    let best: Int?

    /// - Parameter splits: ascending.
    init?(_ search: JoinSearch, splits: [Int], gap: Int) throws(ReadFailure) {
        let block = FreeSpace.block
        guard let low = splits.first, let high = splits.last, gap > 0 else { return nil }
        // Of a large gap, only what lies beside its ends tells where they are.
        let inner = 2 * Self.beside * block + high - low
        let left = gap > inner ? gap - inner : 0
        let middle = left > 0 ? high + Self.beside * block : Int.max
        let length = (gap - left) / block
        let start = max(0, low - Self.around * block)
        let end = min((search.reader.count - left) / block * block, high + gap - left + Self.around * block)
        let count = (end - start) / block
        guard count > 1, count <= Self.mostBlocks, high + gap - left <= end else { return nil }
        var shapes: [BlockShape] = []
        for index in 0..<count {
            let at = start + index * block
            shapes.append(BlockShape(try search.reader.bytes(at: at < middle ? at : at + left, count: block)))
        }
        search.spend((end - start) + count * count / 8)
        // For each block, the likest one among those before and among those behind a place.
        let first = (low - start) / block
        let last = (high - start) / block + length
        var before = [Float](repeating: 0, count: (last - first) * (count + 1))
        var behind = before
        var row = [Float](repeating: 0, count: count)
        for index in first..<last {
            let start = (index - first) * (count + 1)
            for other in 0..<count { row[other] = other == index ? 0 : shapes[index].likeness(to: shapes[other]) }
            var most: Float = 0
            for other in 0..<count {
                before[start + other] = most
                most = max(most, row[other])
            }
            before[start + count] = most
            most = 0
            for other in stride(from: count - 1, through: 0, by: -1) {
                most = max(most, row[other])
                behind[start + other] = most
            }
        }
        var judged: [(split: Int, novelty: Float)] = []
        for split in splits {
            let place = (split - start) / block
            var novelty: Float = 0
            for index in place..<place + length {
                let row = (index - first) * (count + 1)
                novelty += 1 - max(before[row + place], behind[row + place + length])
            }
            judged.append((split, novelty))
        }
        judged.sort { ($0.novelty, $1.split) > ($1.novelty, $0.split) }
        best = judged.count > 1 && judged[0].novelty <= judged[1].novelty ? nil : judged.first?.split
    }
}

/// How often each byte value occurs in a block, as square roots: their products tell how alike two blocks are.
private struct BlockShape {
    /// Four values that follow each other are counted as one.
    private let roots: SIMD64<Float>

    init(_ bytes: [UInt8]) {
        var counts = SIMD64<Float>(repeating: 0)
        for byte in bytes { counts[Int(byte >> 2)] += 1 }
        roots = (counts / Float(max(1, bytes.count))).squareRoot()
    }

    /// 1 for blocks in which every value occurs as often, 0 for such that share none.
    func likeness(to other: BlockShape) -> Float { (roots * other.roots).sum() }
}
