import Glibc
import Synchronization

/// A ledger's bytes, read beside SQLite.
///
/// POSIX drops all of a process's locks on a file when the process closes any descriptor of it (fcntl(2)): closing ours
/// could take the lock from under a connection of the same process. So descriptors are kept open and used again.
struct RawLedgerFile {
    /// Most descriptors that are kept; the oldest is closed then.
    private static let mostKept = 64

    private struct Kept {
        let device: UInt
        let inode: UInt
        let descriptor: Int32
    }

    private static let kept = Mutex<[Kept]>([])

    private let path: String
    private let descriptor: Int32

    init(_ path: String) throws(LedgerError) {
        self.path = path
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw Self.failure(path) }
        let (device, inode) = (UInt(status.st_dev), UInt(status.st_ino))
        let found = Self.kept.withLock { kept -> Int32 in
            if let known = kept.first(where: { $0.device == device && $0.inode == inode }) { return known.descriptor }
            let opened = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard opened >= 0 else { return opened }
            if kept.count >= Self.mostKept { close(kept.removeFirst().descriptor) }
            kept.append(Kept(device: device, inode: inode, descriptor: opened))
            return opened
        }
        guard found >= 0 else { throw Self.failure(path) }
        descriptor = found
    }

    /// The bytes from `offset` on; fewer than `count` at the end of the file.
    func read(at offset: Int, count: Int) throws(LedgerError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done, off_t(offset + done))
            }
            if got == 0 { break }
            if got < 0 {
                if errno == EINTR { continue }
                throw Self.failure(path)
            }
            done += got
        }
        bytes.removeLast(count - done)
        return bytes
    }

    /// Length of the file, in bytes.
    func size() throws(LedgerError) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failure(path) }
        return Int(status.st_size)
    }

    private static func failure(_ path: String) -> LedgerError {
        LedgerError(.inputOutput, "\(path): cannot be read: \(unsafe String(cString: strerror(errno)))")
    }
}
