internal import EvidenceModel

/// Radiance pictures (.hdr, .pic; Radiance reference, "Picture File Format"): a header of text, then lines whose run
/// lengths are followed.
struct RadianceWalker: FormatWalker {
    let name = "radiance"
    let signatures = [WalkerSignature("#?RADIANCE\n"), WalkerSignature("#?RGBE\n")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try RadianceWalk(reader).verdict() }
}

private struct RadianceWalk: FileWalk {
    static let largestHeader = 64 * 1024
    static let largestSide = 1 << 16

    let input: WalkInput
    var file = WalkedFile(
        length: 11, confidence: .structural, format: "hdr", fileExtension: "hdr", mime: "image/vnd.radiance")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = 0
        while true {
            let line = try line(&at)
            if line.isEmpty { break }
            for (prefix, key) in [("SOFTWARE=", "software"), ("CAPDATE=", "taken"), ("VIEW=", "view")]
            where line.starts(with: prefix.utf8) {
                file.note(key, text: line.dropFirst(prefix.utf8.count))
            }
            guard at < Self.largestHeader else { throw .rejected("a header without an end") }
        }
        let words = String(decoding: try line(&at), as: UTF8.self).split(separator: " ")
        guard words.count == 4, let first = Int(words[1]), let second = Int(words[3]),
            (1...Self.largestSide).contains(first), (1...Self.largestSide).contains(second),
            words[0].dropFirst() == "Y" && words[2].dropFirst() == "X"
                || words[0].dropFirst() == "X" && words[2].dropFirst() == "Y"
        else { throw .rejected("no size of the picture") }
        isRecognised = true
        file.length = at
        let isUpright = words[0].hasSuffix("Y")
        file.note("width", isUpright ? second : first)
        file.note("height", isUpright ? first : second)
        for _ in 0..<first {
            if (8...0x7FFF).contains(second),
                try input.matches([2, 2, UInt8(second >> 8), UInt8(second & 0xFF)], at: at)
            {
                try runLengths(&at, count: second)
            } else {
                try pixels(&at, count: second)
            }
            file.length = at
        }
    }

    /// A line of four planes, each of runs and of bytes as they are.
    private func runLengths(_ at: inout Int, count: Int) throws(WalkStop) {
        at += 4
        for _ in 0..<4 {
            var done = 0
            while done < count {
                let code = try input.u8(at)
                let length = code > 128 ? code - 128 : code
                guard length > 0, length <= count - done else { throw .broken("a run that reaches past its line") }
                done += length
                at += code > 128 ? 2 : 1 + length
            }
        }
        guard at <= input.count else { throw .failed(.pastEnd(offset: at)) }
    }

    /// A line of pixels, where 1 1 1 n repeats the one before.
    private mutating func pixels(_ at: inout Int, count: Int) throws(WalkStop) {
        let start = at
        var done = 0
        var shift = 0
        while done < count {
            if done > 0, try input.u24be(at) == 0x01_0101 {
                let length = try input.u8(at + 3) << shift
                guard length <= count - done, shift <= 24 else { throw .broken("a run that reaches past its line") }
                done += length
                shift += 8
            } else {
                done += 1
                shift = 0
            }
            at += 4
        }
        guard at <= input.count else { throw .failed(.pastEnd(offset: at)) }
        file.leaveUnchecked(start..<at)
    }

    private func line(_ at: inout Int) throws(WalkStop) -> [UInt8] {
        guard let end = try input.firstOffset(of: [0x0A], from: at, to: at + 4096) else {
            throw .rejected("a line without an end")
        }
        let bytes = try input.bytes(at: at, count: end - at)
        at = end + 1
        return bytes
    }
}
