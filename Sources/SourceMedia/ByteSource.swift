public import EvidenceModel

/// Bytes that can be read at any offset, never written.
///
/// The contract that readers of media, parts of media and joined extents share. Safe to call from several threads.
public protocol ByteSource: Sendable {
    /// Number of bytes.
    var size: Int { get }

    /// Reads into `destination` from `offset` on, as many bytes as both allow, and says how many.
    ///
    /// Fewer than asked for only at the end of the source; zero at or after it. Bytes the medium could not give are
    /// zeros, or what the format of its container prescribes in their place, and a ``SourceReader`` lists them among its
    /// unreadable ranges.
    /// - Throws: ``SourceError`` when the source as a whole can no longer be read.
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int

    /// Number of bytes from `offset` on that are known to be zeros without reading them; 0 where nothing is known.
    ///
    /// A sparse medium knows where it holds nothing: those parts of it need not be read.
    /// - Throws: ``SourceError`` when the source as a whole can no longer be read.
    func zeroRun(at offset: Int) throws(SourceError) -> Int
}

extension ByteSource {
    /// Nothing is known of most sources.
    public func zeroRun(at offset: Int) throws(SourceError) -> Int { 0 }

    /// Reads up to `count` bytes from `offset` on.
    public func bytes(at offset: Int, count: Int) throws(SourceError) -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: min(count, size - offset))
        var destination = buffer.mutableSpan
        let read = try read(at: offset, into: &destination)
        if read < buffer.count { buffer.removeLast(buffer.count - read) }
        return buffer
    }
}

/// Bytes in memory, for members of archives and for tests.
public struct MemorySource: ByteSource {
    private let content: [UInt8]

    public init(_ content: [UInt8]) { self.content = content }

    public var size: Int { content.count }

    public func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < content.count else { return 0 }
        let count = min(destination.count, content.count - offset)
        for index in 0..<count { destination[index] = content[offset + index] }
        return count
    }
}

/// The concatenation of extents of another source: the content of an artifact.
public struct ExtentSource: ByteSource {
    private let base: any ByteSource
    private let extents: [Extent]
    public let size: Int

    public init(_ base: any ByteSource, extents: [Extent]) {
        self.base = base
        self.extents = extents
        self.size = extents.reduce(0) { $0 + $1.length }
    }

    public func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0 else { return 0 }
        var skip = offset
        var filled = 0
        for extent in extents where filled < destination.count {
            guard skip < extent.length else {
                skip -= extent.length
                continue
            }
            let wanted = min(extent.length - skip, destination.count - filled)
            var part = destination._mutatingExtracting(filled..<filled + wanted)
            let read = try base.read(at: extent.offset + skip, into: &part)
            filled += read
            if read < wanted { return filled }
            skip = 0
        }
        return filled
    }
}
