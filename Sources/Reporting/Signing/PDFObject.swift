/// A PDF object (ISO 32000-1, 7.3), as far as dictionaries outside streams use it.
indirect enum PDFObject: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// A number with a decimal point, kept as it is written.
    case real([UInt8])
    /// The bytes of a string, escapes resolved.
    case string([UInt8])
    /// A name without its solidus, `#` escapes resolved.
    case name([UInt8])
    case array([PDFObject])
    case dictionary(PDFDictionary)
    case reference(number: Int, generation: Int)

    static func name(_ text: String) -> PDFObject { .name(Array(text.utf8)) }

    /// A text string (7.9.2.2): ASCII as it is, anything else in UTF-16BE with a byte order mark.
    static func text(_ text: String) -> PDFObject {
        if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return .string(Array(text.utf8)) }
        var bytes: [UInt8] = [0xFE, 0xFF]
        for unit in text.utf16 {
            bytes.append(UInt8(unit >> 8))
            bytes.append(UInt8(unit & 0xFF))
        }
        return .string(bytes)
    }

    static func reference(_ number: Int) -> PDFObject { .reference(number: number, generation: 0) }

    var dictionary: PDFDictionary? {
        guard case .dictionary(let dictionary) = self else { return nil }
        return dictionary
    }

    var array: [PDFObject]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    var integer: Int? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    /// Number of the object that is referred to.
    var referenceNumber: Int? {
        guard case .reference(let number, _) = self else { return nil }
        return number
    }

    /// The object as it is written into a file.
    var encoded: [UInt8] {
        switch self {
        case .null: return Array("null".utf8)
        case .boolean(let value): return Array((value ? "true" : "false").utf8)
        case .integer(let value): return Array(String(value).utf8)
        case .real(let text): return text
        case .string(let bytes): return Self.encodedString(bytes)
        case .name(let bytes): return Self.encodedName(bytes)
        case .array(let elements):
            var result = Array("[".utf8)
            for element in elements {
                if result.count > 1 { result.append(UInt8(ascii: " ")) }
                result += element.encoded
            }
            return result + "]".utf8
        case .dictionary(let dictionary): return dictionary.encoded
        case .reference(let number, let generation): return Array("\(number) \(generation) R".utf8)
        }
    }

    /// Hexadecimal unless it is plain ASCII: no escapes to get wrong.
    private static func encodedString(_ bytes: [UInt8]) -> [UInt8] {
        let isPlain = bytes.allSatisfy {
            (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: ")") && $0 != UInt8(ascii: "\\")
        }
        guard !isPlain else { return Array("(".utf8) + bytes + Array(")".utf8) }
        return Array("<".utf8) + Array(hex(bytes).utf8) + Array(">".utf8)
    }

    private static func encodedName(_ bytes: [UInt8]) -> [UInt8] {
        var result = Array("/".utf8)
        for byte in bytes {
            let isRegular = (0x21...0x7E).contains(byte) && !PDFSyntax.isDelimiter(byte) && byte != UInt8(ascii: "#")
            if isRegular { result.append(byte) } else { result += "#\(hex([byte]))".utf8 }
        }
        return result
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            text.append(Character(Unicode.Scalar(PDFSyntax.hexDigits[Int(byte >> 4)])))
            text.append(Character(Unicode.Scalar(PDFSyntax.hexDigits[Int(byte & 15)])))
        }
        return text
    }
}

/// A dictionary that keeps the order of its entries, so that a rewritten object differs only where it must.
struct PDFDictionary: Hashable, Sendable {
    private(set) var entries: [Entry] = []

    struct Entry: Hashable, Sendable {
        let key: [UInt8]
        var value: PDFObject
    }

    init() {}

    subscript(key: String) -> PDFObject? {
        get { self[Array(key.utf8)] }
        set { self[Array(key.utf8)] = newValue }
    }

    subscript(key: [UInt8]) -> PDFObject? {
        get { entries.first { $0.key == key }?.value }
        set {
            if let index = entries.firstIndex(where: { $0.key == key }) {
                if let newValue { entries[index].value = newValue } else { entries.remove(at: index) }
            } else if let newValue {
                entries.append(Entry(key: key, value: newValue))
            }
        }
    }

    var encoded: [UInt8] {
        var result = Array("<<".utf8)
        for entry in entries {
            result.append(UInt8(ascii: "\n"))
            result += PDFObject.name(entry.key).encoded
            result.append(UInt8(ascii: " "))
            result += entry.value.encoded
        }
        return result + "\n>>".utf8
    }
}

/// Character classes (ISO 32000-1, 7.2.2).
enum PDFSyntax {
    static let hexDigits = Array("0123456789ABCDEF".utf8)

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 || byte == 0x0C || byte == 0
    }

    static func isDelimiter(_ byte: UInt8) -> Bool { "()<>[]{}/%".utf8.contains(byte) }

    static func isRegular(_ byte: UInt8) -> Bool { !isSpace(byte) && !isDelimiter(byte) }
}
