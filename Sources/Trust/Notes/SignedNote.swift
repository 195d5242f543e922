internal import EvidenceModel

/// A signed note (C2SP signed-note): a text and signature lines below it.
public struct SignedNote: Hashable, Sendable {
    /// Largest note that is read, in bytes.
    public static let largestNote = 1 << 20
    /// Most signature lines that are read.
    public static let mostSignatures = 100

    /// One signature line.
    public struct Signature: Hashable, Sendable {
        /// The key's name.
        public let name: String
        /// Key id (4 bytes) and signature.
        public let bytes: [UInt8]
    }

    /// The text, with the newline that ends it.
    public let text: String
    /// The signature lines, in order; kinds that are not known stay as they are.
    public let signatures: [Signature]

    init(text: String, signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note strictly; throws ``TrustError/Code/malformed`` for anything that another reader might understand
    /// otherwise.
    public init(parsing note: [UInt8]) throws(TrustError) {
        guard note.count <= Self.largestNote else { throw Self.malformed("it is too large") }
        guard String(validating: note, as: UTF8.self) != nil else { throw Self.malformed("it is not UTF-8") }
        guard note.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else { throw Self.malformed("it has control characters") }
        // The last blank line separates text and signatures; the text may have blank lines of its own.
        var split: Int?
        for index in note.indices.dropLast().reversed() where note[index] == 0x0A && note[index + 1] == 0x0A {
            split = index
            break
        }
        guard let split, note.last == 0x0A else { throw Self.malformed("it has no signature lines") }
        let text = Array(note[...split])
        try Self.checkText(text)
        var signatures: [Signature] = []
        let lines = note[(split + 2)...].dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count <= Self.mostSignatures else { throw Self.malformed("it has too many signature lines") }
        for line in lines {
            let parts = String(decoding: line, as: UTF8.self)
                .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, parts[0] == "\u{2014}", Self.isName(parts[1]),
                let bytes = Base64.decode(parts[2]), bytes.count >= 5
            else { throw Self.malformed("a signature line is not of the form \"\u{2014} name base64\"") }
            signatures.append(Signature(name: parts[1], bytes: bytes))
        }
        guard !signatures.isEmpty else { throw Self.malformed("it has no signature lines") }
        self.init(text: String(decoding: text, as: UTF8.self), signatures: signatures)
    }

    /// Reads a note strictly.
    public init(parsing note: String) throws(TrustError) { try self.init(parsing: Array(note.utf8)) }

    /// The whole note, as it is stored.
    public var encoded: String {
        signatures.reduce(text + "\n") { $0 + "\u{2014} \($1.name) \(Base64.encode($1.bytes))\n" }
    }

    /// Whether the note carries this key's signature over its text. Lines of other keys do not count; a line of this
    /// key that does not verify spoils the note.
    public func isSigned(by verifier: NoteVerifier) -> Bool {
        let own = signatures.filter { $0.name == verifier.name && $0.bytes.starts(with: verifier.keyID) }
        return !own.isEmpty
            && own.allSatisfy { verifier.verify($0.bytes.dropFirst(4), over: Array(text.utf8)) }
    }

    /// The note with the signature lines of another note over the same text.
    public func adding(_ other: SignedNote) throws(TrustError) -> SignedNote {
        guard other.text == text else { throw TrustError(.mismatch, "the signatures are over another text") }
        return SignedNote(text: text, signatures: signatures + other.signatures)
    }

    static func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.unicodeScalars.contains("+")
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.value >= 0x20 && $0.value != 0x7F }
    }

    static func checkText(_ text: [UInt8]) throws(TrustError) {
        guard text.last == 0x0A else { throw malformed("its text does not end with a newline") }
        guard text.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else {
            throw malformed("its text has control characters")
        }
    }

    private static func malformed(_ what: String) -> TrustError {
        TrustError(.malformed, "not a signed note: \(what)")
    }
}
