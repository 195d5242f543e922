import EvidenceModel

/// The medium's bytes in an image that was interrupted, read back from its segments; each chunk is checked.
final class EWFWrittenPart: ByteSource {
    let size: Int
    private let stem: String
    private let reader: EWFChunkReader
    private let chunkCount: Int

    /// - Parameter state: of a set whose last segment has been given its tables for this.
    /// - Throws: ``SourceError``: `damaged` when the segments do not hold what the state says.
    init(_ stem: String, _ facts: EWFImageFacts, _ state: EWFImageState) throws(SourceError) {
        self.stem = stem
        var paths: [[UInt8]] = []
        var sizes: [Int] = []
        for segment in 1...max(1, state.segment) {
            let file = try ReadOnlyFile(path: Array(EWFImageWriter.path(stem, segment).utf8))
            paths.append(file.path)
            sizes.append(file.size)
        }
        let files = EWFFiles(paths: paths, sizes: sizes)
        var set = try EWFSet(files)
        for index in paths.indices { try set.readSegment(index, number: index + 1) }
        let map = EWFChunkMap(set.pieces, declared: 0)
        chunkCount = state.chunks
        size = min(facts.mediaSize, state.chunks * EWFImageFacts.chunkSize)
        reader = EWFChunkReader(files, map, chunkSize: EWFImageFacts.chunkSize)
        guard set.damage.isEmpty, map.chunkCount == state.chunks else {
            throw Self.damaged(stem, set.damage.first ?? "it holds \(map.chunkCount) chunks instead of \(state.chunks)")
        }
    }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let chunkSize = EWFImageFacts.chunkSize
        let workspace = try EWFWorkspace(chunkSize: chunkSize)
        let wanted = min(destination.count, size - offset)
        var whole = [UInt8](repeating: 0, count: chunkSize)
        var filled = 0
        while filled < wanted {
            let chunk = (offset + filled) / chunkSize
            let within = (offset + filled) % chunkSize
            let length = min(chunkSize, size - chunk * chunkSize)
            let count = min(length - within, wanted - filled)
            var room = whole.mutableSpan
            var part = room._mutatingExtracting(0..<length)
            guard case .whole = try reader.read(chunk, into: &part, with: workspace) else {
                throw Self.damaged(stem, "chunk \(chunk) is not what was written")
            }
            for index in 0..<count { destination[filled + index] = whole[within + index] }
            filled += count
        }
        return filled
    }

    private static func damaged(_ stem: String, _ what: String) -> SourceError {
        SourceError(
            .damaged,
            "The interrupted image \(stem) was changed or damaged since: \(what). It cannot be continued. Remove it, and "
                + "acquire the device anew.")
    }
}

extension EWFImageWriter {
    /// What is in the image so far, to be read once more before the work goes on.
    ///
    /// The last segment is given the tables that it lacks; the first chunk that is written afterwards takes their place.
    /// - Throws: ``SourceError``: `damaged`, `full`, `unwritable`.
    public func writtenPart() throws(SourceError) -> any ByteSource {
        guard state.chunks > 0 else { return MemorySource([]) }
        let last = try ImageFile(continuing: Self.path(stem, state.segment), length: state.length)
        try last.setLength(state.length)
        var end = state.length
        if !state.entries.isEmpty {
            let size = state.length - state.sectorsAt
            try last.write(
                EWFStructures.descriptor("sectors", next: state.length, size: size).span, at: state.sectorsAt)
            for type in ["table", "table2"] {
                let table = EWFStructures.section(
                    type, EWFStructures.table(base: state.sectorsAt, state.entries), at: end)
                try last.write(table.span, at: end)
                end += table.count
            }
        }
        try last.write(EWFStructures.descriptor("done", next: end, size: 0).span, at: end)
        return try EWFWrittenPart(stem, facts, state)
    }
}
