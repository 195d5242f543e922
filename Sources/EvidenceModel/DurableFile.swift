internal import Glibc

/// Why a file could not be read or made durable, with the operating system's own words.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file or folder concerned.
    public let path: String
    /// The system call that failed, for example "rename".
    public let operation: String
    /// The `errno` value; 0 when the limit of a read was exceeded.
    public let code: Int32
    /// What happened, in one sentence.
    public let message: String

    init(path: String, operation: String, code: Int32) {
        self.path = path
        self.operation = operation
        self.code = code
        self.message = "\(path): \(operation) failed: \(Self.text(of: code))"
    }

    init(path: String, operation: String, message: String) {
        self.path = path
        self.operation = operation
        self.code = 0
        self.message = message
    }

    /// The message.
    public var description: String { message }

    /// True when the file or one of its folders does not exist.
    public var isMissing: Bool { code == ENOENT || code == ENOTDIR }

    private static func text(of code: Int32) -> String {
        // glibc keeps this text per thread (since 2.32), so it is safe to copy from.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

/// Small files that survive a power cut: after a return the new content is on the medium, before it the old one is.
public enum DurableFile {
    /// Writes a file whole: temporary file in the same folder, fsync, rename over `path`, fsync of the folder.
    ///
    /// A reader sees the old content or the new, never a part. After a failure the old file is untouched and nothing
    /// is left beside it.
    /// - Parameters:
    ///   - bytes: the whole content.
    ///   - path: where; its folder exists.
    ///   - permissions: the mode of the file, whatever the process's umask is.
    public static func write(_ bytes: [UInt8], to path: String, permissions: UInt32 = 0o644) throws(FileError) {
        let folder = Self.folder(of: path)
        let temporary = temporaryPath(beside: path)
        do throws(FileError) {
            try create(temporary, bytes, permissions)
            guard unsafe rename(temporary, path) == 0 else {
                throw FileError(path: path, operation: "rename", code: errno)
            }
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        try synchronizeFolder(folder)
    }

    /// Forces the names in a folder (files made, renamed or removed) onto the medium.
    public static func synchronizeFolder(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
        let status = fsync(descriptor)
        let code = errno
        _ = close(descriptor)
        guard status == 0 else { throw FileError(path: path, operation: "fsync", code: code) }
    }

    /// Makes a folder and the folders above it that are missing; the mode applies to those it makes.
    public static func makeFolder(_ path: String, permissions: UInt32 = 0o755) throws(FileError) {
        if isFolder(path) { return }
        let parent = folder(of: path)
        if parent != path { try makeFolder(parent, permissions: permissions) }
        if unsafe mkdir(path, mode_t(permissions)) != 0 {
            let code = errno
            if code == EEXIST, isFolder(path) { return }
            throw FileError(path: path, operation: "mkdir", code: code)
        }
        guard unsafe chmod(path, mode_t(permissions)) == 0 else {
            throw FileError(path: path, operation: "chmod", code: errno)
        }
        try synchronizeFolder(parent)
    }

    /// Reads a small file whole.
    /// - Parameter limit: most bytes the file may have; a longer one is an error, not a cut.
    public static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var page = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let size = page.count
            let count = unsafe page.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, size)
            }
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(path: path, operation: "read", code: errno)
            }
            guard bytes.count + count <= limit else {
                throw FileError(
                    path: path, operation: "read", message: "\(path): larger than the \(limit) bytes expected")
            }
            bytes.append(contentsOf: page[..<count])
        }
    }

    /// The folder that holds `path`, as text: "." for a bare name.
    static func folder(of path: String) -> String {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func temporaryPath(beside path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? "file"
        let tag = Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) })
        // NAME_MAX is 255 bytes; the name is only there to tell a person what a left-over was.
        return folder(of: path) + "/." + String(decoding: name.utf8.prefix(200), as: UTF8.self) + "." + tag + ".tmp"
    }

    private static func create(_ path: String, _ bytes: [UInt8], _ permissions: UInt32) throws(FileError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(path, flags, mode_t(0o600))
        guard descriptor >= 0 else { throw FileError(path: path, operation: "create", code: errno) }
        do throws(FileError) {
            var written = 0
            while written < bytes.count {
                let count = unsafe bytes.withUnsafeBytes { buffer in
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                    return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                }
                if count < 0 {
                    if errno == EINTR { continue }
                    throw FileError(path: path, operation: "write", code: errno)
                }
                written += count
            }
            guard fchmod(descriptor, mode_t(permissions)) == 0 else {
                throw FileError(path: path, operation: "chmod", code: errno)
            }
            guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "fsync", code: errno) }
        } catch {
            _ = close(descriptor)
            throw error
        }
        guard close(descriptor) == 0 else { throw FileError(path: path, operation: "close", code: errno) }
    }
}
