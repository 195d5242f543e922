internal import Glibc

/// Connected sockets in a place that nobody else reaches.
enum PrivateSocket {
    /// A listening socket and `count` sockets that are connected to it.
    ///
    /// The folder that the socket lies in belongs to us alone, and is gone before this returns: nothing is left behind,
    /// however the program ends.
    static func pairs(_ count: Int) throws(SourceError) -> (listening: Int32, connected: [Int32]) {
        let base = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/exhibit-XXXXXX").utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw failure("make a private folder in \(base)") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unsafe rmdir(folder) }
        let place = unsafe open(folder, O_DIRECTORY | O_RDONLY | O_CLOEXEC)
        guard place >= 0 else { throw failure("open the private folder \(folder)") }
        defer { close(place) }
        // By number: a path in a deep folder would be too long for a socket's address.
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("/proc/self/fd/\(place)/s".utf8)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            for (index, byte) in path.enumerated() where index < room.count - 1 { unsafe room[index] = byte }
        }
        let listening = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listening >= 0 else { throw failure("make a socket") }
        var connected: [Int32] = []
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe bind(listening, address, length) == 0, listen(listening, Int32(count)) == 0 else {
                    return false
                }
                for _ in 0..<count {
                    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
                    guard socket >= 0 else { return false }
                    connected.append(socket)
                    guard unsafe connect(socket, address, length) == 0 else { return false }
                }
                return true
            }
        }
        let code = errno
        unsafe unlinkat(place, "s", 0)
        guard isBound else {
            for socket in connected + [listening] { close(socket) }
            errno = code
            throw failure("connect a socket in \(folder)")
        }
        return (listening, connected)
    }

    private static func failure(_ what: String) -> SourceError {
        SourceError(
            .unreadable,
            "Cannot \(what): \(SystemError.text(errno)). Name another temporary folder with TMPDIR, and start again."
        )
    }
}
