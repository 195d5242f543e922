import EvidenceModel
internal import Synchronization

/// A source whose media bytes are those of one or more files, one after the other.
///
/// Serves a raw image (one file), a split image (its segments), a block device (one special file) and a folder (its
/// files in the order of their paths). Files are opened when first needed; a bounded number stays open.
final class ConcatenatedFiles: SourceReader {
    let description: SourceDescription
    private let files: FilePool
    private let starts: [Int]
    private let lost = Mutex<[UnreadableRange]>([])

    /// - Parameters:
    ///   - paths: one for each of `description.files`, as bytes.
    ///   - opened: files that are open already, by index.
    init(_ description: SourceDescription, paths: [[UInt8]], opened: [Int: ReadOnlyFile] = [:]) {
        self.description = description
        self.files = FilePool(paths: paths, sizes: description.files.map(\.size), opened: opened)
        var starts: [Int] = []
        var position = 0
        for file in description.files {
            starts.append(position)
            position += file.size
        }
        self.starts = starts
    }

    var size: Int { description.mediaSize }

    var unreadable: [UnreadableRange] {
        lost.withLock { $0 }.sorted { $0.extent.offset < $1.extent.offset }
    }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let wanted = min(destination.count, size - offset)
        var filled = 0
        var index = fileIndex(containing: offset)
        while filled < wanted {
            let within = offset + filled - starts[index]
            let count = min(wanted - filled, description.files[index].size - within)
            if count > 0 {
                var part = destination._mutatingExtracting(filled..<filled + count)
                try read(file: index, at: within, into: &part)
                filled += count
            }
            index += 1
        }
        return filled
    }

    func checkUnchanged() throws(SourceError) {
        for index in files.paths.indices {
            let file = try files.file(index)
            try file.checkUnchanged()
            guard description.kind == .device || file.size == description.files[index].size else {
                throw files.changed(index)
            }
        }
    }

    /// Fills `destination` from one file; bytes the medium does not give become zeros and are listed.
    private func read(file index: Int, at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) {
        let file = try files.file(index)
        let (count, error) = file.read(at: offset, into: &destination)
        guard count < destination.count else { return }
        guard let error else { throw files.changed(index) }
        let rest = destination.count - count
        var remainder = destination._mutatingExtracting(count..<destination.count)
        if rest > description.sectorSize {
            // Halve down to one sector, so that a single bad sector costs a single sector.
            let half = max(description.sectorSize, (rest / 2) / description.sectorSize * description.sectorSize)
            var first = remainder._mutatingExtracting(0..<half)
            try read(file: index, at: offset + count, into: &first)
            var second = remainder._mutatingExtracting(half..<rest)
            try read(file: index, at: offset + count + half, into: &second)
            return
        }
        for position in 0..<rest { remainder[position] = 0 }
        record(Extent(offset: starts[index] + offset + count, length: rest), error)
    }

    private func record(_ extent: Extent, _ error: Int32) {
        let words = SystemError.text(error)
        lost.withLock { lost in
            guard !lost.contains(where: { $0.extent.contains(extent) }) else { return }
            if let last = lost.last, last.extent.end == extent.offset, last.error == words {
                lost[lost.count - 1] = UnreadableRange(
                    extent: Extent(offset: last.extent.offset, length: last.extent.length + extent.length), error: words
                )
            } else {
                lost.append(UnreadableRange(extent: extent, error: words))
            }
        }
    }

    private func fileIndex(containing offset: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low
    }
}
