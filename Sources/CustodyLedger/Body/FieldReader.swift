import EvidenceModel

/// Reads the members of one object strictly: each is asked for by name, and one that nobody asked for is an error.
struct FieldReader {
    /// Longest text in an entry, in bytes of UTF-8.
    static let longestText = 16_384

    private let path: String
    private var members: [String: CanonicalValue]

    init(_ value: CanonicalValue, at path: String) throws(LedgerError) {
        guard case .object(let members) = value else { throw Self.malformed(path, "must be an object") }
        self.path = path
        self.members = members
    }

    /// - Throws: ``LedgerError`` when a member is left that the format does not know.
    func finish() throws(LedgerError) {
        if let unknown = members.keys.sorted().first {
            throw Self.malformed(name(unknown), "is not known to this format")
        }
    }

    mutating func optionalValue(_ key: String) -> CanonicalValue? { members.removeValue(forKey: key) }

    mutating func value(_ key: String) throws(LedgerError) -> CanonicalValue {
        guard let value = optionalValue(key) else { throw Self.malformed(name(key), "is missing") }
        return value
    }

    mutating func text(_ key: String) throws(LedgerError) -> String { try text(value(key), name(key)) }

    mutating func optionalText(_ key: String) throws(LedgerError) -> String? {
        guard let value = optionalValue(key) else { return nil }
        return try text(value, name(key))
    }

    mutating func integer(_ key: String) throws(LedgerError) -> Int {
        guard let number = try value(key).integer else { throw Self.malformed(name(key), "must be an integer") }
        return number
    }

    mutating func bool(_ key: String) throws(LedgerError) -> Bool {
        guard let truth = try value(key).bool else { throw Self.malformed(name(key), "must be true or false") }
        return truth
    }

    /// A count of entries, bytes or things: not negative, a decimal string when it is 2^53 or more.
    mutating func count(_ key: String) throws(LedgerError) -> Int { try count(value(key), name(key)) }

    mutating func optionalCount(_ key: String) throws(LedgerError) -> Int? {
        guard let value = optionalValue(key) else { return nil }
        return try count(value, name(key))
    }

    /// An object of named counts, such as artifacts by confidence.
    mutating func counts(_ key: String) throws(LedgerError) -> [String: Int] {
        guard let value = optionalValue(key) else { return [:] }
        guard case .object(let members) = value else { throw Self.malformed(name(key), "must be an object") }
        var counts: [String: Int] = [:]
        for (member, value) in members { counts[member] = try count(value, name(key) + "." + member) }
        return counts
    }

    mutating func time(_ key: String) throws(LedgerError) -> UTCTime {
        guard let time = UTCTime(rfc3339: try text(key)) else {
            throw Self.malformed(name(key), "must be a time like 2026-01-31T09:30:00.000Z")
        }
        return time
    }

    mutating func optionalTime(_ key: String) throws(LedgerError) -> UTCTime? {
        members[key] == nil ? nil : try time(key)
    }

    /// Exactly `byteCount` bytes as lower-case hexadecimal digits.
    mutating func hex(_ key: String, byteCount: Int) throws(LedgerError) -> [UInt8] {
        try hex(value(key), byteCount: byteCount, name(key))
    }

    mutating func sha256(_ key: String) throws(LedgerError) -> Digest { Digest(.sha256, try hex(key, byteCount: 32)) }

    mutating func optionalSHA256(_ key: String) throws(LedgerError) -> Digest? {
        members[key] == nil ? nil : try sha256(key)
    }

    mutating func sha256List(_ key: String) throws(LedgerError) -> [Digest] {
        var digests: [Digest] = []
        for (index, element) in try array(value(key), name(key)).enumerated() {
            digests.append(Digest(.sha256, try hex(element, byteCount: 32, name(key) + "[\(index)]")))
        }
        return digests
    }

