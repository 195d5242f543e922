internal import EvidenceModel

extension Recipe {
    /// Every sample of more than three blocks in two pieces.
    static let fragmented = Recipe(
        name: "fragmented", seed: "fragmented/1",
        page: """
            A raw stretch of a medium without a file system. Every sample of more than three blocks (512 bytes) lies in two
            pieces, in order, cut at a block boundary drawn from the seed. Between the pieces lie 1 to 32 blocks of random
            bytes, zeros or text, or (one time in four) another whole sample; smaller samples lie in one piece.

            What it is for: a carver should join the pieces where the format proves the join, and never join wrongly.
            """
    ) { library, seed in
        var medium = RawMedium(block: 512, generator: SeededGenerator(seed: seed))
        medium.gap(blocks: 8, .random)
        var waiting = ArraySlice(medium.shuffled(library.samples))
        while let sample = waiting.popFirst() {
            let blocks = (sample.bytes.count + medium.block - 1) / medium.block
            var extents: [Extent]
            if blocks > 3 {
                let cut = medium.number(in: 1...blocks - 1) * medium.block
                extents = [medium.piece(sample.bytes[..<cut])]
                if medium.number(in: 0...3) == 0, let other = waiting.popFirst() {
                    try medium.plant(other)
                } else {
                    medium.gap()
                }
                extents.append(medium.piece(sample.bytes[cut...]))
            } else {
                extents = [medium.piece(sample.bytes)]
            }
            medium.record(
                try PlantedFile(type: sample.type, name: sample.name, bytes: sample.bytes, extents: extents))
            medium.gap()
        }
        let (bytes, truth) = try medium.finished(image: "fragmented", seed: seed)
        return BuiltImage(content: .image(bytes), truth: truth)
    }
}
