/// Reads Turtle (W3C Recommendation of 25 February 2014) as far as containers use it.
///
/// Prefixes, IRIs, prefixed names, literals with type or language, `a`, lists with `;` and `,`, blank nodes, property
/// lists and collections. What was read before an error counts.
struct AFF4Turtle {
    /// Most bytes of `information.turtle`.
    static let largestText = 8 << 20
    /// Most statements.
    static let mostStatements = 200_000
    /// Deepest nesting of brackets.
    static let deepestNesting = 16
    /// Most bytes that prefixes may make of the text: a name of few characters can stand for a long IRI.
    static let mostExpandedBytes = 64 << 20

    /// Why the text could not be read to its end, with the line.
    struct Flaw: Error, Hashable {
        let line: Int
        let problem: String
    }

    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var prefixes: [String: String] = [:]
    private var base = ""
    private var graph = AFF4Graph()
    private var blankCount = 0
    private var expandedBytes = 0

    /// The statements of a text, and what is wrong with it.
    static func read(_ bytes: [UInt8]) -> (graph: AFF4Graph, flaw: Flaw?) {
        var reader = AFF4Turtle(bytes)
        do {
            try reader.readAll()
        } catch {
            return (reader.graph, error)
        }
        return (reader.graph, nil)
    }

    private init(_ bytes: [UInt8]) {
        // A byte-order mark is no part of the text.
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    }

    // MARK: Statements

    private mutating func readAll() throws(Flaw) {
        while skipSpace() {
            if take("@prefix") {
                try readPrefix()
                try expect(".")
            } else if take("@base") {
                try readBase()
                try expect(".")
            } else if takeWord("PREFIX") {
                try readPrefix()
            } else if takeWord("BASE") {
                try readBase()
            } else {
                try readTriples()
                try expect(".")
            }
        }
    }

    private mutating func readPrefix() throws(Flaw) {
        skipSpace()
        let name = text(takeWhile { $0 != UInt8(ascii: ":") && !Self.isSpace($0) })
        try expect(":")
        skipSpace()
        prefixes[name] = try readIRI()
    }

    private mutating func readBase() throws(Flaw) {
        skipSpace()
        base = try readIRI()
    }

    private mutating func readTriples() throws(Flaw) {
        let isPropertyList = peek == UInt8(ascii: "[")
        let subject = try readTerm(depth: 0)
        guard let name = subject.iri else { throw flaw("a literal cannot be a subject") }
        skipSpace()
        if isPropertyList, peek == UInt8(ascii: ".") { return }
        try readProperties(of: name, depth: 0)
    }

    private mutating func readProperties(of subject: String, depth: Int) throws(Flaw) {
        while true {
            skipSpace()
            let predicate: String
            if peek == UInt8(ascii: "a"), at + 1 < bytes.count, Self.isSpace(bytes[at + 1]) {
                at += 1
                predicate = AFF4Lexicon.type
            } else {
                guard let iri = try readTerm(depth: depth).iri else { throw flaw("a literal cannot be a predicate") }
                predicate = iri
            }
            repeat {
                skipSpace()
                let object = try readTerm(depth: depth)
                guard graph.count < Self.mostStatements else { throw flaw("there are too many statements") }
                graph.add(subject, predicate, object)
                skipSpace()
            } while take(",")
            guard take(";") else { return }
            // A list may end with ";", even with several.
            repeat { skipSpace() } while take(";")
            if peek == nil || peek == UInt8(ascii: ".") || peek == UInt8(ascii: "]") { return }
        }
    }

    // MARK: Terms

    private mutating func readTerm(depth: Int) throws(Flaw) -> AFF4Graph.Term {
        guard depth < Self.deepestNesting else { throw flaw("brackets are nested too deeply") }
        switch peek {
        case UInt8(ascii: "<"): return .iri(try readIRI())
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return try readLiteral()
        case UInt8(ascii: "["):
            at += 1
            let name = blank()
            skipSpace()
            if peek != UInt8(ascii: "]") { try readProperties(of: name, depth: depth + 1) }
            try expect("]")
            return .iri(name)
        case UInt8(ascii: "("):
            at += 1
            let name = blank()
            while true {
                guard skipSpace() else { throw flaw("a collection does not end") }
                if take(")") { return .iri(name) }
                let member = try readTerm(depth: depth + 1)
                guard graph.count < Self.mostStatements else { throw flaw("there are too many statements") }
                graph.add(name, "member", member)
            }
        case nil: throw flaw("the text ends within a statement")
        default: return try readName()
        }
    }

    private mutating func blank() -> String {
        blankCount += 1
        return "_:[\(blankCount)]"
    }

