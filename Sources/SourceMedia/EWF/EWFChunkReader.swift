/// Reads chunks of the medium from the segment files and checks each of them.
///
/// A deflated chunk is guarded by the Adler-32 of its zlib stream, a raw one by the Adler-32 that follows it.
final class EWFChunkReader: Sendable {
    /// Where a chunk is stored, and how many bytes it may take up.
    private struct Stored {
        let offset: Int
        let length: Int
        let isDeflated: Bool

        var end: Int { offset + length }
    }

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

    // MARK: Chunks of the medium

    /// How reading a chunk went.
    enum Outcome: Hashable {
        case whole
        /// No table lists it.
        case lost
        case damaged(file: Int, problem: String)
    }

    /// Fills `destination` with a chunk; all zeros when the chunk is not whole.
    ///
    /// - Parameter destination: as long as the chunk is in the medium.
    func read(
        _ chunk: Int, into destination: inout MutableSpan<UInt8>, with workspace: EWFWorkspace
    ) throws(SourceError) -> Outcome {
        var outcome: Outcome = map.run(of: chunk).run.table == nil ? .lost : .whole
        try read(chunk..<chunk + 1, into: &destination, with: workspace) { _, file, problem throws(SourceError) in
            outcome = .damaged(file: file, problem: problem)
        }
        return outcome
    }

    /// Fills `destination` with consecutive chunks; those that are not whole are all zeros, and are told of.
    ///
    /// - Parameters:
    ///   - chunks: of the medium.
    ///   - destination: as long as the chunks are in the medium; only the last one may be short.
    ///   - damaged: called with each chunk that is damaged.
    func read(
        _ chunks: Range<Int>, into destination: inout MutableSpan<UInt8>, with workspace: EWFWorkspace,
        damaged: (_ chunk: Int, _ file: Int, _ problem: String) throws(SourceError) -> Void
    ) throws(SourceError) {
        var chunk = chunks.lowerBound
        while chunk < chunks.upperBound {
            let (number, run) = map.run(of: chunk)
            let end = min(chunks.upperBound, run.first + run.count)
            let start = (chunk - chunks.lowerBound) * chunkSize
            var part = destination._mutatingExtracting(
                start..<min(destination.count, (end - chunks.lowerBound) * chunkSize))
            if let table = run.table {
                try read(chunk..<end, of: run, table, number, into: &part, workspace, damaged)
            } else {
                part.fillWithZeros()
            }
            chunk = end
        }
    }

    /// Reads chunks that one table lists, as many at a time as lie one after the other in the file.
    private func read(
        _ chunks: Range<Int>, of run: EWFChunkMap.Run, _ table: EWFTable, _ number: Int,
        into destination: inout MutableSpan<UInt8>, _ workspace: EWFWorkspace,
        _ damaged: (_ chunk: Int, _ file: Int, _ problem: String) throws(SourceError) -> Void
    ) throws(SourceError) {
        let stored = try stored(
            chunks.lowerBound - run.first..<chunks.upperBound - run.first, of: table, number,
            largest: workspace.largestChunk)
        var next = 0
        while next < stored.count {
            let first = next
            next = Self.endOfNeighbours(stored, from: first, capacity: workspace.capacity)
            var loaded = Loaded(start: stored[first]?.offset ?? 0, count: 0, problem: nil)
            if let end = stored[next - 1]?.end {
                loaded = try load(table.file, loaded.start, end - loaded.start, workspace)
                if loaded.problem != nil, next - first > 1, let only = stored[first] {
                    // The system could not read all of them: each by itself, so that one bad sector costs one chunk.
                    next = first + 1
                    loaded = try load(table.file, only.offset, only.length, workspace)
                }
            }
            for index in first..<next {
                let chunk = chunks.lowerBound + index
                var part = destination._mutatingExtracting(
                    index * chunkSize..<min(destination.count, (index + 1) * chunkSize))
                let problem = decode(stored[index], loaded, into: &part, isLast: chunk == map.chunkCount - 1, workspace)
                if let problem {
                    part.fillWithZeros()
                    try damaged(chunk, table.file, problem)
                }
            }
        }
    }

    /// Bytes of a file that the workspace holds.
    private struct Loaded {
        let start: Int
        let count: Int
        /// The system's words when it could not read them.
        let problem: String?
    }

    private func load(
        _ file: Int, _ offset: Int, _ count: Int, _ workspace: EWFWorkspace
    ) throws(SourceError) -> Loaded {
        do {
            return Loaded(start: offset, count: try workspace.load(files, file, offset, count), problem: nil)
        } catch {
            guard error.code == .unreadable else { throw error }
            return Loaded(start: offset, count: 0, problem: error.message)
        }
    }

