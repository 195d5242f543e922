public import EvidenceModel

extension ReportModel {
    /// Who asked for the examination, in which case, and what the question is.
    public struct Request: Hashable, Sendable {
        /// The case number.
        public var caseNumber: String
        /// The case's title; may be empty.
        public var caseTitle: String
        /// The requesting authority, for example "Public Prosecutor's Office, Luxembourg"; empty when not recorded.
        public var authority: String
        /// The authority's order or warrant; empty when not recorded.
        public var reference: String
        /// When the request was made.
        public var date: UTCTime?
        /// What the authority asks, in its words; empty when not recorded.
        public var question: String

        /// Creates the value from its parts.
        public init(
            caseNumber: String, caseTitle: String = "", authority: String = "", reference: String = "",
            date: UTCTime? = nil, question: String = ""
        ) {
            self.caseNumber = caseNumber
            self.caseTitle = caseTitle
            self.authority = authority
            self.reference = reference
            self.date = date
            self.question = question
        }
    }

    /// The laboratory that issues the report.
    public struct Laboratory: Hashable, Sendable {
        /// The name as it is printed.
        public var name: String
        /// Lines of the postal address; may be empty.
        public var address: [String]
        /// Where the work was done when that is not the address; may be empty.
        public var place: String
        /// Number of the accreditation; empty when there is none.
        public var accreditation: String

        /// Creates the value from its parts.
        public init(name: String, address: [String] = [], place: String = "", accreditation: String = "") {
            self.name = name
            self.address = address
            self.place = place
            self.accreditation = accreditation
        }
    }

    /// The person who did the work and authorises the report.
    public struct Examiner: Hashable, Sendable {
        /// The name as it is printed.
        public var name: String
        /// For example "forensic examiner"; may be empty.
        public var role: String

        /// Creates the value from its parts.
        public init(name: String, role: String = "") {
            self.name = name
            self.role = role
        }
    }
}
