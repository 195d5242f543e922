public import EvidenceModel

extension ReportModel {
    /// What a check said.
    public enum CheckOutcome: Hashable, Sendable {
        /// The check passed; the text adds what it rests on, and may be empty.
        case valid(detail: String)
        /// The check failed, and why.
        case invalid(reason: String)
        /// The check was not made, and why.
        case notChecked(reason: String)
    }

    /// Who stands behind the time in a time stamp.
    public enum TimestampTrust: String, CaseIterable, Hashable, Sendable {
        /// The laboratory's own authority: it shows order, not independent time.
        case laboratory
        /// An independent authority.
        case commercial
        /// A qualified trust service provider under Regulation (EU) 910/2014, article 42.
        case qualified
    }

    /// What is known of an RFC 3161 time stamp.
    public struct TimestampCheck: Hashable, Sendable {
        /// What the check said.
        public var outcome: CheckOutcome
        /// The token's `genTime`; nil when it could not be read.
        public var time: UTCTime?
        /// Name of the authority.
        public var authority: String
        /// Who stands behind the time.
        public var trust: TimestampTrust

        /// Creates the value from its parts.
        public init(outcome: CheckOutcome, time: UTCTime?, authority: String, trust: TimestampTrust) {
            self.outcome = outcome
            self.time = time
            self.authority = authority
            self.trust = trust
        }
    }
}
