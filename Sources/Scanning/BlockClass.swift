/// What a block of a medium looks like, whatever was found in it. `Documentation/Formats/coverage.md` has the exact tests.
public enum BlockClass: UInt8, CaseIterable, Hashable, Sendable {
    /// Every byte is 00.
    case zero
    /// Every byte has one value, another than 00.
    case filled
    /// Reads as text.
    case text
    /// Nearly as many byte values as chance gives: compressed, encrypted or random data, which this cannot tell apart.
    case highEntropy
    /// None of these.
    case other

    /// Bytes a block, counted from the start of the medium.
    public static let blockSize = 512
    /// Of 512 bytes drawn by chance 221.5 values are different on average, and fewer than these in one block of six
    /// thousand million.
    static let fewestHighEntropyValues = 192
    /// Bytes of a part of a block from which on it may be filled, or text by its characters of several bytes: fewer are too
    /// short to tell.
    static let shortestTold = 16
    /// At most one byte in so many has its highest bit set in text of an eight-bit code.
    static let bytesPerHighByte = 8
}

/// Neighbouring blocks of the same class.
struct BlockRun: Hashable, Sendable {
    var kind: BlockClass
    /// Number of blocks, at least 1; the medium's last one may be short.
    var blocks: Int
}

/// Tells the classes of the blocks of a page.
///
/// Owner of the table: the call that made it. Rides the pass over a medium, so it costs what a copy of the page costs.
struct BlockClassifier {
    /// One for each byte value that occurs in a block.
    private var occurs = [UInt8](repeating: 0, count: 256)

    /// The runs of the classes of the blocks in `bytes`, of which the first begins at a block border.
    static func runs(of bytes: Span<UInt8>) -> [BlockRun] {
        var classifier = BlockClassifier()
        var runs: [BlockRun] = []
        var offset = 0
        while offset < bytes.count {
            let count = min(BlockClass.blockSize, bytes.count - offset)
            let kind = classifier.kind(of: bytes.extracting(offset..<offset + count))
            offset += count
            if let last = runs.indices.last, runs[last].kind == kind {
                runs[last].blocks += 1
            } else {
                runs.append(BlockRun(kind: kind, blocks: 1))
            }
        }
        return runs
    }

    mutating func kind(of block: Span<UInt8>) -> BlockClass {
        guard block.count == BlockClass.blockSize else { return Self.kind(ofShort: block.indices.map { block[$0] }) }
        return unsafe block.withUnsafeBytes { block in
            let first = unsafe block[0]
            if unsafe Self.isFilled(block, with: first) { return first == 0 ? .zero : .filled }
            if let highBytes = unsafe Self.highBytes(ofPrintable: block) {
                if highBytes * BlockClass.bytesPerHighByte <= block.count { return .text }
                if unsafe WellFormedText.isUTF8(block) { return .text }
            }
            return unsafe distinctValues(of: block) >= BlockClass.fewestHighEntropyValues ? .highEntropy : .other
        }
    }

    /// The medium's last block, or a part of a block: too short to tell high entropy.
    ///
    /// A few equal bytes are no pattern that somebody wrote: they are text where they read as text, and else unexplained.
    static func kind(ofShort bytes: [UInt8]) -> BlockClass {
        guard let first = bytes.first else { return .zero }
        if bytes.allSatisfy({ $0 == first }), first == 0 || bytes.count >= BlockClass.shortestTold {
            return first == 0 ? .zero : .filled
        }
        guard !bytes.contains(where: { WellFormedText.isControl($0) }) else { return .other }
        let highBytes = bytes.count { $0 >= 0x80 }
        if highBytes * BlockClass.bytesPerHighByte <= bytes.count { return .text }
        guard bytes.count >= BlockClass.shortestTold else { return .other }
        return unsafe bytes.withUnsafeBytes { unsafe WellFormedText.isUTF8($0) } ? .text : .other
    }

    // MARK: Whole blocks, in words

    private static func isFilled(_ block: UnsafeRawBufferPointer, with value: UInt8) -> Bool {
        let pattern = UInt64(value) &* 0x0101_0101_0101_0101
        for offset in stride(from: 0, to: BlockClass.blockSize, by: 8) {
            if unsafe block.loadUnaligned(fromByteOffset: offset, as: UInt64.self) != pattern { return false }
        }
        return true
    }

