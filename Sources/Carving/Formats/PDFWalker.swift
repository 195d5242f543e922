internal import EvidenceModel

/// PDF (ISO 32000-2), walked object by object.
///
/// Streams are stepped over by their length, so an embedded PDF does not end the outer one; incremental updates follow
/// on the end marker of what they update; the end is the last end marker whose `startxref` points at a cross-reference
/// section of this file, with the line end that belongs to it.
struct PDFWalker: TextWalker {
    let name = "pdf"
    let signatures = [WalkerSignature("%PDF-")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try PDFWalk(reader).verdict() }
}

private struct PDFWalk: FileWalk {
    /// How far the end of a stream without a usable length is searched.
    static let longestSearch = WalkLimit.pdfSearch.value
    /// Most objects whose places are kept.
    static let mostObjects = WalkLimit.pdfObjects.value
    /// Most cross-reference entries that are compared with the objects met.
    static let mostEntries = WalkLimit.pdfEntries.value
    /// Smallest piece of a medium: a file in pieces is off by multiples of it.
    static let blockSize = 512
    /// Longest comment line.
    static let longestComment = 64 * 1024

    let input: WalkInput
    var scanner: PDFScanner
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "pdf", fileExtension: "pdf", mime: "application/pdf")
    var isRecognised = false

    /// Where each object's value begins; the last one of a number counts.
    var values: [Int: Int] = [:]
    /// Where objects begin.
    var starts: Set<Int> = []
    /// Offsets that cross-reference tables state for objects in use.
    var stated: [Int] = []
    /// Lengths that a later object states for streams already walked.
    var pendingLengths: [Int: (start: Int, length: Int)] = [:]
    /// First place where the file contradicts itself, and why.
    var doubt: (prefix: Int, reason: String)?
    var trailer: [String: PDFValue] = [:]
    var startxref: Int?
    /// Where the last cross-reference section was met.
    var lastSection = 0
    /// The predecessor that each cross-reference section names.
    var predecessors: [Int: Int] = [:]
    var linearizedLength: Int?
    var endMarkers = 0
    /// Where the end markers and their line ends end; the first ones only.
    var markerEnds: [Int] = []
    /// Where an uncompressed metadata stream lies.
    var metadata: Range<Int>?

    init(_ reader: ByteReader) {
        input = WalkInput(reader)
        scanner = PDFScanner(input, at: 0)
    }

    mutating func run() throws(WalkStop) {
        do throws(WalkStop) {
            try header()
            while try !part() {}
        } catch {
            if let doubt {
                file.length = doubt.prefix
                throw .broken(doubt.reason)
            }
            throw error
        }
        try judge()
        try describe()
    }

    private mutating func header() throws(WalkStop) {
        guard PDFScanner.isDigit(try input.u8(5)), try input.u8(6) == 0x2E, PDFScanner.isDigit(try input.u8(7)) else {
            throw .rejected("not a PDF header")
        }
        file.note("version", text: try input.bytes(at: 5, count: 3))
        scanner.at = 8
        try scanner.skipLine()
        file.length = 8
    }

    /// Walks one part of the file; true when it was the last one.
    private mutating func part() throws(WalkStop) -> Bool {
        try scanner.skipSpace()
        let start = scanner.at
        let byte = try input.u8(start)
        switch byte {
        case 0x25:
            if try input.matches("%%EOF", at: start) { return try endMarker(at: start) }
            try scanner.skipLine()
            guard scanner.at - start <= Self.longestComment else { throw .broken("a comment without an end") }
            return false
        case 0x30...0x39:
            if let number = try scanner.objectHeader() {
                try object(number, at: start)
            } else {
                try table(at: start)
                file.warnings.append("a cross-reference table without its keyword")
            }
        case 0x78 where try input.matches("xref", at: start):
            scanner.at += 4
            try table(at: start)
        case 0x74 where try input.matches("trailer", at: start):
            scanner.at += 7
            var dictionary: [String: PDFValue] = [:]
            _ = try scanner.tokens(into: &dictionary, isTrailer: true)
            notePredecessor(dictionary)
            trailer.merge(dictionary) { _, new in new }
        case 0x73 where try input.matches("startxref", at: start):
            scanner.at += 9
            try scanner.skipSpace()
            startxref = try scanner.integer()
        case 0x65:
            guard let word = try ["endobj", "endstream"].first(matching: input, at: start) else {
                throw .broken("neither an object nor a cross-reference section where one must be")
            }
            // The rest of a stream in which another PDF was embedded, or an object closed twice.
            scanner.at += word.utf8.count
        default: throw .broken("neither an object nor a cross-reference section where one must be")
        }
        file.length = scanner.at
        return false
    }

    // MARK: Objects

    private mutating func object(_ number: Int, at start: Int) throws(WalkStop) {
        let valueStart = scanner.at
        var dictionary: [String: PDFValue] = [:]
        let end = try scanner.tokens(into: &dictionary)
        isRecognised = true
        if values.count < Self.mostObjects {
            values[number] = valueStart
            starts.insert(start)
        } else {
            input.reached(.pdfObjects)
        }
        if case .integer(let value)? = dictionary[""], let pending = pendingLengths.removeValue(forKey: number),
            abs(value - pending.length) >= Self.blockSize
        {
            note(pending.start, "a stream is longer or shorter than the object that states its length")
        }
        if linearizedLength == nil, values.count == 1, dictionary["Linearized"] != nil,
            case .integer(let length)? = dictionary["L"]
        {
            linearizedLength = length
            file.note("linearized")
            if case .integer(let pages)? = dictionary["N"] { file.note("pages", pages) }
        }
        switch end {
        case .endObject: break
        case .unclosed: file.warnings.append("object \(number) is not closed")
        case .stream:
            try stream(dictionary)
            try scanner.skipSpace()
            if try input.matches("endobj", at: scanner.at) { scanner.at += 6 }
            if case .name("XRef")? = dictionary["Type"] {
                trailer.merge(dictionary) { _, new in new }
                lastSection = start
                notePredecessor(dictionary)
            }
        }
    }

    private mutating func note(_ prefix: Int, _ reason: String) {
        if doubt == nil { doubt = (prefix, reason) }
    }

    private mutating func stream(_ dictionary: [String: PDFValue]) throws(WalkStop) {
        if try input.matches("\r\n", at: scanner.at) {
            scanner.at += 2
        } else if [0x0A, 0x0D].contains(try input.u8(scanner.at)) {
            scanner.at += 1
        }
        let start = scanner.at
        var stated: Int?
        var pending: Int?
        switch dictionary["Length"] {
        case .integer(let length): stated = length
        case .reference(let number):
            if let value = values[number] {
                var probe = PDFScanner(input, at: value)
                try probe.skipSpace()
                stated = try probe.integer()
            } else {
                pending = number
            }
        default: break
        }
        var end: Int?
        if let stated, input.fits(start, stated) {
            scanner.at = start + stated
            try scanner.skipSpace()
            if try input.matches("endstream", at: scanner.at) { end = start + stated }
        }
        if end == nil {
            guard
                let hit = try input.firstOffset(
                    of: Array("endstream".utf8), from: start, to: min(input.count, start + Self.longestSearch))
            else {
                file.length = start
                guard input.count - start <= Self.longestSearch else {
                    throw input.stop(at: .pdfSearch, "a stream without an end")
                }
                throw .broken("a stream without an end")
            }
            if pending == nil {
                // What was inserted or lost between fragments is a block or more; less is a careless writer.
                if let stated, abs(hit - start - stated) < Self.blockSize {
                    file.warnings.append("the length of a stream is wrong by a few bytes")
                } else {
                    note(start, "a stream does not end where its length says")
                }
            }
            if let pending { pendingLengths[pending] = (start, hit - start) }
            scanner.at = hit
            end = hit
        }
        scanner.at += 9
        if case .name("Metadata")? = dictionary["Type"], dictionary["Filter"] == nil, let end {
            metadata = start..<end
        }
    }

    // MARK: Cross-reference tables

    /// Subsections of 20-byte entries (7.5.4), read as tokens because writers differ in their line ends.
    private mutating func table(at start: Int) throws(WalkStop) {
        lastSection = start
        while true {
            try scanner.skipSpace()
            let subsection = scanner.at
            guard try scanner.integer() != nil else { break }
            try scanner.skipSpace()
            guard let count = try scanner.integer() else { throw .broken("a cross-reference table without its count") }
            try scanner.skipSpace()
            // What follows the table may be an object.
            if try input.matches("obj", at: scanner.at) {
                scanner.at = subsection
                return
            }
            for _ in 0..<count {
                try scanner.skipSpace()
                guard let offset = try scanner.integer() else { break }
                try scanner.skipSpace()
                guard try scanner.integer() != nil else { throw .broken("a cross-reference entry without generation") }
                try scanner.skipSpace()
                let kind = try input.u8(scanner.at)
                guard kind == 0x6E || kind == 0x66 else { throw .broken("a cross-reference entry of no known kind") }
                scanner.at += 1
                guard kind == 0x6E, offset > 0 else { continue }
                if stated.count < Self.mostEntries { stated.append(offset) } else { input.reached(.pdfEntries) }
            }
        }
        guard scanner.at > start else { throw .broken("an empty cross-reference table") }
    }

    private mutating func notePredecessor(_ dictionary: [String: PDFValue]) {
        guard case .integer(let predecessor)? = dictionary["Prev"] else { return }
        guard predecessors.count < Self.mostEntries else { return input.reached(.pdfEntries) }
        predecessors[lastSection] = predecessor
    }

    /// True when the cross-reference sections lead back to one of themselves.
    private var isCircular: Bool {
        var seen: Set<Int> = []
        var section = startxref
        while let here = section {
            guard seen.insert(here).inserted else { return true }
            section = predecessors[here]
        }
        return false
    }

    // MARK: The end

    /// True when the file ends with the marker at `start`.
    private mutating func endMarker(at start: Int) throws(WalkStop) -> Bool {
        endMarkers += 1
        let marker = start + 5
        var end = marker + (try lineEnd(at: marker, styleBefore: start))
        if let length = linearizedLength, length >= marker, length - marker <= 2, length > end { end = length }
        scanner.at = marker
        file.length = end
        if markerEnds.count < 16 { markerEnds.append(end) }
        guard isRecognised else { throw .rejected("an end marker before any object") }
        var ahead = PDFScanner(input, at: end)
        while ahead.at < input.count {
            try ahead.skipSpace()
            if try input.matches("%PDF-", at: ahead.at) { return true }
            guard try input.matches("%", at: ahead.at), try !input.matches("%%EOF", at: ahead.at) else { break }
            try ahead.skipLine()
        }
        // Comments between a file and its update are short; more than that belongs to something else.
        guard ahead.at - end <= 4096, ahead.at < input.count else { return true }
        if try ["xref", "trailer", "startxref", "endstream", "endobj"].first(matching: input, at: ahead.at) != nil {
            return false
        }
        return try ahead.objectHeader() == nil
    }

    /// Length of the line end behind the marker, as this file writes line ends.
    ///
    /// The byte behind a file is arbitrary: a single byte counts only when the file uses it before the marker.
    private func lineEnd(at marker: Int, styleBefore start: Int) throws(WalkStop) -> Int {
        let before = try input.u8(start - 1)
        let isBare = before == 0x0D
        var length = 0
        var first: Int?
        // More than one line end is believed only when it is the same again, and a single byte only before zeros or the
        // end: behind a file lies arbitrary data, in which one byte in 256 is a line feed.
        while length < 8, input.fits(marker + length, 1) {
            let at = marker + length
            let isPair = try input.matches("\r\n", at: at)
            let byte = try input.u8(at)
            let kind = isPair ? 2 : byte == 0x0A ? 1 : byte == 0x0D && isBare ? 3 : 0
            guard kind != 0, first == nil || first == kind else { break }
            if first != nil, kind != 2, try !isQuiet(at: at + 1) { break }
            first = kind
            length += isPair ? 2 : 1
        }
        return length
    }

    /// True at a zero byte, at the end of the source, and at another line end that leads to one of them.
    private func isQuiet(at offset: Int) throws(WalkStop) -> Bool {
        var at = offset
        while at - offset < 8, input.fits(at, 1) {
            let byte = try input.u8(at)
            if byte == 0 { return true }
            guard byte == 0x0A || byte == 0x0D else { return false }
            at += 1
        }
        return !input.fits(at, 1)
    }

    /// Decides how sure the end is.
    private mutating func judge() throws(WalkStop) {
        if let linearizedLength, linearizedLength > file.length {
            throw .broken("ends before the length that its linearization dictionary states")
        }
        if let linearizedLength, !markerEnds.contains(where: { abs($0 - linearizedLength) <= 2 }) {
            // Its last section stands at the start, where no gap moves it: the length tells instead.
            file.length = doubt?.prefix ?? 8
            throw .broken("no end marker at the length that its linearization dictionary states")
        }
        var pointsHere = false
        if let target = startxref, target > 0, target < file.length {
            var probe = PDFScanner(input, at: target)
            try probe.skipSpace()
            if try input.matches("xref", at: probe.at) { pointsHere = true }
            if starts.contains(probe.at) { pointsHere = true }
        }
        if linearizedLength == file.length { pointsHere = true }
        if isCircular {
            file.confidence = .header
            file.warnings.append("the cross-reference sections run in a circle")
        }
        let wrong = stated.count { !starts.contains($0) && !isOneOff($0) }
        if pointsHere, wrong * 2 <= stated.count {
            // What contradicts itself is not consistent: pieces of other files may lie in it.
            if wrong > 0 || doubt != nil { file.confidence = .header }
            if wrong > 0 { file.warnings.append("\(wrong) cross-reference entries point at no object") }
            if let doubt { file.warnings.append(doubt.reason) }
            return
        }
        if let doubt {
            file.length = doubt.prefix
            throw .broken(doubt.reason)
        }
        if let target = startxref, target > 0, abs(lastSection - target) < Self.blockSize {
            file.warnings.append("the cross-reference section is a few bytes from where the file says it is")
            if wrong > 0 {
                file.confidence = .header
                file.warnings.append("\(wrong) cross-reference entries point at no object")
            }
            return
        }
        if let target = startxref, target > 0, (lastSection - target) % Self.blockSize == 0 {
            // Off by whole blocks: something lies between the pieces of this file.
            file.length = starts.subtracting(stated).min() ?? 8
            throw .broken("the cross-reference section is whole blocks away from where the file says it is")
        }
        if let stream = pendingLengths.values.map(\.start).min() {
            file.length = stream
            throw .broken("no object states the length of a stream, nor is the cross-reference section in its place")
        }
        file.confidence = .header
        file.warnings.append("the cross-reference section is not where the file says it is")
    }

    /// Some writers point at the line end before an object.
    private func isOneOff(_ offset: Int) -> Bool { starts.contains(offset + 1) || starts.contains(offset + 2) }

    // MARK: Facts

    private mutating func describe() throws(WalkStop) {
        if endMarkers > (linearizedLength == nil ? 1 : 2) {
            file.note("updates", endMarkers - (linearizedLength == nil ? 1 : 2))
        }
        let isEncrypted = trailer["Encrypt"] != nil
        if isEncrypted { file.note("encrypted") }
        if !isEncrypted, let info = try dictionary(trailer["Info"]) {
            for (key, fact) in Self.infoFacts {
                guard case .string(let at)? = info[key] else { continue }
                note(fact, string: try PDFScanner.stringValue(input, at: at))
            }
        }
        if let root = try dictionary(trailer["Root"]), let pages = try dictionary(root["Pages"]),
            case .integer(let count)? = pages["Count"]
        {
            file.note("pages", count)
        }
        if let metadata {
            let packet = try input.available(at: metadata.lowerBound, count: min(metadata.count, 65_536))
            file.note("producer", element: "pdf:Producer", in: packet)
            file.note("creator", element: "xmp:CreatorTool", in: packet)
            file.note("created", element: "xmp:CreateDate", in: packet)
            file.note("modified", element: "xmp:ModifyDate", in: packet)
        }
    }

    private static let infoFacts = [
        ("Title", "title"), ("Author", "author"), ("Subject", "subject"), ("Creator", "creator"),
        ("Producer", "producer"), ("CreationDate", "created"), ("ModDate", "modified"),
    ]

    /// The dictionary that a reference leads to, read again; nil when it lies in an object stream or nowhere.
    private func dictionary(_ value: PDFValue?) throws(WalkStop) -> [String: PDFValue]? {
        guard case .reference(let number)? = value, let start = values[number] else { return nil }
        var probe = PDFScanner(input, at: start)
        var dictionary: [String: PDFValue] = [:]
        _ = try probe.tokens(into: &dictionary)
        return dictionary
    }

    /// A text string: UTF-16 or UTF-8 with a mark, otherwise PDFDocEncoding (7.9.2.2).
    private mutating func note(_ key: String, string: [UInt8]) {
        if string.starts(with: [0xFE, 0xFF]) {
            if let text = EvidenceText.cleanUTF16(string.dropFirst(2), bigEndian: true) {
                file.facts[key] = .string(text)
            }
        } else {
            file.note(key, text: string.starts(with: [0xEF, 0xBB, 0xBF]) ? string.dropFirst(3) : string[...])
        }
    }
}

extension [String] {
    /// The first of these words that stands at `offset`.
    fileprivate func first(matching input: WalkInput, at offset: Int) throws(WalkStop) -> String? {
        for word in self where try input.matches(word, at: offset) { return word }
        return nil
    }
}
