internal import EvidenceModel

/// Section 1: who asked, who did the work, when.
struct RequestView {
    let fields: [FieldView]
    let replaced: String?

    init(_ context: ViewContext) {
        let (model, text, format) = (context.model, context.text, context.format)
        let request = model.request
        func recorded(_ label: String, _ value: String) -> FieldView {
            .evidence(text(label), value) ?? .plain(text(label), text("cover.not_recorded"))
        }
        var fields = [recorded("request.case_number", request.caseNumber)]
        if request.caseTitle != request.caseNumber,
            let title = FieldView.evidence(text("request.case_title"), request.caseTitle)
        {
            fields.append(title)
        }
        fields.append(recorded("request.authority", request.authority))
        fields.append(recorded("request.reference", request.reference))
        fields.append(
            .plain(text("request.date"), request.date.map { format.date($0) } ?? text("cover.not_recorded")))
        fields.append(recorded("request.question", request.question))
        fields.append(recorded("request.laboratory", model.laboratory.name))
        fields.append(
            model.laboratory.address.isEmpty
                ? .plain(text("request.address"), text("cover.not_recorded"))
                : FieldView(
                    label: text("request.address"), lines: model.laboratory.address.map { .evidence($0, limit: 120) }))
        if let place = FieldView.evidence(text("request.place"), model.laboratory.place) { fields.append(place) }
        fields.append(
            .evidence(text("request.accreditation"), model.laboratory.accreditation)
                ?? .plain(text("request.accreditation"), text("request.no_accreditation")))
        var examiner = model.examiner.name
        if !model.examiner.role.isEmpty { examiner += ", " + model.examiner.role }
        fields.append(recorded("request.examiner", examiner))
        if let period = Self.period(of: model) {
            fields.append(
                .plain(
                    text("request.period"),
                    text(
                        "request.period_value",
                        ["from": format.date(period.lowerBound), "to": format.date(period.upperBound)]
                    )))
        }
        if let id = FieldView.evidence(text("request.replaces"), model.replaces ?? "") { fields.append(id) }
        self.fields = fields
        replaced = model.replaces.map { text("request.replaces_note", ["id": EvidenceText.plain($0, limit: 80)]) }
    }

    /// From the first to the last thing that is dated: readings of items and ledger entries.
    private static func period(of model: ReportModel) -> ClosedRange<UTCTime>? {
        var times = model.handling.entries.map(\.time)
        for item in model.items { times += [item.readBegan, item.readEnded].compactMap { $0 } }
        guard let first = times.min(), let last = times.max() else { return nil }
        return first...last
    }
}
