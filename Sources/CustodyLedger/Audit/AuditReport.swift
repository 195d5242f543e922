public import EvidenceModel

/// One thing that an audit found: where, what is wrong, and what it means.
public struct AuditFinding: Hashable, Sendable {
    /// Whether the ledger must not be relied on as it is, or whether a reader only has to know.
    public enum Severity: String, Hashable, Sendable {
        case failure
        /// For example an acquisition that was interrupted: part of the record, no sign of tampering.
        case notice
    }

    public let severity: Severity
    /// Number of the entry, counted from 0; nil when it concerns the whole ledger.
    public let entry: Int?
    /// What is wrong.
    public let problem: String
    /// What that means.
    public let meaning: String

    init(severity: Severity, entry: Int?, problem: String, meaning: String) {
        self.severity = severity
        self.entry = entry
        self.problem = Self.printable(problem)
        self.meaning = Self.printable(meaning)
    }

    /// Most characters of a text that is shown.
    private static let longestText = 600

    /// Text that may quote a hostile file, as a terminal shows it unchanged: nothing that moves or hides other text.
    private static func printable(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(longestText) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: shown.append("\u{FFFD}")
            default: shown.append(scalar)
            }
        }
        return String(shown)
    }

    /// The finding on one line.
    public var line: String { "\(entry.map { "entry \($0)" } ?? "ledger"): \(problem); \(meaning)" }
}

/// A head that something outside the entries vouches for: a checkpoint or an anchor.
public struct AuditedHead: Hashable, Sendable {
    /// Number of entries that it covers.
    public let size: Int
    /// "checkpoint", "high-water mark" or the kind of the anchor.
    public let kind: String
    /// Whether it came from outside the file: only such a head shows that nothing was cut or rewritten.
    public let isFromOutside: Bool
    /// The time that a time-stamping authority states.
    public let time: UTCTime?
}

/// What an audit of a ledger found.
public struct AuditReport: Hashable, Sendable, CustomStringConvertible {
    /// Most findings that are listed.
    public static let mostFindings = 200

    /// Where the file is.
    public let path: String
    /// Nil when the first entry cannot be read.
    public internal(set) var origin: String?
    public internal(set) var caseNumber: String?
    /// Number of entries in the file.
    public internal(set) var entryCount = 0
    /// RFC 6962 root over the entries as they lie in the file.
    public internal(set) var root: Digest?
    public internal(set) var firstTime: UTCTime?
    public internal(set) var lastTime: UTCTime?
    /// Whether any signer's certificate was made for trying out.
    public internal(set) var isTrial = false
    /// In the order in which they were found.
    public internal(set) var findings: [AuditFinding] = []
    /// How many more there are than ``findings`` lists.
    public internal(set) var unlistedFindings = 0
    /// The furthest checkpoint or mark that the entries agree with.
    public internal(set) var newestCheckpoint: AuditedHead?
    /// The furthest such head that came from outside the file.
    public internal(set) var newestOutsideHead: AuditedHead?
    /// The furthest anchor that verifies.
    public internal(set) var newestAnchor: AuditedHead?
    /// What this audit could not show, each in a sentence.
    public internal(set) var couldNotCheck: [String] = []
    private var hasUnlistedFailure = false

    init(path: String) { self.path = path }

    /// True when nothing was found that forbids relying on the ledger.
    public var isClean: Bool { !hasUnlistedFailure && !findings.contains { $0.severity == .failure } }

    /// How many entries lie after a head; all of them when there is none.
    public func entriesAfter(_ head: AuditedHead?) -> Int { max(0, entryCount - (head?.size ?? 0)) }

    /// The report as plain text, a line each.
    public var lines: [String] {
        var lines = [
            "\(path): \(isClean ? "verified" : "DOES NOT VERIFY"), \(entryCount) entries"
                + (origin.map { ", origin \($0)" } ?? "")
        ]
        if isTrial { lines.append("signed with certificates for trying out: not for casework") }
        lines += findings.map { "\($0.severity.rawValue): \($0.line)" }
        if unlistedFindings > 0 { lines.append("and \(unlistedFindings) further findings") }
        if let root { lines.append("root: \(root.hex)") }
        lines.append(describe(newestCheckpoint, none: "newest checkpoint: none"))
        lines.append(describe(newestAnchor, none: "newest anchor: none"))
        lines += couldNotCheck.map { "not checked: \($0)" }
        return lines
    }

    public var description: String { lines.joined(separator: "\n") }

    private func describe(_ head: AuditedHead?, none: String) -> String {
        guard let head else { return none }
        let source = head.isFromOutside ? "from outside the file" : "from the file itself"
        let time = head.time.map { ", \($0.rfc3339)" } ?? ""
        return "newest \(head.kind): \(head.size) entries, \(source)\(time); \(entriesAfter(head)) entries after it"
    }

    mutating func add(entry: Int? = nil, _ problem: String, meaning: String) {
        add(AuditFinding(severity: .failure, entry: entry, problem: problem, meaning: meaning))
    }

    mutating func note(entry: Int? = nil, _ problem: String, meaning: String) {
        add(AuditFinding(severity: .notice, entry: entry, problem: problem, meaning: meaning))
    }

    private mutating func add(_ finding: AuditFinding) {
        guard findings.count < Self.mostFindings else {
            unlistedFindings += 1
            if finding.severity == .failure { hasUnlistedFailure = true }
            return
        }
        findings.append(finding)
    }
}
