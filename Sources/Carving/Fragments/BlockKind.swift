/// What a block looks like from outside: enough to see where another kind of data begins.
struct BlockKind: OptionSet, Hashable {
    let rawValue: UInt8

    /// Printable ASCII and white space only.
    static let text = BlockKind(rawValue: 1)
    /// One byte value repeated: unused space.
    static let uniform = BlockKind(rawValue: 2)
    /// Nearly as many byte values as chance gives: compressed, encrypted or random data.
    static let dense = BlockKind(rawValue: 4)

    /// Of 512 bytes drawn by chance, 221 values are different on average, and hardly ever fewer than this.
    private static let fewestDenseValues = 200

    /// The kind of a block; empty for what is none of `kinds`.
    ///
    /// Most blocks are told after a few bytes, unless dense ones are asked for.
    init(of block: some Collection<UInt8>, among kinds: BlockKind = [.text, .uniform, .dense]) {
        guard let first = block.first, block.contains(where: { $0 != first }) else {
            self = kinds.intersection(.uniform)
            return
        }
        if block.allSatisfy(Self.isText) {
            self = kinds.intersection(.text)
        } else if kinds.contains(.dense), Self.distinctValues(of: block) >= Self.fewestDenseValues {
            self = .dense
        } else {
            self = []
        }
    }

    private static func isText(_ byte: UInt8) -> Bool {
        0x20...0x7E ~= byte || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private static func distinctValues(of block: some Collection<UInt8>) -> Int {
        var occurs = InlineArray<256, UInt8>(repeating: 0)
        for byte in block { occurs[Int(byte)] = 1 }
        var values = 0
        for index in occurs.indices { values += Int(occurs[index]) }
        return values
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }
}
