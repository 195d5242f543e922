/// An incremental update (ISO 32000-1, 7.5.6): new and changed objects behind the bytes of the first revision.
struct PDFUpdate {
    private(set) var bytes: [UInt8]
    private let document: PDFDocument
    private var nextNumber: Int
    private var positions: [Int: Int] = [:]

    init(_ document: PDFDocument) throws(ReportError) {
        self.document = document
        bytes = document.bytes
        if bytes.last != 0x0A { bytes.append(0x0A) }
        nextNumber = try document.size
    }

    /// A number for an object that is written later.
    mutating func reserveNumber() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Writes an object; returns the position of its first byte after "obj".
    @discardableResult
    mutating func write(_ number: Int, _ content: [UInt8]) -> Int {
        positions[number] = bytes.count
        bytes += "\(number) 0 obj\n".utf8
        let start = bytes.count
        bytes += content
        bytes += "\nendobj\n".utf8
        return start
    }

    mutating func write(_ number: Int, _ dictionary: PDFDictionary) { write(number, dictionary.encoded) }

    mutating func writeStream(_ number: Int, _ dictionary: PDFDictionary, _ content: [UInt8]) {
        var dictionary = dictionary
        dictionary["Length"] = .integer(content.count)
        write(number, dictionary.encoded + Array("\nstream\n".utf8) + content + Array("\nendstream".utf8))
    }

    /// Writes the cross-reference table and the trailer.
    /// - Parameter revision: identifies this revision (14.4); the identifier of the document stays.
    mutating func finish(revision: [UInt8]) {
        let position = bytes.count
        bytes += "xref\n".utf8
        let numbers = positions.keys.sorted()
        var index = 0
        while index < numbers.count {
            var end = index + 1
            while end < numbers.count, numbers[end] == numbers[end - 1] + 1 { end += 1 }
            bytes += "\(numbers[index]) \(end - index)\n".utf8
            for number in numbers[index..<end] {
                let digits = String(positions[number] ?? 0)
                bytes += (String(repeating: "0", count: max(0, 10 - digits.count)) + digits + " 00000 n \n").utf8
            }
            index = end
        }
        var trailer = document.trailer
        trailer["Size"] = .integer(nextNumber)
        trailer["Prev"] = .integer(document.crossReferencePosition)
        if let document = trailer["ID"]?.array?.first { trailer["ID"] = .array([document, .string(revision)]) }
        bytes += "trailer\n".utf8
        bytes += trailer.encoded
        bytes += "\nstartxref\n\(position)\n%%EOF\n".utf8
    }

    /// Replaces bytes that were written as room for something; the length stays.
    mutating func fill(_ range: Range<Int>, with content: [UInt8]) {
        precondition(range.count == content.count, "what is filled in has another length than its room")
        bytes.replaceSubrange(range, with: content)
    }
}
