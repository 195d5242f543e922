import EvidenceModel
import Foundation

/// A folder that is made beside its final place and renamed into it, whole; removed when that does not happen.
final class WorkFolder {
    /// Where to write.
    let path: String
    private let target: String
    private var isDone = false

    /// - Throws: ``CaseError`` with code `exists` when something is at the target already; file errors.
    init(for target: String) throws {
        let absolute = CaseFolder.absolute(target)
        let manager = FileManager.default
        if manager.fileExists(atPath: absolute) {
            guard (try? manager.contentsOfDirectory(atPath: absolute)) == [] else {
                throw CaseError(.exists, "\(target) exists already and is not an empty folder. Choose another one.")
            }
        }
        let parent = (absolute as NSString).deletingLastPathComponent
        let name = (absolute as NSString).lastPathComponent
        self.target = absolute
        path = "\(parent)/.\(name).new-\(UInt32.random(in: 0 ... .max))"
        try DurableFile.makeFolder(path)
    }

    /// Puts the folder in its place.
    func finish() throws {
        try DurableFile.synchronizeFolder(path)
        try FolderSync.rename(path, to: target)
        isDone = true
    }

    deinit {
        // What was written here never counted; that it cannot be removed changes nothing about that.
        if !isDone { try? FileManager.default.removeItem(atPath: path) }
    }
}
