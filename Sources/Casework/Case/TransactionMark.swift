import Digesting
import EvidenceModel
import Foundation
internal import Glibc

/// Remembers, outside the case, that this workstation is writing to a ledger.
///
/// A process that is killed while it writes leaves SQLite's journal beside the ledger. An audit must refuse a journal:
/// anyone can put one there, and what it holds would change what the ledger says. But one that this workstation's own
/// interrupted write has left is no attack. The mark tells the two apart. It is locked while its process lives; a mark that
/// nobody locks belongs to a process that was cut off.
struct TransactionMark {
    private let folder: String
    private let prefix: String

    init(ledgerPath: String, home: String) throws {
        folder = home + "/transactions"
        prefix = try digest(.sha256, of: Array(ledgerPath.utf8)).hex + "-"
    }

    /// Does the work with the mark set.
    func around<Result>(_ work: () throws -> Result) throws -> Result {
        try DurableFile.makeFolder(folder, permissions: 0o700)
        let path = "\(folder)/\(prefix)\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else {
            throw CaseError(.storage, "Cannot write to \(folder): \(unsafe String(cString: strerror(errno))).")
        }
        defer {
            _ = unsafe unlink(path)
            close(descriptor)
        }
        guard flock(descriptor, LOCK_EX) == 0 else {
            throw CaseError(.storage, "Cannot lock \(path): \(unsafe String(cString: strerror(errno))).")
        }
        return try work()
    }

    /// Takes away the marks of processes that were cut off; answers whether there was one.
    func takeCutOff() throws -> Bool {
        guard FileManager.default.fileExists(atPath: folder) else { return false }
        var found = false
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasPrefix(prefix) {
            let path = folder + "/" + name
            let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { continue }
            _ = unsafe unlink(path)
            found = true
        }
        return found
    }
}
