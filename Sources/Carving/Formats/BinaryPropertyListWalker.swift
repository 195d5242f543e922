internal import EvidenceModel

/// Apple binary property lists (CoreFoundation, CFBinaryPList.c): objects, a table of their offsets, and a trailer.
///
/// The trailer lies at the end, whose place nothing at the start tells: the first place where a trailer describes
/// exactly the bytes before it is the end.
struct BinaryPropertyListWalker: FormatWalker {
    let name = "bplist"
    let signatures = [WalkerSignature("bplist00")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try BinaryPropertyListWalk(reader).verdict() }
}

private struct BinaryPropertyListWalk: FileWalk {
    static let longest = 16 << 20
    static let trailer = 32

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
            if let objects = try objects(before: hit) {
                isRecognised = true
                file.length = hit + Self.trailer
                file.note("objects", objects)
                return
            }
            at = hit + 1
        }
        throw .rejected("no trailer that describes the bytes before it")
    }

    /// The count of objects, when the trailer at `start` describes the bytes before it.
    private func objects(before start: Int) throws(WalkStop) -> Int? {
        guard input.fits(start, Self.trailer) else { return nil }
        let offsetSize = try input.u8(start + 6)
        let referenceSize = try input.u8(start + 7)
        guard (1...8).contains(offsetSize), (1...8).contains(referenceSize) else { return nil }
        let count = try input.length64be(start + 8)
        let top = try input.length64be(start + 16)
        let table = try input.length64be(start + 24)
        guard count > 0, top < count, count <= Self.longest, table >= 9, table + count * offsetSize == start else {
            return nil
        }
        for index in 0..<count {
            var offset = 0
            for byte in 0..<offsetSize {
                guard offset < 1 << 40 else { return nil }
                offset = offset << 8 | (try input.u8(table + index * offsetSize + byte))
            }
            guard offset >= 8, offset < table else { return nil }
        }
        return count
    }
}
