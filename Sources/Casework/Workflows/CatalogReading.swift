import ArtifactCatalog
import EvidenceModel
import SourceMedia

/// Reads what an earlier run has catalogued.
enum CatalogReading {
    static func artifacts(of item: String, in folder: CaseFolder) throws -> [Artifact] {
        try CatalogStore(path: folder.catalogPath).artifacts(CatalogFilter(item: item))
    }
}

/// Opens a source only to see that it can be opened.
enum SourceCheck {
    static func open(_ path: String, force: Bool) throws(SourceError) -> any SourceReader {
        try SourceOpener.open(path, allowWritableMounts: force)
    }
}
