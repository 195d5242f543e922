import Carving
import EvidenceModel
import SourceMedia

/// Catalogues the files of a folder that was taken in: each is named where it lies, none is carved out of another.
struct FolderCataloguing {
    let item: String
    let source: any SourceReader
    let tools: CarvingTools
    let workers: Int
    let opensContainers: Bool
    /// Where large decoded content is kept while it is looked at.
    let workFolder: String

    func run(progress: @escaping @Sendable (CarveProgress) -> Void) throws(CarveError) -> CarveResult {
        var members: [FileSetExamination.Member] = []
        var offset = 0
        for file in source.description.files {
            members.append(
                FileSetExamination.Member(
                    extent: Extent(offset: offset, length: file.size), path: item + "/" + Self.shown(file.nameBytes)))
            offset += file.size
        }
        var examination = FileSetExamination(item: item, source: source, magic: tools.magic, workers: workers)
        examination.opensContainers = opensContainers
        examination.workFolder = workFolder
        return try examination.run(members, progress: progress)
    }

    /// The path as text; bytes that are not UTF-8 as `%` and two digits.
    private static func shown(_ bytes: [UInt8]) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return bytes.map { (0x20..<0x7F).contains($0) ? String(UnicodeScalar($0)) : "%" + Hex.encode([$0]) }.joined()
    }
}
