/// Why bytes are not one canonical JSON value.
public struct CanonicalParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Offset of the byte at which reading stopped.
    public let offset: Int
    /// What was wrong there.
    public let reason: String

    public var description: String { "not canonical JSON at byte \(offset): \(reason)" }
}

extension CanonicalValue {
    /// Deepest nesting that is read; a named limit so that hostile input cannot exhaust the stack.
    public static let deepestNesting = 32

    /// Reads one value and demands that it re-encodes to the same bytes.
    ///
    /// Byte equality rules out duplicate keys, white space, other spellings of a string or number, and bytes that
    /// are not UTF-8: what two readers could read differently does not parse.
    ///
    /// - Throws: ``CanonicalParseError`` with the offset of the first byte that is not canonical.
    public init(parsing bytes: [UInt8]) throws(CanonicalParseError) {
        var parser = CanonicalParser(bytes: bytes)
        let value = try parser.document()
        let again = value.encoded
        guard again == bytes else {
            let common = zip(again, bytes).prefix { $0 == $1 }.count
            throw CanonicalParseError(offset: common, reason: "re-encoding gives other bytes")
        }
        self = value
    }
}

private struct CanonicalParser {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(CanonicalParseError) -> CanonicalValue {
        let value = try self.value(depth: 0)
        guard offset == bytes.count else { throw failure("bytes after the value") }
        return value
    }

    private func failure(_ reason: String) -> CanonicalParseError {
        CanonicalParseError(offset: offset, reason: reason)
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ text: String) throws(CanonicalParseError) {
        for byte in text.utf8 where !take(byte) { throw failure("expected \(text)") }
    }

    private mutating func value(depth: Int) throws(CanonicalParseError) -> CanonicalValue {
        guard depth < CanonicalValue.deepestNesting else { throw failure("nested too deeply") }
        switch next {
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "{"): return try object(depth: depth)
        default: return .integer(try integer())
        }
    }

    private mutating func array(depth: Int) throws(CanonicalParseError) -> CanonicalValue {
        try expect("[")
        var elements: [CanonicalValue] = []
        if take(UInt8(ascii: "]")) { return .array(elements) }
        repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
        try expect("]")
        return .array(elements)
    }

    private mutating func object(depth: Int) throws(CanonicalParseError) -> CanonicalValue {
        try expect("{")
        var members: [String: CanonicalValue] = [:]
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            let key = try string()
            guard Self.isKey(key) else { throw failure("the key does not match [a-z][a-z0-9_]*") }
            guard members[key] == nil else { throw failure("the key \(key) occurs twice") }
            try expect(":")
            members[key] = try value(depth: depth + 1)
        } while take(UInt8(ascii: ","))
        try expect("}")
        return .object(members)
    }

    private static func isKey(_ key: String) -> Bool {
        guard let first = key.utf8.first, (97...122).contains(first) else { return false }
        return key.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
    }

    private mutating func integer() throws(CanonicalParseError) -> Int {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        while let byte = next, (48...57).contains(byte) { offset += 1 }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        guard let number = Int(text), abs(number) <= CanonicalValue.largestInteger else {
            throw failure("expected an integer below 2^53")
        }
        return number
    }

    private mutating func string() throws(CanonicalParseError) -> String {
        try expect("\"")
        var content: [UInt8] = []
        while let byte = next {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else { throw failure("not UTF-8") }
                return text
            case UInt8(ascii: "\\"): content.append(try escape())
            case 0..<0x20: throw failure("a control character that is not escaped")
            default: content.append(byte)
            }
        }
        throw failure("the string does not end")
    }

    private mutating func escape() throws(CanonicalParseError) -> UInt8 {
        guard let byte = next else { throw failure("the string does not end") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return byte
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "u"):
            guard offset + 4 <= bytes.count,
                let code = Hex.decode(String(decoding: bytes[offset..<offset + 4], as: UTF8.self)),
                code[0] == 0, code[1] < 0x20
            else { throw failure("an escape that canonical JSON does not use") }
            offset += 4
            return code[1]
        default: throw failure("an escape that canonical JSON does not use")
        }
    }
}
