public import EvidenceModel

/// Everything that a report says, as plain values: the renderings read nothing else.
///
/// The contents follow ISO/IEC 17025:2017, 7.8.2.1, and the headings of ISO 21043-5:2025.
public struct ReportModel: Hashable, Sendable {
    /// The report's unique number, printed on every page, for example "2026-0042-R01".
    public var identifier: String
    /// When the report is issued; the only time that the renderings know.
    public var issued: UTCTime
    /// The report that this one replaces (ISO/IEC 17025:2017, 7.8.8); nil for a first report.
    public var replaces: String?
    /// Who asked, in which case, and what.
    public var request: Request
    /// Who issues the report.
    public var laboratory: Laboratory
    /// Who did the work.
    public var examiner: Examiner
    /// True when the signing certificate was made for trying out: the cover and every page then say so.
    public var isTrial: Bool
    /// The evidence items, in the order of their numbers.
    public var items: [Item]
    /// The handling history.
    public var handling: Handling
    /// What was found.
    public var findings: Findings
    /// How the work was done.
    public var methods: Methods
    /// What was not examined, and why.
    public var omissions: [Omission]
    /// Measured error rates; empty means that none were measured, and the report says so.
    public var errorRates: [ErrorRate]
    /// How anyone checks it.
    public var verification: Verification
    /// Files that travel inside the PDF and beside it.
    public var annexes: [Annex]

    /// Creates the value from its parts.
    public init(
        identifier: String, issued: UTCTime, replaces: String? = nil, request: Request, laboratory: Laboratory,
        examiner: Examiner, isTrial: Bool, items: [Item], handling: Handling, findings: Findings, methods: Methods,
        omissions: [Omission] = [], errorRates: [ErrorRate] = [], verification: Verification, annexes: [Annex] = []
    ) {
        self.identifier = identifier
        self.issued = issued
        self.replaces = replaces
        self.request = request
        self.laboratory = laboratory
        self.examiner = examiner
        self.isTrial = isTrial
        self.items = items
        self.handling = handling
        self.findings = findings
        self.methods = methods
        self.omissions = omissions
        self.errorRates = errorRates
        self.verification = verification
        self.annexes = annexes
    }
}

/// The languages that a report can be issued in.
public enum ReportLanguage: String, CaseIterable, Hashable, Sendable {
    case english = "en"
    case french = "fr"
}
