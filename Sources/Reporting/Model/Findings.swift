public import EvidenceModel

extension ReportModel {
    /// What was found on the items.
    public struct Findings: Hashable, Sendable {
        /// One for each item and type of file, all finds counted.
        public var summaries: [TypeSummary]
        /// Finds to show as table rows, in the catalogue's order; the body shows the first ``rowLimit`` of them.
        public var artifacts: [Artifact]
        /// How many rows the body shows; the whole list is an annex.
        public var rowLimit: Int
        /// Number of files found in the finds: members of archives, attachments, thumbnails.
        public var embedded: Int
        /// Pictures that the caller chose to show; empty unless asked for.
        public var thumbnails: [Thumbnail]
        /// What became of every byte of each medium that was searched.
        public var coverage: [ItemCoverage]

        /// Creates the value from its parts.
        public init(
            summaries: [TypeSummary], artifacts: [Artifact], rowLimit: Int = 60, embedded: Int = 0,
            thumbnails: [Thumbnail] = [], coverage: [ItemCoverage] = []
        ) {
            self.summaries = summaries
            self.artifacts = artifacts
            self.rowLimit = rowLimit
            self.embedded = embedded
            self.thumbnails = thumbnails
            self.coverage = coverage
        }
    }

    /// The coverage statement of one item.
    public struct ItemCoverage: Hashable, Sendable {
        /// The item's number.
        public var item: String
        /// What became of every byte.
        public var statement: CoverageStatement

        /// Creates the value from its parts.
        public init(item: String, statement: CoverageStatement) {
            self.item = item
            self.statement = statement
        }
    }

    /// The finds of one type on one item.
    public struct TypeSummary: Hashable, Sendable {
        /// The item's number.
        public var item: String
        /// Exhibit's name of the format, for example "jpeg".
        public var format: String
        /// MIME type.
        public var mime: String
        /// Number of finds of each confidence.
        public var counts: [Confidence: Int]
        /// Sum of the finds' sizes, in bytes.
        public var bytes: Int

        /// Creates the value from its parts.
        public init(item: String, format: String, mime: String, counts: [Confidence: Int], bytes: Int) {
            self.item = item
            self.format = format
            self.mime = mime
            self.counts = counts
            self.bytes = bytes
        }

        /// Number of finds.
        public var count: Int { counts.values.reduce(0, +) }

        private struct Key: Hashable { let item, format: String }

        /// Counts finds by item and format; the result is in the order of item and format.
        public static func counting(_ artifacts: some Sequence<Artifact>) -> [TypeSummary] {
            var summaries: [Key: TypeSummary] = [:]
            for artifact in artifacts {
                let key = Key(item: artifact.item, format: artifact.format)
                var summary =
                    summaries[key]
                    ?? TypeSummary(
                        item: artifact.item, format: artifact.format, mime: artifact.mime, counts: [:], bytes: 0)
                summary.counts[artifact.confidence, default: 0] += 1
                summary.bytes = summary.bytes.addingClamped(artifact.size)
                summaries[key] = summary
            }
            return summaries.values.sorted { ($0.item, $0.format) < ($1.item, $1.format) }
        }
    }

    /// A small picture of a find, ready to show.
    public struct Thumbnail: Hashable, Sendable {
        /// What the bytes are.
        public enum Format: String, CaseIterable, Hashable, Sendable {
            case jpeg
            case png
        }

        /// Id of the artifact that it shows.
        public var artifact: String
        /// What the bytes are.
        public var format: Format
        /// The content.
        public var bytes: [UInt8]

        /// Creates the value from its parts.
        public init(artifact: String, format: Format, bytes: [UInt8]) {
            self.artifact = artifact
            self.format = format
            self.bytes = bytes
        }
    }
}

extension Int {
    /// The sum, or the largest number when it does not fit: sizes come from evidence.
    func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
