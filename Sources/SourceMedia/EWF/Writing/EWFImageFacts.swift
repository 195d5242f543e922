public import EvidenceModel

/// What an image says of itself and of its medium, and how it is laid out.
public struct EWFImageFacts: Hashable, Sendable {
    /// How chunks are stored.
    public enum Compression: String, CaseIterable, Hashable, Sendable {
        /// Every chunk raw, with its checksum.
        case none
        /// Deflated at level 1; a chunk that does not shrink stays raw.
        case fast
    }

    /// Bytes of the medium in a chunk: 64 sectors of 512 bytes, as EnCase writes them.
    public static let chunkSize = 32_768
    /// Fewest bytes of a segment file.
    public static let smallestSegment = 1 << 20
    /// Bytes of a segment file unless another size is asked for.
    public static let usualSegment = 2 << 30

    public var caseNumber: String
    /// The item's number in the case.
    public var evidenceNumber: String
    public var description: String
    public var examiner: String
    public var notes: String
    public var software: String
    public var system: String
    /// Model and serial number of the device; nil when it has none.
    public var model: String?
    public var serial: String?
    /// When the acquisition began: the only time in the image.
    public var started: UTCTime
    /// Bytes of the medium.
    public var mediaSize: Int
    /// Bytes a sector.
    public var sectorSize: Int
    /// A removable medium rather than a fixed disk.
    public var isRemovable: Bool
    /// A whole device rather than a partition or a file.
    public var isPhysical: Bool
    /// 16 bytes that name the set.
    public var setIdentifier: [UInt8]
    public var compression: Compression
    /// Most bytes of a segment file; section `error2` may go beyond it in the last one.
    public var segmentSize: Int

    /// - Precondition: `setIdentifier` has 16 bytes, `segmentSize` is at least ``smallestSegment``.
    public init(
        caseNumber: String, evidenceNumber: String, description: String = "", examiner: String, notes: String = "",
        software: String, system: String, model: String? = nil, serial: String? = nil, started: UTCTime,
        mediaSize: Int, sectorSize: Int, isRemovable: Bool = false, isPhysical: Bool = true, setIdentifier: [UInt8],
        compression: Compression = .fast, segmentSize: Int = usualSegment
    ) {
        precondition(setIdentifier.count == 16, "a set identifier has 16 bytes")
        precondition(segmentSize >= Self.smallestSegment, "a segment has at least \(Self.smallestSegment) bytes")
        self.caseNumber = caseNumber
        self.evidenceNumber = evidenceNumber
        self.description = description
        self.examiner = examiner
        self.notes = notes
        self.software = software
        self.system = system
        self.model = model
        self.serial = serial
        self.started = started
        self.mediaSize = mediaSize
        // The format knows only chunks of whole sectors.
        self.sectorSize = sectorSize > 0 && Self.chunkSize % sectorSize == 0 ? sectorSize : 512
        self.isRemovable = isRemovable
        self.isPhysical = isPhysical
        self.setIdentifier = setIdentifier
        self.compression = compression
        self.segmentSize = segmentSize
    }

    /// Chunks of the medium; the last one may be short.
    public var chunkCount: Int { (mediaSize + Self.chunkSize - 1) / Self.chunkSize }

    /// Bytes after the last whole sector: they are in the last chunk and in the digests, but in no count of sectors.
    public var trailingBytes: Int { mediaSize % sectorSize }

    /// Most bytes of all segment files together, when no chunk shrinks.
    public var largestImage: Int {
        let chunks = chunkCount * (Self.chunkSize + 4 + 8)
        let tables = (chunkCount / EWFLayout.chunksPerTable + 1) * 512
        return chunks + tables + (chunks / segmentSize + 1) * 4096
    }
}

/// The limits of the sets that are written.
enum EWFLayout {
    /// Chunks that one table lists: 32 MiB of the medium.
    static let chunksPerTable = 1024
    /// Tables in a segment: readers bound the number of sections (three for each table).
    static let tablesPerSegment = 10_000
}
