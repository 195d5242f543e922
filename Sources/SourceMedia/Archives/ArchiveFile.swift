import EvidenceModel

/// An archive as a medium: its bytes are those of the file, its members are listed beside them.
final class ArchiveFile: ArchiveSource {
    let description: SourceDescription
    private let file: ReadOnlyFile
    private let bytes: ConcatenatedFiles
    private let format: ArchiveFormat

    init(_ path: String, _ file: ReadOnlyFile, _ finding: ArchiveRecognition.Finding, warnings: [String]) {
        let described = SourceFile(
            nameBytes: Array(SourceOpener.lastComponent(path).utf8), size: file.size,
            modified: file.modifiedNanoseconds / 1_000_000, mode: file.mode & 0o7777)
        description = SourceDescription(
            kind: .archive, path: path, files: [described], mediaSize: file.size, sectorSize: 512, device: nil,
            oddities: [], warnings: warnings, properties: [SourceProperty("format", finding.format.name)],
            damage: finding.damage)
        self.file = file
        format = finding.format
        bytes = ConcatenatedFiles(description, paths: [file.path], opened: [0: file])
    }

    var size: Int { bytes.size }
    var unreadable: [UnreadableRange] { bytes.unreadable }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        try bytes.read(at: offset, into: &destination)
    }

    func checkUnchanged() throws(SourceError) { try bytes.checkUnchanged() }

    func listing() throws(SourceError) -> ArchiveListing {
        let listing = try ArchiveChild.list(file, format)
        try checkUnchanged()
        return listing
    }
}
