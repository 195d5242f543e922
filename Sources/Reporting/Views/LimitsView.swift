internal import EvidenceModel

/// Section 6: what was not examined and what the methods cannot show.
struct LimitsView {
    let hasOmissions: Bool
    let omissions: [OmissionRow]
    /// How many more there are than rows.
    let moreOmissions: String?
    let method: [String]
    let ledger: [String]

    struct OmissionRow {
        let item: Phrase
        let what: EvidenceView
        let reason: EvidenceView
    }

    private static let omissionLimit = 200

    init(_ context: ViewContext) {
        let text = context.text
        hasOmissions = !context.model.omissions.isEmpty
        omissions = context.model.omissions.prefix(Self.omissionLimit).map {
            OmissionRow(
                item: $0.item.isEmpty ? .plain(text("limits.whole_case")) : .evidence($0.item, limit: 40),
                what: EvidenceView($0.what), reason: EvidenceView($0.reason))
        }
        let more = context.model.omissions.count - Self.omissionLimit
        moreOmissions = more > 0 ? text.counted("limits.not_read_more", more) : nil
        method = (1...3).map { text("limits.method_\($0)") }
        ledger = (1...7).map { text("limits.ledger_\($0)") }
    }
}

/// Section 7: measured error rates.
struct ErrorRatesView {
    let isEmpty: Bool
    let rows: [Row]

    struct Row {
        let method: EvidenceView
        let confidence: String
        let shade: String
        let right: String
        let share: String
        let sample: EvidenceView
        let version: EvidenceView
        let date: String
    }

    init(_ context: ViewContext) {
        let (rates, text, format) = (context.model.errorRates, context.text, context.format)
        isEmpty = rates.isEmpty
        rows = rates.map {
            Row(
                method: EvidenceView($0.method, limit: 60), confidence: text("confidence.\($0.confidence.rawValue)"),
                shade: $0.confidence.rawValue,
                right: text(
                    "errors.right_value",
                    ["correct": format.number($0.correct), "examined": format.number($0.examined)]),
                share: format.percent($0.correct, of: $0.examined) ?? "–", sample: EvidenceView($0.sample),
                version: EvidenceView($0.toolVersion, limit: 40), date: format.tableDate($0.measured))
        }
    }
}
