internal import EvidenceModel

/// Enhanced metafiles (MS-EMF): records that state their sizes, up to the one that ends them all.
struct EnhancedMetafileWalker: FormatWalker {
    let name = "emf"
    let signatures = [WalkerSignature([0x20, 0x45, 0x4D, 0x46, 0, 0, 1, 0], at: 40)]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try EnhancedMetafileWalk(reader).verdict() }
}

private struct EnhancedMetafileWalk: FileWalk {
    static let highestType = 122

    let input: WalkInput
    var file = WalkedFile(length: 88, confidence: .structural, format: "emf", fileExtension: "emf", mime: "image/emf")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let head = try input.u32le(4)
        let size = try input.u32le(48)
        let records = try input.u32le(52)
        guard try input.u32le(0) == 1, (88...65_536).contains(head), head % 4 == 0, size % 4 == 0, size > head,
            records >= 2
        else { throw .rejected("not the header record of a metafile") }
        isRecognised = true
        file.length = head
        try describe(head)
        var at = head
        var count = 1
        while true {
            let type = try input.u32le(at)
            let length = try input.u32le(at + 4)
            guard (1...Self.highestType).contains(type), length >= 8, length % 4 == 0, length <= size - at else {
                throw .broken("no record where one must start")
            }
            guard input.fits(at, length) else { throw .broken("the source ends inside a record") }
            at += length
            count += 1
            file.length = at
            if type == 14 {
                guard try input.u32le(at - 4) == length else { throw .broken("the last record contradicts itself") }
                break
            }
        }
        guard at == size, count == records else { throw .broken("the header states another size or number of records") }
        file.note("records", records)
    }

    private mutating func describe(_ head: Int) throws(WalkStop) {
        func signed(_ at: Int) throws(WalkStop) -> Int { Int(Int32(truncatingIfNeeded: try input.u32le(at))) }
        file.note("width", max(0, try signed(16) - signed(8)))
        file.note("height", max(0, try signed(20) - signed(12)))
        let characters = try input.u32le(60)
        let place = try input.u32le(64)
        guard characters > 0, characters <= 1024, place >= 88, place + 2 * characters <= head else { return }
        // Two texts with a zero behind each: what made it, and its title.
        let text = try input.bytes(at: place, count: 2 * characters)
        if let maker = EvidenceText.cleanUTF16(text, bigEndian: false) { file.facts["software"] = .string(maker) }
        var end = 0
        while end + 1 < text.count, text[end] != 0 || text[end + 1] != 0 { end += 2 }
        if end + 2 < text.count, let title = EvidenceText.cleanUTF16(text[(end + 2)...], bigEndian: false) {
            file.facts["title"] = .string(title)
        }
    }
}

/// Windows metafiles (MS-WMF), with and without the header that places them.
struct WindowsMetafileWalker: FormatWalker {
    let name = "wmf"
    let signatures = [
        WalkerSignature([0xD7, 0xCD, 0xC6, 0x9A, 0, 0]), WalkerSignature([1, 0, 9, 0, 0, 3]),
        WalkerSignature([2, 0, 9, 0, 0, 3]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try WindowsMetafileWalk(reader).verdict() }
}

private struct WindowsMetafileWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(length: 18, confidence: .structural, format: "wmf", fileExtension: "wmf", mime: "image/wmf")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var start = 0
        if try input.matches([0xD7, 0xCD, 0xC6, 0x9A], at: 0) {
            var sum = 0
            for word in 0..<10 { sum ^= try input.u16le(2 * word) }
            guard sum == (try input.u16le(20)) else { throw .rejected("the header's checksum does not hold") }
            start = 22
        }
        let size = try input.u32le(start + 6) * 2
        guard (1...2).contains(try input.u16le(start)), try input.u16le(start + 2) == 9,
            [0x100, 0x300].contains(try input.u16le(start + 4)), size > 18 + 6
        else { throw .rejected("not the header of a metafile") }
        let largest = try input.u32le(start + 12) * 2
        var at = start + 18
        var records = 0
        while true {
            let length = try input.u32le(at) * 2
            let function = try input.u16le(at + 4)
            guard length >= 6, length <= start + size - at, length <= max(largest, 6), function != 0 || length == 6
            else {
                throw .broken("no record where one must start")
            }
            guard input.fits(at, length) else { throw .broken("the source ends inside a record") }
            at += length
            records += 1
            file.length = at
            if function == 0 { break }
            isRecognised = isRecognised || records >= 2 || start > 0
        }
        isRecognised = true
        guard records > 1 else { throw .rejected("a metafile without records") }
        guard at == start + size else { throw .broken("the header states another size") }
        file.note("records", records)
        if start > 0 {
            func signed(_ at: Int) throws(WalkStop) -> Int { Int(Int16(truncatingIfNeeded: try input.u16le(at))) }
            file.note("width", abs(try signed(10) - signed(6)))
            file.note("height", abs(try signed(12) - signed(8)))
            file.note("units_per_inch", try input.u16le(14))
        }
    }
}
