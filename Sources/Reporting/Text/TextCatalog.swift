internal import Yams

/// The texts of one language: `Resources/Texts/<language>.yaml`.
///
/// A text is a string with `{placeholders}`, or a pair `one`/`other` chosen by a count. Keys are `section.name`. A key
/// that does not exist is a programming error and traps; a test compares the keys in use with those of every language.
struct TextCatalog: Sendable {
    enum Entry: Hashable, Sendable {
        case text(String)
        case plural(one: String, other: String)
    }

    let language: ReportLanguage
    let entries: [String: Entry]

    /// Reads a catalogue.
    init(yaml: String, language: ReportLanguage) throws(ReportError) {
        self.language = language
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ReportError(.resource, "The texts of the language \(language.rawValue) cannot be read: \(error)")
        }
        guard let sections = root?.mapping else { throw Self.malformed(language, "the top level") }
        var entries: [String: Entry] = [:]
        for (sectionNode, content) in sections {
            guard let section = sectionNode.string, let texts = content.mapping else {
                throw Self.malformed(language, sectionNode.string ?? "a section")
            }
            for (nameNode, value) in texts {
                guard let name = nameNode.string else { throw Self.malformed(language, section) }
                let key = section + "." + name
                guard entries[key] == nil else { throw Self.malformed(language, "\(key), which is there twice,") }
                if let text = value.string {
                    entries[key] = .text(text)
                } else if let one = value.mapping?["one"]?.string, let other = value.mapping?["other"]?.string,
                    value.mapping?.count == 2
                {
                    entries[key] = .plural(one: one, other: other)
                } else {
                    throw Self.malformed(language, key)
                }
            }
        }
        self.entries = entries
    }

    private static func malformed(_ language: ReportLanguage, _ place: String) -> ReportError {
        ReportError(.resource, "In the texts of the language \(language.rawValue), \(place) is malformed.")
    }

    /// The text of a key with its placeholders filled in.
    func callAsFunction(_ key: String, _ values: [String: String] = [:]) -> String {
        guard case .text(let text) = entries[key] else { preconditionFailure("no text for \(key)") }
        return Self.fill(text, values)
    }

    /// The text of a key for a count; the placeholder `{count}` is the count as the language writes it.
    func counted(_ key: String, _ count: Int, _ values: [String: String] = [:]) -> String {
        guard case .plural(let one, let other) = entries[key] else { preconditionFailure("no plural for \(key)") }
        // CLDR plural rules: English "one" is 1; French "one" is 0 and 1.
        let isOne = language == .french ? (0...1).contains(count) : count == 1
        var values = values
        values["count"] = LocalFormat(language: language).number(count)
        return Self.fill(isOne ? one : other, values)
    }

    /// The text of a key that may not exist: the part after the full stop comes from a ledger or a manifest.
    func optional(_ key: String) -> String? {
        guard case .text(let text) = entries[key] else { return nil }
        return text
    }

    /// The second part of a key for a name that holds full stops: "acquire.begin" is `verb.acquire_begin`.
    static func name(of name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }

    /// Texts without placeholders, as `section` → `name` → text: what templates see as `t.section.name`.
    var nested: [String: [String: String]] {
        var nested: [String: [String: String]] = [:]
        for (key, entry) in entries {
            guard case .text(let text) = entry, let dot = key.firstIndex(of: ".") else { continue }
            nested[String(key[..<dot]), default: [:]][String(key[key.index(after: dot)...])] = text
        }
        return nested
    }

    /// Replaces each `{name}`; a value is never looked at again, so it cannot bring placeholders of its own.
    private static func fill(_ text: String, _ values: [String: String]) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = String(rest[rest.index(after: open)..<close])
            guard let value = values[name] else { preconditionFailure("no value for {\(name)} in \(text)") }
            result += rest[..<open] + value
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }
}
