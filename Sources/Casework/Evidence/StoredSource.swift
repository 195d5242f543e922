import EvidenceModel
import SourceMedia

/// Opens the source of an item that was taken in before.
enum StoredSource {
    /// - Parameter path: where it lies now; nil to look where it was last seen.
    /// - Throws: ``SourceError``, ``CaseError`` with code `unknownItem` when nobody knows where it is.
    static func open(_ item: String, in folder: CaseFolder, path: String?) throws -> any SourceReader {
        guard let path = path ?? SourceLocation(in: folder.evidence(item))?.path else {
            throw CaseError(
                .unknownItem, "It is not known where the source of item \(item) lies. Name it with --source PATH.")
        }
        return try SourceOpener.open(path, allowWritableMounts: true)
    }
}
