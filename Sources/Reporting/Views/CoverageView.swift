internal import EvidenceModel

/// What became of every byte of one item's medium.
struct CoverageView {
    let item: EvidenceView
    let rows: [Row]
    let totalBytes: String
    let totalShare: String
    let largeNote: String
    let hasRuns: Bool
    let runs: [Run]

    struct Row {
        /// The shade of the finds' confidence; nil for what belongs to no find.
        let shade: String?
        let name: String
        let meaning: String
        let bytes: String
        let share: String
    }

    struct Run {
        let offset: String
        let length: String
        let size: String
    }

    /// Most runs of high entropy that are printed; the catalogue lists more.
    private static let runLimit = 10

    init(_ coverage: ReportModel.ItemCoverage, _ context: ViewContext) {
        let (text, format, statement) = (context.text, context.format, coverage.statement)
        item = EvidenceView(coverage.item, limit: 40)
        rows = CoverageStatement.Kind.allCases.map { kind in
            let bytes = statement.bytes(of: kind)
            let confidence = Confidence.allCases.first { CoverageStatement.Kind($0) == kind }
            return Row(
                shade: confidence?.rawValue, name: text("coverage.\(kind.rawValue)"),
                meaning: text("coverage.\(kind.rawValue)_text"), bytes: bytes == 0 ? "–" : format.number(bytes),
                share: bytes == 0 ? "–" : format.share(bytes, of: statement.size))
        }
        totalBytes = format.number(statement.size)
        totalShare = statement.size == 0 ? "–" : format.share(statement.size, of: statement.size)
        let large = statement.large[.highEntropy] ?? 0
        runs = (statement.largest[.highEntropy] ?? []).filter { $0.length >= CoverageStatement.largeRun }
            .prefix(Self.runLimit)
            .map {
                Run(
                    offset: format.number($0.offset), length: format.number($0.length), size: format.size($0.length))
            }
        hasRuns = !runs.isEmpty
        let limit = ["size": format.size(CoverageStatement.largeRun)]
        largeNote =
            large == 0
            ? text("coverage.large_none", limit)
            : text.counted("coverage.large", large, limit)
                + (large > runs.count ? " " + text.counted("coverage.large_listed", runs.count) : "")
    }
}
