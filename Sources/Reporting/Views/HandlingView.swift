internal import EvidenceModel

/// Section 3: the ledger's entries as a table along a time line, and what its audit says.
struct HandlingView {
    let audit: OutcomeView
    let auditEntries: String
    let hasFindings: Bool
    let findings: [EvidenceView]
    let root: DigestView
    let checkpoint: Head?
    let anchor: Head?
    let rows: [Row]

    /// A checkpoint or an anchor.
    struct Head {
        let text: String
        var authority: EvidenceView?
        var trust: String?
        var after: String?
        var root: DigestView?
    }

    /// A row of the table: an entry, or a note on those that are left out.
    struct Row {
        var entry: Entry?
        var gap: String?
        var day: String?
    }

    struct Entry {
        let sequence: String
        let clock: String
        let level: String
        let action: String
        let verb: EvidenceView
        let itemNames: EvidenceView?
        let actor: EvidenceView
        let what: EvidenceView?
        let check: OutcomeView?
        let leaf: DigestView
    }

    /// Entries printed; of a longer history the first and the last half of it.
    static let rowLimit = 240
    private static let findingLimit = 40

    init(_ context: ViewContext) {
        let (handling, text, format) = (context.model.handling, context.text, context.format)
        audit = OutcomeView(handling.audit.outcome, text)
        auditEntries = text.counted("handling.audit_entries", handling.audit.entryCount)
        hasFindings = !handling.audit.findings.isEmpty
        findings = handling.audit.findings.prefix(Self.findingLimit).map { EvidenceView($0) }
        root = DigestView(hex: handling.audit.root)
        checkpoint = handling.audit.checkpoint.map {
            Head(text: text.counted("handling.checkpoint_value", $0.size), root: DigestView(hex: $0.root))
        }
        anchor = handling.audit.anchor.map { Self.head($0, entryCount: handling.audit.entryCount, text, format) }
        rows = Self.rows(handling.entries, text, format)
    }

    private static func head(
        _ anchor: ReportModel.Anchor, entryCount: Int, _ text: TextCatalog, _ format: LocalFormat
    ) -> Head {
        var description = text.optional("handling.kind_" + anchor.kind) ?? EvidenceText.plain(anchor.kind, limit: 40)
        description += ", " + text.counted("handling.anchor_value", anchor.size)
        if let time = anchor.time { description += ", " + format.dateTime(time) }
        let later = max(0, entryCount.subtractingReportingOverflow(anchor.size).partialValue)
        return Head(
            text: description, authority: anchor.authority.isEmpty ? nil : EvidenceView(anchor.authority),
            trust: anchor.trust.map { text("trust.\($0.rawValue)") },
            after: later == 0 ? text("handling.after_anchor_none") : text.counted("handling.after_anchor", later))
    }

    private static func rows(
        _ entries: [ReportModel.HandlingEntry], _ text: TextCatalog, _ format: LocalFormat
    ) -> [Row] {
        var rows: [Row] = []
        var day = ""
        func append(_ entries: some Sequence<ReportModel.HandlingEntry>) {
            for entry in entries {
                let date = format.date(entry.time)
                rows.append(Row(entry: view(of: entry, text, format), day: date == day ? nil : date))
                day = date
            }
        }
        guard entries.count > rowLimit else {
            append(entries)
            return rows
        }
        append(entries.prefix(rowLimit / 2))
        rows.append(Row(gap: text.counted("handling.omitted", entries.count - rowLimit)))
        append(entries.suffix(rowLimit / 2))
        return rows
    }

    private static func view(
        of entry: ReportModel.HandlingEntry, _ text: TextCatalog, _ format: LocalFormat
    ) -> Entry {
        let check: OutcomeView? =
            switch entry.check {
            case .match: OutcomeView(level: .good, word: text("handling.check_match"))
            case .mismatch: OutcomeView(level: .bad, word: text("handling.check_mismatch"))
            case .notDone: OutcomeView(level: .open, word: text("handling.check_not_done"))
            case nil: nil
            }
        let isTrouble = entry.check == .mismatch || entry.verb == "incident"
        let name = text.optional("verb." + TextCatalog.name(of: entry.verb))
        return Entry(
            sequence: format.number(entry.sequence), clock: format.clock(entry.time),
            level: isTrouble ? "bad" : "plain", action: name ?? EvidenceText.plain(entry.verb, limit: 40),
            verb: EvidenceView(entry.verb, limit: 40),
            itemNames: entry.items.isEmpty ? nil : EvidenceView(entry.items.joined(separator: ", "), limit: 60),
            actor: EvidenceView(entry.actor, limit: 80),
            what: entry.what.isEmpty ? nil : EvidenceView(entry.what, limit: 320), check: check,
            leaf: .short(entry.leaf))
    }
}
