internal import EvidenceModel

/// DjVu documents (DjVu3 specification): an IFF form whose chunks fill it.
struct DjVuWalker: FormatWalker {
    let name = "djvu"
    let signatures = [WalkerSignature("AT&TFORM")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try DjVuWalk(reader).verdict() }
}

private struct DjVuWalk: FileWalk {
    static let mostChunks = 1 << 20

    let input: WalkInput
    var file = WalkedFile(
        length: 16, confidence: .structural, format: "djvu", fileExtension: "djvu", mime: "image/vnd.djvu")
    var isRecognised = false
    var pages = 0
    var chunks = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        let form = try input.tag(12)
        guard form == "DJVU" || form == "DJVM" || form == "DJVI" else { throw .rejected("an IFF form of another kind") }
        let end = 12 + (try input.u32be(8))
        guard end >= 16 + 8 else { throw .rejected("an empty document") }
        isRecognised = true
        if form == "DJVU" { pages = 1 }
        try body(from: 16, to: end, depth: 0)
        guard input.fits(0, end) else { throw .broken("the source ends inside the document") }
        guard chunks > 0 else { throw .broken("an empty document") }
        file.length = end
        file.note("pages", pages)
    }

    private mutating func body(from start: Int, to end: Int, depth: Int) throws(WalkStop) {
        var at = start
        while end - at > 1 {
            let type = try input.tag(at)
            let length = try input.u32be(at + 4)
            chunks += 1
            guard type.isPrintable, chunks <= Self.mostChunks, length <= end - at - 8 else {
                throw .broken("no chunk where one must start")
            }
            guard input.fits(at + 8, length) else { throw .broken("the source ends inside \(type.text)") }
            if type == "FORM", length >= 4, depth == 0 {
                if try input.tag(at + 8) == "DJVU" { pages += 1 }
                try body(from: at + 12, to: at + 8 + length, depth: 1)
            } else {
                if type == "INFO", length >= 5 {
                    file.note("width", try input.u16be(at + 8))
                    file.note("height", try input.u16be(at + 10))
                    if length >= 8 { file.note("dots_per_inch", try input.u16le(at + 14)) }
                }
                file.leaveUnchecked(at + 8..<at + 8 + length)
            }
            at += 8 + length
            if length % 2 == 1, at < end { at += 1 }
            file.length = at
        }
    }
}
