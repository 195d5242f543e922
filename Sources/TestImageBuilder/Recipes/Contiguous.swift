extension Recipe {
    /// Every sample in one piece.
    static let contiguous = Recipe(
        name: "contiguous", seed: "contiguous/1",
        page: """
            A raw stretch of a medium without a file system. Every sample of `test-images/samples` lies in one piece at a
            block boundary (512 bytes), in an order drawn from the seed. Between them lie gaps of 1 to 32 blocks of random
            bytes, zeros or text; the rest of a file's last block (slack) is zeros or random bytes.

            What it is for: a carver should find each file exactly, and nothing else.
            """
    ) { library, seed in
        var medium = RawMedium(block: 512, generator: SeededGenerator(seed: seed))
        medium.gap(blocks: 8, .random)
        for sample in medium.shuffled(library.samples) {
            try medium.plant(sample)
            medium.gap()
        }
        let (bytes, truth) = try medium.finished(image: "contiguous", seed: seed)
        return BuiltImage(content: .image(bytes), truth: truth)
    }
}
