internal import EvidenceModel

/// Section 2: one evidence item.
struct ItemView {
    let id: EvidenceView
    let description: EvidenceView
    let fields: [FieldView]
    let digests: [DigestView]
    let integrity: OutcomeView
    let checks: [Check]
    let hasUnreadable: Bool
    let unreadable: [Unreadable]
    let moreUnreadable: String?
    let hasWarnings: Bool
    let warnings: [EvidenceView]

    /// A row of the table of digests and checks: a label and a root with a sentence, or a verdict with notes.
    struct Check {
        let label: String
        var plain: String?
        var digest: DigestView?
        var outcome: OutcomeView?
        var notes: [Phrase] = []
    }

    struct Unreadable {
        let offset: String
        let length: String
        let error: EvidenceView
    }

    private static let unreadableLimit = 40
    private static let warningLimit = 20
    private static let segmentLimit = 12

    init(_ item: ReportModel.Item, _ context: ViewContext) {
        let (text, format) = (context.text, context.format)
        id = EvidenceView(item.id, limit: 40)
        description = Self.heading(of: item)
        fields = Self.fields(of: item, text, format)
        digests = item.digests.map { DigestView($0) }
        switch item.integrity {
        case .unchanged(let time):
            integrity = OutcomeView(
                level: .good, word: text("items.integrity_unchanged"),
                detail: .plain(text("items.integrity_reread", ["time": format.dateTime(time)])))
        case .changed(let reason):
            integrity = OutcomeView(level: .bad, word: text("items.integrity_changed"), detail: .evidence(reason))
        case .notChecked(let reason):
            integrity = OutcomeView(level: .open, word: text("items.integrity_open"), detail: .evidence(reason))
        }
        checks = Self.checks(of: item, text, format)
        hasUnreadable = !item.unreadable.isEmpty
        unreadable = item.unreadable.prefix(Self.unreadableLimit).map {
            Unreadable(
                offset: format.number($0.extent.offset), length: format.exactSize($0.extent.length),
                error: EvidenceView($0.error, limit: 120))
        }
        let more = item.unreadable.count - Self.unreadableLimit
        moreUnreadable = more > 0 ? text.counted("items.unreadable_more", more) : nil
        hasWarnings = !item.warnings.isEmpty
        warnings = item.warnings.prefix(Self.warningLimit).map { EvidenceView($0) }
    }

    /// What it is in the examiner's words, or the name of the source when there are none.
    static func heading(of item: ReportModel.Item, limit: Int = EvidenceText.defaultLimit) -> EvidenceView {
        item.description.isEmpty
            ? EvidenceView(item.source.name, limit: limit) : EvidenceView(item.description, limit: limit)
    }

    private static func fields(
        of item: ReportModel.Item, _ text: TextCatalog, _ format: LocalFormat
    ) -> [FieldView] {
        let missing = text("cover.not_recorded")
        var fields: [FieldView] = []
        let device = [item.make, item.model, item.serial].filter { !$0.isEmpty }.joined(separator: ", ")
        if let field = FieldView.evidence(text("items.device"), device) { fields.append(field) }
        fields.append(.evidence(text("items.condition"), item.condition) ?? .plain(text("items.condition"), missing))
        fields.append(.evidence(text("items.seal"), item.seal) ?? .plain(text("items.seal"), missing))
        fields.append(.plain(text("items.received"), item.received.map { format.dateTime($0) } ?? missing))
        fields.append(FieldView(label: text("items.source"), evidence: EvidenceView(item.source.name, limit: 400)))
        if !item.source.segments.isEmpty {
            var lines = item.source.segments.prefix(segmentLimit).map {
                Phrase(evidence: EvidenceView($0, limit: 200))
            }
            if item.source.segments.count > segmentLimit {
                lines.append(.plain("… (" + format.number(item.source.segments.count) + ")"))
            }
            fields.append(FieldView(label: text("items.segments"), lines: lines))
        }
        fields.append(
            text.optional("items.kind_" + item.source.kind).map { .plain(text("items.kind"), $0) }
                ?? FieldView(label: text("items.kind"), evidence: EvidenceView(item.source.kind)))
        var size = format.fullSize(item.source.size)
        if let sector = item.source.sectorSize, sector > 0 {
            size += "; " + text.counted("items.sectors", item.source.size / sector, ["bytes": format.exactSize(sector)])
        }
        fields.append(.plain(text("items.size"), size))
        if let began = item.readBegan, let ended = item.readEnded {
            fields.append(
                .plain(
                    text("items.read"),
                    text(
                        "items.read_value",
                        [
                            "from": format.tableDate(began) + " " + format.clock(began),
                            "to": format.tableDate(ended) + " " + format.clock(ended),
                        ])))
        }
        return fields
    }

