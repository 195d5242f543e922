/// What a volume says of its objects: the statements of `information.turtle`.
struct AFF4Graph: Hashable, Sendable {
    enum Term: Hashable, Sendable {
        case iri(String)
        /// A value and the IRI of its type; empty when it has none.
        case literal(String, type: String)

        var iri: String? { if case .iri(let iri) = self { iri } else { nil } }
        var text: String {
            switch self {
            case .iri(let text), .literal(let text, _): text
            }
        }
    }

    /// Most values of one property that are checked, where each takes time.
    static let mostStated = 16

    /// By subject, then by predicate; objects in the order in which they stand in the file.
    private var statements: [String: [String: [Term]]] = [:]
    private(set) var count = 0

    /// Subjects in the order in which they first appear.
    private(set) var subjects: [String] = []

    mutating func add(_ subject: String, _ predicate: String, _ object: Term) {
        if statements[subject] == nil { subjects.append(subject) }
        statements[subject, default: [:]][predicate, default: []].append(object)
        count += 1
    }

    func objects(_ subject: String, _ predicate: String) -> [Term] { statements[subject]?[predicate] ?? [] }

    func contains(_ subject: String) -> Bool { statements[subject] != nil }

    func isA(_ subject: String, _ type: String) -> Bool {
        objects(subject, AFF4Lexicon.type).contains(.iri(type))
    }

    /// The subjects of a type, in the order of the file.
    func subjects(ofType type: String) -> [String] { subjects.filter { isA($0, type) } }

    /// The digests that are stated of a subject: the first ones, so that a long list costs no time.
    func stated(_ subject: String, _ predicate: String) -> ArraySlice<Term> {
        objects(subject, AFF4Lexicon.word(predicate)).prefix(Self.mostStated)
    }

    /// The first value, as text.
    func text(_ subject: String, _ predicate: String) -> String? { objects(subject, predicate).first?.text }

    /// The first value, as a number that is not negative; nil when there is none or it is not one.
    func number(_ subject: String, _ predicate: String) -> Int? {
        guard let text = text(subject, predicate), let value = Int(text), value >= 0 else { return nil }
        return value
    }
}

/// The words of AFF4 (Standard v1.0, 2).
enum AFF4Lexicon {
    static let type = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
    static let base = "http://aff4.org/Schema#"
    /// The namespace of the years before the standard.
    static let legacyBase = "http://afflib.org/2009/aff4#"

    static func word(_ name: String) -> String { base + name }
}
