internal import EvidenceModel

/// The finds of one type on all items together.
struct TypeTotal {
    let format: String
    let mime: String
    var counts: [Confidence: Int]
    var bytes: Int

    var count: Int { counts.values.reduce(0) { $0.addingClamped($1) } }

    /// The type as a reader without training knows it.
    func name(_ text: TextCatalog) -> String {
        text.optional("format." + format) ?? EvidenceText.plain(format, limit: 40)
    }

    /// The name at the start of a line.
    func heading(_ text: TextCatalog) -> String { Self.heading(name(text)) }

    /// The type of a single find, as the tables call it; its short name where it has no other.
    static func phrase(_ format: String, _ text: TextCatalog) -> Phrase {
        text.optional("format." + format).map { .plain(heading($0)) } ?? .evidence(format, limit: 40)
    }

    private static func heading(_ name: String) -> String { name.prefix(1).uppercased() + name.dropFirst() }

    /// The most frequent type first; equal ones by name.
    static func totals(of summaries: [ReportModel.TypeSummary]) -> [TypeTotal] {
        var totals: [String: TypeTotal] = [:]
        for summary in summaries {
            var total =
                totals[summary.format]
                ?? TypeTotal(format: summary.format, mime: summary.mime, counts: [:], bytes: 0)
            total.counts.merge(summary.counts) { $0.addingClamped($1) }
            total.bytes = total.bytes.addingClamped(summary.bytes)
            totals[summary.format] = total
        }
        return totals.values.sorted { ($1.count, $0.format) < ($0.count, $1.format) }
    }
}

/// Section 5: what was found, measured and not interpreted.
struct FindingsView {
    let isEmpty: Bool
    let types: [TypeRow]
    let totals: [String]
    let totalCount: String
    let totalSize: String
    let legend: [LegendEntry]
    let hasCoverage: Bool
    let coverage: [CoverageView]
    let hasPictures: Bool
    let pictures: [Picture]
    let hasRows: Bool
    let listNote: String
    let rows: [FindRow]

    /// A bar of the chart and a line of the table under one another's eyes.
    struct TypeRow {
        let name: String
        let mime: EvidenceView?
        let count: String
        let size: String
        let cells: [String]
        let bars: [Bar]
    }

    /// A part of a bar; positions in thousandths of the chart's width.
    struct Bar {
        let fill: String
        let x: Int
        let width: Int
        /// The inner area; what it leaves of the outer one is the outline.
        let innerX: Int
        let innerWidth: Int

        init(_ confidence: Confidence, from start: Int, to end: Int) {
            // From dark to white, told apart in greyscale; the style sheet's `.swatch` has the same colours.
            fill =
                switch confidence {
                case .proven: "#14304a"
                case .structural: "#6e8fae"
                case .header: "#cfdae4"
                case .broken: "#ffffff"
                }
            x = start
            width = max(5, end - start)
            innerX = x + 2
            innerWidth = max(1, width - 4)
        }
    }

    struct LegendEntry {
        let shade: String
        let name: String
        let explanation: String
    }

    struct Picture {
        let source: String
        let identifier: DigestView
        let caption: EvidenceView
    }

    struct FindRow {
        let identifier: DigestView
        let format: Phrase
        let description: EvidenceView
        let location: EvidenceView
        let notes: String?
        let size: String
        let shade: String
        let confidence: String
        let digest: DigestView
    }

    /// Types that get a bar of their own; the rest is one bar.
    private static let typeLimit = 24