    /// The comparison with digests that came with the item.
    private static func check(of known: ReportModel.KnownDigests, _ text: TextCatalog) -> Check {
        let isCompared = known.matched + known.different > 0
        let level: OutcomeView.Level = !isCompared ? .open : known.different > 0 ? .bad : .good
        let word =
            !isCompared
            ? text("items.known_open")
            : known.different > 0 ? text("items.known_differs") : text("items.known_matches")
        var parts: [String] = []
        if known.matched > 0 { parts.append(text.counted("items.known_matched", known.matched)) }
        if known.different > 0 { parts.append(text.counted("items.known_different", known.different)) }
        if known.notCompared > 0 { parts.append(text.counted("items.known_not_compared", known.notCompared)) }
        if known.unlisted > 0 { parts.append(text.counted("items.known_unlisted", known.unlisted)) }
        return Check(
            label: text("items.known"), digest: DigestView(hex: known.sha256),
            outcome: OutcomeView(level: level, word: word, detail: .plain(parts.joined(separator: "; "))),
            notes: [Phrase(evidence: EvidenceView(known.list, limit: 200))])
    }

    private static func checks(of item: ReportModel.Item, _ text: TextCatalog, _ format: LocalFormat) -> [Check] {
        var checks: [Check] = []
        if let blocks = item.blocks {
            checks.append(
                Check(
                    label: text("items.blocks"),
                    plain: text.counted("items.blocks_value", blocks.count, ["size": format.size(blocks.blockSize)]),
                    digest: DigestView(hex: blocks.root)))
        }
        if let files = item.files {
            checks.append(
                Check(
                    label: text("items.files"),
                    plain: text.counted("items.files_value", files.count, ["size": format.fullSize(files.bytes)]),
                    digest: DigestView(hex: files.root)))
        }
        if let known = item.known { checks.append(Self.check(of: known, text)) }
        if item.unreadable.isEmpty {
            checks.append(Check(label: text("items.unreadable"), plain: text("items.unreadable_none")))
        }
        checks.append(
            Check(
                label: text("items.manifest"), digest: DigestView(hex: item.manifest.sha256),
                notes: [.evidence(item.manifest.path)]))
        var notes: [Phrase] = []
        var signed: [String] = []
        if !item.manifest.signer.isEmpty {
            signed.append(text("items.signature_by", ["name": EvidenceText.plain(item.manifest.signer)]))
        }
        if let time = item.manifest.signed { signed.append(text("items.signed_at", ["time": format.dateTime(time)])) }
        if !signed.isEmpty { notes.append(.plain(signed.joined(separator: ", "))) }
        checks.append(
            Check(label: text("items.signature"), outcome: OutcomeView(item.manifest.signature, text), notes: notes))
        let stamps = [item.manifest.timestamp].compactMap { $0 } + item.manifest.outsideTimestamps
        for timestamp in stamps {
            let value = text(
                "items.timestamp_value",
                [
                    "authority": EvidenceText.plain(timestamp.authority),
                    "time": timestamp.time.map { format.dateTime($0) } ?? "–",
                ])
            checks.append(
                Check(
                    label: text("items.timestamp"), outcome: OutcomeView(timestamp.outcome, text),
                    notes: [.plain(value), .plain(text("trust.\(timestamp.trust.rawValue)"))]))
        }
        if stamps.isEmpty { checks.append(Check(label: text("items.timestamp"), plain: text("items.timestamp_none"))) }
        return checks
    }
}