    /// One of the words of an enumeration.
    mutating func word<Word: RawRepresentable & CaseIterable>(_ key: String, _ type: Word.Type) throws(LedgerError)
        -> Word where Word.RawValue == String
    {
        let text = try text(key)
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map { $0.rawValue }.joined(separator: ", ")
            throw Self.malformed(name(key), "is \"\(text)\", not one of \(known)")
        }
        return word
    }

    mutating func optionalWord<Word: RawRepresentable & CaseIterable>(_ key: String, _ type: Word.Type)
        throws(LedgerError) -> Word? where Word.RawValue == String
    {
        members[key] == nil ? nil : try word(key, type)
    }

    mutating func object<Field: LedgerField>(_ key: String, _ type: Field.Type) throws(LedgerError) -> Field {
        try Self.field(value(key), at: name(key))
    }

    mutating func optionalObject<Field: LedgerField>(_ key: String, _ type: Field.Type) throws(LedgerError) -> Field? {
        guard let value = optionalValue(key) else { return nil }
        return try Self.field(value, at: name(key))
    }

    /// The elements of a list; none when the member is absent. A list that is there is not empty: one encoding each.
    mutating func objects<Field: LedgerField>(_ key: String, _ type: Field.Type) throws(LedgerError) -> [Field] {
        guard let value = optionalValue(key) else { return [] }
        var fields: [Field] = []
        for (index, element) in try array(value, name(key)).enumerated() {
            fields.append(try Self.field(element, at: name(key) + "[\(index)]"))
        }
        guard !fields.isEmpty else { throw Self.malformed(name(key), "must not be empty: leave it out") }
        return fields
    }

    private static func field<Field: LedgerField>(_ value: CanonicalValue, at path: String) throws(LedgerError)
        -> Field
    {
        var reader = try FieldReader(value, at: path)
        let field = try Field(reading: &reader)
        try reader.finish()
        return field
    }

    private func name(_ key: String) -> String { path.isEmpty ? key : path + "." + key }

    private func array(_ value: CanonicalValue, _ name: String) throws(LedgerError) -> [CanonicalValue] {
        guard let elements = value.array else { throw Self.malformed(name, "must be a list") }
        return elements
    }

    private func text(_ value: CanonicalValue, _ name: String) throws(LedgerError) -> String {
        guard let text = value.string else { throw Self.malformed(name, "must be text") }
        guard !text.isEmpty, text.utf8.count <= Self.longestText else {
            throw Self.malformed(name, "must have 1 to \(Self.longestText) bytes")
        }
        // A control character could hide or move what an expert sees on a terminal; a line feed is all that text needs.
        let isControl = { (scalar: Unicode.Scalar) in
            scalar.value < 0x20 && scalar != "\n" || (0x7F...0x9F).contains(scalar.value)
        }
        guard !text.unicodeScalars.contains(where: isControl) else {
            throw Self.malformed(name, "must not contain control characters other than a line feed")
        }
        return text
    }

    private func count(_ value: CanonicalValue, _ name: String) throws(LedgerError) -> Int {
        guard let number = value.size, number >= 0, CanonicalValue.size(number) == value else {
            throw Self.malformed(name, "must be a count: an integer, or a decimal string from 2^53 on")
        }
        return number
    }

    private func hex(_ value: CanonicalValue, byteCount: Int, _ name: String) throws(LedgerError) -> [UInt8] {
        guard let text = value.string, let bytes = Hex.decode(text), bytes.count == byteCount, Hex.encode(bytes) == text
        else { throw Self.malformed(name, "must be \(byteCount * 2) lower-case hexadecimal digits") }
        return bytes
    }

    static func malformed(_ name: String, _ what: String) -> LedgerError {
        LedgerError(.malformedEntry, name.isEmpty ? "the body \(what)" : "\(name) \(what)")
    }
}

/// A part of an entry's body that has one encoding.
protocol LedgerField {
    var canonical: CanonicalValue { get }
    init(reading fields: inout FieldReader) throws(LedgerError)
}

extension CanonicalValue {
    /// A list of fields, or nil when there is none: the member is then left out.
    static func list(_ fields: [some LedgerField]) -> CanonicalValue? {
        fields.isEmpty ? nil : .array(fields.map { $0.canonical })
    }

    static func counts(_ counts: [String: Int]) -> CanonicalValue? {
        counts.isEmpty ? nil : .object(counts.mapValues { .size($0) })
    }
}
