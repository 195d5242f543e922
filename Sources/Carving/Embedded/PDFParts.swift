internal import EvidenceModel

/// The pictures and embedded files of a PDF (ISO 32000-2, 7.3.8, 7.4, 7.11.4): streams whose content is a file as it is.
///
/// JPEG and JPEG 2000 pictures are stored as they are; embedded files mostly deflated. Other pictures are bare samples.
struct PDFParts {
    /// How far the end of a stream without a usable length is searched.
    private static let longestSearch = 64 << 20
    /// Most bytes of a stream's dictionary that are looked at.
    private static let longestDictionary = 16 * 1024
    /// Most objects whose numbers or names are kept.
    private static let mostObjects = 1 << 20

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    private enum Kind { case jpeg, jpeg2000, file }

    private struct Stream {
        var object: Int
        var kind: Kind
        var coding: PartCoding
        var place: Range<Int>
    }

    func list(_ container: Artifact, into list: inout PartList) throws(WalkStop) {
        var streams: [Stream] = []
        var names: [Int: [UInt8]] = [:]
        do throws(WalkStop) {
            try walk(into: &streams, &names)
        } catch {
            // What was listed before the place that makes no sense stands.
            if case .failed(.medium) = error { throw error }
        }
        let isEncrypted = container.facts["encrypted"] != nil
        for stream in streams {
            guard !isEncrypted else {
                list.refuse(.encrypted)
                continue
            }
            var part: EmbeddedPart
            switch stream.kind {
            case .jpeg:
                part = EmbeddedPart("object-\(stream.object).jpg", [stream.place], stream.coding)
                part.endsItself = stream.coding == .stored
            case .jpeg2000:
                part = EmbeddedPart("object-\(stream.object).jp2", [stream.place], stream.coding)
                part.endsItself = stream.coding == .stored
            case .file:
                let name = names[stream.object].map(PartPath.escapedName) ?? ""
                part = EmbeddedPart(
                    name.isEmpty ? "object-\(stream.object)" : name, [stream.place], stream.coding)
            }
            list.add(part)
        }
    }

    private func walk(into streams: inout [Stream], _ names: inout [Int: [UInt8]]) throws(WalkStop) {
        var scanner = PDFScanner(input, at: 8)
        var integers: [Int: Int] = [:]
        try scanner.skipLine()
        while scanner.at < input.count {
            try scanner.skipSpace()
            guard scanner.at < input.count else { return }
            let start = scanner.at
            guard let number = try scanner.objectHeader() else {
                try skip(&scanner)
                guard scanner.at > start else { return }
                continue
            }
            let valueStart = scanner.at
            var dictionary: [String: PDFValue] = [:]
            let end = try scanner.tokens(into: &dictionary)
            if case .integer(let value)? = dictionary[""], integers.count < Self.mostObjects {
                integers[number] = value
            }
            if dictionary["EF"] != nil, names.count < Self.mostObjects {
                try noteName(dictionary, valueStart..<scanner.at, in: &names)
            }
            guard case .stream = end else { continue }
            let dictionaryEnd = scanner.at
            let place = try content(dictionary, &scanner, integers)
            if let (kind, coding) = try kind(dictionary, valueStart..<dictionaryEnd), streams.count < Self.mostObjects,
                !place.isEmpty
            {
                streams.append(Stream(object: number, kind: kind, coding: coding, place: place))
            }
            try scanner.skipSpace()
            if try input.matches("endobj", at: scanner.at) { scanner.at += 6 }
        }
    }

    /// Steps over what is no object: comments, cross-reference sections, trailers.
    private func skip(_ scanner: inout PDFScanner) throws(WalkStop) {
        let start = scanner.at
        if try input.matches("xref", at: start) {
            let end = min(input.count, start + Self.longestSearch)
            scanner.at = try input.firstOffset(of: Array("trailer".utf8), from: start, to: end) ?? input.count
        } else if try input.matches("trailer", at: start) {
            scanner.at += 7
            var dictionary: [String: PDFValue] = [:]
            _ = try scanner.tokens(into: &dictionary, isTrailer: true)
        } else {
            try scanner.skipLine()
        }
    }

