import EvidenceModel
internal import Glibc

/// Moves folders durably, whole.
enum FolderSync {
    /// Renames a folder and flushes the folder above it: afterwards it is there under the new name, whole.
    ///
    /// Replaces an empty folder, nothing else (rename(2)).
    static func rename(_ path: String, to target: String) throws {
        guard unsafe Glibc.rename(path, target) == 0 else {
            if errno == ENOTEMPTY || errno == EEXIST {
                throw CaseError(.exists, "\(target) exists already. Nothing was changed there.")
            }
            throw failure("rename to \(target)", path)
        }
        let slash = target.lastIndex(of: "/") ?? target.startIndex
        try DurableFile.synchronizeFolder(slash == target.startIndex ? "/" : String(target[..<slash]))
    }

    private static func failure(_ verb: String, _ path: String) -> CaseError {
        let reason = unsafe String(cString: strerror(errno))
        return CaseError(
            .storage, "Cannot \(verb) \(path): \(reason). Check free space and permissions, then run again.")
    }
}

/// An exclusive lock on a folder, held until it goes out of scope or the process ends, however it ends.
struct FolderLock: ~Copyable {
    private let descriptor: Int32

    /// - Parameter waiting: wait for another process instead of refusing.
    /// - Throws: ``CaseError`` with code `inUse` when another process holds it, `storage`.
    init(_ path: String, what: String, waiting: Bool = false) throws(CaseError) {
        descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CaseError(.storage, "Cannot open \(path): \(unsafe String(cString: strerror(errno))).")
        }
        guard flock(descriptor, waiting ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let reason = unsafe String(cString: strerror(errno))
            close(descriptor)
            throw isHeld
                ? CaseError(.inUse, "Another process works on \(what). Wait until it has ended, then run again.")
                : CaseError(.storage, "Cannot lock \(path): \(reason).")
        }
    }

    deinit { close(descriptor) }
}
