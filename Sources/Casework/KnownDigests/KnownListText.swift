import EvidenceModel

/// The text of a list of known digests.
enum KnownListText {
    /// The text in UTF-8: what Windows writes in UTF-16 is converted, a byte-order mark is left out.
    static func utf8(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes.dropFirst(3)) }
        let isLittle = bytes.starts(with: [0xFF, 0xFE])
        guard isLittle || bytes.starts(with: [0xFE, 0xFF]) else { return bytes }
        let units = stride(from: 2, to: bytes.count - bytes.count % 2, by: 2).map { index in
            isLittle
                ? UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8
                : UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    static func isHex(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    /// Calls back for each line, without its line end (LF or CR LF) and not longer than a line may be.
    static func lines(of text: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) {
        for line in text.split(separator: UInt8(ascii: "\n")) {
            body((line.last == UInt8(ascii: "\r") ? line.dropLast() : line).prefix(KnownDigestList.longestLine))
        }
    }

    static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text = text.dropLast() }
        return text
    }
}
