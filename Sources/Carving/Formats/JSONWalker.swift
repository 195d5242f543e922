internal import EvidenceModel

/// JSON (RFC 8259): one value, or one a line, parsed strictly to its end.
///
/// A value of JSON may begin at any block of a larger text. So the bytes behind it decide: text that goes on there makes
/// it part of something else, and only an end that shows on the medium makes it `structural`.
struct JSONWalker: TextWalker {
    let name = "json"
    let signatures = JSONWalker.beginnings.flatMap { [WalkerSignature($0), WalkerSignature("\u{FEFF}" + $0)] }

    private static let beginnings: [String] = {
        let space = ["", " ", "\n", "\n  ", "\n    ", "\n\t", "\n ", "\r\n", "\r\n  ", "\r\n    ", "\r\n\t", "\n   "]
        return space.flatMap { ["{\($0)\"", "[\($0){"] }
    }()

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try JSONWalk(reader).verdict() }
}

private struct JSONWalk: FileWalk {
    static let longest = WalkLimit.jsonBytes.value
    static let deepest = WalkLimit.jsonDepth.value
    /// Members and elements that a broken text must have before it counts as JSON.
    static let fewestParts = 8
    static let mostKeys = 64

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "json", fileExtension: "json", mime: "application/json")
    var isRecognised = false
    var at = 0
    var parts = 0
    /// Members of the outermost object, or of the first object of the outermost array.
    var members = JSONMembers()
    /// Elements of the outermost array.
    var elements = 0

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        do throws(WalkStop) { try text() } catch {
            file.length = at
            isRecognised = at >= 512 && parts >= Self.fewestParts
            throw error
        }
    }

    private mutating func text() throws(WalkStop) {
        if try input.matches([0xEF, 0xBB, 0xBF], at: 0) { at = 3 }
        try value()
        guard parts > 0 else { throw .rejected("an empty value") }
        let isOneLine = try !holdsLineEnd(0..<at)
        var lines = 1
        var lineEnd = 0
        while true {
            lineEnd = try lengthOfLineEnd(at)
            guard lineEnd > 0, try input.matches("{", at: at + lineEnd) else { break }
            let next = at + lineEnd
            if next % WalkInput.blockSize == 0 {
                // Another file may begin at a block: a text of several lines is no line of this one.
                guard isOneLine, try goesOn(at: next) else { break }
            } else {
                at = next
                try value()
            }
            lines += 1
        }
        at += lineEnd
        file.length = at
        let shows = try input.showsEnd(at)
        if !shows, at < input.count {
            let next = try input.u8(at)
            // At a block's start another file may begin, but no value that is one of several.
            let mayBeAnother =
                at % WalkInput.blockSize == 0 && ![0x2C, 0x5D, 0x7D, 0x20, 0x09, 0x0A, 0x0D].contains(next)
            guard
                mayBeAnother || next < 0x20 && !(0x09...0x0D).contains(next) || next >= 0x7F
                    || parts >= Self.fewestParts
            else {
                throw .rejected("the text goes on behind the value")
            }
        }
        if !shows {
            file.confidence = .header
            file.warnings.append("what follows does not show that the text ends here")
        }
        if lines > 1 {
            file.format = "jsonl"
            file.fileExtension = "jsonl"
            file.mime = "application/x-ndjson"
            file.confidence = .header
            file.note("lines", lines)
            file.warnings.append("a text of one value a line has no beginning or end of its own")
        }
        if elements > 0 { file.note("elements", elements) }
        members.describe(&file)
    }

    /// True when another value of one line stands at an offset; it is taken.
    private mutating func goesOn(at next: Int) throws(WalkStop) -> Bool {
        let end = at
        at = next
        do throws(WalkStop) {
            try value()
            if try !holdsLineEnd(next..<at) { return true }
        } catch {
            guard case .broken = error else { throw error }
        }
        at = end
        return false
    }

    private func holdsLineEnd(_ range: Range<Int>) throws(WalkStop) -> Bool {
        var holds = false
        try input.forEachPiece(of: range) { piece in
            if !holds { holds = piece.contains(0x0A) }
        }
        return holds
    }

    private func lengthOfLineEnd(_ at: Int) throws(WalkStop) -> Int {
        guard at < input.count else { return 0 }
        let first = try input.u8(at)
        if first == 0x0A { return 1 }
        guard first == 0x0D, at + 1 < input.count, try input.u8(at + 1) == 0x0A else { return 0 }
        return 2
    }

    // MARK: The grammar

    private mutating func space() throws(WalkStop) {
        while at < input.count, try [0x20, 0x09, 0x0A, 0x0D].contains(input.u8(at)) { at += 1 }
    }

    private mutating func take(_ character: Character) throws(WalkStop) -> Bool {
        guard at < input.count, try input.u8(at) == Int(character.asciiValue ?? 0) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ character: Character) throws(WalkStop) {
        guard try take(character) else {
            throw .broken(at < input.count ? "no \(character) where one must be" : "the source ends inside the text")
        }
    }

    /// One value with all that it holds. The stack says of each open container whether it is an object.
    private mutating func value() throws(WalkStop) {
        var open: [Bool] = []
        let isArray = try input.matches("[", at: at)
        repeat {
            guard at < Self.longest else { throw input.stop(at: .jsonBytes, "longer than \(Self.longest) bytes") }
            // At the start of a value.
            try space()
            guard at < input.count else { throw .broken("the source ends inside the text") }
            let isTop = open == [true] || open == [false, true] && isArray && elements == 0
            var isClosed = true
            switch try input.u8(at) {
            case 0x7B:
                at += 1
                open.append(true)
                try space()
                if try !take("}") {
                    try key(isTop: open == [true] || open == [false, true] && isArray && elements == 0)
                    isClosed = false
                } else {
                    open.removeLast()
                }
            case 0x5B:
                at += 1
                open.append(false)
                try space()
                if try !take("]") { isClosed = false } else { open.removeLast() }
            case 0x22:
                let text = try string(keeping: isTop)
                if isTop { members.note(text: text) }
            case 0x2D, 0x30...0x39:
                let start = at
                try number()
                if isTop { members.note(number: try input.bytes(at: start, count: min(at - start, 32))) }
            default: try word()
            }
            guard open.count <= Self.deepest else {
                throw input.stop(at: .jsonDepth, "nested deeper than \(Self.deepest) levels")
            }
            guard isClosed else { continue }
            // Behind a value: a comma and the next one, or the end of what holds it.
            while let isObject = open.last {
                parts += 1
                if open == [false] { elements += 1 }
                try space()
                if try take(",") {
                    try space()
                    if isObject { try key(isTop: open == [true] || open == [false, true] && isArray && elements == 0) }
                    break
                }
                try expect(isObject ? "}" : "]")
                open.removeLast()
            }
        } while !open.isEmpty
    }

    private mutating func key(isTop: Bool) throws(WalkStop) {
        guard try input.matches("\"", at: at) else { throw .broken("a member without a name") }
        let name = try string(keeping: isTop)
        if isTop, members.keys.count < Self.mostKeys { members.open(name) }
        try space()
        try expect(":")
    }

    /// A string; answers its first bytes, escapes as they stand.
    private mutating func string(keeping: Bool) throws(WalkStop) -> [UInt8] {
        let start = at
        at += 1
        var further = 0
        while true {
            guard at < input.count else { throw .broken("the source ends inside a string") }
            let byte = try input.u8(at)
            if further > 0 {
                guard byte & 0xC0 == 0x80 else { throw .broken("malformed UTF-8") }
                further -= 1
                at += 1
                continue
            }
            switch byte {
            case 0x22:
                at += 1
                file.leaveUnchecked(start..<at)
                return keeping ? try input.bytes(at: start + 1, count: min(at - start - 2, 256)) : []
            case 0x5C: try escape()
            case 0x20..<0x80: at += 1
            case 0xC2..<0xF5:
                further = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3
                at += 1
            default: throw .broken(byte < 0x20 ? "a control character in a string" : "malformed UTF-8")
            }
        }
    }

    private mutating func escape() throws(WalkStop) {
        let kind = try input.u8(at + 1)
        at += 2
        guard kind == 0x75 else {
            guard [0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74].contains(kind) else {
                throw .broken("an escape of no known kind")
            }
            return
        }
        for _ in 0..<4 {
            let digit = try input.u8(at)
            guard (0x30...0x39).contains(digit) || (0x41...0x46).contains(digit & 0xDF) else {
                throw .broken("an escape without four digits")
            }
            at += 1
        }
    }

    private mutating func digits() throws(WalkStop) -> Int {
        let start = at
        while at < input.count, (0x30...0x39).contains(try input.u8(at)) { at += 1 }
        return at - start
    }

    private mutating func number() throws(WalkStop) {
        _ = try take("-")
        let isZero = try input.matches("0", at: at)
        let whole = try digits()
        guard whole == 1 || whole > 1 && !isZero else { throw .broken("a number that JSON does not know") }
        if try take(".") {
            guard try digits() > 0 else { throw .broken("a number that JSON does not know") }
        }
        if at < input.count, try input.u8(at) | 0x20 == 0x65 {
            at += 1
            if try !take("+") { _ = try take("-") }
            guard try digits() > 0 else { throw .broken("a number that JSON does not know") }
        }
    }

    private mutating func word() throws(WalkStop) {
        for word in ["true", "false", "null"] where try input.matches(word, at: at) {
            at += word.utf8.count
            return
        }
        throw .broken("no value where one must be")
    }
}
