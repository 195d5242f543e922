/// The LZ77+Huffman form of Xpress compression (MS-XCA, 2.2), in which Windows keeps prefetch files since Windows 8.
///
/// The stream says neither its own length nor that of its content: the caller knows the latter.
struct XpressHuffman {
    /// Bytes of content under one table.
    private static let blockSize = 1 << 16
    private static let tableBytes = 256
    private static let symbols = 512
    private static let longestCode = 15
    private static let endOfData = 256

    private let input: [UInt8]
    private var at = 0
    /// The next bits, from the highest down, and how many of them are left before two more bytes are read.
    private var bits: UInt32 = 0
    private var spare = 0
    /// Symbol of each fifteen bits; ``symbols`` where no code begins so.
    private var lookup = [UInt16](repeating: UInt16(symbols), count: 1 << longestCode)
    private var lengths = [UInt8](repeating: 0, count: symbols)

    init(_ input: [UInt8]) { self.input = input }

    /// The content, and the bytes of input that it and its end mark took; nil when the input is none of `size` bytes.
    mutating func content(of size: Int) -> (content: [UInt8], consumed: Int)? {
        var output: [UInt8] = []
        output.reserveCapacity(size)
        while output.count < size {
            guard startBlock() else { return nil }
            let end = min(size, (output.count / Self.blockSize + 1) * Self.blockSize)
            while output.count < end {
                guard let symbol = nextSymbol() else { return nil }
                if symbol < Self.endOfData {
                    output.append(UInt8(symbol))
                } else if !copy(symbol - 256, into: &output, upTo: size) {
                    return nil
                }
            }
        }
        // What the last bytes hold behind the end mark is zero.
        guard nextSymbol() == Self.endOfData, bits == 0 else { return nil }
        return (output, at)
    }

    /// Reads the lengths of the codes, which must use up all codes, and the first bits.
    private mutating func startBlock() -> Bool {
        guard input.count - at >= Self.tableBytes + 4 else { return false }
        for index in 0..<Self.tableBytes {
            lengths[2 * index] = input[at + index] & 15
            lengths[2 * index + 1] = input[at + index] >> 4
        }
        at += Self.tableBytes
        var next = 0
        for length in 1...Self.longestCode {
            let width = 1 << (Self.longestCode - length)
            for symbol in 0..<Self.symbols where Int(lengths[symbol]) == length {
                guard next + width <= lookup.count else { return false }
                for slot in next..<next + width { lookup[slot] = UInt16(symbol) }
                next += width
            }
        }
        guard next == lookup.count else { return false }
        bits = UInt32(word()) << 16 | UInt32(word())
        spare = 16
        return true
    }

    /// Two bytes; zeros behind the end of the input, which `at` then passes.
    private mutating func word() -> UInt16 {
        defer { at += 2 }
        guard input.count - at >= 2 else { return 0 }
        return UInt16(input[at]) | UInt16(input[at + 1]) << 8
    }

    private mutating func skip(_ count: Int) {
        bits <<= UInt32(count)
        spare -= count
        if spare < 0 {
            bits |= UInt32(word()) << UInt32(-spare)
            spare += 16
        }
    }

    /// Nil where no code stands, or the input has ended.
    private mutating func nextSymbol() -> Int? {
        let symbol = Int(lookup[Int(bits >> 17)])
        guard symbol < Self.symbols, at <= input.count else { return nil }
        skip(Int(lengths[symbol]))
        return symbol
    }

    /// Repeats bytes of the output; false when they would lie before its start or reach past the content's end.
    private mutating func copy(_ match: Int, into output: inout [UInt8], upTo size: Int) -> Bool {
        var length = match & 15
        let offsetBits = match >> 4
        if length == 15 {
            guard at < input.count else { return false }
            length = Int(input[at]) + 15
            at += 1
            if length == 255 + 15 {
                length = Int(word())
                if length == 0 { length = Int(word()) | Int(word()) << 16 }
                guard length >= 15 else { return false }
            }
        }
        length += 3
        let distance = (offsetBits == 0 ? 0 : Int(bits >> UInt32(32 - offsetBits))) + 1 << offsetBits
        skip(offsetBits)
        guard distance <= output.count, length <= size - output.count, at <= input.count else { return false }
        for _ in 0..<length { output.append(output[output.count - distance]) }
        return true
    }
}
