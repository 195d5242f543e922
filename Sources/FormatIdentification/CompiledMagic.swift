internal import EvidenceModel
internal import Foundation

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
    /// Written once before `init` ends; freed by `deinit`.
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    /// Copies a compiled database.
    public init(name: String, bytes: [UInt8]) {
        self.name = name
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
