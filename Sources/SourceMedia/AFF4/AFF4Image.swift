import EvidenceModel

/// The medium in an AFF4 image, read at any offset.
final class AFF4Image: SourceReader {
    private let volumes: [AFF4Volume]
    private let stream: any AFF4Stream
    private let record: AFF4DamageRecord
    private let notes: AFF4Notes
    private let described: SourceDescription

    init(
        _ described: SourceDescription, volumes: [AFF4Volume], stream: any AFF4Stream, losses: [AFF4Flaw],
        notes: AFF4Notes
    ) {
        self.described = described
        self.volumes = volumes
        self.stream = stream
        self.notes = notes
        record = AFF4DamageRecord(losses)
    }

    /// What it is, with the damage that reading it has shown so far.
    var description: SourceDescription {
        let found = notes.all
        guard !found.isEmpty else { return described }
        return SourceDescription(
            kind: described.kind, path: described.path, files: described.files, mediaSize: described.mediaSize,
            sectorSize: described.sectorSize, device: nil, oddities: [], warnings: described.warnings,
            stored: described.stored, properties: described.properties, damage: described.damage + found)
    }

    var size: Int { described.mediaSize }

    var unreadable: [UnreadableRange] { record.ranges }

    /// Decompressing takes more time than reading.
    var isFilledInParallel: Bool { true }

    func checkUnchanged() throws(SourceError) {
        for volume in volumes { try volume.file.checkUnchanged() }
    }

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        let count = min(destination.count, size - offset)
        var part = destination._mutatingExtracting(0..<count)
        var flaws: [AFF4Flaw] = []
        try stream.read(at: offset, into: &part, flaws: &flaws)
        for flaw in flaws { try record.add(flaw) }
        return count
    }

    func zeroRun(at offset: Int) throws(SourceError) -> Int {
        guard offset >= 0, offset < size else { return 0 }
        return min(size - offset, try stream.zeroRun(at: offset))
    }
}
