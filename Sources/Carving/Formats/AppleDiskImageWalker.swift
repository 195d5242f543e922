internal import EvidenceModel

/// Apple disk images (UDIF, .dmg): known by the 512 bytes that end them.
///
/// The trailer states where the data, the resources and the property list lie from the image's start; so it states
/// where that start is. The property list must stand where it says, and the data's CRC-32 must hold.
struct AppleDiskImageWalker: FormatWalker {
    let name = "dmg"
    let signatures = [WalkerSignature([0x6B, 0x6F, 0x6C, 0x79, 0, 0, 0, 4, 0, 0, 2, 0])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict {
        try AppleDiskImageWalk(WalkInput(reader)).verdict()
    }
}

private struct AppleDiskImageWalk: FileWalk {
    static let trailer = 512
    static let largestList = 64 << 20

    /// From the trailer on.
    let input: WalkInput
    var file = WalkedFile(
        length: trailer, confidence: .proven, format: "dmg", fileExtension: "dmg", mime: "application/x-apple-diskimage"
    )
    var isRecognised = false

    init(_ input: WalkInput) { self.input = input }

    mutating func run() throws(WalkStop) {
        let data = try part(at: 24)
        let resources = try part(at: 40)
        let list = try part(at: 216)
        let code = try part(at: 296)
        let leading = max(data.upperBound, resources.upperBound, list.upperBound, code.upperBound)
        guard try input.u32be(60) <= 1, !data.isEmpty, list.count > 100, list.count <= Self.largestList,
            data.upperBound <= list.lowerBound || list.upperBound <= data.lowerBound
        else { throw .rejected("not the trailer of a whole image") }
        guard let reader = input.reader.reader(before: leading) else {
            throw .rejected("the image would begin before the medium does")
        }
        let whole = WalkInput(reader)
        guard try whole.matches("<?xml", at: list.lowerBound),
            try whole.firstOffset(of: Array("<key>blkx</key>".utf8), from: list.lowerBound, to: list.upperBound) != nil,
            try whole.firstOffset(
                of: Array("</plist>".utf8), from: list.upperBound - min(list.count, 64), to: list.upperBound) != nil
        else { throw .rejected("no property list where the trailer says") }
        isRecognised = true
        file.leading = leading
        file.holdsFiles = true
        file.length = leading + Self.trailer
        file.note("sectors", try input.length64be(492))
        let checksum = try input.u32be(80)
        if checksum == 2, try input.u32be(84) == 32 {
            guard try Int(whole.crc32(of: data)) == input.u32be(88) else {
                // Only the trailer is certain then: the image may be in pieces, and begin elsewhere.
                file.leading = 0
                file.length = Self.trailer
                throw .broken("the checksum of the data does not hold: of the image only this trailer is certain")
            }
        } else {
            file.confidence = .structural
            file.leaveUnchecked(data)
        }
    }

    /// A part of the image by its place and length; empty when it has none.
    private func part(at field: Int) throws(WalkStop) -> Range<Int> {
        let start = try input.length64be(field)
        let length = try input.length64be(field + 8)
        guard length > 0 else { return 0..<0 }
        guard start < 1 << 50, length < 1 << 50 else { throw .rejected("not the trailer of a whole image") }
        return start..<start + length
    }
}
