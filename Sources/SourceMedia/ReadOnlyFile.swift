import EvidenceModel
internal import Glibc
internal import Synchronization

/// A file or device opened for reading only.
///
/// The one place in Exhibit that opens evidence: the flags are `O_RDONLY | O_CLOEXEC`, with `O_NOATIME` where the
/// system allows it, so that reading leaves not even an access time behind.
final class ReadOnlyFile: Sendable {
    let path: [UInt8]
    let size: Int
    let modifiedNanoseconds: Int64
    let mode: UInt32
    /// For a child process that is to read the same file; closed with this object.
    let descriptor: Int32

    /// - Parameter bypassesCache: every read goes to the device, in whole sectors (`O_DIRECT`).
    /// - Throws: `missing`, `unreadable`.
    init(path: [UInt8], bypassesCache: Bool = false) throws(SourceError) {
        let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (bypassesCache ? Self.bypassingCache : 0)
        let noAccessTime: Int32 = 0o1_000_000  // O_NOATIME, which Glibc's overlay leaves out
        var descriptor = Self.open(path, flags | noAccessTime)
        if descriptor < 0, errno == EPERM { descriptor = Self.open(path, flags) }
        guard descriptor >= 0 else { throw Self.failure(to: "open", path, errno) }
        var information = stat()
        guard unsafe fstat(descriptor, &information) == 0 else {
            let code = errno
            close(descriptor)
            throw Self.failure(to: "examine", path, code)
        }
        self.path = path
        self.descriptor = descriptor
        self.mode = information.st_mode
        self.modifiedNanoseconds = Self.nanoseconds(information)
        if information.st_mode & S_IFMT == S_IFREG {
            self.size = Int(information.st_size)
        } else {
            // A block device has no size of its own; its end is where seeking ends.
            let end = lseek(descriptor, 0, SEEK_END)
            guard end >= 0 else {
                let code = errno
                close(descriptor)
                throw Self.failure(to: "find the size of", path, code)
            }
            self.size = Int(end)
        }
    }

    /// Opens a regular file that something else than the user named: no link is followed, no device is opened.
    ///
    /// - Throws: `missing`, `unreadable`, `unsupported`.
    convenience init(regular path: [UInt8]) throws(SourceError) {
        var information = stat()
        guard unsafe lstat(path.map { CChar(bitPattern: $0) } + [0], &information) == 0 else {
            throw Self.failure(to: "open", path, errno)
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw SourceError(
                .unsupported, "\(Self.text(path)) is no regular file, so it is not followed. Nothing was taken in.")
        }
        try self.init(path: path)
    }

    deinit { close(descriptor) }

    // O_DIRECT, which Glibc's overlay leaves out; its value depends on the processor.
    #if arch(arm64)
        private static let bypassingCache: Int32 = 0o200_000
    #else
        private static let bypassingCache: Int32 = 0o40_000
    #endif

    /// Reads until `destination` is full, the file ends or the medium fails.
    ///
    /// Answers how many bytes were read and, when the medium failed after them, the system's error number.
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) -> (count: Int, error: Int32?) {
        let descriptor = descriptor
        return unsafe destination.withUnsafeMutableBufferPointer { buffer in
            var filled = 0
            while filled < buffer.count {
                let rest = unsafe UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                let count = unsafe pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
                if count < 0 {
                    if errno == EINTR { continue }
                    return (filled, errno)
                }
                if count == 0 { break }
                filled += count
            }
            return (filled, nil)
        }
    }

    /// Asks the device driver something that changes nothing; false when it does not answer.
    func control(_ request: UInt, _ answer: inout Int32) -> Bool {
        unsafe withUnsafeMutablePointer(to: &answer) { unsafe ioctl(descriptor, request, $0) == 0 }
    }

    /// Lets the next read of a range go to the device, as far as the system does so.
    func forgetCached(at offset: Int, count: Int) {
        _ = posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
    }

    /// - Throws: `changed` when size or modification time differ from those at opening.
    func checkUnchanged() throws(SourceError) {
        var information = stat()
        guard unsafe fstat(descriptor, &information) == 0 else { throw Self.failure(to: "examine", path, errno) }
        guard
            information.st_mode & S_IFMT != S_IFREG
                || (Int(information.st_size) == size && Self.nanoseconds(information) == modifiedNanoseconds)
        else {
            throw SourceError(
                .changed,
                "\(Self.text(path)) was changed by another program while it was being read. Nothing was recorded as "
                    + "its "
                    + "content. Make sure that nothing writes to it, then start again.")
        }
    }

    static func text(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }

    static func failure(to verb: String, _ path: [UInt8], _ code: Int32) -> SourceError {
        let reason = SystemError.text(code)
        let kind: SourceError.Code = code == ENOENT || code == ENOTDIR ? .missing : .unreadable
        let remedy =
            switch code {
            case ENOENT, ENOTDIR: "Check the path."
            case EACCES, EPERM: "Read permission is needed; ask for it or work as a user who has it."
            case ENOMEDIUM: "Insert the medium."
            default: "The source was not changed."
            }
        return SourceError(kind, "Cannot \(verb) \(text(path)): \(reason). \(remedy)")
    }

    private static func nanoseconds(_ information: stat) -> Int64 {
        Int64(information.st_mtim.tv_sec) * 1_000_000_000 + Int64(information.st_mtim.tv_nsec)
    }

    private static func open(_ path: [UInt8], _ flags: Int32) -> Int32 {
        let terminated = path.map { CChar(bitPattern: $0) } + [0]
        return unsafe Glibc.open(terminated, flags)
    }
}
