internal import EvidenceModel

/// What every view is made with: the values, the language's texts and its way of writing numbers.
struct ViewContext: Sendable {
    let model: ReportModel
    let text: TextCatalog
    let format: LocalFormat
    let signature: SignatureBlock

    init(model: ReportModel, text: TextCatalog, signature: SignatureBlock) {
        self.model = model
        self.text = text
        self.format = LocalFormat(language: text.language)
        self.signature = signature
    }
}

/// A string that was not written by us, ready for the template `evidence`.
struct EvidenceView {
    let pieces: [EvidenceText.Piece]

    init(_ text: String, limit: Int = EvidenceText.defaultLimit) { pieces = EvidenceText.pieces(text, limit: limit) }
    init(_ name: EvidenceString, limit: Int = EvidenceText.defaultLimit) {
        pieces = EvidenceText.pieces(name, limit: limit)
    }
}

/// Either our own words, which may hold no-break spaces, or somebody else's.
struct Phrase {
    var plain: String?
    var evidence: EvidenceView?

    static func plain(_ text: String) -> Phrase { Phrase(plain: text) }
    static func evidence(_ text: String, limit: Int = EvidenceText.defaultLimit) -> Phrase {
        Phrase(evidence: EvidenceView(text, limit: limit))
    }
}

/// A digest in groups of eight digits, so that a line can break between them and nothing is cut.
struct DigestView {
    let name: String?
    let groups: [String]

    init(name: String? = nil, hex: String) {
        self.name = name
        // A digest is at most 128 digits; anything else that stands here is shown, bounded, as evidence would be.
        let characters = Array(EvidenceText.plain(hex, limit: 128))
        groups = stride(from: 0, to: characters.count, by: 8).map {
            String(characters[$0..<min($0 + 8, characters.count)])
        }
    }

    init(_ digest: Digest) { self.init(name: digest.algorithm.displayName, hex: digest.hex) }

    /// The first 16 digits, for a table.
    static func short(_ hex: String) -> DigestView { DigestView(hex: String(hex.prefix(16))) }
}

/// The verdict of a check: a word, a shape that does not need colour, and what it rests on.
struct OutcomeView {
    /// "good", "bad" or "open": the class of the mark.
    let level: String
    let mark: String
    let word: String
    let detail: Phrase?

    init(_ outcome: ReportModel.CheckOutcome, _ text: TextCatalog) {
        switch outcome {
        case .valid(let detail):
            self.init(level: .good, word: text("outcome.valid"), detail: Self.phrase(detail))
        case .invalid(let reason):
            self.init(level: .bad, word: text("outcome.invalid"), detail: Self.phrase(reason))
        case .notChecked(let reason):
            self.init(level: .open, word: text("outcome.not_checked"), detail: Self.phrase(reason))
        }
    }

    private static func phrase(_ text: String) -> Phrase? { text.isEmpty ? nil : .evidence(text) }

    init(level: Level, word: String, detail: Phrase? = nil) {
        self.level = level.rawValue
        self.mark = level.mark
        self.word = word
        self.detail = detail
    }

    enum Level: String {
        case good, bad, open

        var mark: String {
            switch self {
            case .good: "✓"
            case .bad: "✗"
            case .open: "–"
            }
        }
    }
}

/// A labelled value of a table with two columns.
struct FieldView {
    let label: String
    var plain: String?
    var evidence: EvidenceView?
    var lines: [Phrase]?
    var digest: DigestView?
    var outcome: OutcomeView?

    static func plain(_ label: String, _ text: String) -> FieldView { FieldView(label: label, plain: text) }

    /// Nil when the value is empty: an absent value has no line.
    static func evidence(_ label: String, _ text: String) -> FieldView? {
        text.isEmpty ? nil : FieldView(label: label, evidence: EvidenceView(text, limit: 2000))
    }

    static func digest(_ label: String, _ hex: String) -> FieldView {
        FieldView(label: label, digest: DigestView(hex: hex))
    }
}
