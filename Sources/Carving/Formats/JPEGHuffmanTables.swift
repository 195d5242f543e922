/// The Huffman tables of a JPEG file, laid out for fast decoding (ITU-T T.81, annexes C and F.2.2.3).
struct JPEGHuffmanTables {
    /// Bits that one look-up decides.
    static let lookupBits = 10

    /// For each of eight tables (class × 4 + identifier) and each ten bits: length × 256 + symbol; 0 for longer codes.
    private(set) var lookup = [UInt16](repeating: 0, count: 8 << Self.lookupBits)
    /// For each of four AC tables and each ten bits, what a coefficient of a sequential block does: see ``ACStep``; 0 where
    /// the symbol must be looked at by itself.
    private(set) var acSteps = [UInt16](repeating: 0, count: 4 << Self.lookupBits)
    private(set) var isDefined = [Bool](repeating: false, count: 8)
    /// For each table and code length: the first code after the last of that length, left-aligned in 17 bits.
    private var ends = [UInt32](repeating: 0, count: 8 * 17)
    /// For each table and code length: index of the first symbol minus the first code.
    private var bases = [Int32](repeating: 0, count: 8 * 17)
    private var symbols = [UInt8](repeating: 0, count: 8 * 256)

    /// Defines a table; false when the code lengths are no prefix code.
    mutating func define(_ table: Int, counts: [UInt8], symbols values: [UInt8]) -> Bool {
        for index in 0..<1 << Self.lookupBits { lookup[table << Self.lookupBits | index] = 0 }
        var code = 0
        var index = 0
        for length in 1...16 {
            let number = Int(counts[length - 1])
            guard code + number <= 1 << length else { return false }
            bases[table * 17 + length] = Int32(index - code)
            if length <= Self.lookupBits {
                let shift = Self.lookupBits - length
                for step in 0..<number {
                    let entry = UInt16(length) << 8 | UInt16(values[index + step])
                    let first = table << Self.lookupBits | (code + step) << shift
                    for slot in first..<first + (1 << shift) { lookup[slot] = entry }
                }
            }
            for step in 0..<number { symbols[table * 256 + index + step] = values[index + step] }
            index += number
            code += number
            ends[table * 17 + length] = UInt32(code << (17 - length))
            code <<= 1
        }
        if table >= 4 { layOutSteps(of: table) }
        isDefined[table] = true
        return true
    }

    private mutating func layOutSteps(of table: Int) {
        for bits in 0..<1 << Self.lookupBits {
            let entry = lookup[table << Self.lookupBits | bits]
            acSteps[(table - 4) << Self.lookupBits | bits] =
                ACStep(
                    codeLength: Int(entry >> 8), symbol: Int(entry & 0xFF)
                ).packed
        }
    }

    /// One symbol of a sequential block's AC coefficients with the bits that follow it: what a single look-up tells.
    struct ACStep {
        /// The lowest five bits: length of the code and of the coefficient behind it.
        static let lengthBits: UInt16 = 5
        /// How far an end-of-block code steps: behind any index that coefficients lead to.
        static let endOfBlock = 128

        let packed: UInt16

        init(codeLength: Int, symbol: Int) {
            let size = symbol & 15
            let run = symbol >> 4
            switch (codeLength, size, run) {
            case (0, _, _): packed = 0
            case (_, 0, 0): packed = UInt16(Self.endOfBlock << Self.lengthBits | codeLength)
            // Sixteen zeros, or no code of sequential pictures.
            case (_, 0, _): packed = 0
            default: packed = UInt16((run + 1) << Self.lengthBits | (codeLength + size))
            }
        }
    }

    /// Length × 256 + symbol of a code longer than the look-up; 0 when no code begins so.
    func slow(_ table: Int, _ sixteenBits: UInt32) -> UInt16 {
        let aligned = sixteenBits << 1
        var length = Self.lookupBits + 1
        while length <= 16 {
            if aligned < ends[table * 17 + length] {
                let index = bases[table * 17 + length] + Int32(sixteenBits >> UInt32(16 - length))
                guard (0..<256).contains(index) else { return 0 }
                return UInt16(length) << 8 | UInt16(symbols[table * 256 + Int(index)])
            }
            length += 1
        }
        return 0
    }
}
