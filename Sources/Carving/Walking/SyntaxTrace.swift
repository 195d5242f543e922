/// Where a text shows the syntax of its own format.
///
/// Text formats take any text between their marks. A piece of another file can lie there, and is at least one whole block
/// of a medium: where a whole block holds no mark at all, nothing says that it belongs to the document.
struct SyntaxTrace {
    /// Most parts without a mark that are told apart; further ones are joined to the last.
    static let mostParts = 256

    /// One more than where the last mark begins.
    private(set) var last = 0
    /// Whole blocks that hold no mark, ascending.
    private(set) var bare: [Range<Int>] = []

    /// Notes that a mark of the format begins at `offset`, which is not smaller than the one before.
    mutating func mark(_ offset: Int) {
        let block = FreeSpace.block
        let low = (last + block - 1) / block * block
        let high = offset / block * block
        last = max(last, offset + 1)
        guard low < high else { return }
        if bare.count == Self.mostParts {
            bare[bare.count - 1] = bare[bare.count - 1].lowerBound..<high
        } else {
            bare.append(low..<high)
        }
    }

    /// The parts without a mark that are not encoded data either.
    func unmarked(_ input: WalkInput) throws(WalkStop) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        for part in bare where try !EncodedText.fills(part, of: input) { parts.append(part) }
        return parts
    }
}

/// Data written as text: base64, hexadecimal digits, coordinates. Prose, zeros or other data between them show.
enum EncodedText {
    /// True when the range holds nothing else than one kind of encoded data.
    static func fills(_ range: Range<Int>, of input: WalkInput) throws(WalkStop) -> Bool {
        var isBase64 = true
        var isNumbers = true
        // Blanks are part of base64 text only where a line is indented.
        var atLineStart = true
        var previous: UInt8 = 0
        try input.scanPieces(of: range) { piece in
            for byte in piece {
                let isLetter = (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                let isDigit = (0x30...0x39).contains(byte)
                switch byte {
                case 0x0A, 0x0D: atLineStart = true
                case 0x20, 0x09: if !atLineStart { isBase64 = false }
                default:
                    atLineStart = false
                    if !isLetter, !isDigit, !base64Signs.contains(byte) { isBase64 = false }
                    if isLetter {
                        let follows = (0x41...0x5A).contains(previous & 0xDF)
                        if !commands.contains(byte | 0x20) || follows && previous | 0x20 != 0x7A { isNumbers = false }
                    } else if !isDigit, !numberSigns.contains(byte) {
                        isNumbers = false
                    }
                }
                previous = byte
            }
            return isBase64 || isNumbers
        }
        return isBase64 || isNumbers
    }

    private static let base64Signs = Set("+/=-_".utf8)
    private static let numberSigns = Set("+-.,;:()%".utf8)
    /// Letters of the path commands of SVG (SVG 2, 9.3), and the exponent's.
    private static let commands = Set("mlhvcsqtaze".utf8)
}
