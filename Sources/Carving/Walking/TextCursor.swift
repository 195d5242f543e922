/// Reads text character by character: bytes, or UTF-16 units when a byte order mark says so.
///
/// Stops at what cannot be text: NUL and control characters, and malformed UTF-8 where the text is declared as such.
struct TextCursor {
    let input: WalkInput
    var at = 0
    /// Bytes of a character unit: 1 or 2.
    private(set) var width = 1
    private var isBigEndian = false
    /// Set when every byte from here on must be valid UTF-8.
    var checksUTF8 = false
    /// Bytes of a multi-byte character still to come.
    private var pendingUTF8 = 0
    /// Kinds of line end met so far: lone line feeds, lone carriage returns, pairs.
    private var lineFeeds = 0
    private var carriageReturns = 0
    private var pairs = 0
    private var followsCarriageReturn = false

    init(_ input: WalkInput) { self.input = input }

    static func isSpace(_ character: Int) -> Bool { character == 0x20 || (0x09...0x0D).contains(character) }

    /// Reads the byte order mark, if there is one.
    mutating func readMark() throws(WalkStop) {
        if try input.matches([0xEF, 0xBB, 0xBF], at: 0) {
            at = 3
            checksUTF8 = true
        } else if try input.matches([0xFF, 0xFE], at: 0) {
            at = 2
            width = 2
        } else if try input.matches([0xFE, 0xFF], at: 0) {
            at = 2
            width = 2
            isBigEndian = true
        }
    }

    /// The character at the position, whatever it is; nil at the end of the source.
    func peekRaw() throws(WalkStop) -> Int? {
        guard input.fits(at, width) else { return nil }
        if width == 1 { return try input.u8(at) }
        return isBigEndian ? try input.u16be(at) : try input.u16le(at)
    }

    func peek() throws(WalkStop) -> Int? { try peekRaw() }

    /// The next character; throws where it is none.
    mutating func next() throws(WalkStop) -> Int {
        guard let character = try peekRaw() else { throw .broken("the source ends inside the text") }
        let isControl = character < 0x20 && !(0x09...0x0D).contains(character) && character != 0x1B
        guard !isControl, character != 0x7F else { throw .broken("a control character in the text") }
        if width == 1, checksUTF8 { try checkUTF8(character) }
        noteLineEnd(character)
        at += width
        return character
    }

    /// Steps over ordinary characters, none of which is `first` or `second`: whole runs at once, where ``next()`` takes one.
    ///
    /// Stops at what ``next()`` has to look at as well, so this never steps over what is no text, and may not step at all.
    mutating func skipPlain(before first: Int, _ second: Int? = nil, atMost most: Int = .max) throws(WalkStop) {
        guard width == 1, pendingUTF8 == 0, most > 0 else { return }
        let highest: UInt8 = checksUTF8 ? 0x7E : 0xFF
        let stop = UInt8(truncatingIfNeeded: first)
        let otherStop = UInt8(truncatingIfNeeded: second ?? first)
        let run = try input.countRun(at: at, atMost: most) { byte in
            byte >= 0x20 && byte != 0x7F && byte <= highest && byte != stop && byte != otherStop
        }
        step(overPlain: run)
    }

    /// Appends ordinary characters to a line and steps over them, as ``skipPlain(before:_:atMost:)`` does.
    mutating func takePlain(to line: inout [UInt8], atMost most: Int) throws(WalkStop) {
        guard width == 1, pendingUTF8 == 0, most > 0 else { return }
        let highest: UInt8 = checksUTF8 ? 0x7E : 0xFF
        let run: Int
        do throws(ReadFailure) {
            run = try input.reader.appendRun(at: at, atMost: most, to: &line) { byte in
                byte >= 0x20 && byte != 0x7F && byte <= highest
            }
        } catch {
            throw .failed(error)
        }
        step(overPlain: run)
    }

    private mutating func step(overPlain run: Int) {
        guard run > 0 else { return }
        if followsCarriageReturn { carriageReturns += 1 }
        followsCarriageReturn = false
        at += run
    }

    private mutating func noteLineEnd(_ character: Int) {
        if character == 0x0A {
            if followsCarriageReturn { pairs += 1 } else { lineFeeds += 1 }
        } else if followsCarriageReturn {
            carriageReturns += 1
        }
        followsCarriageReturn = character == 0x0D
    }

