import EvidenceModel
import SourceMedia

/// Opens the source of an item that was taken in before.
enum StoredSource {
    /// - Parameters:
    ///   - path: where it lies now; nil to look where it was last seen.
    ///   - backing: where what it rests on lies now; empty to look where that was last seen.
    /// - Throws: ``SourceError``, ``CaseError`` with code `unknownItem` when nobody knows where it is.
    static func open(_ item: String, in folder: CaseFolder, path: String?, backing: [String] = []) throws
        -> any SourceReader
    {
        let seen = SourceLocation(in: folder.evidence(item))
        guard let path = path ?? seen?.path else {
            throw CaseError(
                .unknownItem, "It is not known where the source of item \(item) lies. Name it with --source PATH.")
        }
        return try SourceOpener.open(
            path,
            SourceOptions(allowWritableMounts: true, backing: backing.isEmpty ? seen?.backing ?? [] : backing))
    }
}