    init(_ context: ViewContext) {
        let (findings, text, format) = (context.model.findings, context.text, context.format)
        let all = TypeTotal.totals(of: findings.summaries)
        isEmpty = all.isEmpty
        types = Self.typeRows(all, text, format)
        totals = Confidence.allCases.map { confidence in
            Self.cell(all.reduce(0) { $0.addingClamped($1.counts[confidence] ?? 0) }, format)
        }
        let count = all.reduce(0) { $0.addingClamped($1.count) }
        totalCount = format.number(count)
        totalSize = format.size(all.reduce(0) { $0.addingClamped($1.bytes) })
        legend = Confidence.allCases.map {
            LegendEntry(
                shade: $0.rawValue, name: text("confidence.\($0.rawValue)"),
                explanation: text("confidence.\($0.rawValue)_text"))
        }
        coverage = findings.coverage.map { CoverageView($0, context) }
        hasCoverage = !coverage.isEmpty
        let captions = Dictionary(
            findings.artifacts.map { ($0.id, $0.path) }, uniquingKeysWith: { first, _ in first })
        hasPictures = !findings.thumbnails.isEmpty
        pictures = findings.thumbnails.map {
            Picture(
                source: "data:image/\($0.format.rawValue);base64," + Base64.encode($0.bytes),
                identifier: DigestView(hex: $0.artifact), caption: EvidenceView(captions[$0.artifact] ?? "", limit: 80))
        }
        rows = findings.artifacts.prefix(max(0, findings.rowLimit)).map { Self.row($0, text, format) }
        hasRows = !rows.isEmpty
        let list =
            rows.count == count
            ? text.counted("findings.list_whole", count)
            : text(
                "findings.list_part", ["shown": format.number(rows.count), "total": format.number(count)])
        listNote = findings.embedded == 0 ? list : list + " " + text.counted("findings.embedded", findings.embedded)
    }

    private static func typeRows(_ all: [TypeTotal], _ text: TextCatalog, _ format: LocalFormat) -> [TypeRow] {
        let largest = all.map(\.count).max() ?? 0
        var rows = all.prefix(typeLimit).map {
            typeRow($0, name: $0.heading(text), largest: largest, format)
        }
        let rest = all.dropFirst(typeLimit)
        if !rest.isEmpty {
            var other = TypeTotal(format: "", mime: "", counts: [:], bytes: 0)
            for total in rest {
                other.counts.merge(total.counts) { $0.addingClamped($1) }
                other.bytes = other.bytes.addingClamped(total.bytes)
            }
            let name = text.counted("findings.other_types", rest.count)
            rows.append(typeRow(other, name: name, largest: max(largest, other.count), format))
        }
        return rows
    }

    private static func typeRow(
        _ total: TypeTotal, name: String, largest: Int, _ format: LocalFormat
    ) -> TypeRow {
        var bars: [Bar] = []
        var sum = 0
        for confidence in Confidence.allCases {
            guard let count = total.counts[confidence], count > 0 else { continue }
            let start = thousandths(sum, of: largest)
            sum = sum.addingClamped(count)
            bars.append(Bar(confidence, from: start, to: thousandths(sum, of: largest)))
        }
        return TypeRow(
            name: name, mime: total.mime.isEmpty ? nil : EvidenceView(total.mime, limit: 80),
            count: format.number(total.count), size: format.size(total.bytes),
            cells: Confidence.allCases.map { cell(total.counts[$0] ?? 0, format) }, bars: bars)
    }

    private static func cell(_ count: Int, _ format: LocalFormat) -> String {
        count == 0 ? "–" : format.number(count)
    }

    private static func thousandths(_ value: Int, of largest: Int) -> Int {
        guard largest > 0 else { return 0 }
        let (product, overflow) = value.multipliedReportingOverflow(by: 1000)
        return min(1000, overflow ? value / max(1, largest / 1000) : product / largest)
    }

    private static func row(_ artifact: Artifact, _ text: TextCatalog, _ format: LocalFormat) -> FindRow {
        var notes: [String] = []
        if artifact.extents.count > 1 { notes.append(text.counted("findings.extents", artifact.extents.count)) }
        if !artifact.warnings.isEmpty { notes.append(text.counted("findings.remarks", artifact.warnings.count)) }
        return FindRow(
            identifier: DigestView(hex: artifact.id), format: TypeTotal.phrase(artifact.format, text),
            description: EvidenceView(artifact.description, limit: 110),
            location: EvidenceView(artifact.path, limit: 120),
            notes: notes.isEmpty ? nil : notes.joined(separator: ", "),
            size: format.size(artifact.size), shade: artifact.confidence.rawValue,
            confidence: text("confidence.\(artifact.confidence.rawValue)"), digest: .short(artifact.sha256.hex))
    }
}
