import EvidenceModel
import Foundation

/// Where the files about an item are made before they are renamed into place, whole.
///
/// Locked: one process at a time takes an item in. What an interrupted run has left is removed; the ledger never
/// acknowledged it.
struct EvidenceWorkFolder: ~Copyable {
    private let path: String
    private let target: EvidenceFolder
    private let lock: FolderLock

    init(_ folder: CaseFolder, item: String) throws {
        let path = folder.evidencePath + "/." + item + ".part"
        try DurableFile.makeFolder(path)
        let lock = try FolderLock(path, what: "item \(item)")
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try FileManager.default.removeItem(atPath: path + "/" + name)
        }
        self.path = path
        self.target = folder.evidence(item)
        self.lock = lock
    }

    /// Writes one file durably.
    func write(_ bytes: [UInt8], _ name: String) throws(FileError) {
        try DurableFile.write(bytes, to: path + "/" + name)
    }

    /// Puts the folder in its place.
    func finish() throws {
        if FileManager.default.fileExists(atPath: target.path) {
            try FileManager.default.removeItem(atPath: target.path)
        }
        try FolderSync.rename(path, to: target.path)
    }
}
