internal import EvidenceModel

/// Page one: what a prosecutor needs, in plain words.
struct CoverView {
    let laboratory: EvidenceView
    let address: [EvidenceView]
    let fields: [FieldView]
    let answers: [Answer]

    struct Answer {
        let title: String
        let level: String
        let mark: String
        let sentences: [String]
        var items: [ItemLine] = []
        var afterItems: [String] = []
    }

    struct ItemLine {
        let id: EvidenceView
        let description: EvidenceView
        let size: String
    }

    /// Items named on page one; the rest is counted.
    private static let itemLimit = 6

    init(_ context: ViewContext) {
        let (model, text, format) = (context.model, context.text, context.format)
        laboratory = EvidenceView(model.laboratory.name)
        address = model.laboratory.address.prefix(4).map { EvidenceView($0, limit: 80) }
        let request = model.request
        let missing = text("cover.not_recorded")
        func orMissing(_ value: String) -> EvidenceView { EvidenceView(value.isEmpty ? missing : value, limit: 160) }
        var caseName = request.caseNumber
        if !request.caseTitle.isEmpty, request.caseTitle != request.caseNumber { caseName += " – " + request.caseTitle }
        var fields = [
            FieldView(label: text("cover.case"), evidence: EvidenceView(caseName, limit: 160)),
            FieldView(label: text("cover.authority"), evidence: orMissing(request.authority)),
        ]
        if !request.reference.isEmpty {
            fields.append(FieldView(label: text("cover.reference"), evidence: orMissing(request.reference)))
        }
        var examiner = model.examiner.name
        if !model.examiner.role.isEmpty { examiner += ", " + model.examiner.role }
        fields.append(FieldView(label: text("cover.examiner"), evidence: EvidenceView(examiner, limit: 160)))
        fields.append(.plain(text("cover.issued"), format.dateTime(model.issued)))
        if let replaced = model.replaces {
            fields.append(FieldView(label: text("cover.replaces"), evidence: EvidenceView(replaced, limit: 80)))
        }
        self.fields = fields
        answers = [
            Self.examined(context), Self.unchanged(context), Self.found(context), Self.certainty(context),
        ]
    }

    // MARK: - What was examined

    private static func examined(_ context: ViewContext) -> Answer {
        let (items, text, format) = (context.model.items, context.text, context.format)
        guard !items.isEmpty else {
            return answer("summary.examined_title", .open, [text("summary.examined_none")], text)
        }
        let total = items.reduce(0) { $0.addingClamped($1.source.size) }
        let unread = items.reduce(0) { sum, item in
            item.unreadable.reduce(sum) { $0.addingClamped($1.extent.length) }
        }
        // Links, pipes and the like of a folder, members of an archive: named in section 6 beside the ranges that could not
        // be read.
        let omitted = context.model.omissions.count - items.reduce(0) { $0 + $1.unreadable.count }
        let isWhole =
            unread == 0 && items.allSatisfy { $0.problems.isEmpty && ($0.source.kind != "archive" || omitted == 0) }
        var result = answer(
            "summary.examined_title", isWhole ? .good : .open,
            [text.counted("summary.examined_items", items.count, ["size": format.size(total)])], text)
        result.items = items.prefix(itemLimit).map {
            ItemLine(
                id: EvidenceView($0.id, limit: 40), description: ItemView.heading(of: $0, limit: 100),
                size: format.size($0.source.size))
        }
        if items.count > itemLimit {
            result.afterItems.append(text.counted("summary.examined_more", items.count - itemLimit))
        }
        result.afterItems.append(
            unread > 0
                ? text("summary.read_partly", ["size": format.exactSize(unread)])
                : omitted > 0 ? text.counted("summary.read_except", omitted) : text("summary.read_whole"))
        return result
    }

    // MARK: - Is it unchanged

