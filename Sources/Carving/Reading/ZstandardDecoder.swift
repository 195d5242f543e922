/// Decompresses the blocks of one Zstandard frame (RFC 8878, 3.1.1.2), for its checksum.
///
/// Damaged data give nil, never a trap: every number from the data is checked before it is used.
struct ZstandardDecoder {
    /// Most bytes of one block's content.
    static let largestBlock = 128 * 1024

    /// Content so far, as far back as matches may reach.
    private(set) var output: [UInt8] = []
    /// Bytes that the last block gave.
    private(set) var added = 0
    private let window: Int
    private var repeated = [1, 4, 8]
    private var huffman: HuffmanTable?
    private var literalLengths: EntropyTable?
    private var offsets: EntropyTable?
    private var matchLengths: EntropyTable?

    /// - Parameter window: bytes before a block to which matches may reach.
    init(window: Int) { self.window = window }

    /// Appends bytes as they are.
    mutating func append(_ bytes: [UInt8]) {
        trim()
        output += bytes
        added = bytes.count
    }

    /// Appends one byte, repeated.
    mutating func append(_ byte: UInt8, count: Int) {
        trim()
        output += [UInt8](repeating: byte, count: count)
        added = count
    }

    /// Appends the content of a compressed block; false when it is none.
    mutating func decode(_ block: [UInt8]) -> Bool {
        trim()
        let before = output.count
        defer { added = output.count - before }
        var at = 0
        guard let literals = self.literals(block, &at), at < block.count else { return false }
        guard let count = sequenceCount(block, &at) else { return false }
        if count == 0 {
            output += literals
            return at == block.count
        }
        return sequences(count, block, at, literals)
    }

    /// Forgets what no match can reach any more.
    private mutating func trim() {
        guard output.count > 2 * window + Self.largestBlock else { return }
        output.removeFirst(output.count - window)
    }

    // MARK: Literals (3.1.1.3.1)

    private mutating func literals(_ block: [UInt8], _ at: inout Int) -> [UInt8]? {
        guard let first = block.first else { return nil }
        let format = Int(first) >> 2 & 3
        func number(_ count: Int) -> Int? {
            guard block.count >= count else { return nil }
            return (0..<count).reduce(0) { $0 | Int(block[$1]) << (8 * $1) }
        }
        if first & 3 < 2 {
            let width = format & 1 == 0 ? 1 : format == 1 ? 2 : 3
            guard let head = number(width) else { return nil }
            let size = width == 1 ? head >> 3 : head >> 4
            guard size <= Self.largestBlock else { return nil }
            at = width
            if first & 3 == 1 {
                guard at < block.count else { return nil }
                at += 1
                return [UInt8](repeating: block[at - 1], count: size)
            }
            guard size <= block.count - at else { return nil }
            at += size
            return Array(block[at - size..<at])
        }
        let (width, bits) = format < 2 ? (3, 10) : format == 2 ? (4, 14) : (5, 18)
        guard let head = number(width) else { return nil }
        let size = head >> 4 & (1 << bits - 1)
        let packed = head >> (4 + bits) & (1 << bits - 1)
        at = width + packed
        guard size <= Self.largestBlock, packed <= block.count - width else { return nil }
        var start = width
        if first & 3 == 2 {
            guard let (table, end) = HuffmanTable.read(block, from: start, to: at) else { return nil }
            huffman = table
            start = end
        }
        guard let huffman else { return nil }
        var literals: [UInt8] = []
        literals.reserveCapacity(size)
        if format == 0 {
            return huffman.decode(block, start, at, count: size, into: &literals) ? literals : nil
        }
        // Four streams; the sizes of the first three stand before them.
        guard at - start >= 6, size >= 6 else { return nil }
        let part = (size + 3) / 4
        var begin = start + 6
        for stream in 0..<4 {
            let length = Int(block[start + 2 * min(stream, 2)]) | Int(block[start + 2 * min(stream, 2) + 1]) << 8
            let end = stream == 3 ? at : begin + length
            let count = stream == 3 ? size - 3 * part : part
            guard end <= at, count >= 0, huffman.decode(block, begin, end, count: count, into: &literals) else {
                return nil
            }
            begin = end
        }
        return literals
    }

    // MARK: Sequences (3.1.1.3.2)

    private func sequenceCount(_ block: [UInt8], _ at: inout Int) -> Int? {
        let first = Int(block[at])
        if first < 128 {
            at += 1
            return first
        }
        if first < 255 {
            guard block.count - at >= 2 else { return nil }
            at += 2
            return (first - 128) << 8 + Int(block[at - 1])
        }
        guard block.count - at >= 3 else { return nil }
        at += 3
        return Int(block[at - 2]) + Int(block[at - 1]) << 8 + 0x7F00
    }

