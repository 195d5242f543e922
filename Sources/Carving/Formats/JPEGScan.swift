/// The Huffman tables of a JPEG file, laid out for fast decoding (ITU-T T.81, annexes C and F.2.2.3).
struct JPEGHuffmanTables {
    /// Bits that one look-up decides.
    static let lookupBits = 10

    /// For each of eight tables (class × 4 + identifier) and each ten bits: length × 256 + symbol; 0 for longer codes.
    private(set) var lookup = [UInt16](repeating: 0, count: 8 << Self.lookupBits)
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
        isDefined[table] = true
        return true
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

/// The bits of an entropy-coded segment, without its stuffing (ITU-T T.81, F.1.2.3).
struct JPEGScanBits {
    /// Bytes fetched at a time.
    static let pieceSize = 32 * 1024

    private let input: WalkInput
    private var piece: [UInt8] = []
    private var pieceStart: Int
    private var index = 0
    /// The next bits, from the highest down.
    private(set) var bits: UInt64 = 0
    /// How many of them are real; negative once more were taken than there are.
    private(set) var held = 0
    /// The marker that ends the segment; 0 while none was met.
    private(set) var marker: UInt8 = 0
    private(set) var failure: WalkStop?

    init(_ input: WalkInput, at offset: Int) {
        self.input = input
        pieceStart = offset
    }

    /// Offset of the marker, or of the next byte to be taken up.
    var position: Int { pieceStart + index }

    @inline(__always)
    mutating func consume(_ count: Int) {
        bits &<<= UInt64(truncatingIfNeeded: count)
        held &-= count
    }

    /// Makes at least 32 bits available unless the segment ends before.
    @inline(__always)
    mutating func refill() {
        if held < 32 { fill() }
    }

    private mutating func fill() {
        guard held >= 0 else { return }
        if held <= 32, index &+ 4 <= piece.count {
            let four =
                UInt32(piece[index]) &<< 24 | UInt32(piece[index &+ 1]) &<< 16 | UInt32(piece[index &+ 2]) &<< 8
                | UInt32(piece[index &+ 3])
            // No byte among the four is 0xFF: nothing is stuffed, no marker begins.
            if (~four &- 0x0101_0101) & four & 0x8080_8080 == 0 {
                bits |= UInt64(four) &<< UInt64(truncatingIfNeeded: 32 &- held)
                held &+= 32
                index &+= 4
                return
            }
        }
        while held <= 56 {
            if index + 1 >= piece.count {
                guard marker == 0, fetch() else { return }
            }
            let byte = piece[index]
            if byte == 0xFF {
                let next = piece[index + 1]
                if next == 0 {
                    index += 2
                } else if next == 0xFF {
                    // Fill bytes before a marker.
                    index += 1
                    continue
                } else {
                    marker = next
                    return
                }
            } else {
                index += 1
            }
            bits |= UInt64(byte) &<< UInt64(truncatingIfNeeded: 56 &- held)
            held += 8
        }
    }

    /// Fetches the piece at the current position; false at the end of the source.
    private mutating func fetch() -> Bool {
        let start = pieceStart + index
        let count = min(Self.pieceSize, input.count - start)
        guard count >= 2, failure == nil else { return false }
        do {
            piece = try input.bytes(at: start, count: count)
        } catch {
            failure = error
            return false
        }
        pieceStart = start
        index = 0
        return true
    }

    /// Drops the padding up to the marker that must follow; answers how many whole bytes were dropped with it.
    mutating func alignToMarker(most: Int) -> Int? {
        var dropped = 0
        while true {
            fill()
            guard held >= 0 else { return nil }
            dropped += held / 8
            bits = 0
            held = 0
            if marker != 0 { return dropped }
            guard dropped <= most, failure == nil, index + 1 < piece.count || input.count - position >= 2 else {
                return nil
            }
        }
    }

    /// Steps over the marker that was met.
    mutating func stepOverMarker() {
        index += 2
        marker = 0
        bits = 0
        held = 0
    }
}

/// What a frame header says (ITU-T T.81, B.2.2).
struct JPEGFrame {
    struct Component {
        let identifier: Int
        let horizontal: Int
        let vertical: Int
        let quantizer: Int
        /// Blocks of a scan that holds this component alone.
        var ownColumns = 0
        var ownRows = 0
        /// Blocks of a line in interleaved scans.
        var columns = 0
        var rows = 0
    }

