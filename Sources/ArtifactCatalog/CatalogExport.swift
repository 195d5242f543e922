import EvidenceModel

/// The forms in which a catalogue leaves Exhibit.
public enum CatalogFormat: String, CaseIterable, Hashable, Sendable {
    /// JSON Lines: one canonical JSON object a line.
    case jsonl
    /// Comma-separated values (RFC 4180), UTF-8, one artifact a row.
    case csv
}

extension CatalogStore {
    /// Writes the catalogue in export order, a line at a time: constant memory.
    ///
    /// - Parameter write: receives the bytes of one line, its end included.
    public func export(
        _ format: CatalogFormat, _ filter: CatalogFilter = CatalogFilter(), to write: ([UInt8]) throws -> Void
    ) throws {
        switch format {
        case .jsonl:
            try forEachLine(filter) { try write(Array($0.utf8) + [UInt8(ascii: "\n")]) }
        case .csv:
            try write(Array((CSVRow.columns.joined(separator: ",") + "\r\n").utf8))
            try forEachLine(filter) { try write(Array(CSVRow.text(of: try Artifact(catalogLine: $0)).utf8)) }
        }
    }
}

/// One artifact as a row of the CSV export.
private enum CSVRow {
    static let columns = [
        "id", "item", "origin", "format", "extension", "mime", "confidence", "size", "offset", "extents", "sha256",
        "md5", "parent", "path", "decoding", "description", "facts", "warnings",
    ]

    static func text(of artifact: Artifact) -> String {
        let extents = artifact.extents.map { "\($0.offset)+\($0.length)" }.joined(separator: ";")
        let fields = [
            artifact.id, artifact.item, artifact.origin.rawValue, artifact.format, artifact.fileExtension,
            artifact.mime,
            artifact.confidence.rawValue, String(artifact.size), String(artifact.extents.first?.offset ?? 0), extents,
            artifact.sha256.hex, artifact.md5.hex, artifact.parent ?? "", artifact.path,
            artifact.decoding ?? "", artifact.description,
            CanonicalValue.object(artifact.facts).encodedText, artifact.warnings.joined(separator: "; "),
        ]
        return fields.map(quoted).joined(separator: ",") + "\r\n"
    }

    /// Quotes where RFC 4180 asks for it, and disarms text that a spreadsheet would run as a formula.
    private static func quoted(_ field: String) -> String {
        var text = field
        if let first = text.utf8.first, "=+-@\t\r".utf8.contains(first) { text = "'" + text }
        guard text.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
