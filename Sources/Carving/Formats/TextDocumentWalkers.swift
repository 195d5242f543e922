internal import EvidenceModel

extension WalkedFile {
    /// Takes the line ends behind `cursor`, of the kind that the text uses, at most `most` of them.
    mutating func end(behind cursor: TextCursor, most: Int) throws(WalkStop) {
        var probe = cursor
        var taken = 0
        while taken < most, let length = try probe.lineEnd() {
            probe.at += length
            taken += 1
        }
        length = probe.at
    }

    /// True when another part of the file follows at `cursor`.
    ///
    /// One that begins at a block border may as well begin another file: then the parts are kept together, and believed less.
    fileprivate mutating func goesOn(with beginning: String, at cursor: TextCursor) throws(WalkStop) -> Bool {
        guard try cursor.input.matches(beginning, at: cursor.at) else { return false }
        if cursor.at % WalkInput.blockSize == 0, confidence == .structural {
            confidence = .header
            warnings.append("a part begins at a block's start, where another file may begin as well")
        }
        return true
    }
}

/// Rich Text Format (RTF 1.9.1): ends with the brace that closes the first one.
struct RTFWalker: TextWalker {
    let name = "rtf"
    let signatures = [WalkerSignature("{\\rtf")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try RTFWalk(reader).verdict() }
}

private struct RTFWalk: FileWalk {
    static let longest = 1 << 30
    /// Most groups that are open at a time.
    static let deepest = 1 << 14
    /// Longest control word; the standard's limit is 32 letters.
    static let longestWord = 64
    /// Fewer hexadecimal digits are an accident.
    static let fewestDigits = 16
    /// Fewer printable bytes behind the end are an accident.
    static let fewestFollowing = 8
    /// How far surplus text behind the closing brace is looked at.
    static let longestSurplus = 1024

