public import ArtifactCatalog
import Carving
import CustodyLedger
import Digesting
import EvidenceModel
import Foundation
import SourceMedia

/// Makes files of catalogued artifacts, each checked against its digest while it is written.
public struct ExportWorkflow {
    let folder: CaseFolder
    let session: CaseSession?
    let progress: (any ProgressListener)?
    /// Threads that decode and write.
    public var workers = ProcessInfo.processInfo.activeProcessorCount

    /// - Parameter session: where to record the export; nil to record nothing.
    public init(_ folder: CaseFolder, session: CaseSession?, progress: (any ProgressListener)? = nil) {
        self.folder = folder
        self.session = session
        self.progress = progress
    }

    /// What was written.
    public struct Outcome: Sendable {
        public var written = 0
        public var bytes = 0
        /// One line for each artifact that could not be written.
        public var failures: [String] = []
    }

    /// Writes artifacts to `target`, which is made when it does not exist.
    ///
    /// - Parameters:
    ///   - ids: ids or their first digits; nil for all that `filter` lets through.
    ///   - sourcePath: where the source lies now, when it has moved.
    public func run(
        ids: [String]?, filter: CatalogFilter, to target: String, sourcePath: String?
    ) throws -> Outcome {
        let artifacts = try selection(ids, filter)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        var outcome = Outcome()
        var list: [UInt8] = []
        progress?.began("Writing artifacts", unit: .things("artifacts"))
        defer { progress?.ended() }
        let store = try CatalogReading.store(of: folder)
        var containers: [String: Artifact] = [:]
        for (item, found) in Dictionary(grouping: artifacts, by: \.item).sorted(by: { $0.key < $1.key }) {
            let source = try StoredSource.open(item, in: folder, path: sourcePath)
            for artifact in found { containers[artifact.id] = artifact }
            let written = try found.map { artifact in
                WrittenArtifact(
                    artifact, ancestors: try Self.ancestors(of: artifact, in: store, &containers),
                    path: target + "/" + Self.fileName(of: artifact))
            }
            let (progress, before) = (progress, outcome.written + outcome.failures.count)
            let errors = ArtifactWriter(source: source, workFolder: target).write(written, workers: workers) { done in
                progress?.advanced(to: before + done, of: artifacts.count)
            }
            for (artifact, error) in zip(found, errors) {
                if let error {
                    outcome.failures.append("\(artifact.id): \(error)")
                    continue
                }
                outcome.written += 1
                outcome.bytes += artifact.size
                list += Array("\(artifact.sha256.hex)  \(Self.fileName(of: artifact))\n".utf8)
            }
            containers.removeAll()
        }
        try session?.append(
            .export, items: Set(artifacts.map(\.item)).sorted().map { LedgerItem(id: $0, kind: .image) },
            detail: .export(
                ExportedFiles(count: outcome.written, bytes: outcome.bytes, list: try digest(.sha256, of: list))))
        try session?.finish()
        return outcome
    }

    /// The artifacts that an embedded one was taken out of, from the one on the medium down to its parent.
    ///
    /// - Parameter containers: those met before, by id.
    private static func ancestors(
        of artifact: Artifact, in store: CatalogStore, _ containers: inout [String: Artifact]
    ) throws -> [Artifact] {
        var ancestors: [Artifact] = []
        var next = artifact.parent
        while let id = next, ancestors.count < mostAncestors {
            if containers[id] == nil {
                containers[id] = try store.artifacts(CatalogFilter(item: artifact.item, idPrefix: id)).first
            }
            guard let container = containers[id] else { break }
            ancestors.insert(container, at: 0)
            next = container.parent
        }
        return ancestors
    }

    /// More levels than any run opens.
    private static let mostAncestors = 64

    private func selection(_ ids: [String]?, _ filter: CatalogFilter) throws -> [Artifact] {
        guard let ids else { return try CatalogReading.store(of: folder).artifacts(filter) }
        return try ids.map { try CatalogReading.artifact($0, filter, in: folder) }
    }

    /// Item, offset and id make the name unique; nothing in it comes from evidence but a checked extension.
    static func fileName(of artifact: Artifact) -> String {
        let offset = String(artifact.extents.first?.offset ?? 0)
        let padded = String(repeating: "0", count: max(0, 14 - offset.count)) + offset
        let plain = artifact.fileExtension.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
        let suffix = plain && !artifact.fileExtension.isEmpty ? artifact.fileExtension : "bin"
        return "\(artifact.item)-\(padded)-\(artifact.id).\(suffix)"
    }
}
