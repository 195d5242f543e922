internal import EvidenceModel

/// PostScript documents and EPS pictures (Document Structuring Conventions 3.0; Encapsulated PostScript 3.0).
///
/// Text up to its `%%EOF`, those of documents inside not counted; or a header with the places of the text and of a
/// preview.
struct PostScriptWalker: TextWalker {
    let name = "postscript"
    let signatures = [WalkerSignature("%!PS-Adobe-"), WalkerSignature([0xC5, 0xD0, 0xD3, 0xC6])]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try PostScriptWalk(reader).verdict() }
}

private struct PostScriptWalk: FileWalk {
    static let largest = 512 << 20
    static let longestKept = 1024

    let input: WalkInput
    var file = WalkedFile(
        length: 11, confidence: .structural, format: "ps", fileExtension: "ps", mime: "application/postscript")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.matches([0xC5, 0xD0, 0xD3, 0xC6], at: 0) else { return try text() }
        var end = 30
        for field in [4, 12, 20] {
            let start = try input.u32le(field)
            let length = try input.u32le(field + 4)
            guard length > 0 || field > 4 else { throw .rejected("a picture without its text") }
            if length == 0 { continue }
            guard start >= 30 else { throw .rejected("a part that lies in the header") }
            if field == 4 {
                guard try input.matches("%!PS", at: start) else { throw .rejected("no text where the header says") }
                isRecognised = true
                become(isPicture: true)
            }
            guard input.fits(start, length) else { throw .broken("the source ends inside the picture") }
            end = max(end, start + length)
            file.length = max(file.length, end)
        }
        file.leaveUnchecked(30..<end)
        file.length = end
    }

    private mutating func become(isPicture: Bool) {
        guard isPicture else { return }
        (file.format, file.fileExtension, file.mime) = ("eps", "eps", "image/x-eps")
    }

    /// Follows the text line by line.
    private mutating func text() throws(WalkStop) {
        isRecognised = true
        var lines = PostScriptLines()
        var marks = PostScriptMarks()
        let limit = min(input.count, Self.largest)
        try input.scanPieces(of: 0..<limit) { piece in
            for byte in piece {
                lines.take(byte)
                if lines.isOver { break }
                marks.take(byte)
            }
            return !lines.isOver
        }
        lines.finish()
        become(isPicture: lines.isPicture)
        for (key, value) in lines.values { file.note(key, text: value) }
        guard let end = lines.end else {
            file.length = lines.valid
            throw .broken("the text ends before its %%EOF")
        }
        file.length = end
        marks.end(at: end)
        file.doubt(
            try marks.trace.unmarked(input),
            because: "blocks without a sign of the language may be pieces of another text: nothing would show it")
        file.leaveUnchecked(0..<end)
    }
}

/// Signs of the language that prose hardly has: comments that begin a line, brackets of procedures and arrays, names.
private struct PostScriptMarks {
    private(set) var trace = SyntaxTrace()
    private var position = 0
    private var previous: UInt8 = 0x0A

    mutating func take(_ byte: UInt8) {
        let beginsLine = previous == 0x0A || previous == 0x0D
        let beginsWord = beginsLine || previous == 0x20 || previous == 0x09 || previous == 0x7B || previous == 0x5B
        switch byte {
        case 0x7B, 0x7D, 0x5B, 0x5D: trace.mark(position)
        case 0x2F where beginsWord: trace.mark(position)
        case 0x25 where beginsLine: trace.mark(position)
        default: break
        }
        previous = byte
        position += 1
    }

    mutating func end(at offset: Int) { trace.mark(max(offset, position)) }
}

/// The lines of a PostScript document, one byte after the other.
private struct PostScriptLines {
    private static let keys = [
        "%%Title:": "title", "%%Creator:": "software", "%%CreationDate:": "created", "%%For:": "artist",
        "%%BoundingBox:": "bounding_box", "%%Pages:": "pages_stated", "%%Copyright:": "copyright",
    ]

    /// The first bytes of the current line.
    private var line: [UInt8] = []
    private var depth = 0
    private var position = 0
    /// Set behind the line %%EOF: its line end still belongs to the file.
    private var isEnding = false
    private var wasReturn = false
    private(set) var isOver = false
    private(set) var end: Int?
    /// Bytes that text can be.
    private(set) var valid = 0
    private(set) var isPicture = false
    private(set) var values: [(String, [UInt8])] = []

    mutating func take(_ byte: UInt8) {
        if isEnding {
            // One line end behind the last line, and the end mark of old printers.
            if byte == 0x0A || byte == 0x0D && !wasReturn {
                wasReturn = byte == 0x0D
                position += 1
                end = position
                if byte == 0x0A { isOver = true }
                return
            }
            if byte == 0x04 { end = position + 1 }
            isOver = true
            return
        }
        if byte == 0 {
            isOver = true
            return
        }
        position += 1
        valid = position
        if byte == 0x0A || byte == 0x0D {
            endOfLine()
            if isEnding {
                end = position
                wasReturn = byte == 0x0D
                if byte == 0x0A { isOver = true }
            }
        } else if line.count < 256 {
            line.append(byte)
            // The last line may have no end.
            if line.count == 5, depth == 0, line.elementsEqual("%%EOF".utf8) { end = position }
        }
    }

    mutating func finish() { if end == nil, depth == 0, line.elementsEqual("%%EOF".utf8) { end = position } }

    private mutating func endOfLine() {
        defer { line.removeAll(keepingCapacity: true) }
        guard line.first == 0x25 else { return }
        if line.starts(with: "%!PS-Adobe-".utf8), depth == 0 {
            isPicture = String(decoding: line, as: UTF8.self).contains("EPSF")
        } else if line.starts(with: "%%BeginDocument".utf8) || line.starts(with: "%%BeginFile".utf8) {
            depth += 1
        } else if line.starts(with: "%%EndDocument".utf8) || line.starts(with: "%%EndFile".utf8) {
            depth = max(0, depth - 1)
        } else if line.starts(with: "%%EOF".utf8), depth == 0 {
            isEnding = true
        } else if depth == 0, values.count < 32, let colon = line.firstIndex(of: 0x3A) {
            guard let key = Self.keys[String(decoding: line[...colon], as: UTF8.self)] else { return }
            let value = line[(colon + 1)...].drop { $0 == 0x20 }
            guard !value.starts(with: "(atend)".utf8), !values.contains(where: { $0.0 == key }) else { return }
            values.append((key, Array(value)))
        }
    }
}