    /// Number of bytes with their highest bit set; nil when there is a control character that text does not hold.
    ///
    /// Eight bytes at a time, in plain words: vectors are slower by an order of magnitude when they are not specialised.
    private static func highBytes(ofPrintable block: UnsafeRawBufferPointer) -> Int? {
        var highBytes = 0
        for offset in stride(from: 0, to: BlockClass.blockSize, by: 8) {
            let word = unsafe block.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let high = word & Self.highBits
            if high != 0 { highBytes += high.nonzeroBitCount }
            let isDelete = word ^ (Self.ones &* 0x7F)
            // Not zero when a byte is below 20, or is 7F; which one is looked at below.
            let below = (word &- Self.ones &* 0x20) & ~word
            let deleted = (isDelete &- Self.ones) & ~isDelete
            guard (below | deleted) & Self.highBits != 0 else { continue }
            for shift in stride(from: UInt64(0), to: 64, by: 8)
            where WellFormedText.isControl(UInt8(truncatingIfNeeded: word >> shift)) {
                return nil
            }
        }
        return highBytes
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    private mutating func distinctValues(of block: UnsafeRawBufferPointer) -> Int {
        unsafe occurs.withUnsafeMutableBytes { occurs in
            for offset in stride(from: 0, to: 256, by: 8) {
                unsafe occurs.storeBytes(of: 0, toByteOffset: offset, as: UInt64.self)
            }
            for offset in stride(from: 0, to: BlockClass.blockSize, by: 8) {
                let word = unsafe block.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                unsafe occurs[Int(truncatingIfNeeded: word & 0xFF)] = 1
                unsafe occurs[Int(truncatingIfNeeded: word >> 8 & 0xFF)] = 1
                unsafe occurs[Int(truncatingIfNeeded: word >> 16 & 0xFF)] = 1
                unsafe occurs[Int(truncatingIfNeeded: word >> 24 & 0xFF)] = 1
                unsafe occurs[Int(truncatingIfNeeded: word >> 32 & 0xFF)] = 1
                unsafe occurs[Int(truncatingIfNeeded: word >> 40 & 0xFF)] = 1
                unsafe occurs[Int(truncatingIfNeeded: word >> 48 & 0xFF)] = 1
                unsafe occurs[Int(truncatingIfNeeded: word >> 56)] = 1
            }
            // At most 32 in each of eight bytes, then the sum of the bytes.
            var sum: UInt64 = 0
            for offset in stride(from: 0, to: 256, by: 8) {
                sum &+= unsafe occurs.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            }
            let pairs = (sum & 0x00FF_00FF_00FF_00FF) + (sum >> 8 & 0x00FF_00FF_00FF_00FF)
            return Int(truncatingIfNeeded: (pairs &* 0x0001_0001_0001_0001) >> 48)
        }
    }
}

/// Text in UTF-8, of which the ends may be cut.
enum WellFormedText {
    /// Most bytes of a character that a cut can leave.
    private static let mostCutBytes = 3

    static func isControl(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x0A, 0x0C, 0x0D: false
        case 0..<0x20, 0x7F: true
        default: false
        }
    }

    /// Well-formed UTF-8 (Unicode 15, table 3-7) but for a character that the start or the end cuts.
    static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < min(mostCutBytes, bytes.count), unsafe bytes[index] & 0xC0 == 0x80 { index += 1 }
        while index < bytes.count {
            let first = unsafe bytes[index]
            index += 1
            let more: Int
            var lowest: UInt8 = 0x80
            var highest: UInt8 = 0xBF
            switch first {
            case 0..<0x80: more = 0
            case 0xC2...0xDF: more = 1
            case 0xE0: (more, lowest) = (2, 0xA0)
            case 0xED: (more, highest) = (2, 0x9F)
            case 0xE1...0xEF: more = 2
            case 0xF0: (more, lowest) = (3, 0x90)
            case 0xF4: (more, highest) = (3, 0x8F)
            case 0xF1...0xF3: more = 3
            default: return false
            }
            for _ in 0..<more {
                // Cut by the end.
                guard index < bytes.count else { return true }
                guard unsafe (lowest...highest).contains(bytes[index]) else { return false }
                (lowest, highest) = (0x80, 0xBF)
                index += 1
            }
        }
        return true
    }
}
