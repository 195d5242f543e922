public import EvidenceModel
public import SourceMedia

/// What an evidence item is and its digests, as the examiner signs it: `manifest.json`, version 1.
///
/// The layout stands in `Documentation/Formats/evidence-manifest.md`; the encoding is RFC 8785.
public struct EvidenceManifest: Hashable, Sendable {
    /// Version of the layout.
    public static let version = 1
    static let type = "exhibit.evidence-manifest"

    /// The item as the laboratory numbers and describes it.
    public struct Item: Hashable, Sendable {
        public var id: String
        public var rootID: String?
        public var kind: String
        public var desc: String?
        public var make: String?
        public var model: String?
        public var serial: String?
        public var seal: String?
        public var condition: String?
    }

    /// A container or segment file as it is on disk.
    public struct File: Hashable, Sendable {
        public var name: String
        public var size: Int
        public var sha256: Digest?
    }

    /// The RFC 6962 tree over the SHA-256 of each block.
    public struct Blocks: Hashable, Sendable {
        /// Bytes a block.
        public var size: Int
        public var count: Int
        public var root: Digest
    }

    /// The RFC 6962 tree over the lines of `files.jsonl`.
    public struct FileTree: Hashable, Sendable {
        public var count: Int
        public var bytes: Int
        public var root: Digest
        /// SHA-256 of `files.jsonl`.
        public var sha256: Digest
    }

    /// The image that was made of the source: the files that hold the medium from now on.
    public struct Image: Hashable, Sendable {
        /// What reading the finished image back has given.
        public enum ReadBack: String, Hashable, Sendable {
            /// Its media bytes have the digests taken from the device.
            case match
            /// They have not, or not all of them could be read.
            case mismatch
            /// It was not asked for.
            case notDone = "not_done"
        }

        /// "e01" or "raw".
        public var format: String
        /// How chunks are stored: "fast" or "none"; nil for a raw image.
        public var compression: String?
        /// In the order of the media bytes.
        public var files: [File]
        /// How often the acquisition was interrupted and continued.
        public var resumptions: Int
        /// When the image was complete.
        public var written: UTCTime
        public var readBack: ReadBack
        /// When reading it back had ended; nil when it was not done.
        public var readBackEnded: UTCTime?
    }

    /// The signer as the manifest states it.
    public struct Examiner: Hashable, Sendable {
        public var name: String
        public var id: String
        public var org: String
        public var certificate: Digest
    }

    /// How far the workstation's clock could be trusted.
    public struct Clock: Hashable, Sendable {
        public var sync: Bool
        public var source: String
        public var offsetMs: Int
    }

    public var caseNumber: String
    public var item: Item
    public var kind: SourceKind
    public var files: [File]
    /// Bytes of the medium.
    public var mediaSize: Int
    /// Bytes a sector.
    public var sectorSize: Int
    public var device: DeviceDescription?
    /// Digests that the container carries of the medium, as they stand there.
    public var stored: [StoredDigest]
    /// What the container says of itself and of its making.
    public var properties: [SourceProperty]
    /// What of the container is damaged or missing.
    public var damage: [String]
    /// What was made of the source; nil when it was only read.
    public var image: Image?
    /// Over the media bytes, in offset order.
    public var digests: [Digest]
    public var blocks: Blocks
    /// Folders only.
    public var fileTree: FileTree?
    /// Nil when no list was given.
    public var known: Known?
    public var unreadable: [UnreadableRange]
    public var warnings: [String]
    public var started: UTCTime
    public var ended: UTCTime
    public var bytesRead: Int
    public var clock: Clock
    public var examiner: Examiner
    public var tool: ToolIdentity

    /// Stored digests that are not those of the media bytes.
    public var mismatches: [StoredDigest] {
        stored.filter { stored in digest(stored.digest.algorithm).map { $0 != stored.digest } ?? false }
    }

    /// True when all of the medium was read, from an undamaged container, and is what the container says it is.
    public var isSound: Bool {
        unreadable.isEmpty && damage.isEmpty && mismatches.isEmpty && image?.readBack != .mismatch
    }

    /// True when no list of known digests was given, or all of it is there as the list says.
    public var isAsKnown: Bool { known?.holds ?? true }

    /// The digest of an algorithm; nil when the manifest does not state it.
    public func digest(_ algorithm: DigestAlgorithm) -> Digest? { digests.first { $0.algorithm == algorithm } }
}