    var text: TextCursor
    var file = WalkedFile(length: 0, confidence: .structural, format: "rtf", fileExtension: "rtf", mime: "text/rtf")
    var isRecognised = false
    var trace = SyntaxTrace()
    /// True when another document's beginning stands inside.
    var holdsAnother = false
    /// Control words of more than one letter met, the document's first one included.
    var words = 0

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        do throws(WalkStop) {
            try groups()
        } catch {
            file.length = text.at
            throw error
        }
        try file.end(behind: text, most: 2)
        // A brace ends any bytes soon: five bytes of signature and nothing of the language are no document.
        let states = try (0x30...0x39).contains(text.input.u8(5))
        if words == 1, !states {
            file.confidence = .header
            file.warnings.append("neither a version nor another control word: only its first bytes are the format's")
        }
        try surplus()
        let lastMark = trace.last
        trace.mark(file.length)
        file.doubt(
            try trace.unmarked(text.input),
            because: "blocks without a control word may be pieces of another text: nothing in the format shows it")
        // Any bytes hold a closing brace after some time.
        if try !endsInHexadecimal() {
            file.doubt(
                [lastMark..<max(lastMark, file.length)],
                because: "no control word in its last block: a piece of another file may end it early")
        }
        let isFollowed = try textFollows()
        if holdsAnother || isFollowed {
            file.doubt(
                [0..<file.length],
                because: holdsAnother
                    ? "another document begins in it"
                    : "text goes on behind the end: a piece of another text may end it early")
        }
        let head = try text.input.available(at: 0, count: min(file.length, 65_536))
        for fact in ["title", "author", "operator", "company"] {
            note(fact == "operator" ? "last_modified_by" : fact, group: "{\\" + fact + " ", in: head)
        }
        note("producer", group: "{\\*\\generator ", in: head)
    }

    /// True when the last block begins with hexadecimal data, as pictures and embedded objects do up to the end.
    private func endsInHexadecimal() throws(WalkStop) -> Bool {
        let border = file.length / FreeSpace.block * FreeSpace.block
        let rest = try text.input.available(at: border, count: file.length - border)
        return rest.count >= Self.fewestDigits
            && rest.prefix(Self.fewestDigits).allSatisfy { Self.mayBeHexadecimal(Int($0)) }
    }

    /// True when the block in which the document ends goes on with text.
    private func textFollows() throws(WalkStop) -> Bool {
        let rest = -file.length & (FreeSpace.block - 1)
        let bytes = try text.input.available(at: file.length, count: rest)
        return bytes.count >= Self.fewestFollowing && BlockKind(of: bytes) == .text
    }

    private mutating func groups() throws(WalkStop) {
        guard try text.take("{\\rtf") else { throw .rejected("not rich text") }
        // For each open group: whether its text is hexadecimal.
        var groups = [false]
        repeat {
            guard text.at < Self.longest, groups.count < Self.deepest else {
                throw .broken("no closing brace within \(Self.longest) bytes, or \(Self.deepest) open ones")
            }
            let character = try text.next()
            switch character {
            case 0x7B:
                groups.append(false)
                if try text.input.matches("\\rtf", at: text.at) { holdsAnother = true }
            case 0x7D: groups.removeLast()
            case 0x5C:
                if try control() { groups[groups.count - 1] = true }
            default:
                guard !(groups.last ?? false) || Self.mayBeHexadecimal(character) else {
                    throw .broken("other characters among hexadecimal data")
                }
            }
            if text.at > 6 { isRecognised = true }
        } while !groups.isEmpty
    }

    /// Passes over a control word or symbol; true when the text behind it is hexadecimal.
    private mutating func control() throws(WalkStop) -> Bool {
        let start = text.at - 1
        var word: [UInt8] = []
        while let letter = try text.peek(), (0x61...0x7A).contains(letter | 0x20), word.count < Self.longestWord {
            word.append(UInt8(letter))
            _ = try text.next()
        }
        guard !word.isEmpty else {
            // A symbol: the character itself, or two hexadecimal digits behind a quote.
            if let symbol = try text.peek(), [0x5C, 0x7B, 0x7D, 0x2A, 0x27].contains(symbol) {
                _ = try text.next()
                if symbol == 0x27 {
                    trace.mark(start)
                    for _ in 0..<2 where try text.peek().map(Self.mayBeHexadecimal) ?? false { _ = try text.next() }
                }
            }
            return false
        }
        if word == Array("bin".utf8) {
            try binary()
            return false
        }
        // A single letter behind a backslash stands in the source text of programs as well.
        if word.count > 1 {
            words += 1
            trace.mark(start)
        }
        if try text.peek() == 0x2D { _ = try text.next() }
        while let digit = try text.peek(), (0x30...0x39).contains(digit) { _ = try text.next() }
        if try text.peek() == 0x20 { _ = try text.next() }
        return Self.hexadecimal.contains(word)
    }

    private static func mayBeHexadecimal(_ character: Int) -> Bool {
        switch character {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66, 0x09, 0x0A, 0x0D, 0x20: true
        default: false
        }
    }

    /// Destinations whose text is hexadecimal.
    private static let hexadecimal: Set<[UInt8]> = Set(
        ["pict", "objdata", "themedata", "colorschememapping", "datastore", "blipuid"].map { Array($0.utf8) })

    /// A careless writer closes more groups than it opened: text behind the end that closes one belongs to the file.
    private mutating func surplus() throws(WalkStop) {
        var probe = text
        probe.at = file.length
        // Arbitrary bytes may hold a brace: only a line of its own or a control word makes it one of this text.
        var isText = file.length > text.at
        while probe.at - file.length < Self.longestSurplus {
            if try text.input.matches("{\\rtf", at: probe.at) { return }
            let character: Int
            do throws(WalkStop) { character = try probe.next() } catch { return }
            if character == 0x5C, let letter = try probe.peek(), (0x61...0x7A).contains(letter) {
                _ = try probe.next()
                if let second = try probe.peek(), (0x61...0x7A).contains(second) { isText = true }
            }
            guard character == 0x7D else { continue }
            guard isText else { return }
            try file.end(behind: probe, most: 2)
            file.confidence = .header
            isText = file.length > probe.at
        }
    }

    /// `\binN `: N bytes of anything follow.
    private mutating func binary() throws(WalkStop) {
        var count = 0
        while let digit = try text.peek(), (0x30...0x39).contains(digit), count < 1 << 31 {
            count = count * 10 + digit - 0x30
            _ = try text.next()
        }
        guard count > 0 else { return }
        guard text.input.fits(text.at, count + 1) else { throw .broken("binary data past the end of the source") }
        text.at += count + 1
    }

    private mutating func note(_ fact: String, group: String, in head: [UInt8]) {
        let pattern = Array(group.utf8)
        guard let start = head.firstIndex(of: pattern, from: 0) else { return }
        file.note(fact, text: head[(start + pattern.count)...].prefix(512).prefix { $0 != 0x7D && $0 != 0x3B })
    }
}