    private mutating func checkUTF8(_ byte: Int) throws(WalkStop) {
        if pendingUTF8 > 0 {
            guard byte & 0xC0 == 0x80 else { throw .broken("malformed UTF-8") }
            pendingUTF8 -= 1
            return
        }
        switch byte {
        case 0..<0x80: return
        case 0xC2..<0xE0: pendingUTF8 = 1
        case 0xE0..<0xF0: pendingUTF8 = 2
        case 0xF0..<0xF5: pendingUTF8 = 3
        default: throw .broken("malformed UTF-8")
        }
    }

    /// Steps over the word when it stands at the position.
    mutating func take(_ word: String) throws(WalkStop) -> Bool { try take(word, ignoringCase: false) }

    /// Steps over the word, given in lower case, when it stands at the position in any case.
    mutating func takeIgnoringCase(_ word: String) throws(WalkStop) -> Bool { try take(word, ignoringCase: true) }

    private mutating func take(_ word: String, ignoringCase: Bool) throws(WalkStop) -> Bool {
        var probe = self
        for byte in word.utf8 {
            guard var character = try probe.peekRaw() else { return false }
            if ignoringCase, (0x41...0x5A).contains(character) { character += 0x20 }
            guard character == Int(byte) else { return false }
            probe.at += width
        }
        at = probe.at
        return true
    }

    mutating func skipSpace() throws(WalkStop) {
        while let character = try peekRaw(), Self.isSpace(character) { _ = try next() }
    }

    /// Steps behind the next occurrence of the word, which must end within `limit` bytes.
    mutating func skip(past word: String, within limit: Int) throws(WalkStop) {
        let start = at
        let first = Int(word.utf8.first ?? 0)
        while true {
            try skipPlain(before: first, atMost: limit - (at - start))
            guard at - start < limit else { throw .broken("no \(word) within \(limit) bytes") }
            if try peekRaw() == first, try take(word) { return }
            _ = try next()
        }
    }

    /// An XML name (loosely): letters, digits, `_ : . -` and everything outside ASCII. Empty when none stands here.
    mutating func name(longest: Int) throws(WalkStop) -> String {
        var units: [UInt16] = []
        try forEachOfName(longest: longest) { units.append(UInt16(truncatingIfNeeded: $0)) }
        return String(decoding: units, as: UTF16.self)
    }

    /// Steps over an XML name and answers its hash; nil when none stands here. Names that differ may have one hash.
    mutating func nameHash(longest: Int) throws(WalkStop) -> Int? {
        let start = at
        var hash = 5381
        try forEachOfName(longest: longest) { hash = (hash &* 33) ^ $0 }
        return at > start ? hash : nil
    }

    private mutating func forEachOfName(longest: Int, _ body: (Int) -> Void) throws(WalkStop) {
        var count = 0
        while let character = try peekRaw(), Self.isOfName(character, isFirst: count == 0) {
            guard count < longest else { throw .broken("a name longer than any real one") }
            // No character of a name ends a line or is a control character.
            if width == 1, checksUTF8 { try checkUTF8(character) }
            at += width
            body(character)
            count += 1
        }
        if count > 0, followsCarriageReturn {
            carriageReturns += 1
            followsCarriageReturn = false
        }
    }

    private static func isOfName(_ character: Int, isFirst: Bool) -> Bool {
        switch character {
        case 0x61...0x7A, 0x41...0x5A, 0x5F, 0x3A: true
        case 0x30...0x39, 0x2D, 0x2E: !isFirst
        default: character >= 0x80
        }
    }

    /// Length of a line end at the position, of a kind that this text uses; nil when none stands here.
    ///
    /// Behind a file lie arbitrary bytes: a lone line feed or carriage return counts only in a text that has such.
    func lineEnd() throws(WalkStop) -> Int? {
        guard let character = try peekRaw() else { return nil }
        var probe = self
        probe.at += width
        let isNew = lineFeeds + carriageReturns + pairs == 0
        if character == 0x0D, try probe.peekRaw() == 0x0A, pairs > 0 || isNew { return 2 * width }
        if character == 0x0A, lineFeeds > 0 || isNew { return width }
        if character == 0x0D, carriageReturns > 0 { return width }
        return nil
    }
}
