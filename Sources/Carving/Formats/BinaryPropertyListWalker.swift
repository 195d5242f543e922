internal import EvidenceModel

/// Apple binary property lists (CoreFoundation, CFBinaryPList.c): objects, a table of their offsets, and a trailer.
///
/// The trailer lies at the end, whose place nothing at the start tells: the first place where a trailer describes
/// exactly the bytes before it is the end. Writers lay objects end to end, so the objects must be those of the table.
struct BinaryPropertyListWalker: FormatWalker {
    let name = "bplist"
    let signatures = [WalkerSignature("bplist00")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try BinaryPropertyListWalk(reader).verdict() }
}

private struct BinaryPropertyListWalk: FileWalk {
    static let longest = 16 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 8, confidence: .structural, format: "bplist", fileExtension: "plist", mime: "application/x-bplist")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let end = min(input.count, Self.longest)
        var at = 9
        // Five unused bytes and the sort version begin the trailer.
        while let hit = try input.firstOffset(of: [0, 0, 0, 0, 0], from: at, to: end) {
            if let trailer = try BinaryPropertyListTrailer(input, at: hit), trailer.table + trailer.tableLength == hit,
                let offsets = try trailer.offsets(input, movedBy: 0)
            {
                isRecognised = true
                file.length = hit + BinaryPropertyListTrailer.length
                file.note("objects", trailer.count)
                if try !isLaidEndToEnd(offsets, trailer) {
                    file.confidence = .header
                    file.warnings.append("its objects are not those that its table names, end to end")
                }
                return
            }
            at = hit + 1
        }
        let objects = try BinaryPropertyListObjects.mostFollowed(input, to: end)
        guard objects.count > 1 else { throw .rejected("no trailer that describes the bytes before it") }
        isRecognised = true
        file.length = objects.end
        throw .broken("no trailer that describes the bytes before it")
    }

    /// True when each object begins where the one before ends, at an offset of the table, and the last one ends at it.
    private func isLaidEndToEnd(_ offsets: Set<Int>, _ trailer: BinaryPropertyListTrailer) throws(WalkStop) -> Bool {
        var objects = BinaryPropertyListObjects(input, referenceSize: trailer.referenceSize, to: trailer.table)
        while objects.end < trailer.table {
            guard offsets.contains(objects.end), try objects.follow() else { return false }
        }
        return objects.count == offsets.count
    }
}

/// The last 32 bytes of a binary property list.
struct BinaryPropertyListTrailer {
    static let length = 32
    /// Objects of the largest list that is looked at.
    private static let mostObjects = 1 << 20

    let offsetSize: Int
    let referenceSize: Int
    let count: Int
    /// Where the table of offsets begins.
    let table: Int

    var tableLength: Int { count * offsetSize }

    /// The trailer at an offset; nil when what stands there is none.
    init?(_ input: WalkInput, at start: Int) throws(WalkStop) {
        guard input.fits(start, Self.length) else { return nil }
        offsetSize = try input.u8(start + 6)
        referenceSize = try input.u8(start + 7)
        guard (1...8).contains(offsetSize), (1...8).contains(referenceSize) else { return nil }
        count = try input.length64be(start + 8)
        let top = try input.length64be(start + 16)
        table = try input.length64be(start + 24)
        guard count > 0, top < count, count <= Self.mostObjects, table >= 9, table < 1 << 40 else { return nil }
    }

    /// Where objects begin; nil when the table says what cannot be.
    ///
    /// - Parameter moved: how far behind its stated place the table stands.
    func offsets(_ input: WalkInput, movedBy moved: Int) throws(WalkStop) -> Set<Int>? {
        var offsets: Set<Int> = []
        for index in 0..<count {
            var offset = 0
            for byte in 0..<offsetSize {
                guard offset < 1 << 40 else { return nil }
                offset = offset << 8 | (try input.u8(table + moved + index * offsetSize + byte))
            }
            guard offset >= 8, offset < table else { return nil }
            offsets.insert(offset)
        }
        return offsets
    }
}

/// The chain of a binary property list's objects.
struct BinaryPropertyListObjects {
    let input: WalkInput
    /// Bytes of a reference to an object, which only the trailer states.
    let referenceSize: Int
    let limit: Int
    /// Where the last object ends.
    private(set) var end = 8
    private(set) var count = 0

    init(_ input: WalkInput, referenceSize: Int, to limit: Int) {
        self.input = input
        self.referenceSize = referenceSize
        self.limit = limit
    }

    /// The chain that is followed furthest with any usual size of references.
    static func mostFollowed(_ input: WalkInput, to limit: Int) throws(WalkStop) -> BinaryPropertyListObjects {
        var best = BinaryPropertyListObjects(input, referenceSize: 1, to: limit)
        while try best.follow() {}
        var other = BinaryPropertyListObjects(input, referenceSize: 2, to: limit)
        while try other.follow() {}
        return other.end > best.end ? other : best
    }

    /// Steps over the next object; false when none stands there.
    mutating func follow() throws(WalkStop) -> Bool {
        guard end < limit else { return false }
        let marker = try input.u8(end)
        var low = marker & 15
        var body = end + 1
        let size: Int
        switch marker >> 4 {
        case 0:
            guard [0, 8, 9, 15].contains(low) else { return false }
            size = 0
        case 1:
            guard low <= 4 else { return false }
            size = 1 << low
        case 2:
            guard low == 2 || low == 3 else { return false }
            size = 1 << low
        case 3:
            guard low == 3 else { return false }
            size = 8
        case 8: size = low + 1
        case 4, 5, 6, 10, 12, 13:
            if low == 15 {
                guard body < limit else { return false }
                let width = try input.u8(body)
                guard width >> 4 == 1, width & 15 <= 2, limit - body > 4 else { return false }
                low = 0
                for byte in 0..<1 << (width & 15) { low = low << 8 | (try input.u8(body + 1 + byte)) }
                body += 1 + 1 << (width & 15)
            }
            size = low * width(of: marker >> 4)
        default: return false
        }
        guard limit - body >= size else { return false }
        if marker >> 4 == 5 { guard try isASCII(body..<body + size) else { return false } }
        end = body + size
        count += 1
        return true
    }

    private func width(of kind: Int) -> Int {
        switch kind {
        case 4, 5: 1
        case 6: 2
        case 13: 2 * referenceSize
        default: referenceSize
        }
    }

    private func isASCII(_ text: Range<Int>) throws(WalkStop) -> Bool {
        try input.countRun(at: text.lowerBound, atMost: text.count) { $0 < 0x80 } == text.count
    }
}