/// The characters of base64 text (RFC 4648, section 4).
enum Base64 {
    /// True for the alphabet, its padding and white space.
    static func mayHold(_ character: Int) -> Bool {
        switch character {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x3D, 0x09, 0x0A, 0x0D, 0x20: true
        default: false
        }
    }
}

/// The lengths of lines of encoded data: writers make all of them equally long, but for the last.
struct LineLengths {
    private var first = 0
    private var current = 0
    private var hasShorter = false
    /// True as long as only the last line is shorter than the others.
    private(set) var areEven = true

    /// Takes a character of the data.
    mutating func take(_ character: Int) {
        if character == 0x0A || character == 0x0D { endLine() } else { current += 1 }
    }

    /// Takes a whole line.
    mutating func take(line length: Int) {
        current = length
        endLine()
    }

    private mutating func endLine() {
        guard current > 0 else { return }
        if first == 0 { first = current }
        if hasShorter || current > first { areEven = false }
        if current < first { hasShorter = true }
        current = 0
    }
}

/// PEM (RFC 7468): one or more encapsulated blocks of base64.
struct PEMWalker: TextWalker {
    let name = "pem"
    let signatures = [WalkerSignature("-----BEGIN ")]
    let tailsAreFiles = true

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try PEMWalk(reader).verdict() }
}

private struct PEMWalk: FileWalk {
    static let longestBlock = WalkLimit.pemBlockBytes.value
    static let longestHeaders = 4096

