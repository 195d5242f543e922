import Digesting
import EvidenceModel
import Scanning
import SourceMedia

extension KnownComparison {
    /// Compares a list with what a pass over a source has found.
    init(_ list: KnownDigestList, _ description: SourceDescription, _ scan: ScanResult) {
        guard description.kind == .folder else {
            let own: [Digest?]
            if description.holdsMediaInFiles {
                own = description.files.count == 1 ? scan.digests.filter { $0.algorithm == .sha256 } : scan.fileDigests
            } else {
                own = scan.containerDigests.map { $0.digest }
            }
            self.init(
                list, medium: scan.digests, sourceName: Self.lastComponent(Array(description.path.utf8)),
                files: description.files.enumerated().map { index, file in
                    (file.nameBytes, index < own.count ? own[index] : nil)
                }, isContainer: !description.holdsMediaInFiles)
            return
        }
        let further = scan.furtherFileDigests.values
        self.init(
            list,
            files: description.files.enumerated().map { index, file in
                let digests = ([scan.fileDigests] + further).compactMap { index < $0.count ? $0[index] : nil }
                return (file.nameBytes, digests)
            })
    }

    /// What the manifest states of it.
    ///
    /// - Parameter ofMedium: the digests are those of one medium, few enough to be listed.
    func manifestPart(ofMedium: Bool) throws -> EvidenceManifest.Known {
        let compared = lines.filter { $0.result != .notCompared } + lines.filter { $0.result == .notCompared }
        let shown = ofMedium ? compared.prefix(EvidenceManifest.Known.mostDigests) : []
        return EvidenceManifest.Known(
            list: list.name, listSHA256: list.sha256, format: list.format.rawValue,
            counts: Dictionary(grouping: lines, by: \.result.rawValue).mapValues(\.count),
            unsupported: list.unsupported, notUnderstood: list.notUnderstood,
            results: try digest(.sha256, of: encoded),
            digests: shown.compactMap { line in
                line.digest.map { digest in
                    let name = line.name.map { SourceName.shown(String(decoding: $0, as: UTF8.self)) }
                    return EvidenceManifest.Known.Entry(digest: digest, name: name, result: line.result.rawValue)
                }
            })
    }
}
