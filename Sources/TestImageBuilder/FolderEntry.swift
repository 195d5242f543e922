public import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// One entry of a folder image.
public struct FolderEntry: Hashable, Sendable {
    /// What the entry is.
    public enum Kind: Hashable, Sendable {
        case folder
        case file([UInt8])
        /// A symbolic link and where it points.
        case symbolicLink([UInt8])
    }

    /// Path relative to the image, as raw bytes: it need not be UTF-8.
    public let path: [UInt8]
    /// What the entry is.
    public let kind: Kind
}

/// Writes the entries of a folder image under `folder`, which must not exist. All times are 9 March 2024, 10:30 UTC.
///
/// Names are bytes here, so the calls are the system's own: Foundation cannot hold a name that is not UTF-8.
/// Throws when the file system refuses an entry.
public func write(_ entries: [FolderEntry], to folder: URL) throws {
    let root = Array(folder.path.utf8)
    guard unsafe mkdir(terminated(root), 0o755) == 0 else { throw refusal("mkdir", root) }
    for entry in entries {
        let path = root + [0x2F] + entry.path
        switch entry.kind {
        case .folder:
            guard unsafe mkdir(terminated(path), 0o755) == 0 else { throw refusal("mkdir", path) }
        case .symbolicLink(let target):
            guard unsafe symlink(terminated(target), terminated(path)) == 0 else { throw refusal("symlink", path) }
        case .file(let content):
            try write(content, at: path)
        }
    }
    // Times last, innermost first: creating an entry changes the time of its folder.
    let moment = timespec(tv_sec: 1_709_980_200, tv_nsec: 0)
    for path in entries.reversed().map({ root + [0x2F] + $0.path }) + [root] {
        guard unsafe utimensat(AT_FDCWD, terminated(path), [moment, moment], AT_SYMLINK_NOFOLLOW) == 0 else {
            throw refusal("utimensat", path)
        }
    }
}

private func write(_ content: [UInt8], at path: [UInt8]) throws {
    let descriptor = unsafe open(terminated(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw refusal("open", path) }
    defer { close(descriptor) }
    var left = content[...]
    while !left.isEmpty {
        let written = unsafe left.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written > 0 else { throw refusal("write", path) }
        left = left.dropFirst(written)
    }
}

private func terminated(_ path: [UInt8]) -> [CChar] { path.map { CChar(bitPattern: $0) } + [0] }

private func refusal(_ call: String, _ path: [UInt8]) -> BuilderError {
    let reason = unsafe String(cString: strerror(errno))
    return BuilderError("\(call) \(String(decoding: path, as: UTF8.self)): \(reason)")
}
