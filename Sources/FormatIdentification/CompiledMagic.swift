internal import EvidenceModel
internal import Foundation
internal import Glibc

/// A compiled magic database in memory, at an address that does not change while cookies use it.
///
/// libmagic reads the caller's memory in place and never writes to a database of its own byte order, so any number of
/// cookies on any thread share one copy.
@safe
public final class CompiledMagic: Sendable {
    /// Where it came from: a path, or "exhibit" for the one that is part of the program.
    public let name: String
    /// Size in bytes.
    public let byteCount: Int
    /// The file that it was compiled from just now; nil for one that came compiled.
    public let source: [UInt8]?
    /// Written once before `init` ends; freed by `deinit`.
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    /// Copies a compiled database.
    public init(name: String, bytes: [UInt8], compiledFrom source: [UInt8]? = nil) {
        self.name = name
        self.source = source
        self.byteCount = bytes.count
        unsafe storage = .allocate(byteCount: max(1, bytes.count), alignment: 16)
        unsafe storage.copyBytes(from: bytes)
    }

    deinit { unsafe storage.deallocate() }

    /// Reads a compiled database from a file.
    ///
    /// - Throws: ``MagicError`` with code `unavailable` when the file cannot be read.
    public convenience init(path: String) throws(MagicError) {
        do {
            let content = try Data(contentsOf: URL(fileURLWithPath: path))
            self.init(name: path, bytes: [UInt8](content))
        } catch {
            throw MagicError(.unavailable, "cannot read the magic database \(path): \(error.localizedDescription)")
        }
    }

    /// An examiner's own database: a compiled one, or a source file in the language of magic(5), which libmagic's own
    /// compiler translates.
    ///
    /// - Throws: ``MagicError`` with code `unavailable` when the file cannot be read or is larger than
    ///   ``largestExaminersFile``, `refused` when libmagic refuses it, with its own words, file and line.
    public static func examiners(path: String) throws(MagicError) -> CompiledMagic {
        try refuseWhatIsNoFile(path)
        let file = try CompiledMagic(path: path)
        let bytes = file.withBytes { (bytes) throws(Never) in bytes.indices.map { bytes[$0] } }
        let isCompiled = bytes.starts(with: [0x1C, 0x04, 0x1E, 0xF1]) || bytes.starts(with: [0xF1, 0x1E, 0x04, 0x1C])
        let magic =
            isCompiled
            ? file
            : CompiledMagic(
                name: path, bytes: try MagicSourceCompilation.compile(bytes, path: path), compiledFrom: bytes)
        guard magic.byteCount > 0, !isEmpty(magic) else {
            throw MagicError(
                .refused,
                "the magic file \(PrintableText.escaping(path)) holds no test. magic(5) describes the language of such files; nothing "
                    + "was searched.")
        }
        do throws(MagicError) {
            _ = try MagicCookie(loading: [magic], limits: MagicLimits())
        } catch {
            throw MagicError(.refused, "\(path): \(error.message). Compile it with the libmagic of this machine.")
        }
        return magic
    }

    /// Looks at a path before it is opened: a pipe would be waited for, a folder gives words that do not help.
    private static func refuseWhatIsNoFile(_ path: String) throws(MagicError) {
        func refused(_ what: String) -> MagicError {
            MagicError(
                .unavailable,
                "the magic file \(PrintableText.escaping(path)) cannot be used: \(what). Name a file of magic(5), source or "
                    + "compiled, or leave it out; nothing was searched.")
        }
        guard !path.isEmpty else { throw refused("its name is empty") }
        var information = stat()
        guard unsafe stat(path, &information) == 0 else {
            let words = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
            throw refused(errno == ENOENT || errno == ENOTDIR ? "there is no such file" : words)
        }
        switch information.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw refused("it is a folder")
        default: throw refused("it is neither a file nor a link to one")
        }
        guard unsafe access(path, R_OK) == 0 else { throw refused("it may not be read") }
        guard information.st_size <= largestExaminersFile else {
            throw refused("it has \(information.st_size) bytes, more than the \(largestExaminersFile) that are read")
        }
    }

    /// True for a database without tests; one of another layout is left to libmagic to judge.
    private static func isEmpty(_ magic: CompiledMagic) -> Bool {
        do throws(MagicError) {
            return try magic.withBytes { (bytes) throws(MagicError) in try MagicDatabase(compiled: bytes) }
                .topLevelCount == 0
        } catch {
            return false
        }
    }

    /// Most bytes of an examiner's own database.
    public static let largestExaminersFile = 64 << 20

    /// Lends the bytes, for digests and for ``MagicDatabase``.
    public func withBytes<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: storage[..<byteCount]).bindMemory(to: UInt8.self)
        return try body(unsafe bytes.span)
    }

    /// The address libmagic is given. Valid as long as this object is.
    var address: UnsafeMutableRawPointer? { unsafe storage.baseAddress }

    /// The database compiled from `Magic/*.magic` when the program was built.
    public static let exhibit = CompiledMagic(name: "exhibit", bytes: Hex.decode(compiledExhibitMagic) ?? [])
}
