public import EvidenceModel

/// What a check of a whole case said, one line for each thing that was checked.
public struct Verification: Sendable {
    /// The answer to one check; the text says what it rests on.
    public enum Verdict: Hashable, Sendable {
        /// It is what the case claims.
        case holds(String)
        /// It is not; the text names what changed.
        case differs(String)
        /// It could not be checked, and why.
        case notChecked(String)
        /// The user asked not to check it.
        case skipped(String)
    }

    /// One thing that was checked.
    public struct Check: Hashable, Sendable {
        /// What, for example "evidence/E001/manifest.json signature".
        public let subject: String
        public let verdict: Verdict
    }

    public private(set) var checks: [Check] = []
    /// For each item whose source was read again: when, and what it says.
    public private(set) var sources: [String: SourceCheck] = [:]

    /// The comparison of an item's source with its manifest.
    public struct SourceCheck: Hashable, Sendable {
        public let time: UTCTime
        public let expected: Digest
        public let observed: Digest?
        /// Nil when the source is unchanged.
        public let difference: String?
        /// The blocks that differ.
        public let runs: [DifferingRun]
        /// Of a folder, the files that differ.
        public let files: [String]
        /// What could not be read now.
        public let unreadable: [UnreadableRange]
        /// What of the container is damaged or missing now.
        public let damage: [String]
        /// The comparison with digests from elsewhere, when a list was given.
        public let known: EvidenceManifest.Known?
    }

    /// True when nothing differs and nothing that should have been checked was left out.
    public var holds: Bool {
        checks.allSatisfy {
            switch $0.verdict {
            case .holds, .skipped: true
            case .differs, .notChecked: false
            }
        }
    }

    mutating func add(_ subject: String, _ verdict: Verdict) {
        checks.append(Check(subject: subject, verdict: verdict))
    }

    mutating func add(source check: SourceCheck, of item: String) { sources[item] = check }
}
