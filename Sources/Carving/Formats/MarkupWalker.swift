internal import EvidenceModel

/// XML and HTML, ended by their own structure.
///
/// XML must be well formed up to the end of its root element; HTML ends with its `</html>`. White space behind the end
/// belongs to the file as far as it ends in line ends of the kind that the file uses.
struct MarkupWalker: TextWalker {
    let name = "markup"
    let signatures = MarkupWalker.beginnings

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try MarkupWalk(reader).verdict() }

    private static let beginnings: [WalkerSignature] = {
        let words = [
            "<?xml", "<!DOCTYPE", "<!doctype", "<!Doctype", "<html", "<HTML", "<Html", "<head", "<HEAD", "<body",
            "<BODY", "<!--", "<svg", "<plist", "<rss", "<feed", "<kml", "<gpx", "<x:xmpmeta",
        ]
        var all: [WalkerSignature] = []
        for word in words {
            for before in ["", "\u{FEFF}", "\n", "\r\n", "\n\n", " ", "\t"] {
                all.append(WalkerSignature(before + word))
            }
        }
        for word in ["<?xml", "<!DOCTYPE", "<!doctype", "<html", "<HTML"] {
            let units = Array(word.utf8)
            all.append(WalkerSignature([0xFF, 0xFE] + units.flatMap { [$0, 0] }))
            all.append(WalkerSignature([0xFE, 0xFF] + units.flatMap { [0, $0] }))
        }
        return all
    }()
}

private struct MarkupWalk: FileWalk {
    /// Longest HTML document: nothing but its end tag tells where it ends.
    static let longestHTML = WalkLimit.htmlBytes.value
    /// Longest single comment, section, tag or name.
    static let longestComment = 16 << 20
    static let longestTag = 8 << 20
    static let longestName = 256
    /// Longest name of an HTML element that is told from others.
    static let longestTagName = 32
    /// Deepest nesting of elements.
    static let deepest = WalkLimit.markupDepth.value
    /// Most bytes of white space behind the end.
    static let longestTail = 512