    private mutating func readIRI() throws(Flaw) -> String {
        guard take("<") else { throw flaw("an IRI is expected") }
        var content: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: ">") {
            guard byte > 0x20 else { throw flaw("an IRI does not end") }
            at += 1
            if byte == UInt8(ascii: "\\") { content += try readEscape() } else { content.append(byte) }
        }
        guard take(">") else { throw flaw("an IRI does not end") }
        let iri = text(content[...])
        // Relative IRIs stand beside the base; that they be resolved in full is not needed here.
        return try expanded(iri.contains(":") ? iri : base + iri)
    }

    private mutating func expanded(_ text: String) throws(Flaw) -> String {
        expandedBytes += text.utf8.count
        guard expandedBytes <= Self.mostExpandedBytes else { throw flaw("its prefixes make too much of it") }
        return text
    }

    private mutating func readLiteral() throws(Flaw) -> AFF4Graph.Term {
        let quote = bytes[at]
        let isLong = at + 2 < bytes.count && bytes[at + 1] == quote && bytes[at + 2] == quote
        at += isLong ? 3 : 1
        var content: [UInt8] = []
        while true {
            guard let byte = peek else { throw flaw("a literal does not end") }
            if byte == quote {
                if !isLong { break }
                if at + 2 < bytes.count, bytes[at + 1] == quote, bytes[at + 2] == quote { break }
            }
            if byte == UInt8(ascii: "\n") {
                guard isLong else { throw flaw("a literal does not end") }
                line += 1
            }
            at += 1
            if byte == UInt8(ascii: "\\") { content += try readEscape() } else { content.append(byte) }
        }
        at += isLong ? 3 : 1
        var type = ""
        if take("^^") {
            guard let iri = try readTerm(depth: Self.deepestNesting - 1).iri else { throw flaw("a type is expected") }
            type = iri
        } else if take("@") {
            _ = takeWhile { Self.isNameByte($0) }
        }
        return .literal(text(content[...]), type: type)
    }

    /// What follows a backslash.
    private mutating func readEscape() throws(Flaw) -> [UInt8] {
        guard let byte = peek else { throw flaw("the text ends within an escape") }
        at += 1
        switch byte {
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let length = byte == UInt8(ascii: "u") ? 4 : 8
            guard at + length <= bytes.count,
                let value = UInt32(text(bytes[at..<at + length]), radix: 16), let scalar = Unicode.Scalar(value)
            else { throw flaw("an escape is not one of a character") }
            at += length
            return Array(String(Character(scalar)).utf8)
        default: throw flaw("an escape is not known")
        }
    }

    /// A prefixed name, a blank node, a number or a truth value.
    private mutating func readName() throws(Flaw) -> AFF4Graph.Term {
        var name = takeWhile { Self.isNameByte($0) }
        // A dot ends the statement when nothing of a name follows it.
        while name.last == UInt8(ascii: ".") {
            name = name.dropLast()
            at -= 1
        }
        guard !name.isEmpty else { throw flaw("a name is expected") }
        if let first = name.first,
            first >= 0x30 && first <= 0x39 || first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        {
            return .literal(text(name), type: "")
        }
        guard let colon = name.firstIndex(of: UInt8(ascii: ":")) else {
            let word = text(name)
            guard word == "true" || word == "false" else { throw flaw("\"\(AFF4Text.shown(word))\" is no name") }
            return .literal(word, type: "")
        }
        let prefix = text(name[..<colon])
        let local = text(name[(colon + 1)...])
        if prefix == "_" { return .iri("_:" + local) }
        guard let start = prefixes[prefix] else {
            throw flaw("the prefix \"\(AFF4Text.shown(prefix))\" is not declared")
        }
        return .iri(try expanded(start + local))
    }

    // MARK: Characters

    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private func flaw(_ problem: String) -> Flaw { Flaw(line: line, problem: problem) }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
            true
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: ":"),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }

    /// Passes over white space and comments; false at the end of the text.
    @discardableResult
    private mutating func skipSpace() -> Bool {
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "#") {
                while at < bytes.count, bytes[at] != UInt8(ascii: "\n") { at += 1 }
            } else if Self.isSpace(bytes[at]) {
                if bytes[at] == UInt8(ascii: "\n") { line += 1 }
                at += 1
            } else {
                return true
            }
        }
        return false
    }

    private mutating func take(_ token: String) -> Bool {
        let token = Array(token.utf8)
        guard bytes.count - at >= token.count, bytes[at..<at + token.count].elementsEqual(token) else { return false }
        at += token.count
        return true
    }

    /// A word of SPARQL's manner, in either case, with a space after it.
    private mutating func takeWord(_ word: String) -> Bool {
        let length = word.utf8.count
        guard bytes.count - at > length, Self.isSpace(bytes[at + length]),
            text(bytes[at..<at + length]).uppercased() == word
        else { return false }
        at += length
        return true
    }

    private mutating func takeWhile(_ condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = at
        while at < bytes.count, condition(bytes[at]) { at += 1 }
        return bytes[start..<at]
    }

    private mutating func expect(_ token: String) throws(Flaw) {
        skipSpace()
        guard take(token) else { throw flaw("\"\(token)\" is expected") }
    }
}
