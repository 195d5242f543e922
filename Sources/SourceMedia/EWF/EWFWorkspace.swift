/// The buffers and the inflater that reading chunks takes. Used by one thread at a time.
final class EWFWorkspace: @unchecked Sendable {
    /// Bytes of chunks that are read together, unless a single chunk is larger: few calls, little memory a thread, and
    /// still in the processor's cache when they are inflated.
    private static let runSize = 1 << 18

    /// Most bytes that a stored chunk may take up: deflate's stored blocks add little to a chunk.
    let largestChunk: Int
    /// Most bytes that can be loaded together.
    let capacity: Int
    private let inflater: StreamInflater
    private var packed: [UInt8]

    /// - Parameter chunkSize: in bytes.
    init(chunkSize: Int) throws(SourceError) {
        inflater = try StreamInflater()
        largestChunk = Self.largestChunk(chunkSize)
        capacity = max(largestChunk, Self.runSize)
        packed = []
    }

    static func largestChunk(_ chunkSize: Int) -> Int { chunkSize + chunkSize / 8 + 4096 }

    /// Reads up to `count` bytes of a file and keeps them; answers how many there are.
    func load(_ files: EWFFiles, _ file: Int, _ offset: Int, _ count: Int) throws(SourceError) -> Int {
        // Lent out for the read: a span of a class's own storage may not be cut into parts.
        var lent: [UInt8] = []
        swap(&lent, &packed)
        defer { swap(&lent, &packed) }
        // As large as what is stored, not as what a header promises.
        let wanted = min(count, capacity)
        if lent.count < wanted { lent = [UInt8](repeating: 0, count: max(wanted, min(capacity, Self.runSize))) }
        var destination = lent.mutableSpan
        var part = destination._mutatingExtracting(0..<wanted)
        let (read, error) = try files.pool.file(file).read(at: offset, into: &part)
        if let error { throw SourceError(.unreadable, SystemError.text(error)) }
        return read
    }

    /// Inflates one of the streams that were loaded.
    ///
    /// - Parameter range: of the loaded bytes.
    func inflate(_ range: Range<Int>, into destination: inout MutableSpan<UInt8>) -> StreamInflater.Outcome {
        let bytes = packed
        return inflater.inflate(bytes.span.extracting(range), into: &destination)
    }

    /// Inflates a chunk that may be longer than the medium goes, and gives its first bytes.
    func inflateFirst(
        _ range: Range<Int>, into destination: inout MutableSpan<UInt8>, chunkSize: Int
    ) -> StreamInflater.Outcome {
        var whole = [UInt8](repeating: 0, count: chunkSize)
        var room = whole.mutableSpan
        let outcome = inflate(range, into: &room)
        if case .inflated(let length) = outcome {
            var part = destination._mutatingExtracting(0..<min(length, destination.count))
            part.copyBytes(of: whole, from: 0)
        }
        return outcome
    }

    /// Says whether the four bytes after `length` bytes from `start` on are their Adler-32.
    func rawChecksumHolds(_ length: Int, from start: Int) -> Bool {
        Adler32.holds(packed, from: start, count: length, storedAt: start + length)
    }

    /// Gives loaded bytes as they are.
    func copy(from start: Int, into destination: inout MutableSpan<UInt8>) {
        destination.copyBytes(of: packed, from: start)
    }
}
