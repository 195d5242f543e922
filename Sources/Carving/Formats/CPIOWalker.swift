internal import EvidenceModel

/// cpio archives with headers of text (cpio(5): "new ASCII", "new CRC" and "old portable ASCII").
///
/// Headers state the sizes of names and content; the member TRAILER!!! ends the archive.
struct CPIOWalker: FormatWalker {
    let name = "cpio"
    let signatures = ["070701", "070702", "070707"].map { WalkerSignature($0) }

    let tailsAreFiles = true
    /// A member may be little more than its header, which is parsed.
    let readingCost = 8

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CPIOWalk(reader).verdict() }
}

private struct CPIOWalk: FileWalk {
    static let longestName = 4096
    static let mostMembers = WalkLimit.cpioMembers.value

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "cpio", fileExtension: "cpio", mime: "application/x-cpio")
    var isRecognised = false
    var names = MemberNames()

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let isOld = try input.matches("070707", at: 0)
        let signature = try input.bytes(at: 0, count: 6)
        var at = 0
        while true {
            guard try input.matches(signature, at: at) else { throw .broken("no member where one must start") }
            let header = isOld ? 76 : 110
            let nameSize = isOld ? try octal(at + 59, 6) : try hex(at + 94)
            let size = isOld ? try octal(at + 65, 11) : try hex(at + 54)
            guard names.count < Self.mostMembers else {
                throw input.stop(at: .cpioMembers, "more members than any real archive has")
            }
            guard (1...Self.longestName).contains(nameSize) else {
                throw isRecognised ? .broken("an impossible name") : .rejected("an impossible name")
            }
            let name = try input.bytes(at: at + header, count: nameSize)
            guard name.last == 0 else { throw isRecognised ? .broken("a name without an end") : .rejected("no name") }
            isRecognised = true
            let content = isOld ? at + header + nameSize : (at + header + nameSize + 3) / 4 * 4
            guard input.fits(content, size) else {
                file.length = at
                throw .broken("the source ends inside a member")
            }
            if name.dropLast().elementsEqual("TRAILER!!!".utf8), size == 0 {
                file.length = content
                break
            }
            if try input.matches("070702", at: at), size > 0 { try compare(content..<content + size, hex(at + 102)) }
            names.add(name)
            at = content + size
            if !isOld { at = (at + 3) / 4 * 4 }
            file.length = min(at, input.count)
        }
        // Most writers fill the archive up with zeros to whole records of 512 bytes, some do not: where zeros follow,
        // nothing shows which.
        let end = (file.length + 511) / 512 * 512
        if end > file.length, input.fits(0, end), try input.isZero(file.length..<end) {
            file.certainLength = file.length
            file.length = end
            file.confidence = .header
            file.warnings.append("the zeros behind the last member may be the archive's or the medium's")
        }
        names.note(in: &file)
    }

    /// The header's sum of the content's bytes, in "new CRC" archives.
    private func compare(_ range: Range<Int>, _ stated: Int) throws(WalkStop) {
        var sum: UInt32 = 0
        try input.forEachPiece(of: range) { (piece: ArraySlice<UInt8>) in
            for byte in piece { sum &+= UInt32(byte) }
        }
        // Of members with several names, only the last has content and sum; the others state zero.
        guard stated == 0 || Int(sum) == stated else { throw .broken("a member's sum does not hold") }
    }

    private func hex(_ at: Int) throws(WalkStop) -> Int { try number(at, 8, base: 16) }

    private func octal(_ at: Int, _ digits: Int) throws(WalkStop) -> Int { try number(at, digits, base: 8) }

    private func number(_ at: Int, _ digits: Int, base: Int) throws(WalkStop) -> Int {
        guard input.fits(at, digits) else { throw .failed(.pastEnd(offset: at)) }
        var value = 0
        for place in at..<at + digits {
            guard let digit = Self.digit(try input.u8(place)), digit < base else {
                throw isRecognised ? .broken("no number in a header") : .rejected("no number in the header")
            }
            value = value * base + digit
        }
        return value
    }

    private static func digit(_ character: Int) -> Int? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x41 + 10
        case 0x61...0x66: character - 0x61 + 10
        default: nil
        }
    }
}