    let marker: Int
    let precision: Int
    let width: Int
    let height: Int
    var components: [Component]
    let unitColumns: Int
    let unitRows: Int

    init(marker: Int, precision: Int, width: Int, height: Int, components: [Component]) {
        let horizontal = components.map(\.horizontal).max() ?? 1
        let vertical = components.map(\.vertical).max() ?? 1
        self.marker = marker
        self.precision = precision
        self.width = width
        self.height = height
        unitColumns = (width + 8 * horizontal - 1) / (8 * horizontal)
        unitRows = (height + 8 * vertical - 1) / (8 * vertical)
        self.components = components
        for index in components.indices {
            let component = components[index]
            let samples = (width * component.horizontal + horizontal - 1) / horizontal
            let lines = (height * component.vertical + vertical - 1) / vertical
            self.components[index].ownColumns = (samples + 7) / 8
            self.components[index].ownRows = (lines + 7) / 8
            self.components[index].columns = unitColumns * component.horizontal
            self.components[index].rows = unitRows * component.vertical
        }
    }

    var isProgressive: Bool { marker == 0xC2 }
    /// Baseline, extended sequential and progressive Huffman coding can be followed bit by bit.
    var isFollowed: Bool { (0xC0...0xC2).contains(marker) && height > 0 }
}

/// What a scan header says (ITU-T T.81, B.2.3).
struct JPEGScanHeader {
    struct Part {
        /// Index into the frame's components.
        let component: Int
        let dcTable: Int
        let acTable: Int
    }

    let parts: [Part]
    let first: Int
    let last: Int
    let high: Int
    let low: Int
}

/// Follows the Huffman codes of a scan, without the transform: every block of the frame must be there.
///
/// Bytes that belong to another file show as a code that does not exist, as more than 63 coefficients, as a brightness
/// no picture has, or as a marker in the wrong place.
struct JPEGScanDecoder {
    /// Most blocks whose coefficients are remembered between progressive scans (8 bytes each).
    static let mostRememberedBlocks = 1 << 23
    /// Whole bytes between the last block and the next marker that leave a scan whole.
    static let mostStrayBytes = 64

    private let frame: JPEGFrame
    /// For each component, one bit for each coefficient of each block that is not zero: what refinement depends on.
    private var known: [UInt64] = []
    /// Where each component's blocks start in ``known``.
    private let knownStarts: [Int]
    let remembersBlocks: Bool
    private var eobRun = 0
    /// Whole stray bytes after scans.
    private(set) var strayBytes = 0

    init(_ frame: JPEGFrame) {
        self.frame = frame
        let blocks = frame.components.reduce(0) { $0 + $1.columns * $1.rows }
        remembersBlocks = !frame.isProgressive || blocks <= Self.mostRememberedBlocks
        var starts: [Int] = []
        var next = 0
        for component in frame.components {
            starts.append(next)
            next += component.columns * component.rows
        }
        knownStarts = starts
    }

    enum End {
        /// Offset of the marker after the scan.
        case whole(Int)
        case broken(at: Int, String)
    }