    /// Where the chunks end that lie one after the other in the file and can be loaded together.
    private static func endOfNeighbours(_ stored: [Stored?], from first: Int, capacity: Int) -> Int {
        guard var last = stored[first] else { return first + 1 }
        let start = last.offset
        var end = first + 1
        while end < stored.count, let next = stored[end], next.offset == last.end, next.end - start <= capacity {
            last = next
            end += 1
        }
        return end
    }

    /// Unpacks one chunk; answers what is wrong with it.
    private func decode(
        _ stored: Stored?, _ loaded: Loaded, into destination: inout MutableSpan<UInt8>, isLast: Bool,
        _ workspace: EWFWorkspace
    ) -> String? {
        guard let stored else { return "its offset lies outside the file" }
        if let problem = loaded.problem { return problem }
        let start = stored.offset - loaded.start
        let count = min(stored.length, loaded.count - start)
        guard count > 0 else { return "it is not there, the file ends before it" }
        guard stored.isDeflated else {
            let lengths = isLast ? [count - 4, destination.count] : [destination.count]
            for length in lengths where length >= destination.count && length <= chunkSize && length + 4 <= count {
                if workspace.rawChecksumHolds(length, from: start) {
                    workspace.copy(from: start, into: &destination)
                    return nil
                }
            }
            return "its checksum does not hold"
        }
        let outcome =
            isLast
            ? workspace.inflateFirst(start..<start + count, into: &destination, chunkSize: chunkSize)
            : workspace.inflate(start..<start + count, into: &destination)
        switch outcome {
        case .inflated(let length) where length >= destination.count: return nil
        case .inflated: return "it is too short"
        case .tooLong: return "it is too long"
        case .damaged: return "it does not inflate, or its checksum does not hold"
        }
    }

    /// Number of bytes that the medium's last chunk holds, when it can be read.
    func lengthOfLastChunk(expecting expected: Int, with workspace: EWFWorkspace) throws(SourceError) -> Int? {
        let last = map.chunkCount - 1
        let (number, run) = map.run(of: last)
        guard let table = run.table,
            let stored = try stored(
                last - run.first..<last - run.first + 1, of: table, number, largest: workspace.largestChunk)[0]
        else { return nil }
        let count = try workspace.load(files, table.file, stored.offset, stored.length)
        if stored.isDeflated {
            var whole = [UInt8](repeating: 0, count: chunkSize)
            var destination = whole.mutableSpan
            guard case .inflated(let length) = workspace.inflate(0..<count, into: &destination) else { return nil }
            return length
        }
        // What lies between a raw chunk and the next section may be more than the chunk: the checksum decides.
        for length in [count - 4, expected] where (0...chunkSize).contains(length) && length + 4 <= count {
            if workspace.rawChecksumHolds(length, from: 0) { return length }
        }
        return nil
    }

    // MARK: Where chunks lie

    /// The file that a chunk lies in and where it begins there; nil for one that is lost.
    func place(of chunk: Int) throws(SourceError) -> (file: Int, offset: Int)? {
        let (number, run) = map.run(of: chunk)
        guard let table = run.table else { return nil }
        let index = chunk - run.first
        guard let entry = try entries.entries(index..<index + 1, of: table, number: number).first else { return nil }
        return (table.file, table.place(of: entry, index: index).offset)
    }

    /// Where chunks of one table are stored; nil for those whose place cannot be.
    private func stored(
        _ range: Range<Int>, of table: EWFTable, _ number: Int, largest: Int
    ) throws(SourceError) -> [Stored?] {
        let following = min(table.count, range.upperBound + 1)
        let entries = try entries.entries(range.lowerBound..<following, of: table, number: number)
        let fileSize = files.size(of: table.file)
        return range.map { index in
            let position = index - range.lowerBound
            guard position < entries.count else { return nil }
            let place = table.place(of: entries[position], index: index)
            guard place.offset >= EWFFileHeader.size, place.offset < fileSize else { return nil }
            var end = table.dataEnd > place.offset ? table.dataEnd : fileSize
            if position + 1 < entries.count {
                let next = table.place(of: entries[position + 1], index: index + 1).offset
                if next > place.offset, next <= fileSize { end = next }
            }
            return Stored(
                offset: place.offset, length: min(end - place.offset, largest), isDeflated: place.isDeflated)
        }
    }
}
