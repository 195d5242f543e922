internal import Glibc
internal import SourceMedia

/// The decoded content of a part: in memory while it is small, else in a file without a name.
///
/// The file is gone with the process, however that ends. Immutable once made; safe to read from several threads.
final class DecodedContent: ByteSource, Sendable {
    let size: Int
    private let bytes: [UInt8]
    /// -1 where the content is in memory.
    let descriptor: Int32

    fileprivate init(bytes: [UInt8], descriptor: Int32, size: Int) {
        self.bytes = bytes
        self.descriptor = descriptor
        self.size = size
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let count = min(destination.count, size - offset)
        if descriptor < 0 {
            unsafe destination.withUnsafeMutableBufferPointer { target in
                unsafe bytes.withUnsafeBufferPointer { source in
                    if let to = target.baseAddress, let from = source.baseAddress {
                        unsafe to.update(from: from + offset, count: count)
                    }
                }
            }
            return count
        }
        var filled = 0
        while filled < count {
            let read = unsafe destination.withUnsafeMutableBytes { target in
                unsafe pread(
                    descriptor, target.baseAddress.map { unsafe $0 + filled }, count - filled, offset + filled)
            }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw SourceError(.changed, "decoded content cannot be read back from its file") }
            filled += read
        }
        return filled
    }
}

/// Takes decoded content piece by piece.
struct ContentSpool: ~Copyable {
    /// Content up to this many bytes stays in memory.
    static let mostInMemory = 2 << 20

    private let folder: String
    private let mostInMemory: Int
    private var bytes: [UInt8] = []
    private var descriptor: Int32 = -1
    private(set) var size = 0

    /// - Parameters:
    ///   - folder: where a file is made when the content is large.
    ///   - mostInMemory: content up to this many bytes stays in memory; negative for none.
    init(folder: String, mostInMemory: Int = ContentSpool.mostInMemory) {
        self.folder = folder
        self.mostInMemory = mostInMemory
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Throws: ``CarveError`` with code `output` when the file cannot be made or written.
    mutating func append(_ piece: ArraySlice<UInt8>) throws(CarveError) {
        size += piece.count
        if descriptor < 0, size <= mostInMemory {
            bytes += piece
            return
        }
        if descriptor < 0 {
            descriptor = try makeFile()
            try write(bytes[...])
            bytes = []
        }
        try write(piece)
    }

    consuming func content() -> DecodedContent {
        let content = DecodedContent(bytes: bytes, descriptor: descriptor, size: size)
        descriptor = -1
        return content
    }

    private func makeFile() throws(CarveError) -> Int32 {
        // O_TMPFILE (GNU/Linux): a file that never has a name.
        let temporary: Int32 = 0o20_000_000 | O_DIRECTORY
        let made = unsafe open(folder, temporary | O_RDWR | O_CLOEXEC, mode_t(0o600))
        if made >= 0 { return made }
        // File systems without nameless files (FAT, exFAT, some network shares): the name goes as soon as it is made.
        var name = Array("\(folder)/.decoded-XXXXXX".utf8CString)
        let named = unsafe mkstemp(&name)
        guard named >= 0 else { throw failure("make a file for decoded content") }
        _ = unsafe unlink(name)
        _ = fcntl(named, F_SETFD, FD_CLOEXEC)
        return named
    }

    private func write(_ piece: ArraySlice<UInt8>) throws(CarveError) {
        var rest = piece
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("write decoded content") }
            rest = rest.dropFirst(written)
        }
    }

    private func failure(_ operation: String) -> CarveError {
        // glibc keeps this text per thread, so it is safe to copy from.
        let words = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return CarveError(
            .output, "\(folder): cannot \(operation): \(words). Free some space there and carve again.")
    }
}
