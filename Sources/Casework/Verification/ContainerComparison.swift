import Digesting
import EvidenceModel
import Scanning
import SourceMedia

/// Compares the files of a container, as they are on disk, with those that were taken in: a file can change without
/// changing the medium in it.
struct ContainerComparison {
    /// Most files that a text names.
    static let mostFilesShown = 10

    private let expected: [EvidenceManifest.File]
    private let names: [String]

    /// Nil where there is nothing to compare: the source is no container or of another kind, or the manifest states no
    /// digest of its files.
    ///
    /// Of an acquired item it is the image whose files count: the device was no container.
    init?(_ manifest: EvidenceManifest, _ description: SourceDescription) {
        var kind = manifest.kind
        var files = manifest.files
        if let image = manifest.image {
            kind = image.format == "e01" ? .ewf : .raw
            files = image.files
        }
        guard !description.holdsMediaInFiles, description.kind == kind, files.contains(where: { $0.sha256 != nil })
        else { return nil }
        expected = files
        names = description.files.map(\.name)
    }

    /// Which files are no longer what they were; nil when all of them are.
    func difference(_ scan: ScanResult) -> String? {
        guard names.count == expected.count, scan.containerDigests.count == expected.count else {
            return "the container has \(Self.files(names.count)), the manifest says \(expected.count)"
        }
        var problems: [String] = []
        for (index, file) in expected.enumerated() {
            switch (scan.containerDigests[index], file.sha256) {
            case (_, nil): break
            case (.unreadable(let problem), _): problems.append("\(names[index]) cannot be read: \(problem)")
            case (.digest(let observed), let stated):
                guard observed != stated else { break }
                problems.append("the file \(names[index]) is not what was taken in, its SHA-256 is \(observed.hex)")
            }
        }
        guard !problems.isEmpty else { return nil }
        let rest = problems.count - Self.mostFilesShown
        return problems.prefix(Self.mostFilesShown).joined(separator: "; ")
            + (rest > 0 ? "; and \(Self.files(rest)) more" : "")
    }

    private static func files(_ count: Int) -> String { count == 1 ? "1 file" : "\(count) files" }
}