    private static func unchanged(_ context: ViewContext) -> Answer {
        let (model, text, format) = (context.model, context.text, context.format)
        var changed: [String] = []
        var open: [String] = []
        var latest: UTCTime?
        for item in model.items {
            switch item.integrity {
            case .unchanged(let time): latest = max(latest ?? time, time)
            case .changed: changed.append(EvidenceText.plain(item.id, limit: 40))
            case .notChecked: open.append(EvidenceText.plain(item.id, limit: 40))
            }
        }
        let records = recordsLevel(model)
        var sentences: [String] = []
        var level = OutcomeView.Level.good
        if !changed.isEmpty {
            sentences.append(text("summary.unchanged_no", ["items": changed.joined(separator: ", ")]))
            level = .bad
        }
        if !open.isEmpty {
            sentences.append(text("summary.unchanged_open", ["items": open.joined(separator: ", ")]))
            if level == .good { level = .open }
        }
        if changed.isEmpty, open.isEmpty, let latest {
            sentences.append(text("summary.unchanged_yes", ["time": format.dateTime(latest)]))
        }
        let flawed = model.items.filter { !$0.problems.isEmpty }.map { EvidenceText.plain($0.id, limit: 40) }
        if !flawed.isEmpty {
            sentences.append(text("summary.flawed", ["items": flawed.joined(separator: ", ")]))
            level = .bad
        }
        if model.items.isEmpty { level = .open }
        switch records {
        case .good: sentences.append(text("summary.records_good"))
        case .bad:
            sentences.append(text("summary.records_bad"))
            level = .bad
        case .open:
            sentences.append(text("summary.records_open"))
            if level == .good { level = .open }
        }
        return answer("summary.unchanged_title", level, sentences, text)
    }

    /// The worst of all verdicts on signatures, time stamps and the ledger.
    private static func recordsLevel(_ model: ReportModel) -> OutcomeView.Level {
        var outcomes = [model.handling.audit.outcome]
        for item in model.items {
            outcomes.append(item.manifest.signature)
            if let timestamp = item.manifest.timestamp { outcomes.append(timestamp.outcome) }
        }
        var level = OutcomeView.Level.good
        for outcome in outcomes {
            switch outcome {
            case .valid: break
            case .invalid: return .bad
            case .notChecked: level = .open
            }
        }
        return level
    }

    // MARK: - What was found, how sure

    private static func found(_ context: ViewContext) -> Answer {
        let (text, format) = (context.text, context.format)
        let totals = TypeTotal.totals(of: context.model.findings.summaries)
        let count = totals.reduce(0) { $0.addingClamped($1.count) }
        guard count > 0 else {
            return answer("summary.found_title", .open, [text("summary.found_none")], text)
        }
        let bytes = totals.reduce(0) { $0.addingClamped($1.bytes) }
        let most = totals.prefix(4).map { $0.name(text) + " (" + format.number($0.count) + ")" }
        return answer(
            "summary.found_title", .good,
            [
                text.counted(
                    "summary.found_files", count,
                    ["types": text.counted("summary.found_types", totals.count), "size": format.size(bytes)]),
                text("summary.found_most", ["list": most.joined(separator: ", ")]),
            ], text)
    }

    private static func certainty(_ context: ViewContext) -> Answer {
        let (model, text) = (context.model, context.text)
        let totals = TypeTotal.totals(of: model.findings.summaries)
        func count(_ confidences: Confidence...) -> Int {
            totals.reduce(0) { sum, total in
                confidences.reduce(sum) { $0.addingClamped(total.counts[$1] ?? 0) }
            }
        }
        // A file of a folder has the borders it has there; only one that was carved may be cut short or too long.
        let listed = model.findings.artifacts.count { $0.origin == .filesystem && $0.confidence == .header }
        let (sound, broken) = (count(.proven, .structural), count(.broken))
        let weak = max(0, count(.header) - listed)
        var sentences: [String] = []
        if sound > 0 { sentences.append(text.counted("summary.certainty_sound", sound)) }
        if weak > 0 { sentences.append(text.counted("summary.certainty_weak", weak)) }
        if listed > 0 { sentences.append(text.counted("summary.certainty_listed", listed)) }
        if broken > 0 { sentences.append(text.counted("summary.certainty_broken", broken)) }
        guard !sentences.isEmpty else {
            return answer("summary.certainty_title", .open, [text("summary.certainty_none")], text)
        }
        sentences.append(
            text(model.errorRates.isEmpty ? "summary.certainty_unmeasured" : "summary.certainty_measured"))
        return answer("summary.certainty_title", weak + listed + broken > 0 ? .open : .good, sentences, text)
    }

    private static func answer(
        _ title: String, _ level: OutcomeView.Level, _ sentences: [String], _ text: TextCatalog
    ) -> Answer {
        Answer(title: text(title), level: level.rawValue, mark: level.mark, sentences: sentences)
    }
}
