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

    /// The kind of a block; empty for what is none of them.
    init(of block: [UInt8]) {
        var seen = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        var isText = true
        for byte in block {
            let bit = UInt64(1) << (UInt64(byte) & 63)
            switch byte >> 6 {
            case 0: seen.0 |= bit
            case 1: seen.1 |= bit
            case 2: seen.2 |= bit
            default: seen.3 |= bit
            }
            if !(0x20...0x7E).contains(byte), byte != 0x0A, byte != 0x0D, byte != 0x09 { isText = false }
        }
        let values =
            seen.0.nonzeroBitCount + seen.1.nonzeroBitCount + seen.2.nonzeroBitCount + seen.3.nonzeroBitCount
        if values <= 1 {
            self = .uniform
        } else if isText {
            self = .text
        } else if values >= Self.fewestDenseValues {
            self = .dense
        } else {
            self = []
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }
}