    var text: TextCursor
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "pem", fileExtension: "pem", mime: "application/x-pem-file")
    var isRecognised = false
    var labels: [CanonicalValue] = []
    /// Blocks whose lines are not of one length.
    var uneven: [Range<Int>] = []

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        repeat {
            do throws(WalkStop) { try block() } catch {
                file.length = text.at
                throw error
            }
            try file.end(behind: text, most: 1)
            text.at = file.length
        } while try goesOn()
        file.facts["labels"] = .array(labels)
        file.doubt(uneven, because: "lines of several lengths: a piece of another text may lie among them")
    }

    private mutating func goesOn() throws(WalkStop) -> Bool {
        guard try !text.input.matches("-----BEGIN PGP ", at: text.at) else { return false }
        return try file.goesOn(with: "-----BEGIN ", at: text)
    }

    private mutating func block() throws(WalkStop) {
        let start = text.at
        guard try text.take("-----BEGIN ") else { throw .rejected("no BEGIN line") }
        // OpenPGP's armor has a checksum, and so a walker of its own.
        guard try !text.input.matches("PGP ", at: text.at) else { throw .rejected("OpenPGP armor") }
        var label: [UInt8] = []
        while true {
            let character = try text.next()
            if character == 0x2D { break }
            let isLabel = (0x41...0x5A).contains(character) || (0x30...0x39).contains(character) || character == 0x20
            guard isLabel, label.count < 64 else { throw .rejected("a label with other characters") }
            label.append(UInt8(character))
        }
        guard try text.take("----"), try text.lineEnd() != nil else { throw .rejected("no end of the BEGIN line") }
        isRecognised = true
        if labels.count < 16, let name = EvidenceText.clean(label) { labels.append(.string(name)) }
        let end = "-----END " + String(decoding: label, as: UTF8.self) + "-----"
        try headers(end: end)
        var spaced = false
        var lines = LineLengths()
        while try text.peek() != 0x2D {
            guard text.at - start < Self.longestBlock else {
                throw text.input.stop(at: .pemBlockBytes, "no END line")
            }
            let character = try text.next()
            let isSpace = character == 0x20 || character == 0x09
            let isLineEnd = character == 0x0A || character == 0x0D
            guard Base64.mayHold(character) else {
                throw .broken("a character that is no base64 before the END line")
            }
            guard isSpace || isLineEnd || !spaced else { throw .broken("a space inside a line of base64") }
            lines.take(character)
            spaced = isSpace || (spaced && !isLineEnd)
        }
        guard try text.take(end) else {
            guard try text.input.matches("-----END ".utf8, at: text.at) else {
                throw .broken("a dash where base64 or the END line must stand")
            }
            throw .broken("the END line has another label than the BEGIN line")
        }
        if !lines.areEven { uneven.append(start..<text.at) }
    }

    /// The headers of encrypted keys (RFC 1421, 4.4) and of OpenPGP armor: fields before an empty line.
    private mutating func headers(end: String) throws(WalkStop) {
        let start = text.at
        var probe = text
        while probe.at - start < Self.longestHeaders {
            let character = try probe.next()
            // A colon is no base64: what stands before the empty line behind it are fields.
            if character == 0x3A { break }
            guard Base64.mayHold(character) || character == 0x2D else { return }
            if character == 0x2D, try probe.input.matches(end.utf8, at: probe.at - 1) { return }
        }
        // The first line end is that of the BEGIN line.
        var isEmpty = false
        while text.at - start < Self.longestHeaders {
            let character = try text.next()
            guard (0x20...0x7E).contains(character) || [0x09, 0x0A, 0x0D].contains(character) else {
                throw .broken("a header with other characters than text")
            }
            if character == 0x0A, isEmpty { return }
            if character != 0x0D { isEmpty = character == 0x0A }
        }
        throw .broken("headers without an end")
    }
}

/// vCard (RFC 6350) and iCalendar (RFC 5545): lines between BEGIN and END.
struct CardWalker: TextWalker {
    let name = "vcard"
    let signatures = [WalkerSignature("BEGIN:VCARD"), WalkerSignature("BEGIN:VCALENDAR")]
    let tailsAreFiles = true

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CardWalk(reader).verdict() }
}

private struct CardWalk: FileWalk {
    static let longest = 256 << 20
    /// Longest name of a property, with the name of its group.
    static let longestName = 64

    var text: TextCursor
    var file = WalkedFile(length: 0, confidence: .structural, format: "vcf", fileExtension: "vcf", mime: "text/vcard")
    var isRecognised = false
    var trace = SyntaxTrace()

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        let kind = try text.input.matches("BEGIN:VCARD", at: 0) ? "VCARD" : "VCALENDAR"
        if kind == "VCALENDAR" {
            file.format = "ics"
            file.fileExtension = "ics"
            file.mime = "text/calendar"
        }
        var count = 0
        repeat {
            do throws(WalkStop) { try component(kind) } catch {
                file.length = text.at
                throw error
            }
            count += 1
            try file.end(behind: text, most: 1)
            text.at = file.length
        } while try file.goesOn(with: "BEGIN:\(kind)", at: text)
        file.note("components", count)
        trace.mark(file.length)
        file.doubt(
            try trace.unmarked(text.input),
            because: "blocks without a property may be pieces of another text: nothing in the format would show it")
    }

    /// True when the position is at a property: a name, parameters and a colon (RFC 5545, 3.1; RFC 6350, 3.3).
    private func isProperty() throws(WalkStop) -> Bool {
        var probe = text
        var length = 0
        while let character = try probe.peekRaw(), length < Self.longestName {
            if character == 0x3A || character == 0x3B { return length > 0 }
            let isLetter = (0x41...0x5A).contains(character) || (0x61...0x7A).contains(character)
            guard isLetter || (0x30...0x39).contains(character) || character == 0x2D || character == 0x2E else {
                return false
            }
            probe.at += probe.width
            length += 1
        }
        return false
    }

    private mutating func component(_ kind: String) throws(WalkStop) {
        guard try text.take("BEGIN:" + kind), try text.lineEnd() != nil else { throw .rejected("no BEGIN line") }
        while true {
            guard text.at < Self.longest else { throw .broken("no END line") }
            let character = try text.next()
            guard character == 0x0A || character == 0x0D else { continue }
            if text.at > 40 { isRecognised = true }
            if try isProperty() { trace.mark(text.at) }
            if try text.take("END:" + kind) { return }
        }
    }
}

