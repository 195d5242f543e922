/// A value of a PDF dictionary, as far as the walker needs it.
enum PDFValue {
    case integer(Int)
    case reference(Int)
    case name(String)
    /// A string; the offset of its first delimiter.
    case string(Int)
    case other
}

/// What an object's tokens ended with.
enum PDFTokenEnd {
    case endObject
    /// The keyword `stream`; the position is behind it.
    case stream
    /// A keyword that starts another part of the file: the object was not closed.
    case unclosed
}

/// Reads PDF tokens (ISO 32000-2, 7.2 and 7.3) forward from a position.
struct PDFScanner {
    /// Deepest nesting of dictionaries and arrays that is followed.
    static let deepestNesting = WalkLimit.pdfNesting.value
    /// Most keys of one dictionary that are kept.
    static let mostKeys = 64
    /// Longest run of white space, comment line, and string.
    static let longestSpace = 1 << 20
    static let longestLine = 64 << 10
    static let longestString = 16 << 20
    /// Longest name or keyword.
    static let longestWord = 512

    let input: WalkInput
    var at: Int

    init(_ input: WalkInput, at start: Int) {
        self.input = input
        at = start
    }

    static func isSpace(_ byte: Int) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) && byte != 0x0B }

    static func isDelimiter(_ byte: Int) -> Bool {
        [0x28, 0x29, 0x3C, 0x3E, 0x5B, 0x5D, 0x7B, 0x7D, 0x2F, 0x25].contains(byte)
    }

    static func isDigit(_ byte: Int) -> Bool { (0x30...0x39).contains(byte) }

    mutating func skipSpace() throws(WalkStop) {
        let end = min(input.count, at + Self.longestSpace)
        while at < end, Self.isSpace(try input.u8(at)) { at += 1 }
    }

    mutating func skipLine() throws(WalkStop) {
        let end = min(input.count, at + Self.longestLine)
        while at < end {
            let byte = try input.u8(at)
            if byte == 0x0A || byte == 0x0D { return }
            at += 1
        }
    }

    mutating func skipSpaceAndComments() throws(WalkStop) {
        while true {
            try skipSpace()
            guard try input.matches("%", at: at), try !input.matches("%%EOF", at: at) else { return }
            try skipLine()
        }
    }

    /// An unsigned integer of at most 15 digits at the position; nil, and the position unchanged, when there is none.
    mutating func integer() throws(WalkStop) -> Int? {
        var value = 0
        var position = at
        while position < input.count, position - at < 15 {
            let byte = try input.u8(position)
            guard Self.isDigit(byte) else { break }
            value = value * 10 + byte - 0x30
            position += 1
        }
        guard position > at else { return nil }
        at = position
        return value
    }

    /// `N G obj` at the position: the object's number; nil, and the position unchanged, when it does not stand there.
    mutating func objectHeader() throws(WalkStop) -> Int? {
        let start = at
        if let number = try integer() {
            try skipSpace()
            if try integer() != nil {
                try skipSpace()
                if try input.matches("obj", at: at) {
                    at += 3
                    return number
                }
            }
        }
        at = start
        return nil
    }

    private mutating func word() throws(WalkStop) -> String {
        var bytes: [UInt8] = []
        while at < input.count {
            let byte = try input.u8(at)
            if Self.isSpace(byte) || Self.isDelimiter(byte) || byte == 0 { break }
            guard bytes.count < Self.longestWord else { throw .broken("a word longer than any real one") }
            bytes.append(UInt8(byte))
            at += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func skipString() throws(WalkStop) {
        let start = at
        var depth = 0
        while true {
            guard at - start < Self.longestString else { throw .broken("a string without an end") }
            let byte = try input.u8(at)
            at += 1
            switch byte {
            case 0x5C: at += 1
            case 0x28: depth += 1
            case 0x29:
                depth -= 1
                if depth == 0 { return }
            default: break
            }
        }
    }

    private mutating func skipHexString() throws(WalkStop) {
        at += 1
        while true {
            let byte = try input.u8(at)
            at += 1
            if byte == 0x3E { return }
            let isHex = Self.isDigit(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
            guard isHex || Self.isSpace(byte) else { throw .broken("a hexadecimal string with another character") }
        }
    }

    /// Reads tokens up to the keyword that ends them, and the outermost dictionary among them.
    ///
    /// - Parameter isTrailer: a trailer ends with its dictionary.
    mutating func tokens(
        into dictionary: inout [String: PDFValue], isTrailer: Bool = false
    ) throws(WalkStop) -> PDFTokenEnd {
        var collector = PDFDictionaryCollector()
        var depth = 0
        defer { dictionary = collector.finished() }
        while true {
            try skipSpaceAndComments()
            let start = at
            let byte = try input.u8(at)
            switch byte {
            case 0x28:
                try skipString()
                collector.add(.string(start), depth)
            case 0x3C:
                if try input.matches("<<", at: at) {
                    at += 2
                    collector.add(.other, depth)
                    depth += 1
                    guard depth < Self.deepestNesting else {
                        throw input.stop(at: .pdfNesting, "nested deeper than any real file")
                    }
                } else {
                    try skipHexString()
                    collector.add(.string(start), depth)
                }
            case 0x3E:
                guard try input.matches(">>", at: at), depth > 0 else { throw .broken("a dictionary ends unopened") }
                at += 2
                depth -= 1
                if isTrailer, depth == 0 { return .endObject }
            case 0x5B:
                at += 1
                collector.add(.other, depth)
                depth += 1
                guard depth < Self.deepestNesting else {
                    throw input.stop(at: .pdfNesting, "nested deeper than any real file")
                }
            case 0x5D:
                guard depth > 0 else { throw .broken("an array ends unopened") }
                at += 1
                depth -= 1
            case 0x7B, 0x7D: at += 1
            case 0x2F:
                at += 1
                collector.add(.name(try word()), depth)
            case 0x2B, 0x2D, 0x2E, 0x30...0x39:
                if depth == 0, try startsObject() { return .unclosed }
                let text = try word()
                guard text.utf8.allSatisfy({ (0x2B...0x39).contains($0) || $0 == 0x45 || $0 == 0x65 }) else {
                    throw .broken("a number with other characters")
                }
                collector.add(Int(text).map { .integer($0) } ?? .other, depth)
            case 0x41...0x5A, 0x61...0x7A:
                switch try word() {
                case "endobj":
                    if depth > 0 { throw .broken("an object ends inside a dictionary or array") }
                    return .endObject
                case "stream":
                    if depth > 0 { throw .broken("a stream begins inside a dictionary or array") }
                    return .stream
                case "R": collector.addReference(depth)
                case "true", "false", "null": collector.add(.other, depth)
                case "xref", "trailer", "startxref":
                    at = start
                    return .unclosed
                default: throw .broken("a word that PDF does not know")
                }
            default: throw .broken("bytes that are not PDF syntax")
            }
        }
    }

    private func startsObject() throws(WalkStop) -> Bool {
        var probe = self
        return try probe.objectHeader() != nil
    }

    /// The bytes of the string whose delimiter stands at `start`, unescaped, at most `limit` of them.
    static func stringValue(_ input: WalkInput, at start: Int, limit: Int = 1024) throws(WalkStop) -> [UInt8] {
        let raw = try input.available(at: start, count: limit * 2)
        guard let first = raw.first else { return [] }
        return first == 0x28 ? literal(raw) : hexadecimal(raw)
    }

    private static func hexadecimal(_ raw: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var half: UInt8?
        for byte in raw.dropFirst() {
            guard byte != 0x3E else { break }
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { continue }
            if let high = half {
                result.append(high << 4 | UInt8(digit))
                half = nil
            } else {
                half = UInt8(digit)
            }
        }
        if let half { result.append(half << 4) }
        return result
    }

    private static func literal(_ raw: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var depth = 1
        var at = 1
        while at < raw.count {
            var byte = raw[at]
            at += 1
            if byte == 0x28 { depth += 1 }
            if byte == 0x29 {
                depth -= 1
                if depth == 0 { break }
            }
            if byte == 0x5C, at < raw.count {
                byte = raw[at]
                at += 1
                switch byte {
                case 0x6E: byte = 0x0A
                case 0x72: byte = 0x0D
                case 0x74: byte = 0x09
                case 0x62: byte = 0x08
                case 0x66: byte = 0x0C
                case 0x0A, 0x0D: continue
                case 0x30...0x37:
                    var value = Int(byte - 0x30)
                    var digits = 1
                    while digits < 3, at < raw.count, (0x30...0x37).contains(raw[at]) {
                        value = value * 8 + Int(raw[at] - 0x30)
                        at += 1
                        digits += 1
                    }
                    byte = UInt8(truncatingIfNeeded: value)
                default: break
                }
            }
            result.append(byte)
        }
        return result
    }
}

/// Collects the keys and values of the outermost dictionary from a run of tokens.
private struct PDFDictionaryCollector {
    private var members: [String: PDFValue] = [:]
    private var key: String?
    private var values: [PDFValue] = []
    /// The value of an object that is not a dictionary.
    private var bare: PDFValue?

    mutating func add(_ value: PDFValue, _ depth: Int) {
        if depth == 0, bare == nil { bare = value }
        guard depth == 1 else { return }
        if case .name(let name) = value, key == nil || !values.isEmpty {
            close()
            key = name
        } else if values.count < 4 {
            values.append(value)
        }
    }

    mutating func addReference(_ depth: Int) {
        guard depth == 1, values.count >= 2, case .integer(let number) = values[values.count - 2] else { return }
        values = [.reference(number)]
    }

    private mutating func close() {
        if let key, let value = values.first, members.count < PDFScanner.mostKeys { members[key] = value }
        key = nil
        values = []
    }

    mutating func finished() -> [String: PDFValue] {
        close()
        if case .integer = bare { members[""] = bare }
        return members
    }
}
