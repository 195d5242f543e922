/// A PDF of one revision with a classic cross-reference table: what WeasyPrint writes.
struct PDFDocument {
    let bytes: [UInt8]
    let trailer: PDFDictionary
    /// Position of the cross-reference table.
    let crossReferencePosition: Int
    /// Positions of the objects in use, by number.
    private let positions: [Int: Int]

    /// More than a report of any length has.
    private static let objectLimit = 2_000_000
    private static let pageDepthLimit = 16

    init(_ bytes: [UInt8]) throws(ReportError) {
        self.bytes = bytes
        // The last line but one names the position of the table.
        let tail = bytes.suffix(64)
        guard let start = Self.lastIndex(of: Array("startxref".utf8), in: tail) else {
            throw Self.unexpected("no startxref")
        }
        var parser = PDFParser(bytes, at: start)
        guard parser.take("startxref"), let position = parser.unsigned(), position < bytes.count else {
            throw Self.unexpected("a damaged startxref")
        }
        crossReferencePosition = position
        parser = PDFParser(bytes, at: position)
        guard parser.take("xref") else { throw Self.unexpected("no classic cross-reference table") }
        var positions: [Int: Int] = [:]
        while !parser.take("trailer") {
            guard let first = parser.unsigned(), let count = parser.unsigned(), count <= Self.objectLimit,
                first <= Self.objectLimit
            else { throw Self.unexpected("a damaged cross-reference table") }
            for number in first..<first + count {
                guard let offset = parser.unsigned(), parser.unsigned() != nil else {
                    throw Self.unexpected("a damaged cross-reference entry")
                }
                if parser.take("n") {
                    positions[number] = offset
                } else if !parser.take("f") {
                    throw Self.unexpected("a damaged cross-reference entry")
                }
            }
        }
        guard let trailer = try parser.object().dictionary, trailer["Prev"] == nil, trailer["Encrypt"] == nil else {
            throw Self.unexpected("a trailer that is not that of a first revision")
        }
        self.trailer = trailer
        self.positions = positions
    }

    /// Number for the next new object.
    var size: Int {
        get throws(ReportError) {
            guard let size = trailer["Size"]?.integer, size > 0, size <= Self.objectLimit else {
                throw Self.unexpected("no Size")
            }
            return size
        }
    }

    /// An object that is a dictionary, not a stream.
    func dictionary(_ number: Int) throws(ReportError) -> PDFDictionary {
        guard let position = positions[number] else { throw Self.unexpected("no object \(number)") }
        var parser = PDFParser(bytes, at: position)
        guard parser.unsigned() == number, parser.unsigned() != nil, parser.take("obj"),
            let dictionary = try parser.object().dictionary, parser.take("endobj")
        else { throw Self.unexpected("an object \(number) that is no dictionary") }
        return dictionary
    }

    func number(of key: String, in dictionary: PDFDictionary) throws(ReportError) -> Int {
        guard let number = dictionary[key]?.referenceNumber else { throw Self.unexpected("no \(key)") }
        return number
    }

    /// Number of the last page's object.
    func lastPage(catalog: PDFDictionary) throws(ReportError) -> Int {
        var number = try number(of: "Pages", in: catalog)
        for _ in 0..<Self.pageDepthLimit {
            let node = try dictionary(number)
            if node["Type"] == .name("Page") { return number }
            guard let last = node["Kids"]?.array?.last?.referenceNumber else { break }
            number = last
        }
        throw Self.unexpected("no last page")
    }

    private static func lastIndex(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= pattern.count else { return nil }
        return (bytes.startIndex...bytes.endIndex - pattern.count).last {
            bytes[$0..<$0 + pattern.count].elementsEqual(pattern)
        }
    }

    static func unexpected(_ what: String) -> ReportError {
        ReportError(
            .renderer, "The PDF from WeasyPrint has \(what), which Exhibit does not read. Use WeasyPrint 57.2.")
    }
}
