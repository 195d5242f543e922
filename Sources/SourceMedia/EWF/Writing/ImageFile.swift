internal import Glibc

/// A file that an image is written into. Never evidence: those files are opened by `ReadOnlyFile` alone.
public final class ImageFile: Sendable {
    /// Where it lies.
    public let path: String
    private let descriptor: Int32

    /// Makes a new file.
    ///
    /// - Throws: ``SourceError``: `exists` when there is one already, `full`, `unwritable`.
    public init(creating path: String) throws(SourceError) {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(0o644))
        self.path = path
        guard descriptor >= 0 else { throw Self.failure("make", path, errno) }
    }

    /// Opens a file that an interrupted run has made, to go on with it.
    ///
    /// - Throws: ``SourceError``: `unwritable`; `incomplete` when it is shorter than `length`.
    public init(continuing path: String, length: Int) throws(SourceError) {
        descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        self.path = path
        guard descriptor >= 0 else { throw Self.failure("open", path, errno) }
        guard lseek(descriptor, 0, SEEK_END) >= off_t(length) else {
            throw SourceError(
                .incomplete,
                "\(path) is shorter than it was when the acquisition was interrupted: bytes are missing. The image cannot "
                    + "be continued. Remove it, and acquire the device anew.")
        }
    }

    deinit { close(descriptor) }

    /// Writes all of `bytes`.
    ///
    /// - Throws: ``SourceError``: `full`, `unwritable`.
    public func write(_ bytes: Span<UInt8>, at offset: Int) throws(SourceError) {
        let descriptor = descriptor
        let error: Int32? = unsafe bytes.withUnsafeBufferPointer { buffer in
            var done = 0
            while done < buffer.count {
                let rest = unsafe UnsafeBufferPointer(rebasing: buffer[done...])
                let count = unsafe pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                done += count
            }
            return nil
        }
        if let error { throw Self.failure("write", path, error) }
    }

    /// Cuts the file off, or lengthens it with zeros.
    public func setLength(_ length: Int) throws(SourceError) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw Self.failure("cut", path, errno) }
    }

    /// Forces what was written onto the medium.
    public func synchronize() throws(SourceError) {
        guard fdatasync(descriptor) == 0 else { throw Self.failure("flush", path, errno) }
    }

    /// Lets later reads of a flushed file go to the disk, as far as the system does so.
    public func forgetCached() { _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }

    static func failure(_ verb: String, _ path: String, _ code: Int32) -> SourceError {
        let reason = SystemError.text(code)
        switch code {
        case EEXIST:
            return SourceError(
                .exists, "\(path) exists already and is not overwritten. Choose another name, or remove it first.")
        case ENOSPC, EDQUOT, EFBIG:
            return SourceError(.full, "Cannot \(verb) \(path): \(reason).")
        default:
            return SourceError(.unwritable, "Cannot \(verb) \(path): \(reason).")
        }
    }
}