    /// Follows the scan whose data starts at an offset.
    ///
    /// - Parameter brightest: for each component, the largest DC value its quantizer allows.
    mutating func follow(
        _ scan: JPEGScanHeader, tables: JPEGHuffmanTables, restartInterval: Int, brightest: SIMD4<Int>,
        input: WalkInput, at offset: Int
    ) throws(WalkStop) -> End {
        var bits = JPEGScanBits(input, at: offset)
        eobRun = 0
        var predictions = SIMD4<Int>.zero
        let alone = scan.parts.count == 1 ? scan.parts[0] : nil
        let columns = alone.map { frame.components[$0.component].ownColumns } ?? frame.unitColumns
        let rows = alone.map { frame.components[$0.component].ownRows } ?? frame.unitRows
        if frame.isProgressive, scan.first > 0, known.isEmpty {
            known = [UInt64](repeating: 0, count: frame.components.reduce(0) { $0 + $1.columns * $1.rows })
        }
        // Where the block of column 0 stands, and how far the next row's is from it.
        let knownStart = alone.map { knownStarts[$0.component] } ?? 0
        let knownStep = alone.map { frame.components[$0.component].columns } ?? 0
        var untilRestart = restartInterval
        var restart = 0
        for row in 0..<rows {
            for column in 0..<columns {
                if restartInterval > 0 {
                    if untilRestart == 0 {
                        guard bits.alignToMarker(most: 0) == 0, Int(bits.marker) == 0xD0 + restart else {
                            if let failure = bits.failure { throw failure }
                            return .broken(at: bits.position, "no restart marker where one must stand")
                        }
                        bits.stepOverMarker()
                        restart = (restart + 1) & 7
                        untilRestart = restartInterval
                        eobRun = 0
                        predictions = .zero
                    }
                    untilRestart -= 1
                }
                var isSound = true
                if let alone {
                    isSound = block(
                        scan, alone, tables, &bits, &predictions, brightest,
                        index: knownStart &+ row &* knownStep &+ column)
                } else {
                    for part in scan.parts {
                        let component = frame.components[part.component]
                        for _ in 0..<component.horizontal * component.vertical where isSound {
                            isSound = block(scan, part, tables, &bits, &predictions, brightest, index: 0)
                        }
                    }
                }
                if !isSound || bits.held < 0 {
                    if let failure = bits.failure { throw failure }
                    return .broken(
                        at: bits.position,
                        bits.held < 0 ? "the picture's data end before its last block" : "codes no picture has")
                }
            }
        }
        guard eobRun == 0, let stray = bits.alignToMarker(most: Self.mostStrayBytes), stray <= Self.mostStrayBytes
        else {
            if let failure = bits.failure { throw failure }
            return .broken(at: bits.position, "the scan does not end with the picture")
        }
        strayBytes += stray
        return .whole(bits.position)
    }

    /// Follows one block; false when its codes make no sense.
    @inline(__always)
    private mutating func block(
        _ scan: JPEGScanHeader, _ part: JPEGScanHeader.Part, _ tables: borrowing JPEGHuffmanTables,
        _ bits: inout JPEGScanBits, _ predictions: inout SIMD4<Int>, _ brightest: SIMD4<Int>, index: Int
    ) -> Bool {
        if !frame.isProgressive {
            return Self.brightness(part, tables, &bits, &predictions, brightest)
                && Self.coefficients(4 + part.acTable, tables, &bits)
        }
        if scan.first == 0 {
            if scan.high == 0 { return Self.brightness(part, tables, &bits, &predictions, brightest, low: scan.low) }
            bits.refill()
            bits.consume(1)
            return true
        }
        return scan.high == 0
            ? firstPass(scan, part, tables, &bits, index) : refinement(scan, part, tables, &bits, index)
    }

    /// The next symbol of a table; -1 when no code begins so. The bits are refilled before and stepped over.
    @inline(__always)
    private static func symbol(
        _ table: Int, _ tables: borrowing JPEGHuffmanTables, _ bits: inout JPEGScanBits
    ) -> Int {
        bits.refill()
        let peek = Int(truncatingIfNeeded: bits.bits &>> UInt64(64 - JPEGHuffmanTables.lookupBits))
        var entry = tables.lookup[table &<< JPEGHuffmanTables.lookupBits | peek]
        if entry == 0 {
            entry = tables.slow(table, UInt32(truncatingIfNeeded: bits.bits &>> 48))
            if entry == 0 { return -1 }
        }
        bits.consume(Int(entry &>> 8))
        return Int(entry & 0xFF)
    }

    /// The DC difference (F.2.2.1).
    @inline(__always)
    private static func brightness(
        _ part: JPEGScanHeader.Part, _ tables: borrowing JPEGHuffmanTables, _ bits: inout JPEGScanBits,
        _ predictions: inout SIMD4<Int>, _ brightest: SIMD4<Int>, low: Int = 0
    ) -> Bool {
        let size = symbol(part.dcTable, tables, &bits)
        guard size >= 0, size <= 15 else { return false }
        guard size > 0 else { return true }
        let raw = Int(truncatingIfNeeded: bits.bits &>> UInt64(truncatingIfNeeded: 64 &- size))
        bits.consume(size)
        let difference = raw < 1 &<< (size &- 1) ? raw &- (1 &<< size) &+ 1 : raw
        predictions[part.component] += difference
        return abs(predictions[part.component]) &<< low <= brightest[part.component]
    }

