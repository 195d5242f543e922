internal import SourceMedia

/// A buffer for reading long runs of a medium piece by piece. Owned by one thread at a time.
final class ReadBuffer {
    private var bytes: [UInt8]

    init(size: Int) { bytes = [UInt8](repeating: 0, count: size) }

    /// The next bytes from `offset` on: at most `count` and at most the buffer's size, none at the end of the source.
    func piece(of source: any ByteSource, at offset: Int, upTo count: Int) throws(SourceError) -> ArraySlice<UInt8> {
        // Lent out for the read: a span of a class's own storage may not be cut into parts.
        var lent: [UInt8] = []
        swap(&lent, &bytes)
        defer { swap(&lent, &bytes) }
        var destination = lent.mutableSpan
        var part = destination._mutatingExtracting(0..<min(count, destination.count))
        let filled = try source.read(at: offset, into: &part)
        return lent[..<filled]
    }
}
