public import EvidenceModel
internal import GRDB

/// Which artifacts a listing shows; every field that is set must match.
public struct CatalogFilter: Hashable, Sendable {
    /// Evidence item, for example "E001".
    public var item: String?
    /// Exhibit's format name, for example "jpeg".
    public var format: String?
    public var confidence: Confidence?
    /// Full id, or its first digits.
    public var idPrefix: String?
    /// SHA-256 in hexadecimal digits.
    public var sha256: String?
    /// Where it was found: on the medium, or in another artifact.
    public var origin: ArtifactOrigin?

    public init(
        item: String? = nil, format: String? = nil, confidence: Confidence? = nil, idPrefix: String? = nil,
        sha256: String? = nil, origin: ArtifactOrigin? = nil
    ) {
        self.item = item
        self.format = format
        self.confidence = confidence
        self.idPrefix = idPrefix
        self.sha256 = sha256
        self.origin = origin
    }

    var condition: (sql: String, arguments: StatementArguments) {
        var terms = ["1"]
        var arguments = StatementArguments()
        func add(_ term: String, _ value: String?) {
            guard let value else { return }
            terms.append(term)
            arguments += [value]
        }
        add("item = ?", item)
        add("format = ?", format)
        add("confidence = ?", confidence?.rawValue)
        // Ids are hexadecimal digits, so a prefix is the range from itself up to itself followed by "g".
        add("id >= ?", idPrefix?.lowercased())
        add("id < ?", idPrefix.map { $0.lowercased() + "g" })
        add("json_extract(line, '$.origin') = ?", origin?.rawValue)
        add("sha256 = ?", sha256?.lowercased())
        return (terms.joined(separator: " AND "), arguments)
    }
}