/// Mail messages (RFC 5322 and MIME): ended by the closing delimiter of their outermost multipart, or else by the first
/// byte that is no text.
struct MailWalker: TextWalker {
    let name = "eml"
    let signatures = [
        "From: ", "To: ", "Return-Path: ", "Received: ", "Message-ID: ", "Message-Id: ", "MIME-Version: ", "Date: ",
        "Delivered-To: ", "Subject: ", "X-Mailer: ", "X-Mozilla-", "X-Notes-Item: ", "X-Originating", "X-Received: ",
        "Reply-To: ", "Sender: ", "DKIM-Signature: ", "Content-Type: ", "Mime-Version: ", "X-Sender: ", "X-Priority: ",
    ].map { WalkerSignature($0) }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try MailWalk(reader).verdict() }
}

private struct MailWalk: FileWalk {
    static let longestHeader = 256 * 1024
    static let longest = 64 << 20
    static let longestLine = 64 * 1024
    /// Most delimiters of nested parts that are kept.
    static let mostDelimiters = 64

    var text: TextCursor
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "eml", fileExtension: "eml", mime: "message/rfc822")
    var isRecognised = false
    var fields: [String: [UInt8]] = [:]
    var trace = SyntaxTrace()
    /// Delimiter lines of the parts, without what ends them.
    var delimiters: [[UInt8]] = []
    /// True when lines of encoded data are not of one length.
    var isUneven = false

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        try header()
        for (field, fact) in [("from", "from"), ("to", "to"), ("subject", "subject"), ("date", "date")] {
            if let value = fields[field] { file.note(fact, text: value) }
        }
        file.length = text.at
        if let boundary = boundary() { try multipart(boundary) } else { try plain() }
    }

    /// Fields up to the empty line; enough of them must be those of a mail.
    private mutating func header() throws(WalkStop) {
        var name: String?
        while true {
            guard text.at < Self.longestHeader else { throw .rejected("a header longer than any real one") }
            let start = text.at
            let line = try self.line()
            if line.isEmpty { break }
            if line[0] == 0x20 || line[0] == 0x09 {
                guard let name else { throw .rejected("a folded line before any field") }
                if let value = fields[name], value.count < 4096 { fields[name] = value + line }
                continue
            }
            guard let colon = line.firstIndex(of: 0x3A), colon > 0,
                line[..<colon].allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw .rejected("a header line that is no field") }
            let field = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            trace.mark(start)
            if fields[field] == nil, fields.count < 256 { fields[field] = Array(line[(colon + 1)...]) }
            name = field
        }
        let telling: Set = [
            "from", "to", "date", "subject", "message-id", "received", "mime-version", "return-path", "content-type",
        ]
        guard telling.intersection(fields.keys).count >= 3 else { throw .rejected("not the header of a mail") }
        isRecognised = true
    }

    /// The next line without its end.
    private mutating func line() throws(WalkStop) -> [UInt8] {
        var line: [UInt8] = []
        while true {
            try text.takePlain(to: &line, atMost: Self.longestLine - line.count)
            let character = try text.next()
            if character == 0x0A { return line }
            if character == 0x0D {
                if try text.peek() == 0x0A { _ = try text.next() }
                return line
            }
            guard line.count < Self.longestLine else { throw .broken("a line longer than any real one") }
            line.append(UInt8(truncatingIfNeeded: character))
        }
    }

    private func boundary() -> [UInt8]? {
        guard let type = fields["content-type"] else { return nil }
        return lowered(type).contains(text: "multipart/") ? boundary(in: type) : nil
    }

    private func lowered(_ text: [UInt8]) -> [UInt8] { text.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 } }

    /// The parameter of that name in a field, or in a part of it.
    private func boundary(in type: [UInt8]) -> [UInt8]? {
        guard let at = lowered(type).firstIndex(of: Array("boundary=".utf8), from: 0) else { return nil }
        var value = type[(at + 9)...]
        if value.first == 0x22 {
            value = value.dropFirst()
            value = value.prefix { $0 != 0x22 }
        } else {
            value = value.prefix { $0 > 0x20 && $0 != 0x3B }
        }
        return value.isEmpty || value.count > 200 ? nil : Array(value)
    }

    private mutating func multipart(_ boundary: [UInt8]) throws(WalkStop) {
        let delimiter = [0x2D, 0x2D] + boundary + [0x2D, 0x2D]
        delimiters = [[0x2D, 0x2D] + boundary]
        var part = MailPart.body
        while true {
            guard text.at < Self.longest else { throw .broken("no closing delimiter") }
            let start = text.at
            if try text.peek() == 0x2D, try text.input.matches(delimiter, at: start) {
                trace.mark(start)
                text.at += delimiter.count
                try file.end(behind: text, most: 4)
                try judge()
                return
            }
            do throws(WalkStop) {
                let line = try line()
                if try part.take(line), isDelimiter(line) || !line.starts(with: [0x2D, 0x2D]) { trace.mark(start) }
                if case .header = part, delimiters.count < Self.mostDelimiters, let inner = self.boundary(in: line) {
                    delimiters.append([0x2D, 0x2D] + inner)
                }
                if case .base64(let lines) = part, !lines.areEven { isUneven = true }
            } catch {
                file.length = text.at
                throw error
            }
            file.length = text.at
        }
    }

    private func isDelimiter(_ line: [UInt8]) -> Bool { delimiters.contains { line.starts(with: $0) } }

    /// Text parts take any text; only fields, delimiters and even lines of base64 data show that they are the mail's.
    private mutating func judge() throws(WalkStop) {
        trace.mark(file.length)
        file.doubt(
            trace.bare,
            because: "blocks of text may be pieces of another one: nothing in the format would show it")
        if isUneven {
            file.doubt(
                [0..<file.length], because: "lines of several lengths: a piece of another text may lie among them")
        }
    }

    /// What a line of a multipart body must be.
    private enum MailPart {
        case header(isBase64: Bool)
        case body
        case base64(LineLengths)

        /// True when the line shows the structure of a mail.
        mutating func take(_ line: [UInt8]) throws(WalkStop) -> Bool {
            if line.starts(with: [0x2D, 0x2D]), line.count > 2 {
                self = .header(isBase64: false)
                return true
            }
            switch self {
            case .header(let isBase64):
                if line.isEmpty {
                    self = isBase64 ? .base64(LineLengths()) : .body
                    return false
                }
                let lower = String(decoding: line.prefix(80), as: UTF8.self).lowercased()
                if lower.hasPrefix("content-transfer-encoding:") {
                    self = .header(isBase64: lower.hasSuffix("base64"))
                }
                return lower.hasPrefix("content-")
            case .body: return false
            case .base64(var lines):
                let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 })
                guard words.count <= 1, line.allSatisfy({ Base64.mayHold(Int($0)) }) else {
                    throw .broken("other characters among base64 data")
                }
                lines.take(line: line.count)
                self = .base64(lines)
                return !line.isEmpty
            }
        }
    }

    /// A mail of one part: nothing says where it ends.
    private mutating func plain() throws(WalkStop) {
        do throws(WalkStop) {
            while text.at < Self.longest {
                _ = try line()
                file.length = text.at
            }
        } catch {
            guard case .broken = error else { throw error }
        }
        file.confidence = .header
        file.warnings.append("a mail of one part has no end of its own: ended with the last line of text")
    }
}
