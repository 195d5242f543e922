public import EvidenceModel

/// What kind of source an item was read from; the words are those of the evidence manifest.
public enum SourceKind: String, Hashable, Sendable {
    case raw
    case split
    case device
    case folder
    /// Expert Witness Format: E01 of EnCase and its relatives, s01 of SMART.
    case ewf
    /// Advanced Forensic Format 4: a ZIP volume, or several, with image streams and maps.
    case aff4
    case qcow2
    case vmdk
    case vhd
    case vhdx
    case vdi
    /// ZIP, TAR or 7z: an export; its medium is the archive file itself.
    case archive

    /// True when the medium's bytes are packed in files of another layout.
    public var isContainer: Bool {
        switch self {
        case .raw, .split, .device, .folder, .archive: false
        case .ewf, .aff4, .qcow2, .vmdk, .vhd, .vhdx, .vdi: true
        }
    }

    /// Whether a source of this kind can rest on another one.
    var canHaveBacking: Bool { self == .qcow2 || self == .vmdk }
}

/// A digest that a container carries of what is in it.
public struct StoredDigest: Hashable, Sendable {
    public let digest: Digest
    /// What it covers; "media" for all bytes of the medium.
    public let covers: String

    public init(_ digest: Digest, covers: String) {
        self.digest = digest
        self.covers = covers
    }
}

/// Something that a container says of itself or of its making, for example who acquired it.
public struct SourceProperty: Hashable, Sendable {
    /// A key of lower-case letters, digits and underscores.
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// One file that a source is made of, in the order of the media bytes.
public struct SourceFile: Hashable, Sendable {
    /// Path relative to the source; the bytes of the name as they are on disk, which need not be UTF-8.
    public let nameBytes: [UInt8]
    /// Bytes of the file as it is on disk.
    public let size: Int
    /// Last modification, in milliseconds since 1970 UTC; nil where it means nothing (devices).
    public let modified: Int64?
    /// Permission bits of the file; nil for devices.
    public let mode: UInt32?

    public init(nameBytes: [UInt8], size: Int, modified: Int64?, mode: UInt32?) {
        self.nameBytes = nameBytes
        self.size = size
        self.modified = modified
        self.mode = mode
    }

    /// The name for people; bytes that are not UTF-8 appear as replacement characters.
    public var name: String { String(decoding: nameBytes, as: UTF8.self) }
}

/// Something in a folder that holds no bytes to digest: recorded, not read.
public struct SourceOddity: Hashable, Sendable {
    /// Path relative to the folder.
    public let nameBytes: [UInt8]
    /// What it is, for example "symbolic link to ../x".
    public let what: String
}

/// What the system tells of a block device.
public struct DeviceDescription: Hashable, Sendable {
    public let path: String
    public let model: String?
    public let serial: String?
    public let firmware: String?
    /// In bytes.
    public let size: Int
    /// True when the kernel refuses writes to it.
    public let isReadOnly: Bool
    /// Where it, or a partition of it, is mounted for writing; empty when it is not.
    public let writableMounts: [String]
    /// How it is attached, for example "ata", "usb" or "nvme".
    public let transport: String?
    /// The unit of its addresses, in bytes.
    public let logicalSectorSize: Int?
    /// The unit it writes in, in bytes.
    public let physicalSectorSize: Int?
    /// What is known of areas that the device hides (HPA, DCO), in words.
    public let hiddenAreas: String?

    public init(
        path: String, model: String?, serial: String?, firmware: String?, size: Int, isReadOnly: Bool,
        writableMounts: [String], transport: String? = nil, logicalSectorSize: Int? = nil,
        physicalSectorSize: Int? = nil, hiddenAreas: String? = nil
    ) {
        self.path = path
        self.model = model
        self.serial = serial
        self.firmware = firmware
        self.size = size
        self.isReadOnly = isReadOnly
        self.writableMounts = writableMounts
        self.transport = transport
        self.logicalSectorSize = logicalSectorSize
        self.physicalSectorSize = physicalSectorSize
        self.hiddenAreas = hiddenAreas
    }
}

/// What a source is, as far as it can be told before its bytes are read.
public struct SourceDescription: Hashable, Sendable {
    public let kind: SourceKind
    /// The path that was opened, made absolute.
    public let path: String
    public let files: [SourceFile]
    /// Number of media bytes.
    public let mediaSize: Int
    /// Bytes a sector; 512 where the source does not say.
    public let sectorSize: Int
    public let device: DeviceDescription?
    /// Links, sockets and other entries of a folder that hold no media bytes.
    public let oddities: [SourceOddity]
    /// What is odd but does not hinder reading.
    public let warnings: [String]
    /// Digests that the container carries; empty for sources that are no containers.
    public let stored: [StoredDigest]
    /// What the container says of itself, in the order in which it says it.
    public let properties: [SourceProperty]
    /// What of the container is damaged or missing, in words; what can be read of it is read nevertheless.
    public let damage: [String]

    public init(
        kind: SourceKind, path: String, files: [SourceFile], mediaSize: Int, sectorSize: Int,
        device: DeviceDescription?, oddities: [SourceOddity], warnings: [String], stored: [StoredDigest] = [],
        properties: [SourceProperty] = [], damage: [String] = []
    ) {
        self.kind = kind
        self.path = path
        self.files = files
        self.mediaSize = mediaSize
        self.sectorSize = sectorSize
        self.device = device
        self.oddities = oddities
        self.warnings = warnings
        self.stored = stored
        self.properties = properties
        self.damage = damage
    }

    /// True when the bytes of ``files``, one file after the other, are the media bytes.
    public var holdsMediaInFiles: Bool { !kind.isContainer }
}

/// A source opened read-only.
public protocol SourceReader: ByteSource {
    var description: SourceDescription { get }
    /// What could not be read so far, in offset order; those bytes are the same in every read: zeros, unless the format of
    /// the container prescribes others (AFF4).
    /// The same after a whole pass, in whatever order its parts were read.
    var unreadable: [UnreadableRange] { get }
    /// True when reading takes more of the processor than of the disk, because bytes must be inflated: a pass then reads
    /// in several threads at once. False for sources that are to be read strictly in order.
    var isFilledInParallel: Bool { get }
    /// The container's files as they are on disk; nil when the media bytes are those of the files.
    var containerFiles: ContainerFiles? { get }
    /// How many bytes of ``containerFiles``, one file after the other, a pass has read once it stands at `offset` of the
    /// medium; a hint that need not be exact.
    func containerPosition(atMedium offset: Int) -> Int
    /// Says whether the source is still what it was when it was opened (size and time of change of each file).
    /// - Throws: ``SourceError`` with code `changed` that names the file.
    func checkUnchanged() throws(SourceError)
}

extension SourceReader {
    public var isFilledInParallel: Bool { false }

    public var containerFiles: ContainerFiles? {
        description.holdsMediaInFiles ? nil : ContainerFiles(description)
    }

    /// In proportion.
    public func containerPosition(atMedium offset: Int) -> Int {
        let total = description.files.reduce(0) { $0 + $1.size }
        guard offset > 0 else { return 0 }
        guard offset < size else { return total }
        return Int((Double(offset) / Double(size) * Double(total)).rounded(.down))
    }
}
