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

    /// The blocks of one unit, in their order: one of a component alone, else as many of each as it is sampled.
    func plan(of frame: JPEGFrame) -> [Part] {
        guard parts.count > 1 else { return parts }
        return parts.flatMap { part in
            let component = frame.components[part.component]
            return [Part](repeating: part, count: component.horizontal * component.vertical)
        }
    }
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

    fileprivate let frame: JPEGFrame
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

    /// What following a scan rests on.
    struct Scan {
        let header: JPEGScanHeader
        let tables: JPEGHuffmanTables
        let restartInterval: Int
        /// For each component, the largest DC value that its quantizer allows.
        var brightest: InlineArray<4, Int>
        /// Units of a line.
        let columns: Int
        let rows: Int
        fileprivate let plan: [JPEGScanHeader.Part]

        init(
            _ header: JPEGScanHeader, of frame: JPEGFrame, tables: JPEGHuffmanTables, restartInterval: Int,
            brightest: InlineArray<4, Int>
        ) {
            self.header = header
            self.tables = tables
            self.restartInterval = restartInterval
            self.brightest = brightest
            let alone = header.parts.count == 1 ? frame.components[header.parts[0].component] : nil
            columns = alone?.ownColumns ?? frame.unitColumns
            rows = alone?.ownRows ?? frame.unitRows
            plan = frame.isProgressive ? [] : header.plan(of: frame)
        }

        var units: Int { columns * rows }

        /// True when no other scan is to come.
        func coversPicture(of decoder: borrowing JPEGScanDecoder) -> Bool {
            header.parts.count == decoder.frame.components.count
        }
    }

    var isProgressive: Bool { frame.isProgressive }

    /// How far a scan was followed: enough to go on from there.
    struct Progress {
        var bits: JPEGScanBits
        /// Units that were followed.
        var unit = 0
        var predictions = InlineArray<4, Int>(repeating: 0)
        fileprivate(set) var untilRestart: Int
        fileprivate(set) var restart = 0
        fileprivate(set) var eobRun = 0

        init(_ scan: borrowing Scan, input: WalkInput, at offset: Int) {
            bits = JPEGScanBits(input, at: offset)
            untilRestart = scan.restartInterval
        }
    }

    /// Follows the scan whose data starts at an offset.
    mutating func follow(_ scan: Scan, input: WalkInput, at offset: Int) throws(WalkStop) -> End {
        var progress = Progress(scan, input: input, at: offset)
        begin(scan)
        if let reason = advance(scan, &progress, upTo: scan.units) {
            if let failure = progress.bits.failure { throw failure }
            return .broken(at: progress.bits.position, reason)
        }
        guard progress.eobRun == 0, let stray = progress.bits.alignToMarker(most: Self.mostStrayBytes),
            stray <= Self.mostStrayBytes
        else {
            if let failure = progress.bits.failure { throw failure }
            return .broken(at: progress.bits.position, "the scan does not end with the picture")
        }
        strayBytes += stray
        return .whole(progress.bits.position)
    }

    /// Makes room for what a scan needs to remember.
    mutating func begin(_ scan: borrowing Scan) {
        if frame.isProgressive, scan.header.first > 0, known.isEmpty {
            known = [UInt64](repeating: 0, count: frame.components.reduce(0) { $0 + $1.columns * $1.rows })
        }
    }

    /// Follows units up to the given number of them; answers what is wrong where one makes no sense.
    ///
    /// - Parameter stop: no unit is begun whose first bit lies behind this offset, or behind the end of the data.
    mutating func advance(
        _ scan: borrowing Scan, _ progress: inout Progress, upTo limit: Int, before stop: Int = .max
    ) -> String? {
        var bits = progress.bits
        var predictions = progress.predictions
        eobRun = progress.eobRun
        defer {
            progress.bits = bits
            progress.predictions = predictions
            progress.eobRun = eobRun
        }
        let alone = scan.header.parts.count == 1 ? scan.header.parts[0] : nil
        // Where the block of column 0 stands, and how far the next row's is from it.
        let knownStart = alone.map { knownStarts[$0.component] } ?? 0
        let knownStep = alone.map { frame.components[$0.component].columns } ?? 0
        let columns = scan.columns
        var column = progress.unit % columns
        var rowStart = knownStart &+ progress.unit / columns &* knownStep
        // Runs of empty blocks take no bits.
        let looksForEnd = stop < .max && !frame.isProgressive
        while progress.unit < limit, bits.firstByte < stop, !looksForEnd || !bits.endsHere {
            if scan.restartInterval > 0 {
                if progress.untilRestart == 0 {
                    guard bits.alignToMarker(most: 0) == 0, Int(bits.marker) == 0xD0 + progress.restart else {
                        return "no restart marker where one must stand"
                    }
                    bits.stepOverMarker()
                    progress.restart = (progress.restart + 1) & 7
                    progress.untilRestart = scan.restartInterval
                    eobRun = 0
                    predictions = InlineArray(repeating: 0)
                }
                progress.untilRestart -= 1
            }
            var isSound = true
            if !frame.isProgressive {
                isSound = Self.unit(scan.plan.span, scan.tables, &bits, &predictions, scan.brightest)
            } else if let alone {
                isSound = block(
                    scan.header, alone, scan.tables, &bits, &predictions, scan.brightest, index: rowStart &+ column)
            } else {
                for part in scan.header.parts {
                    let component = frame.components[part.component]
                    for _ in 0..<component.horizontal * component.vertical where isSound {
                        isSound = block(
                            scan.header, part, scan.tables, &bits, &predictions, scan.brightest, index: 0)
                    }
                }
            }
            guard isSound, bits.held >= 0 else {
                return bits.held < 0 ? "the picture's data end before its last block" : "codes no picture has"
            }
            progress.unit &+= 1
            column &+= 1
            if column == columns {
                column = 0
                rowStart &+= knownStep
            }
        }
        return nil
    }

    // MARK: Trials

    /// Changes to ``known`` that can be taken back; nil while none are noted.
    private var changes: [(block: Int, before: UInt64)]?

    /// Remembers from now on what ``known`` was.
    mutating func beginTrial() { changes = [] }

    /// Changes of the trial so far.
    var trialChanges: Int { changes?.count ?? 0 }

    /// Makes ``known`` what it was when the trial began, or when it had made fewer changes.
    mutating func takeBackTrial(to count: Int = 0) {
        while let change = changes?.last, trialChanges > count {
            known[change.block] = change.before
            changes?.removeLast()
        }
    }

    private mutating func remember(_ found: UInt64, of block: Int) {
        changes?.append((block, known[block]))
        known[block] = found
    }

    /// Follows the blocks of one unit of a sequential scan; false when their codes make no sense.
    @inline(__always)
    private static func unit(
        _ plan: Span<JPEGScanHeader.Part>, _ tables: borrowing JPEGHuffmanTables, _ bits: inout JPEGScanBits,
        _ predictions: inout InlineArray<4, Int>, _ brightest: InlineArray<4, Int>
    ) -> Bool {
        for index in plan.indices {
            let part = plan[index]
            guard brightness(part, tables, &bits, &predictions, brightest), coefficients(part.acTable, tables, &bits)
            else { return false }
        }
        return true
    }

    /// Follows one block of a progressive scan; false when its codes make no sense.
    @inline(__always)
    private mutating func block(
        _ scan: JPEGScanHeader, _ part: JPEGScanHeader.Part, _ tables: borrowing JPEGHuffmanTables,
        _ bits: inout JPEGScanBits, _ predictions: inout InlineArray<4, Int>, _ brightest: InlineArray<4, Int>,
        index: Int
    ) -> Bool {
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
        _ predictions: inout InlineArray<4, Int>, _ brightest: InlineArray<4, Int>, low: Int = 0
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
        let steps = tables.acSteps.span
        let first = table &<< JPEGHuffmanTables.lookupBits
        // The bits in hand stay in registers from code to code: here a medium of photographs spends its time.
        var word = bits.bits
        var held = bits.held
        var index = 1
        while index < 64 {
            if held < 32 {
                bits.putBack(word, held)
                bits.refill()
                word = bits.bits
                held = bits.held
            }
            let peek = Int(truncatingIfNeeded: word &>> UInt64(64 - JPEGHuffmanTables.lookupBits))
            let step = steps[first | peek]
            if step != 0 {
                let length = step & (1 &<< JPEGHuffmanTables.ACStep.lengthBits &- 1)
                word &<<= UInt64(length)
                held &-= Int(length)
                index &+= Int(step &>> JPEGHuffmanTables.ACStep.lengthBits)
            } else {
                bits.putBack(word, held)
                guard let next = rareCoefficient(table, tables, &bits, at: index) else { return false }
                index = next
                word = bits.bits
                held = bits.held
            }
        }
        bits.putBack(word, held)
        return index == 64 || index > JPEGHuffmanTables.ACStep.endOfBlock
    }

    /// A code longer than a look-up, or sixteen zeros; nil when there is no such code.
    @inline(never)
    private static func rareCoefficient(
        _ table: Int, _ tables: borrowing JPEGHuffmanTables, _ bits: inout JPEGScanBits, at index: Int
    ) -> Int? {
        let code = symbol(4 + table, tables, &bits)
        guard code >= 0 else { return nil }
        let size = code & 15
        let run = code &>> 4
        if size > 0 {
            bits.consume(size)
            return index + run + 1
        }
        if run == 0 { return index + JPEGHuffmanTables.ACStep.endOfBlock }
        // Sixteen zeros and then nothing would be an end of the block.
        return run == 15 && index + 16 < 64 ? index + 16 : nil
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
        if found != 0 { remember(known[block] | found, of: block) }
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
        if found != mask { remember(found, of: block) }
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
