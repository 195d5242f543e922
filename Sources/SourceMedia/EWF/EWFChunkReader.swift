/// Reads chunks of the medium from the segment files and checks each of them.
///
/// A deflated chunk is guarded by the Adler-32 of its zlib stream, a raw one by the Adler-32 that follows it.
final class EWFChunkReader: Sendable {
    private let files: EWFFiles
    private let map: EWFChunkMap
    private let chunkSize: Int
    private let entries: EWFEntryCache

    init(_ files: EWFFiles, _ map: EWFChunkMap, chunkSize: Int) {
        self.files = files
        self.map = map
        self.chunkSize = chunkSize
        entries = EWFEntryCache(files)
    }

    /// How reading a chunk went.
    enum Outcome: Hashable {
        case whole
        /// No table lists it; it is known as lost already.
        case lost
        case damaged(file: Int, problem: String)
    }

    /// Fills `destination` with a chunk's first bytes; all zeros when the chunk is not whole.
    ///
    /// - Parameter destination: as long as the chunk is in the medium.
    func read(
        _ chunk: Int, into destination: inout MutableSpan<UInt8>, with workspace: EWFWorkspace
    ) throws(SourceError) -> Outcome {
        let outcome = try fill(chunk, &destination, workspace)
        if outcome != .whole { for index in destination.indices { destination[index] = 0 } }
        return outcome
    }

    /// Number of bytes that the medium's last chunk holds, when it can be read.
    func lengthOfLastChunk(expecting expected: Int, with workspace: EWFWorkspace) throws(SourceError) -> Int? {
        var whole = [UInt8](repeating: 0, count: chunkSize)
        guard let (stored, file, place) = try stored(map.chunkCount - 1) else { return nil }
        let count = try workspace.load(files, file, place.offset, stored)
        var destination = whole.mutableSpan
        if place.isDeflated {
            guard case .inflated(let length) = workspace.inflate(count, into: &destination) else { return nil }
            return length
        }
        // What lies between a raw chunk and the next section may be more than the chunk: the checksum decides.
        for length in [count - 4, expected] where (0...chunkSize).contains(length) && length + 4 <= count {
            if workspace.rawChecksumHolds(length) { return length }
        }
        return nil
    }

    private func fill(
        _ chunk: Int, _ destination: inout MutableSpan<UInt8>, _ workspace: EWFWorkspace
    ) throws(SourceError) -> Outcome {
        let file = map.run(of: chunk).run.table?.file
        guard let file else { return .lost }
        guard let (stored, _, place) = try stored(chunk) else {
            return .damaged(file: file, problem: "its offset lies outside the file")
        }
        let loaded: Int
        do {
            loaded = try workspace.load(files, file, place.offset, stored)
        } catch  where error.code == .unreadable {
            return .damaged(file: file, problem: error.message)
        }
        let isLast = chunk == map.chunkCount - 1
        if place.isDeflated {
            let outcome =
                isLast
                ? workspace.inflateFirst(loaded, into: &destination, chunkSize: chunkSize)
                : workspace.inflate(loaded, into: &destination)
            switch outcome {
            case .inflated(let length) where length >= destination.count: return .whole
            case .inflated: return .damaged(file: file, problem: "it is too short")
            case .tooLong: return .damaged(file: file, problem: "it is too long")
            case .damaged:
                return .damaged(file: file, problem: "it does not inflate, or its checksum does not hold")
            }
        }
        let lengths = isLast ? [loaded - 4, destination.count] : [destination.count]
        for length in lengths where length >= destination.count && length <= chunkSize && length + 4 <= loaded {
            if workspace.rawChecksumHolds(length) {
                workspace.copy(into: &destination)
                return .whole
            }
        }
        return .damaged(file: file, problem: "its checksum does not hold")
    }

    /// Where a chunk is stored and how many bytes it may take up; nil when that cannot be.
    private func stored(_ chunk: Int) throws(SourceError) -> (length: Int, file: Int, place: EWFTable.Place)? {
        let (number, run) = map.run(of: chunk)
        guard let table = run.table else { return nil }
        let index = chunk - run.first
        guard let entry = try entries.entry(index, of: table, number: number) else { return nil }
        let place = table.place(of: entry, index: index)
        let fileSize = files.size(of: table.file)
        guard place.offset >= EWFFileHeader.size, place.offset < fileSize else { return nil }
        var end = table.dataEnd > place.offset ? table.dataEnd : fileSize
        if index + 1 < table.count, let following = try entries.entry(index + 1, of: table, number: number) {
            let next = table.place(of: following, index: index + 1).offset
            if next > place.offset, next <= fileSize { end = next }
        }
        // Stored deflate blocks add little to a chunk; whatever the tables say, no more is read.
        let most = chunkSize + chunkSize / 8 + 4096
        return (min(end - place.offset, most), table.file, place)
    }
}

/// The buffers and the inflater that reading a chunk takes. Used by one thread at a time.
final class EWFWorkspace: @unchecked Sendable {
    private let inflater: ZlibInflater
    private var packed: [UInt8]

    /// - Parameter chunkSize: in bytes.
    init(chunkSize: Int) throws(SourceError) {
        inflater = try ZlibInflater()
        packed = [UInt8](repeating: 0, count: chunkSize + chunkSize / 8 + 4096)
    }

    /// Reads up to `count` bytes of a file and keeps them; answers how many there are.
    func load(_ files: EWFFiles, _ file: Int, _ offset: Int, _ count: Int) throws(SourceError) -> Int {
        // Lent out for the read: a span of a class's own storage may not be cut into parts.
        var lent: [UInt8] = []
        swap(&lent, &packed)
        defer { swap(&lent, &packed) }
        var destination = lent.mutableSpan
        var part = destination._mutatingExtracting(0..<min(count, destination.count))
        let (read, error) = try files.pool.file(file).read(at: offset, into: &part)
        if let error { throw SourceError(.unreadable, SystemError.text(error)) }
        return read
    }

    func inflate(_ count: Int, into destination: inout MutableSpan<UInt8>) -> ZlibInflater.Outcome {
        let bytes = packed
        return inflater.inflate(bytes.span.extracting(0..<count), into: &destination)
    }

    /// Inflates a chunk that may be longer than the medium goes, and gives its first bytes.
    func inflateFirst(
        _ count: Int, into destination: inout MutableSpan<UInt8>, chunkSize: Int
    ) -> ZlibInflater.Outcome {
        var whole = [UInt8](repeating: 0, count: chunkSize)
        var room = whole.mutableSpan
        let outcome = inflate(count, into: &room)
        if case .inflated(let length) = outcome {
            for index in 0..<min(length, destination.count) { destination[index] = whole[index] }
        }
        return outcome
    }

    /// Says whether the four bytes after the first `length` are their Adler-32.
    func rawChecksumHolds(_ length: Int) -> Bool { Adler32.holds(packed, count: length, storedAt: length) }

    /// Gives the first bytes as they are.
    func copy(into destination: inout MutableSpan<UInt8>) {
        let count = destination.count
        unsafe destination.withUnsafeMutableBufferPointer { room in
            unsafe packed.withUnsafeBufferPointer { bytes in
                _ = unsafe room.update(fromContentsOf: bytes[..<count])
            }
        }
    }
}