    /// Where a stream's bytes lie; moves behind its end.
    private func content(
        _ dictionary: [String: PDFValue], _ scanner: inout PDFScanner, _ integers: [Int: Int]
    ) throws(WalkStop) -> Range<Int> {
        if try input.matches("\r\n", at: scanner.at) {
            scanner.at += 2
        } else if [0x0A, 0x0D].contains(try input.u8(scanner.at)) {
            scanner.at += 1
        }
        let start = scanner.at
        var stated: Int?
        switch dictionary["Length"] {
        case .integer(let length): stated = length
        case .reference(let number): stated = integers[number]
        default: break
        }
        if let stated, input.fits(start, stated) {
            scanner.at = start + stated
            try scanner.skipSpace()
            if try input.matches("endstream", at: scanner.at) {
                scanner.at += 9
                return start..<start + stated
            }
        }
        guard
            let found = try input.firstOffset(
                of: Array("endstream".utf8), from: start, to: min(input.count, start + Self.longestSearch))
        else { throw .broken("a stream without an end") }
        scanner.at = found + 9
        var end = found
        // The line end before the keyword is not the stream's (7.3.8.1).
        if end > start, try input.u8(end - 1) == 0x0A { end -= 1 }
        if end > start, try input.u8(end - 1) == 0x0D { end -= 1 }
        return start..<end
    }

    /// What a stream holds, by its filters; nil for what is no file.
    private func kind(
        _ dictionary: [String: PDFValue], _ place: Range<Int>
    ) throws(WalkStop) -> (Kind, PartCoding)? {
        var filters: [String] = []
        switch dictionary["Filter"] {
        case .name(let name): filters = [name]
        case .other: filters = try names(of: "Filter", place)
        default: break
        }
        let isFile: Bool
        if case .name("EmbeddedFile")? = dictionary["Type"] { isFile = true } else { isFile = false }
        if isFile {
            if filters.isEmpty { return (.file, .stored) }
            return filters == ["FlateDecode"] && dictionary["DecodeParms"] == nil ? (.file, .zlib) : nil
        }
        switch filters {
        case ["DCTDecode"]: return (.jpeg, .stored)
        case ["JPXDecode"]: return (.jpeg2000, .stored)
        case ["FlateDecode", "DCTDecode"]: return (.jpeg, .zlib)
        case ["FlateDecode", "JPXDecode"]: return (.jpeg2000, .zlib)
        default: return nil
        }
    }

    /// The names in the array that is a key's value.
    private func names(of key: String, _ place: Range<Int>) throws(WalkStop) -> [String] {
        let text = try input.available(
            at: place.lowerBound, count: min(place.count, Self.longestDictionary))
        guard let at = text.firstIndex(of: Array("/\(key)".utf8), from: 0),
            let open = text[at...].firstIndex(of: 0x5B), let close = text[open...].firstIndex(of: 0x5D)
        else { return [] }
        return text[(open + 1)..<close].split(separator: 0x2F).compactMap { word in
            let name = word.prefix { !PDFScanner.isSpace(Int($0)) }
            return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
        }
    }

    /// The file name that a file specification gives to the stream it names (7.11.3).
    private func noteName(
        _ dictionary: [String: PDFValue], _ place: Range<Int>, in names: inout [Int: [UInt8]]
    ) throws(WalkStop) {
        let text = try input.available(at: place.lowerBound, count: min(place.count, Self.longestDictionary))
        guard let at = text.firstIndex(of: Array("/EF".utf8), from: 0) else { return }
        let digits = text[(at + 3)...].drop { !(0x30...0x39).contains($0) }.prefix { (0x30...0x39).contains($0) }
        guard let number = Int(String(decoding: digits, as: UTF8.self)) else { return }
        for key in ["UF", "F"] {
            guard case .string(let start)? = dictionary[key] else { continue }
            let name = try PDFScanner.stringValue(input, at: start)
            if name.starts(with: [0xFE, 0xFF]) {
                names[number] = EvidenceText.cleanUTF16(name.dropFirst(2), bigEndian: true).map { Array($0.utf8) }
            } else {
                names[number] = name
            }
            return
        }
    }
}
