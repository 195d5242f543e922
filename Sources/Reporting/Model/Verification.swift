extension ReportModel {
    /// How anyone checks the report and the case with stock tools.
    public struct Verification: Hashable, Sendable {
        /// Name of the laboratory's root certificate.
        public var rootName: String
        /// SHA-256 of the root certificate's DER bytes, hexadecimal.
        public var rootSHA256: String
        /// Commands, in the order in which to run them, from inside the case folder.
        public var steps: [VerificationStep]

        /// Creates the value from its parts.
        public init(rootName: String, rootSHA256: String, steps: [VerificationStep]) {
            self.rootName = rootName
            self.rootSHA256 = rootSHA256
            self.steps = steps
        }
    }

    /// One check: what it shows and the exact command lines.
    public struct VerificationStep: Hashable, Sendable {
        /// What a check is about; the report explains each in words.
        public enum Subject: String, CaseIterable, Hashable, Sendable {
            case root
            case report
            case manifest
            case timestamp
            case medium
            case ledger
        }

        /// What the check is about.
        public var subject: Subject
        /// The item it concerns; nil for the whole case.
        public var item: String?
        /// Command lines, word for word.
        public var commands: [String]

        /// Creates the value from its parts.
        public init(_ subject: Subject, item: String? = nil, commands: [String]) {
            self.subject = subject
            self.item = item
            self.commands = commands
        }
    }

    /// A file that travels inside the PDF (PDF/A-3, ISO 19005-3, 6.8) and beside it.
    public struct Annex: Hashable, Sendable {
        /// How the file relates to the report (ISO 32000-2, 7.11.3, `AFRelationship`).
        public enum Relationship: String, CaseIterable, Hashable, Sendable {
            case data = "Data"
            case source = "Source"
            case supplement = "Supplement"
        }

        /// Plain name: letters, digits, full stop, hyphen and low line only, for example "artifacts.csv".
        public var fileName: String
        /// MIME type, for example "text/csv".
        public var mediaType: String
        /// How it relates to the report.
        public var relationship: Relationship
        /// What it holds, in a few words.
        public var title: String
        /// The content.
        public var bytes: [UInt8]

        /// Creates the value from its parts.
        public init(
            fileName: String, mediaType: String, relationship: Relationship, title: String, bytes: [UInt8]
        ) {
            self.fileName = fileName
            self.mediaType = mediaType
            self.relationship = relationship
            self.title = title
            self.bytes = bytes
        }
    }
}
