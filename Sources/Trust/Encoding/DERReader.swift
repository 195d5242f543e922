internal import EvidenceModel

/// Reads DER from untrusted bytes: every length is checked, only definite minimal lengths and one-byte tags are taken.
struct DERReader {
    /// One tag, length and content.
    struct Element {
        let tag: UInt8
        /// Tag, length and content.
        let whole: ArraySlice<UInt8>
        let content: ArraySlice<UInt8>

        var reader: DERReader { DERReader(content) }
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// The tag of the element that comes next; nil at the end.
    var nextTag: UInt8? { rest.first }

    mutating func next() throws(TrustError) -> Element {
        let start = rest.startIndex
        guard rest.count >= 2 else { throw Self.malformed("an element is cut off") }
        let tag = rest[start]
        guard tag & 0x1F != 0x1F else { throw Self.malformed("a tag of more than one byte") }
        let first = rest[start + 1]
        var header = 2
        var length = Int(first)
        if first >= 0x80 {
            let count = Int(first & 0x7F)
            // Four bytes of length are far more than anything read here may have.
            guard (1...4).contains(count), rest.count >= 2 + count else {
                throw Self.malformed("an indefinite or overlong length")
            }
            length = rest[(start + 2)..<(start + 2 + count)].reduce(0) { $0 << 8 | Int($1) }
            guard length >= 0x80, length >> (8 * (count - 1)) != 0 else {
                throw Self.malformed("a length that is not minimal")
            }
            header += count
        }
        guard length <= rest.count - header else { throw Self.malformed("an element is cut off") }
        let end = start + header + length
        let element = Element(tag: tag, whole: rest[start..<end], content: rest[(start + header)..<end])
        rest = rest[end...]
        return element
    }

    mutating func next(_ tag: UInt8) throws(TrustError) -> Element {
        let element = try next()
        guard element.tag == tag else {
            throw Self.malformed(
                "tag \(Hex.encode([element.tag])) where \(Hex.encode([tag])) is expected")
        }
        return element
    }

    /// Demands these bytes next.
    mutating func expect(_ bytes: [UInt8]) throws(TrustError) {
        let element = try next()
        guard element.whole.elementsEqual(bytes) else { throw Self.malformed("another identifier than expected") }
    }

    func end() throws(TrustError) {
        guard rest.isEmpty else { throw Self.malformed("bytes after the end") }
    }

    /// The elements up to the end.
    func all() throws(TrustError) -> [Element] {
        var reader = self
        var elements: [Element] = []
        while !reader.isAtEnd { elements.append(try reader.next()) }
        return elements
    }

    static func malformed(_ what: String) -> TrustError { TrustError(.malformed, "not DER as expected: \(what)") }

    /// A UTCTime or GeneralizedTime of whole seconds that ends in Z.
    static func time(_ element: Element) throws(TrustError) -> UTCTime {
        var digits = String(decoding: element.content, as: UTF8.self)
        guard digits.popLast() == "Z", digits.utf8.allSatisfy({ (48...57).contains($0) }) else {
            throw malformed("a time not in UTC and whole seconds")
        }
        if element.tag == DER.utcTimeTag, digits.utf8.count == 12 {
            digits = (digits < "50" ? "20" : "19") + digits
        } else if element.tag != DER.generalizedTimeTag || digits.utf8.count != 14 {
            throw malformed("a time of another form")
        }
        let d = Array(digits.utf8)
        func part(_ range: Range<Int>) -> String { String(decoding: d[range], as: UTF8.self) }
        let text = "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14)).000Z"
        guard let time = UTCTime(rfc3339: text) else { throw malformed("an impossible time") }
        return time
    }
}
