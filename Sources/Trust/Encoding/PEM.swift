/// Textual encoding of keys and certificates (RFC 7468).
enum PEM {
    /// One block with lines of 64 characters.
    static func encode(_ label: String, _ bytes: [UInt8]) -> String {
        let text = Array(Base64.encode(bytes).utf8)
        var result = "-----BEGIN \(label)-----\n"
        for start in stride(from: 0, to: text.count, by: 64) {
            result += String(decoding: text[start..<min(start + 64, text.count)], as: UTF8.self) + "\n"
        }
        return result + "-----END \(label)-----\n"
    }

    /// The content of each block of this label, in order; text between blocks is skipped.
    static func decode(_ label: String, in text: String) throws(TrustError) -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        var body: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingSpaces
            if line == "-----BEGIN \(label)-----" {
                body = ""
            } else if line == "-----END \(label)-----" {
                guard let encoded = body, let bytes = Base64.decode(encoded) else {
                    throw TrustError(.malformed, "a PEM block \"\(label)\" is damaged")
                }
                blocks.append(bytes)
                body = nil
            } else if body != nil {
                body?.append(contentsOf: line)
            }
        }
        guard body == nil else { throw TrustError(.malformed, "a PEM block \"\(label)\" has no end") }
        return blocks
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var rest = self
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest.drop { $0.isWhitespace })
    }
}

/// Base64 with padding (RFC 4648, section 4). Decoding accepts exactly what encoding gives.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8?] = {
        var values = [UInt8?](repeating: nil, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let number = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for position in 0..<4 {
                text.append(
                    position <= group.count ? alphabet[number >> (18 - 6 * position) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for another character, wrong padding, or bits that padding should have left zero.
    static func decode(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 4) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 4 * 3)
        for start in stride(from: 0, to: characters.count, by: 4) {
            var group = characters[start..<(start + 4)]
            if start + 4 == characters.count {
                while group.last == UInt8(ascii: "="), group.count > 2 { group.removeLast() }
            }
            var number = 0
            for character in group {
                guard let value = values[Int(character)] else { return nil }
                number = number << 6 | Int(value)
            }
            let unused = group.count * 6 % 8
            guard number & ((1 << unused) - 1) == 0 else { return nil }
            number >>= unused
            let count = group.count - 1
            for position in 0..<count {
                bytes.append(UInt8(truncatingIfNeeded: number >> (8 * (count - 1 - position))))
            }
        }
        return bytes
    }
}