    var text: TextCursor
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "xml", fileExtension: "xml", mime: "application/xml")
    var isRecognised = false
    /// Hashes of the names of the open elements.
    var open: [Int] = []
    var root: String?
    var rootHash = 0
    var doctype: String?
    var hasDeclaration = false
    var trace = SyntaxTrace()
    var nesting = TagNesting()

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        do throws(WalkStop) {
            try text.readMark()
            try prolog()
            if isHTML { try html() } else { try element() }
        } catch {
            file.length = text.at
            throw error
        }
        file.length = text.at
        try tail()
        describe()
        trace.mark(file.length)
        file.doubt(
            try trace.unmarked(text.input),
            because: "blocks without a tag may be pieces of another text: nothing in the format would show it")
        if isHTML, !nesting.isSound {
            file.doubt(
                [0..<file.length], because: "its tags are not paired: pieces of other documents may lie in it")
        }
    }

    private var isHTML: Bool {
        let names = [root, doctype].compactMap { $0?.lowercased() }
        return names.contains("html") || ["head", "body"].contains(names.first ?? "")
    }

    // MARK: Before the root element

    /// Declaration, comments, instructions and document type, up to the root element's name.
    private mutating func prolog() throws(WalkStop) {
        while true {
            try text.skipSpace()
            trace.mark(text.at)
            guard try text.take("<") else { throw .rejected("text before the first tag") }
            if try text.take("?") {
                try instruction()
            } else if try text.take("!--") {
                try text.skip(past: "-->", within: Self.longestComment)
            } else if try text.peek() == 0x21 {
                try documentType()
                if isHTML {
                    isRecognised = true
                    return
                }
            } else {
                var probe = text
                let name = try text.name(longest: Self.longestName)
                guard let hash = try probe.nameHash(longest: Self.longestName) else {
                    throw .rejected("no element after the prolog")
                }
                root = name
                rootHash = hash
                isRecognised = true
                file.note("root", text: Array(name.utf8))
                return
            }
        }
    }

    private mutating func instruction() throws(WalkStop) {
        let start = text.at
        let target = try text.name(longest: Self.longestName)
        let isDeclaration = target == "xml"
        try text.skip(past: "?>", within: isDeclaration ? 1024 : Self.longestComment)
        if isDeclaration { hasDeclaration = true }
        guard isDeclaration, text.width == 1 else { return }
        let declaration = try text.input.bytes(at: start, count: text.at - start)
        isRecognised = true
        if let encoding = MetadataText.attribute("encoding", in: declaration.map { $0 == 0x27 ? 0x22 : $0 }) {
            file.note("encoding", text: encoding)
            let name = String(decoding: encoding, as: UTF8.self).lowercased()
            text.checksUTF8 = name == "utf-8" || name == "utf8"
        } else {
            text.checksUTF8 = true
        }
    }

    /// `<!DOCTYPE name … [ internal subset ]>`; the position is at the `!`.
    private mutating func documentType() throws(WalkStop) {
        _ = try text.take("!")
        let keyword = try text.name(longest: 16)
        guard keyword.lowercased() == "doctype" else { throw .rejected("neither a document type nor an element") }
        try text.skipSpace()
        doctype = try text.name(longest: Self.longestName)
        let start = text.at
        var inSubset = false
        while true {
            guard text.at - start < Self.longestTag else { throw .broken("a document type without an end") }
            if inSubset, try text.take("<!--") {
                try text.skip(past: "-->", within: Self.longestComment)
                continue
            }
            switch try text.next() {
            case 0x22: try text.skip(past: "\"", within: Self.longestTag)
            case 0x27: try text.skip(past: "'", within: Self.longestTag)
            case 0x3C: trace.mark(text.at - text.width)
            case 0x5B: inSubset = true
            case 0x5D: inSubset = false
            case 0x3E where !inSubset: return
            default: break
            }
        }
    }

    // MARK: XML

    /// Walks from behind the root element's name to the end of the root element.
    private mutating func element() throws(WalkStop) {
        try startTag(named: rootHash)
        while !open.isEmpty {
            try text.skipPlain(before: 0x3C)
            guard try text.next() == 0x3C else { continue }
            trace.mark(text.at - text.width)
            if try text.take("/") {
                let name = try text.nameHash(longest: Self.longestName)
                try text.skipSpace()
                guard try text.next() == 0x3E, let name, open.popLast() == name else {
                    throw .broken("an end tag that closes another element than the open one")
                }
            } else if try text.take("!--") {
                try text.skip(past: "-->", within: Self.longestComment)
            } else if try text.take("![CDATA[") {
                try text.skip(past: "]]>", within: Self.longestComment)
            } else if try text.take("?") {
                try text.skip(past: "?>", within: Self.longestComment)
            } else {
                guard let name = try text.nameHash(longest: Self.longestName) else {
                    throw .broken("a tag without a name")
                }
                try startTag(named: name)
            }
        }
    }

    /// Attributes up to the end of a start tag; the position is behind its name.
    private mutating func startTag(named name: Int) throws(WalkStop) {
        let start = text.at
        while true {
            guard text.at - start < Self.longestTag else { throw .broken("a tag without an end") }
            try text.skipSpace()
            if try text.take("/>") { return }
            if try text.take(">") {
                guard open.count < Self.deepest else {
                    throw text.input.stop(at: .markupDepth, "nested deeper than any real document")
                }
                open.append(name)
                return
            }
            guard try text.nameHash(longest: Self.longestName) != nil else {
                throw .broken("an attribute without a name")
            }
            try text.skipSpace()
            guard try text.take("=") else { throw .broken("an attribute without a value") }
            try text.skipSpace()
            let quote = try text.next()
            guard quote == 0x22 || quote == 0x27 else { throw .broken("an attribute value without quotes") }
            while true {
                try text.skipPlain(before: quote, 0x3C, atMost: Self.longestTag - (text.at - start))
                let character = try text.next()
                if character == quote { break }
                guard character != 0x3C, text.at - start < Self.longestTag else {
                    throw .broken("an attribute value without an end")
                }
            }
        }
    }

    // MARK: HTML

    /// Walks to the end tag of the document; only comments, scripts and styles can hide one.
    private mutating func html() throws(WalkStop) {
        file.format = "html"
        if let root { nesting.open(root) }
        while true {
            guard text.at < Self.longestHTML else {
                throw text.input.stop(at: .htmlBytes, "no </html> within \(Self.longestHTML) bytes")
            }
            if !nesting.isInTag { try text.skipPlain(before: 0x3C, atMost: Self.longestHTML - text.at) }
            let character = try text.next()
            guard character == 0x3C else {
                nesting.take(character)
                continue
            }
            let start = text.at - text.width
            if try text.take("!--") {
                trace.mark(start)
                // "<!-->" and "<!--->" are whole comments (HTML, 13.2.5.44).
                if try text.take(">") { continue }
                if try text.take("->") { continue }
                try text.skip(past: "-->", within: Self.longestComment)
                trace.mark(text.at - text.width)
            } else if try text.takeIgnoringCase("/html") {
                trace.mark(start)
                try text.skipSpace()
                if try text.take(">") {
                    nesting.close("html")
                    return
                }
            } else if try text.takeIgnoringCase("script") {
                trace.mark(start)
                try raw("script")
            } else if try text.takeIgnoringCase("style") {
                trace.mark(start)
                try raw("style")
            } else if file.facts["title"] == nil, try text.takeIgnoringCase("title>") {
                trace.mark(start)
                nesting.openWhole("title")
                try title()
            } else {
                try tag(at: start)
            }
        }
    }

    private static func isLetter(_ character: Int) -> Bool {
        (0x41...0x5A).contains(character) || (0x61...0x7A).contains(character)
    }

    /// Notes a tag: its name, and whether it opens or closes an element.
    private mutating func tag(at start: Int) throws(WalkStop) {
        var probe = text
        let closes = try probe.take("/")
        guard let first = try probe.peekRaw() else { return }
        if first == 0x21 || first == 0x3F {
            trace.mark(start)
            return
        }
        var name = ""
        guard Self.isLetter(first) else { return }
        while name.utf8.count < Self.longestTagName, let character = try probe.peekRaw(),
            Self.isLetter(character) || (0x30...0x3A).contains(character) || character == 0x2D || character == 0x5F
        {
            name.unicodeScalars.append(Unicode.Scalar(UInt8(character)))
            probe.at += probe.width
        }
        trace.mark(start)
        if closes { nesting.close(name.lowercased()) } else { nesting.open(name.lowercased()) }
    }

    /// Text that ends only with the end tag of its element.
    private mutating func raw(_ element: String) throws(WalkStop) {
        // The tag itself; a word that only begins with the name is another element.
        let next = try text.peek() ?? 0
        guard next == 0x3E || next == 0x2F || TextCursor.isSpace(next) else { return }
        var last = 0
        while true {
            let character = try text.next()
            if character == 0x3E { break }
            last = character
        }
        if last == 0x2F { return }
        let start = text.at
        while true {
            try text.skipPlain(before: 0x3C, atMost: Self.longestComment - (text.at - start))
            guard text.at - start < Self.longestComment else { throw .broken("a \(element) without an end") }
            if try text.next() == 0x3C, try text.takeIgnoringCase("/" + element) {
                trace.mark(text.at - text.width)
                return
            }
        }
    }

    private mutating func title() throws(WalkStop) {
        var bytes: [UInt8] = []
        while let character = try text.peek(), character != 0x3C {
            _ = try text.next()
            if bytes.count < 1024 {
                if text.width == 2 { bytes.append(UInt8(truncatingIfNeeded: character >> 8)) }
                bytes.append(UInt8(truncatingIfNeeded: character))
            }
        }
        if text.width == 1 {
            file.note("title", text: bytes)
        } else if let title = EvidenceText.cleanUTF16(bytes, bigEndian: true) {
            file.facts["title"] = .string(title)
        }
    }

    // MARK: Behind the end

    /// Takes white space that ends in line ends of the file's kind, and comments behind such.
    private mutating func tail() throws(WalkStop) {
        let end = file.length
        while file.length - end < Self.longestTail {
            var probe = text
            probe.at = file.length
            while let character = try probe.peekRaw(), character == 0x20 || character == 0x09 {
                probe.at += probe.width
            }
            guard let length = try probe.lineEnd() else { break }
            file.length = probe.at + length
        }
        // A comment behind the end, unless another file could begin there.
        var probe = text
        probe.at = file.length
        guard file.length % 512 != 0, try probe.take("<!--") else { return }
        do throws(WalkStop) {
            try probe.skip(past: "-->", within: Self.longestComment)
        } catch { return }
        text = probe
        file.length = probe.at
        try tail()
    }

    // MARK: What it is

    private static let kinds: [String: (format: String, fileExtension: String, mime: String)] = [
        "svg": ("svg", "svg", "image/svg+xml"), "plist": ("plist", "plist", "application/x-plist"),
        "rss": ("rss", "rss", "application/rss+xml"), "feed": ("atom", "atom", "application/atom+xml"),
        "kml": ("kml", "kml", "application/vnd.google-earth.kml+xml"), "gpx": ("gpx", "gpx", "application/gpx+xml"),
        "RDF": ("rdf", "rdf", "application/rdf+xml"), "xmpmeta": ("xmp", "xmp", "application/rdf+xml"),
        "COLLADA": ("collada", "dae", "model/vnd.collada+xml"), "stylesheet": ("xslt", "xsl", "application/xslt+xml"),
        "schema": ("xsd", "xsd", "application/xml"), "score-partwise": ("musicxml", "musicxml", "application/xml"),
    ]

    private mutating func describe() {
        if file.format == "html" {
            let isXHTML = hasDeclaration
            file.fileExtension = isXHTML ? "xhtml" : "html"
            file.mime = isXHTML ? "application/xhtml+xml" : "text/html"
            return
        }
        let local = root?.split(separator: ":").last.map(String.init) ?? ""
        if let kind = Self.kinds[local] {
            file.format = kind.format
            file.fileExtension = kind.fileExtension
            file.mime = kind.mime
        }
    }
}
