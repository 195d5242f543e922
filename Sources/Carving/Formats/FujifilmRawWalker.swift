internal import EvidenceModel

/// Raw pictures of Fujifilm cameras (.raf): a header with the places of a JPEG picture, of metadata and of the sensor's
/// data. The layout is not published; it is known from the files.
struct FujifilmRawWalker: FormatWalker {
    let name = "raf"
    let signatures = [WalkerSignature("FUJIFILMCCD-RAW ")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try FujifilmRawWalk(reader).verdict() }
}

private struct FujifilmRawWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 84, confidence: .structural, format: "raf", fileExtension: "raf", mime: "image/x-fuji-raf")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        file.note("camera_model", text: try input.bytes(at: 28, count: 32))
        var parts: [Range<Int>] = []
        for field in [84, 92, 100] {
            let start = try input.u32be(field)
            let length = try input.u32be(field + 4)
            guard start >= 108, length > 0 else { throw .rejected("a part of the picture is missing") }
            parts.append(start..<start + length)
        }
        guard try input.matches([0xFF, 0xD8, 0xFF], at: parts[0].lowerBound) else {
            throw .rejected("no JPEG picture where the header says")
        }
        isRecognised = true
        var end = 84
        for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            guard part.lowerBound >= end else { throw .broken("the parts of the picture overlap") }
            guard input.fits(part.lowerBound, part.count) else { throw .broken("the source ends inside the picture") }
            end = part.upperBound
            file.length = end
        }
        try preview(parts[0])
        file.leaveUnchecked(parts[1].lowerBound..<end)
    }

    /// Walks the JPEG picture, which also has the facts about the picture.
    private mutating func preview(_ part: Range<Int>) throws(WalkStop) {
        let verdict: WalkVerdict
        do { verdict = try JPEGWalker().walk(input.reader.reader(at: part.lowerBound)) } catch { throw .failed(error) }
        guard case .complete(let picture) = verdict, picture.length <= part.count else {
            throw .broken("the JPEG picture is damaged")
        }
        for (key, value) in picture.facts where file.facts[key] == nil { file.facts[key] = value }
        file.leaveUnchecked(part.lowerBound + picture.length..<part.upperBound)
    }
}