    private mutating func sequences(_ count: Int, _ block: [UInt8], _ start: Int, _ literals: [UInt8]) -> Bool {
        guard start < block.count, block[start] & 3 == 0 else { return false }
        let modes = Int(block[start])
        var at = start + 1
        guard
            let lengths = EntropyTable.read(
                mode: modes >> 6, block, &at, .literalLengths, last: literalLengths),
            let distances = EntropyTable.read(mode: modes >> 4 & 3, block, &at, .offsets, last: offsets),
            let matches = EntropyTable.read(mode: modes >> 2 & 3, block, &at, .matchLengths, last: matchLengths),
            var bits = BackwardBits(block, from: at, to: block.count)
        else { return false }
        (literalLengths, offsets, matchLengths) = (lengths, distances, matches)
        var lengthState = bits.read(lengths.accuracy)
        var distanceState = bits.read(distances.accuracy)
        var matchState = bits.read(matches.accuracy)
        let limit = output.count + Self.largestBlock
        var used = 0
        for number in 1...count {
            let distanceCode = Int(distances.symbols[distanceState])
            let value = 1 << distanceCode + bits.read(distanceCode)
            let matchCode = Int(matches.symbols[matchState])
            let match = Self.matchBases[matchCode] + bits.read(Self.matchBits[matchCode])
            let lengthCode = Int(lengths.symbols[lengthState])
            let length = Self.lengthBases[lengthCode] + bits.read(Self.lengthBits[lengthCode])
            if number < count {
                lengthState = lengths.next(lengthState, &bits)
                matchState = matches.next(matchState, &bits)
                distanceState = distances.next(distanceState, &bits)
            }
            guard bits.left >= 0, length <= literals.count - used, output.count + length + match <= limit else {
                return false
            }
            output += literals[used..<used + length]
            used += length
            guard copy(distance(value, afterLiterals: length > 0), count: match) else { return false }
        }
        guard bits.left == 0, output.count + literals.count - used <= limit else { return false }
        output += literals[used...]
        return true
    }

    /// The distance of a match; the last three are kept (3.1.1.5).
    private mutating func distance(_ value: Int, afterLiterals: Bool) -> Int {
        if value > 3 {
            repeated = [value - 3, repeated[0], repeated[1]]
            return repeated[0]
        }
        let index = value - 1 + (afterLiterals ? 0 : 1)
        if index == 0 { return repeated[0] }
        let distance = index == 3 ? repeated[0] - 1 : repeated[index]
        repeated = [distance, repeated[0], index == 1 ? repeated[2] : repeated[1]]
        return distance
    }

    private mutating func copy(_ distance: Int, count: Int) -> Bool {
        guard distance > 0, distance <= output.count, distance <= max(window, 1) else { return false }
        var from = output.count - distance
        var left = count
        // A match may overlap what it gives: then it repeats.
        while left > 0 {
            let run = min(left, output.count - from)
            output.append(contentsOf: output[from..<from + run])
            from += run
            left -= run
        }
        return true
    }

