public import EvidenceModel

extension ReportModel {
    /// One evidence item: what it is, how it came in, its digests and whether it is unchanged.
    public struct Item: Hashable, Sendable {
        /// The item's number in the case, for example "E001".
        public var id: String
        /// What it is, in the examiner's words.
        public var description: String
        /// Manufacturer; may be empty.
        public var make: String
        /// Model; may be empty.
        public var model: String
        /// Serial number; may be empty.
        public var serial: String
        /// The state in which it was received; empty when not recorded.
        public var condition: String
        /// Seal or bag number at reception; empty when not recorded.
        public var seal: String
        /// When it was received; nil when not recorded.
        public var received: UTCTime?
        /// Where its bytes came from.
        public var source: Source
        /// Digests over the whole content, in offset order.
        public var digests: [Digest]
        /// The tree over its block digests; nil when there is none.
        public var blocks: BlockTree?
        /// For a folder or an export: its files.
        public var files: FileTree?
        /// Runs that could not be read; zeros, or what an AFF4 container prescribes, count for them.
        public var unreadable: [UnreadableRange]
        /// When reading began.
        public var readBegan: UTCTime?
        /// When reading ended.
        public var readEnded: UTCTime?
        /// The latest comparison of the source with the digests taken at reception.
        public var integrity: Integrity
        /// The comparison with digests that came with the item; nil when none came.
        public var known: KnownDigests?
        /// What is known of its signed manifest.
        public var manifest: ManifestCheck
        /// What was odd about it; stored warnings of the manifest.
        public var warnings: [String]
        /// Why what it came in was not whole: damage, and digests of its own that are not those of its content.
        public var problems: [String]

        /// Creates the value from its parts.
        public init(
            id: String, description: String, make: String = "", model: String = "", serial: String = "",
            condition: String = "", seal: String = "", received: UTCTime? = nil, source: Source, digests: [Digest],
            blocks: BlockTree? = nil, files: FileTree? = nil, unreadable: [UnreadableRange] = [],
            readBegan: UTCTime? = nil, readEnded: UTCTime? = nil, integrity: Integrity, known: KnownDigests? = nil,
            manifest: ManifestCheck, warnings: [String] = [], problems: [String] = []
        ) {
            self.id = id
            self.description = description
            self.make = make
            self.model = model
            self.serial = serial
            self.condition = condition
            self.seal = seal
            self.received = received
            self.source = source
            self.digests = digests
            self.blocks = blocks
            self.files = files
            self.unreadable = unreadable
            self.readBegan = readBegan
            self.readEnded = readEnded
            self.integrity = integrity
            self.known = known
            self.manifest = manifest
            self.warnings = warnings
            self.problems = problems
        }
    }

    /// The comparison with digests that whoever handed the item over has given.
    public struct KnownDigests: Hashable, Sendable {
        /// Name of the list's file.
        public var list: EvidenceString
        /// SHA-256 of the list's file, hexadecimal.
        public var sha256: String
        /// Digests that are those of the medium or of its files.
        public var matched: Int
        /// Digests that are not, and files that are missing or have another name.
        public var different: Int
        /// Digests that could not be compared.
        public var notCompared: Int
        /// Files that the list does not name.
        public var unlisted: Int

        /// Creates the value from its parts.
        public init(
            list: EvidenceString, sha256: String, matched: Int, different: Int, notCompared: Int, unlisted: Int
        ) {
            self.list = list
            self.sha256 = sha256
            self.matched = matched
            self.different = different
            self.notCompared = notCompared
            self.unlisted = unlisted
        }
    }

    /// Where an item's bytes came from.
    public struct Source: Hashable, Sendable {
        /// The path or device as it was given.
        public var name: EvidenceString
        /// The manifest's `source.kind`, for example "raw", "split", "device" or "folder".
        public var kind: String
        /// What holds the bytes now: the kind, or the format of the image that was made of a device ("e01", "raw").
        public var container: String
        /// Size of the content, in bytes.
        public var size: Int
        /// Size of a sector, in bytes; nil for a folder.
        public var sectorSize: Int?
        /// The files that the content lies in, when there is more than one.
        public var segments: [EvidenceString]

        /// Creates the value from its parts.
        public init(
            name: EvidenceString, kind: String, container: String? = nil, size: Int, sectorSize: Int? = nil,
            segments: [EvidenceString] = []
        ) {
            self.name = name
            self.kind = kind
            self.container = container ?? kind
            self.size = size
            self.sectorSize = sectorSize
            self.segments = segments
        }
    }

    /// The RFC 6962 tree over an item's block digests.
    public struct BlockTree: Hashable, Sendable {
        /// Size of a block, in bytes.
        public var blockSize: Int
        /// How many there are.
        public var count: Int
        /// SHA-256, hexadecimal.
        public var root: String

        /// Creates the value from its parts.
        public init(blockSize: Int, count: Int, root: String) {
            self.blockSize = blockSize
            self.count = count
            self.root = root
        }
    }

    /// The RFC 6962 tree over the files of a folder or an export.
    public struct FileTree: Hashable, Sendable {
        /// How many there are.
        public var count: Int
        /// Sum of the files' sizes, in bytes.
        public var bytes: Int
        /// SHA-256, hexadecimal.
        public var root: String

        /// Creates the value from its parts.
        public init(count: Int, bytes: Int, root: String) {
            self.count = count
            self.bytes = bytes
            self.root = root
        }
    }

    /// Whether an item is still what was taken in.
    public enum Integrity: Hashable, Sendable {
        /// The whole source was read again at this time and its digests are those of the manifest.
        case unchanged(checked: UTCTime)
        /// The source differs from the manifest.
        case changed(reason: String)
        /// The source was not read again after it was taken in.
        case notChecked(reason: String)
    }

    /// What is known of an item's signed manifest.
    public struct ManifestCheck: Hashable, Sendable {
        /// Path in the case folder, for example "evidence/E001/manifest.json".
        public var path: String
        /// SHA-256 of the manifest file, hexadecimal.
        public var sha256: String
        /// What the check of the signature said.
        public var signature: CheckOutcome
        /// Name of the signer as the certificate says it; empty when not known.
        public var signer: String
        /// When it was signed, as the signature says.
        public var signed: UTCTime?
        /// Nil when there is no time stamp.
        public var timestamp: TimestampCheck?
        /// The stamps of authorities outside the laboratory.
        public var outsideTimestamps: [TimestampCheck]

        /// Creates the value from its parts.
        public init(
            path: String, sha256: String, signature: CheckOutcome, signer: String = "", signed: UTCTime? = nil,
            timestamp: TimestampCheck? = nil, outsideTimestamps: [TimestampCheck] = []
        ) {
            self.path = path
            self.sha256 = sha256
            self.signature = signature
            self.signer = signer
            self.signed = signed
            self.timestamp = timestamp
            self.outsideTimestamps = outsideTimestamps
        }
    }
}
