import EvidenceModel
import Reporting
import SourceMedia

/// Small pictures of catalogued pictures, for the report of someone who asked for them.
enum ThumbnailReader {
    /// Most pictures in one report.
    static let mostThumbnails = 60

    /// Pictures of the first artifacts that can be shown, in export order; what cannot be decoded is left out.
    static func thumbnails(of artifacts: [Artifact], in folder: CaseFolder) async throws -> [ReportModel.Thumbnail] {
        var thumbnails: [ReportModel.Thumbnail] = []
        var sources: [String: any SourceReader] = [:]
        for artifact in artifacts where artifact.mime.hasPrefix("image/") && artifact.confidence != .broken {
            guard thumbnails.count < mostThumbnails else { break }
            guard artifact.size <= ThumbnailMaker.fileSizeLimit else { continue }
            let source = try sources[artifact.item] ?? StoredSource.open(artifact.item, in: folder, path: nil)
            sources[artifact.item] = source
            let content = try ExtentSource(source, extents: artifact.extents).bytes(at: 0, count: artifact.size)
            if case .made(let picture) = await ThumbnailMaker.thumbnail(of: content) {
                thumbnails.append(ReportModel.Thumbnail(artifact: artifact.id, format: .jpeg, bytes: picture))
            }
        }
        return thumbnails
    }
}