    /// The AC coefficients of a sequential block (F.2.2.2).
    @inline(__always)
    private static func coefficients(
        _ table: Int, _ tables: borrowing JPEGHuffmanTables, _ bits: inout JPEGScanBits
    ) -> Bool {
        var index = 1
        while index < 64 {
            let code = symbol(table, tables, &bits)
            guard code >= 0 else { return false }
            let size = code & 15
            let run = code &>> 4
            if size == 0 {
                if run == 0 { return true }
                guard run == 15 else { return false }
                index += 16
                guard index < 64 else { return false }
            } else {
                index += run + 1
                guard index <= 64 else { return false }
                bits.consume(size)
            }
        }
        return true
    }

    /// The first pass over a band of coefficients (G.1.2.2).
    private mutating func firstPass(
        _ scan: JPEGScanHeader, _ part: JPEGScanHeader.Part, _ tables: borrowing JPEGHuffmanTables,
        _ bits: inout JPEGScanBits, _ block: Int
    ) -> Bool {
        if eobRun > 0 {
            eobRun -= 1
            return true
        }
        var index = scan.first
        var found: UInt64 = 0
        while index <= scan.last {
            let code = Self.symbol(4 + part.acTable, tables, &bits)
            guard code >= 0 else { return false }
            let size = code & 15
            let run = code &>> 4
            if size == 0 {
                if run < 15 {
                    eobRun = (1 << run) - 1 + Self.take(run, &bits)
                    break
                }
                index += 16
            } else {
                index += run
                guard index <= scan.last else { return false }
                found |= 1 &<< UInt64(truncatingIfNeeded: index)
                bits.consume(size)
                index += 1
            }
        }
        if found != 0 { known[block] |= found }
        return true
    }

    /// A later pass over a band of coefficients (G.1.2.3).
    private mutating func refinement(
        _ scan: JPEGScanHeader, _ part: JPEGScanHeader.Part, _ tables: borrowing JPEGHuffmanTables,
        _ bits: inout JPEGScanBits, _ block: Int
    ) -> Bool {
        let mask = known[block]
        var found = mask
        var index = scan.first
        if eobRun == 0 {
            while index <= scan.last {
                let code = Self.symbol(4 + part.acTable, tables, &bits)
                guard code >= 0 else { return false }
                var run = code &>> 4
                let size = code & 15
                if size == 0 {
                    if run < 15 {
                        eobRun = (1 << run) + Self.take(run, &bits)
                        break
                    }
                } else {
                    guard size == 1 else { return false }
                    bits.consume(1)
                }
                while index <= scan.last {
                    if mask &>> UInt64(truncatingIfNeeded: index) & 1 != 0 {
                        bits.refill()
                        bits.consume(1)
                    } else {
                        if run == 0 { break }
                        run -= 1
                    }
                    index += 1
                }
                if size != 0 {
                    guard index <= scan.last else { return false }
                    found |= 1 &<< UInt64(truncatingIfNeeded: index)
                }
                index += 1
            }
        }
        if eobRun > 0 {
            if index <= scan.last {
                let band = (~UInt64(0) >> UInt64(63 - scan.last)) & (~UInt64(0) << UInt64(index))
                var refinements = (mask & band).nonzeroBitCount
                while refinements > 0 {
                    bits.refill()
                    let step = min(refinements, 32)
                    bits.consume(step)
                    refinements -= step
                }
            }
            eobRun -= 1
        }
        known[block] = found
        return true
    }

    @inline(__always)
    private static func take(_ count: Int, _ bits: inout JPEGScanBits) -> Int {
        guard count > 0 else { return 0 }
        bits.refill()
        let value = Int(truncatingIfNeeded: bits.bits &>> UInt64(truncatingIfNeeded: 64 &- count))
        bits.consume(count)
        return value
    }
}
