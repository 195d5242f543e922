/// Reads objects at a position in a PDF. Bounds-checked; depth and length are limited.
struct PDFParser {
    private let bytes: [UInt8]
    private(set) var position: Int

    private static let depthLimit = 32

    init(_ bytes: [UInt8], at position: Int) {
        self.bytes = bytes
        self.position = max(0, position)
    }

    private func peek(_ offset: Int = 0) -> UInt8? {
        let index = position + offset
        return index < bytes.count ? bytes[index] : nil
    }

    mutating func skipSpace() {
        while let byte = peek() {
            if byte == UInt8(ascii: "%") {
                while let next = peek(), next != 0x0A, next != 0x0D { position += 1 }
            } else if PDFSyntax.isSpace(byte) {
                position += 1
            } else {
                return
            }
        }
    }

    /// Takes a keyword such as "obj"; false, and nothing is taken, when something else stands here.
    mutating func take(_ keyword: String) -> Bool {
        skipSpace()
        var end = position
        for byte in keyword.utf8 {
            guard end < bytes.count, bytes[end] == byte else { return false }
            end += 1
        }
        if end < bytes.count, PDFSyntax.isRegular(bytes[end]) { return false }
        position = end
        return true
    }

    /// Takes digits as a number that is not negative.
    mutating func unsigned() -> Int? {
        skipSpace()
        var value = 0
        let start = position
        while let byte = peek(), (0x30...0x39).contains(byte) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
            position += 1
        }
        return position > start ? value : nil
    }

    mutating func object(depth: Int = 0) throws(ReportError) -> PDFObject {
        guard depth < Self.depthLimit else { throw unexpected("objects within objects") }
        skipSpace()
        guard let byte = peek() else { throw unexpected("the end of the file") }
        switch byte {
        case UInt8(ascii: "<"):
            return peek(1) == UInt8(ascii: "<") ? try dictionary(depth) : try hexString()
        case UInt8(ascii: "("): return try literalString()
        case UInt8(ascii: "/"): return .name(try name())
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), 0x30...0x39: return try numberOrReference()
        default:
            if take("true") { return .boolean(true) }
            if take("false") { return .boolean(false) }
            if take("null") { return .null }
            throw unexpected("the character \(byte)")
        }
    }

    private mutating func dictionary(_ depth: Int) throws(ReportError) -> PDFObject {
        position += 2
        var result = PDFDictionary()
        while true {
            skipSpace()
            if peek() == UInt8(ascii: ">"), peek(1) == UInt8(ascii: ">") {
                position += 2
                return .dictionary(result)
            }
            guard peek() == UInt8(ascii: "/") else { throw unexpected("something else than a key") }
            let key = try name()
            guard result[key] == nil else { throw unexpected("a key twice") }
            result[key] = try object(depth: depth + 1)
        }
    }

    private mutating func array(_ depth: Int) throws(ReportError) -> PDFObject {
        position += 1
        var elements: [PDFObject] = []
        while true {
            skipSpace()
            if peek() == UInt8(ascii: "]") {
                position += 1
                return .array(elements)
            }
            elements.append(try object(depth: depth + 1))
        }
    }

    private mutating func name() throws(ReportError) -> [UInt8] {
        position += 1
        var result: [UInt8] = []
        while let byte = peek(), PDFSyntax.isRegular(byte) {
            position += 1
            guard byte == UInt8(ascii: "#") else {
                result.append(byte)
                continue
            }
            guard let high = peek().flatMap(Self.hexValue), let low = peek(1).flatMap(Self.hexValue) else {
                throw unexpected("a number sign in a name")
            }
            result.append(high << 4 | low)
            position += 2
        }
        return result
    }

    private mutating func hexString() throws(ReportError) -> PDFObject {
        position += 1
        var digits: [UInt8] = []
        while let byte = peek() {
            position += 1
            if byte == UInt8(ascii: ">") {
                if !digits.count.isMultiple(of: 2) { digits.append(0) }
                return .string(stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
            }
            if PDFSyntax.isSpace(byte) { continue }
            guard let digit = Self.hexValue(byte) else { break }
            digits.append(digit)
        }
        throw unexpected("a hexadecimal string without end")
    }

    private mutating func literalString() throws(ReportError) -> PDFObject {
        position += 1
        var result: [UInt8] = []
        var open = 1
        while let byte = peek() {
            position += 1
            switch byte {
            case UInt8(ascii: "("): open += 1
            case UInt8(ascii: ")"):
                open -= 1
                if open == 0 { return .string(result) }
            case UInt8(ascii: "\\"):
                if let escaped = try escapedByte() { result.append(escaped) }
                continue
            default: break
            }
            result.append(byte)
        }
        throw unexpected("a string without end")
    }

    /// What stands behind a reverse solidus (7.3.4.2); nil for a line that goes on.
    private mutating func escapedByte() throws(ReportError) -> UInt8? {
        guard let byte = peek() else { throw unexpected("a string without end") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case 0x0A: return nil
        case 0x0D:
            if peek() == 0x0A { position += 1 }
            return nil
        case 0x30...0x37:
            var value = Int(byte - 0x30)
            for _ in 0..<2 {
                guard let next = peek(), (0x30...0x37).contains(next) else { break }
                value = value * 8 + Int(next - 0x30)
                position += 1
            }
            return UInt8(truncatingIfNeeded: value)
        default: return byte
        }
    }

    private mutating func numberOrReference() throws(ReportError) -> PDFObject {
        let start = position
        while let byte = peek(), PDFSyntax.isRegular(byte) { position += 1 }
        let text = Array(bytes[start..<position])
        guard let value = Int(String(decoding: text, as: UTF8.self)) else {
            guard text.allSatisfy({ (0x30...0x39).contains($0) || "+-.".utf8.contains($0) }) else {
                throw unexpected("a number that is none")
            }
            return .real(text)
        }
        // "12 0 R" is a reference; "12 0" are two numbers.
        let afterNumber = position
        if value >= 0, let generation = unsigned(), take("R") {
            return .reference(number: value, generation: generation)
        }
        position = afterNumber
        return .integer(value)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    private func unexpected(_ what: String) -> ReportError {
        ReportError(
            .renderer,
            "The PDF from WeasyPrint has \(what) at byte \(position), which Exhibit does not read. Use WeasyPrint 57.2."
        )
    }
}