    /// Further bits of each code, and the value at which it begins: where the one before ends.
    private static let lengthBits =
        [Int](repeating: 0, count: 16) + [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    private static let lengthBases = bases(lengthBits, from: 0)
    private static let matchBits =
        [Int](repeating: 0, count: 32) + [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    private static let matchBases = bases(matchBits, from: 3)

    private static func bases(_ bits: [Int], from start: Int) -> [Int] {
        var base = start
        return bits.map { width in
            defer { base += 1 << width }
            return base
        }
    }
}

/// Bits of a block, read from its end to its start (4.1).
private struct BackwardBits {
    private let bytes: [UInt8]
    private let start: Int
    private let end: Int
    /// Bits that have not been read; below zero, zeros were read in place of missing ones.
    private(set) var left: Int

    /// Nil when the last byte does not mark where the bits begin.
    init?(_ bytes: [UInt8], from start: Int, to end: Int) {
        guard start < end, end <= bytes.count, bytes[end - 1] != 0 else { return nil }
        self.bytes = bytes
        self.start = start
        self.end = end
        left = (end - start) * 8 - bytes[end - 1].leadingZeroBitCount - 1
    }

    mutating func read(_ count: Int) -> Int {
        left -= count
        return bits(left, count)
    }

    /// The next bits, zeros in place of missing ones, left where they are.
    func peek(_ count: Int) -> Int { bits(left - count, count) }

    mutating func skip(_ count: Int) { left -= count }

    private func bits(_ position: Int, _ count: Int) -> Int {
        guard position >= 0 else { return count + position <= 0 ? 0 : bits(0, count + position) << -position }
        var value: UInt64 = 0
        let byte = start + position >> 3
        for index in 0..<min(6, end - byte) { value |= UInt64(bytes[byte + index]) << UInt64(8 * index) }
        return Int(value >> UInt64(position & 7)) & (1 << count - 1)
    }
}

/// A table of finite state entropy codes (4.1).
private struct EntropyTable {
    /// What a table is for: the highest symbol, the largest table, and the distribution that needs no description.
    enum Purpose {
        case literalLengths, offsets, matchLengths, weights

        var highestSymbol: Int {
            switch self {
            case .literalLengths: 35
            case .offsets: 31
            case .matchLengths: 52
            case .weights: 255
            }
        }

        var mostAccuracy: Int {
            switch self {
            case .literalLengths, .matchLengths: 9
            case .offsets: 8
            case .weights: 6
            }
        }
    }

    let accuracy: Int
    private(set) var symbols: [UInt8]
    private var widths: [UInt8]
    private var bases: [UInt16]

    func next(_ state: Int, _ bits: inout BackwardBits) -> Int { Int(bases[state]) + bits.read(Int(widths[state])) }

    /// The table of a mode: predefined, one symbol, described, or the last one.
    static func read(
        mode: Int, _ block: [UInt8], _ at: inout Int, _ purpose: Purpose, last: EntropyTable?
    ) -> EntropyTable? {
        switch mode {
        case 0: return predefined(purpose)
        case 1:
            guard at < block.count, Int(block[at]) <= purpose.highestSymbol else { return nil }
            at += 1
            return EntropyTable(symbol: block[at - 1])
        case 2: return described(block, &at, to: block.count, purpose)
        default: return last
        }
    }

    /// A table from its description (4.1.1).
    static func described(_ block: [UInt8], _ at: inout Int, to end: Int, _ purpose: Purpose) -> EntropyTable? {
        var position = 0
        let start = at
        func read(_ count: Int) -> Int {
            var value = 0
            for bit in 0..<count {
                let byte = start + (position + bit) >> 3
                if byte < end { value |= (Int(block[byte]) >> ((position + bit) & 7) & 1) << bit }
            }
            position += count
            return value
        }
        let accuracy = read(4) + 5
        guard accuracy <= purpose.mostAccuracy else { return nil }
        var remaining = 1 << accuracy
        var counts: [Int] = []
        while remaining > 0 {
            guard counts.count <= purpose.highestSymbol else { return nil }
            let width = Int.bitWidth - (remaining + 1).leadingZeroBitCount
            var value = read(width)
            let low = 1 << (width - 1) - 1
            let threshold = 1 << width - 1 - (remaining + 1)
            if value & low < threshold {
                position -= 1
                value &= low
            } else if value > low {
                value -= threshold
            }
            let count = value - 1
            remaining -= abs(count)
            counts.append(count)
            guard count == 0 else { continue }
            while true {
                let zeros = read(2)
                counts += [Int](repeating: 0, count: zeros)
                guard counts.count <= purpose.highestSymbol + 1 else { return nil }
                if zeros < 3 { break }
            }
        }
        at = start + (position + 7) / 8
        guard remaining == 0, at <= end, counts.count <= purpose.highestSymbol + 1 else { return nil }
        return EntropyTable(counts, accuracy: accuracy)
    }

    private init(symbol: UInt8) {
        accuracy = 0
        symbols = [symbol]
        widths = [0]
        bases = [0]
    }

    /// Spreads the symbols over the states; nil when the counts do not fill the table.
    private init?(_ counts: [Int], accuracy: Int) {
        let size = 1 << accuracy
        self.accuracy = accuracy
        symbols = [UInt8](repeating: 0, count: size)
        widths = symbols
        bases = [UInt16](repeating: 0, count: size)
        var next = counts
        var high = size
        for (symbol, count) in counts.enumerated() where count == -1 {
            high -= 1
            guard high >= 0 else { return nil }
            symbols[high] = UInt8(truncatingIfNeeded: symbol)
            next[symbol] = 1
        }
        var position = 0
        let step = size >> 1 + size >> 3 + 3
        for (symbol, count) in counts.enumerated() where count > 0 {
            for _ in 0..<count {
                symbols[position] = UInt8(truncatingIfNeeded: symbol)
                repeat { position = (position + step) & (size - 1) } while position >= high
            }
        }
        guard position == 0 else { return nil }
        for state in 0..<size {
            let symbol = Int(symbols[state])
            let value = next[symbol]
            guard value > 0 else { return nil }
            next[symbol] += 1
            let width = accuracy - (Int.bitWidth - 1 - value.leadingZeroBitCount)
            guard width >= 0 else { return nil }
            widths[state] = UInt8(truncatingIfNeeded: width)
            bases[state] = UInt16(truncatingIfNeeded: value << width - size)
        }
    }

    // MARK: Default distributions (3.1.1.3.2.2)

    private static func predefined(_ purpose: Purpose) -> EntropyTable? {
        switch purpose {
        case .literalLengths: defaultLiteralLengths
        case .offsets: defaultOffsets
        case .matchLengths: defaultMatchLengths
        case .weights: nil
        }
    }

    private static let defaultLiteralLengths = EntropyTable(
        [
            4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1,
            -1,
        ], accuracy: 6)
    private static let defaultMatchLengths = EntropyTable(
        [
            1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
            1,
            1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
        ], accuracy: 6)
    private static let defaultOffsets = EntropyTable(
        [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], accuracy: 5)
}

/// Huffman codes of literals (4.2).
private struct HuffmanTable {
    static let longestCode = 11

    private let width: Int
    private var symbols: [UInt8]
    private var widths: [UInt8]

    /// A table from its description, and where that ends.
    static func read(_ block: [UInt8], from start: Int, to end: Int) -> (HuffmanTable, Int)? {
        guard start < end else { return nil }
        let head = Int(block[start])
        var weights: [Int] = []
        var at = start + 1
        if head >= 128 {
            let count = head - 127
            guard end - at >= (count + 1) / 2 else { return nil }
            for index in 0..<count {
                let byte = Int(block[at + index / 2])
                weights.append(index % 2 == 0 ? byte >> 4 : byte & 15)
            }
            at += (count + 1) / 2
        } else {
            let stop = at + head
            guard head > 0, stop <= end, let table = EntropyTable.described(block, &at, to: stop, .weights),
                var bits = BackwardBits(block, from: at, to: stop)
            else { return nil }
            var first = bits.read(table.accuracy)
            var second = bits.read(table.accuracy)
            // Two states take turns until the bits are used up.
            while weights.count < 255 {
                weights.append(Int(table.symbols[first]))
                first = table.next(first, &bits)
                if bits.left < 0 {
                    weights.append(Int(table.symbols[second]))
                    break
                }
                weights.append(Int(table.symbols[second]))
                second = table.next(second, &bits)
                if bits.left < 0 {
                    weights.append(Int(table.symbols[first]))
                    break
                }
            }
            at = stop
        }
        guard let table = HuffmanTable(weights) else { return nil }
        return (table, at)
    }

    /// Nil when the weights, with the one that is left out, are no complete code.
    private init?(_ given: [Int]) {
        var weights = given
        guard weights.count < 256, weights.allSatisfy({ $0 <= Self.longestCode + 1 }) else { return nil }
        let sum = weights.reduce(0) { $0 + ($1 > 0 ? 1 << ($1 - 1) : 0) }
        guard sum > 0 else { return nil }
        let width = Int.bitWidth - sum.leadingZeroBitCount
        let rest = 1 << width - sum
        guard width <= Self.longestCode, rest & (rest - 1) == 0 else { return nil }
        weights.append(rest.trailingZeroBitCount + 1)
        self.width = width
        symbols = []
        widths = []
        for weight in 1...width + 1 {
            for (symbol, own) in weights.enumerated() where own == weight {
                guard symbols.count + 1 << (weight - 1) <= 1 << width else { return nil }
                symbols += [UInt8](repeating: UInt8(truncatingIfNeeded: symbol), count: 1 << (weight - 1))
                widths += [UInt8](repeating: UInt8(width + 1 - weight), count: 1 << (weight - 1))
            }
        }
        guard symbols.count == 1 << width else { return nil }
    }

    /// Decodes a stream that must give `count` symbols with all its bits.
    func decode(_ block: [UInt8], _ start: Int, _ end: Int, count: Int, into output: inout [UInt8]) -> Bool {
        guard var bits = BackwardBits(block, from: start, to: end) else { return false }
        for _ in 0..<count {
            let code = bits.peek(width)
            output.append(symbols[code])
            bits.skip(Int(widths[code]))
        }
        return bits.left == 0
    }
}
