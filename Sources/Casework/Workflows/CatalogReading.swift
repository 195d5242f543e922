public import ArtifactCatalog
import EvidenceModel
import Foundation
import SourceMedia

/// Reads what an earlier run has catalogued.
public enum CatalogReading {
    /// The catalogue of a case, to read. Of a case in which nothing was carved yet: an empty one.
    ///
    /// - Throws: `damaged` when there was a catalogue and it is gone; errors of the catalogue.
    public static func store(of folder: CaseFolder) throws -> CatalogStore {
        let manager = FileManager.default
        guard !manager.fileExists(atPath: folder.catalogPath) else { return try CatalogStore(path: folder.catalogPath) }
        let items = try manager.contentsOfDirectory(atPath: folder.evidencePath)
        guard !items.contains(where: { manager.fileExists(atPath: folder.evidence($0).artifactsPath) }) else {
            throw CaseError(
                .damaged,
                "The catalogue \(folder.catalogPath) is missing, though items of this case were catalogued. Put it "
                    + "back, or "
                    + "make it again with `exhibit carve`.")
        }
        return try CatalogStore(path: ":memory:")
    }

    /// The one artifact whose id begins with these digits.
    ///
    /// - Throws: `CatalogError` with code `unknownArtifact` when there is none, or more than one.
    static func artifact(_ id: String, _ filter: CatalogFilter, in folder: CaseFolder) throws -> Artifact {
        var filter = filter
        filter.idPrefix = id
        let found = try store(of: folder).artifacts(filter)
        guard let artifact = found.first, found.count == 1 else {
            throw CatalogError(
                .unknownArtifact,
                found.isEmpty
                    ? "No artifact has an id that begins with \(id)."
                    : "\(found.count) artifacts have ids that begin with \(id). Give more digits.")
        }
        return artifact
    }

    static func artifacts(of item: String, in folder: CaseFolder) throws -> [Artifact] {
        try store(of: folder).artifacts(CatalogFilter(item: item))
    }
}

/// Looks at a source before anything is made for it.
enum SourceCheck {
    static func open(_ path: String, force: Bool, backing: [String]) throws(SourceError) -> any SourceReader {
        try SourceOpener.open(path, SourceOptions(allowWritableMounts: force, backing: backing))
    }

    /// Refuses a case that lies in the folder that is taken in: it would read itself, and change while it is read.
    static func refuse(_ source: any SourceReader, around casePath: String) throws(CaseError) {
        guard source.description.kind == .folder else { return }
        let folder = resolved(source.description.path)
        let place = resolved(CaseFolder.absolute(casePath))
        guard (place + "/").hasPrefix(folder.hasSuffix("/") ? folder : folder + "/") else { return }
        throw CaseError(
            .refused,
            "The case \(casePath) lies in the folder that is to be taken in, \(source.description.path): it would "
                + "take in "
                + "itself. Nothing was taken in. Choose a place for the case outside of that folder.")
    }

    /// The path without symbolic links, also when its end does not exist yet.
    private static func resolved(_ path: String) -> String {
        var existing = URL(filePath: path)
        var rest: [String] = []
        while existing.path != "/", !FileManager.default.fileExists(atPath: existing.path) {
            rest.insert(existing.lastPathComponent, at: 0)
            existing.deleteLastPathComponent()
        }
        return rest.reduce(existing.resolvingSymlinksInPath()) { $0.appending(path: $1) }.path
    }
}
