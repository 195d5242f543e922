import EvidenceModel
internal import Synchronization

/// The medium in an Expert Witness Format image, read at any offset.
///
/// Every chunk is checked as it is read. A chunk that fails is zeros in every read and stands among ``unreadable``.
final class EWFImage: SourceReader {
    /// Bytes of chunks that are kept for reads of parts of them; at least one chunk is.
    static let cachedBytes = 4 << 20
    /// Largest chunk that several threads read: a page of a pass.
    static let largestSharedChunk = 1 << 20

    let description: SourceDescription
    private let files: EWFFiles
    /// Where each file begins when they lie one after the other; then where the last one ends.
    private let starts: [Int]
    private let chunkSize: Int
    private let reader: EWFChunkReader
    private let damage = EWFDamageRecord()
    /// Ranges that no table lists, known from the start.
    private let lost: [UnreadableRange]
    private let workspaces = Mutex<[EWFWorkspace]>([])
    private let cache = Mutex(Cache())

    private struct Cache: Sendable {
        var chunks: [Int: [UInt8]] = [:]
        /// Oldest first.
        var order: [Int] = []
    }

    init(
        path: String, files: EWFFiles, described: [SourceFile], volume: EWFVolume, map: EWFChunkMap, set: EWFSet
    ) throws(SourceError) {
        self.files = files
        starts = described.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.size) }
        chunkSize = volume.chunkSize
        reader = EWFChunkReader(files, map, chunkSize: volume.chunkSize)
        var damage = set.damage + map.damage
        let workspace = try EWFWorkspace(chunkSize: volume.chunkSize)
        let size = try Self.mediaSize(volume, map, reader, workspace, &damage)
        let chunkSize = volume.chunkSize
        lost = map.runs.filter { $0.table == nil }.compactMap { run in
            let start = run.first * chunkSize
            let end = min(size, (run.first + run.count) * chunkSize)
            guard end > start else { return nil }
            let chunks = "chunks \(run.first) to \(run.first + run.count - 1)"
            return UnreadableRange(
                extent: Extent(offset: start, length: end - start), error: "\(chunks): \(run.reason)")
        }
        description = SourceDescription(
            kind: .ewf, path: path, files: described, mediaSize: size, sectorSize: volume.bytesPerSector, device: nil,
            oddities: [], warnings: set.warnings, stored: set.digests.map { StoredDigest($0, covers: "media") },
            properties: set.properties + volume.properties, damage: damage)
        workspaces.withLock { $0.append(workspace) }
    }

    /// Bytes of the medium: its whole sectors, and what the last chunk holds beyond them when that is less than a sector.
    ///
    /// Writers count whole sectors only, but store, and digest, the bytes after the last one.
    private static func mediaSize(
        _ volume: EWFVolume, _ map: EWFChunkMap, _ reader: EWFChunkReader, _ workspace: EWFWorkspace,
        _ damage: inout [String]
    ) throws(SourceError) -> Int {
        let before = (map.chunkCount - 1) * volume.chunkSize
        let whole = volume.sectorCount.multipliedReportingOverflow(by: UInt64(volume.bytesPerSector))
        let declared = whole.overflow || whole.partialValue > UInt64(Int.max) ? Int.max : Int(whole.partialValue)
        let fits = declared <= before + volume.chunkSize && declared > before - volume.bytesPerSector
        if !fits, declared != 0 {
            damage.append(
                "the medium should have \(volume.sectorCount) sectors, but \(map.chunkCount) chunks of "
                    + "\(volume.sectorsPerChunk) sectors; the chunks count")
        }
        let expected = fits ? max(0, declared - before) : volume.chunkSize
        guard let length = try reader.lengthOfLastChunk(expecting: expected, with: workspace) else {
            return before + expected
        }
        if !fits { return before + length }
        let trailing = length - expected
        return trailing > 0 && trailing < volume.bytesPerSector ? before + length : before + expected
    }

    var size: Int { description.mediaSize }

    var unreadable: [UnreadableRange] {
        let found = damage.ranges(chunkSize: chunkSize, mediaSize: size, segments: files.names)
        return (lost + found).sorted { $0.extent.offset < $1.extent.offset }
    }

    /// Inflating takes more time than reading. Chunks larger than a page would be inflated by several threads at once, each
    /// with room for a whole one.
    var isFilledInParallel: Bool { chunkSize <= Self.largestSharedChunk }

    /// Where the chunk lies that is read next.
    func containerPosition(atMedium offset: Int) -> Int {
        let chunk = offset / chunkSize
        guard chunk < (size + chunkSize - 1) / chunkSize else { return starts.last ?? 0 }
        do {
            guard let (file, offset) = try reader.place(of: chunk) else { return 0 }
            return starts[file] + min(offset, files.size(of: file))
        } catch {
            // Only a hint: the read that needs this place will fail, and say so.
            return 0
        }
    }

    func checkUnchanged() throws(SourceError) {
        for (index, described) in description.files.enumerated() {
            let file = try files.pool.file(index)
            try file.checkUnchanged()
            guard file.modifiedNanoseconds / 1_000_000 == described.modified else { throw files.pool.changed(index) }
        }
    }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let wanted = min(destination.count, size - offset)
        guard wanted > 0 else { return 0 }
        let workspace = try takeWorkspace()
        defer { workspaces.withLock { $0.append(workspace) } }
        var filled = 0
        while filled < wanted {
            let chunk = (offset + filled) / chunkSize
            let within = (offset + filled) % chunkSize
            let length = min(chunkSize, size - chunk * chunkSize)
            let known = cache.withLock { $0.chunks[chunk] }
            if let known {
                let count = min(length - within, wanted - filled)
                var part = destination._mutatingExtracting(filled..<filled + count)
                part.copyBytes(of: known, from: within)
                filled += count
            } else if within == 0, wanted - filled >= length {
                // Whole chunks go straight to where they are wanted.
                let more = length < chunkSize ? 1 : (wanted - filled) / chunkSize
                let count = min(more * chunkSize, size - offset - filled)
                var part = destination._mutatingExtracting(filled..<filled + count)
                try read(chunk..<chunk + more, into: &part, with: workspace)
                filled += count
            } else {
                let count = min(length - within, wanted - filled)
                var whole = [UInt8](repeating: 0, count: length)
                var room = whole.mutableSpan
                try read(chunk..<chunk + 1, into: &room, with: workspace)
                var part = destination._mutatingExtracting(filled..<filled + count)
                part.copyBytes(of: whole, from: within)
                filled += count
                keep(whole, chunk)
            }
        }
        return filled
    }

    private func read(
        _ chunks: Range<Int>, into destination: inout MutableSpan<UInt8>, with workspace: EWFWorkspace
    ) throws(SourceError) {
        try reader.read(chunks, into: &destination, with: workspace) { chunk, file, problem throws(SourceError) in
            try damage.add(chunk, file: file, problem: problem)
        }
    }

    private func takeWorkspace() throws(SourceError) -> EWFWorkspace {
        if let workspace = workspaces.withLock({ $0.popLast() }) { return workspace }
        return try EWFWorkspace(chunkSize: chunkSize)
    }

    private func keep(_ bytes: [UInt8], _ chunk: Int) {
        let most = max(1, Self.cachedBytes / chunkSize)
        cache.withLock { cache in
            guard cache.chunks.updateValue(bytes, forKey: chunk) == nil else { return }
            cache.order.append(chunk)
            if cache.order.count > most { cache.chunks[cache.order.removeFirst()] = nil }
        }
    }
}
