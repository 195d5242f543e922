import EvidenceModel

/// The formats of virtual disks, as the bytes tell them apart.
enum VirtualDiskFormat: Hashable, Sendable {
    case qcow
    case qcow2
    case vmdk
    case vhd
    case vhdx
    case vdi

    /// Bytes at the start of a file that suffice to tell.
    static let headLength = 512

    /// The word that qemu has for it.
    var driver: String {
        switch self {
        case .qcow: "qcow"
        case .qcow2: "qcow2"
        case .vmdk: "vmdk"
        case .vhd: "vpc"
        case .vhdx: "vhdx"
        case .vdi: "vdi"
        }
    }

    /// The word of the evidence manifest.
    var kind: SourceKind {
        switch self {
        case .qcow, .qcow2: .qcow2
        case .vmdk: .vmdk
        case .vhd: .vhd
        case .vhdx: .vhdx
        case .vdi: .vdi
        }
    }

    /// What is said of it to people.
    var name: String {
        switch self {
        case .qcow: "QCOW version 1"
        case .qcow2: "QCOW2"
        case .vmdk: "VMDK"
        case .vhd: "VHD"
        case .vhdx: "VHDX"
        case .vdi: "VDI"
        }
    }

    /// Whether `qemu-img check` knows how to check it.
    var isCheckedByQEMU: Bool {
        switch self {
        case .qcow2, .vdi, .vhdx, .vmdk: true
        case .qcow, .vhd: false
        }
    }

    /// Whether an image of it can rest on another one that qemu would open by itself.
    var canHaveBacking: Bool {
        switch self {
        case .qcow, .qcow2, .vmdk: true
        case .vhd, .vhdx, .vdi: false
        }
    }

    /// Tells by the first bytes of a file; a fixed VHD has its mark at the end only.
    init?(head: [UInt8]) {
        if head.starts(with: Array("QFI".utf8) + [0xFB]), head.count >= 8 {
            self = head.bigEndian32(at: 4) == 1 ? .qcow : .qcow2
        } else if head.starts(with: Array("KDMV".utf8)) || head.starts(with: Array("COWD".utf8))
            || VMDKDescriptor.begins(head)
        {
            self = .vmdk
        } else if head.starts(with: Array("vhdxfile".utf8)) {
            self = .vhdx
        } else if head.starts(with: VHDFooter.cookie) {
            self = .vhd
        } else if head.count >= 0x48, head.littleEndian32(at: 0x40) == 0xBEDA_107F {
            self = .vdi
        } else {
            return nil
        }
    }
}

/// What the header of a virtual disk says, and what of its medium cannot be in the file.
struct VirtualDiskFacts: Sendable {
    let format: VirtualDiskFormat
    /// Bytes of the medium.
    var size: Int
    var sectorSize = 512
    /// What says where each part of the medium lies: "dynamic", "fixed", "split" and so on.
    var properties: [SourceProperty] = []
    var warnings: [String] = []
    var damage: [String] = []
    /// Parts of the medium that should lie where no file has bytes.
    var lost = LostRanges()
    /// Further files that hold the medium: plain names of the same folder.
    var extents: [String] = []
    /// The file that this one rests on, as it is named in the image; nil when it is whole by itself.
    var backing: String?
    /// The format that the image states of its backing file.
    var backingFormat: String?
    /// Further members of qemu's description of the image, as JSON.
    var driverOptions: [String: String] = [:]
}

/// Parts of a medium that its container should hold and does not, in rising order.
struct LostRanges: Sendable {
    /// Most runs that are told apart: more than that is no image any more.
    static let mostRuns = 100_000

    private(set) var ranges: [UnreadableRange] = []
    private(set) var bytes = 0

    /// Notes that `length` bytes from `offset` on are lost; `offset` must not fall.
    ///
    /// - Throws: ``SourceError`` with code `damaged` when there are too many of them.
    mutating func add(offset: Int, length: Int, _ why: String) throws(SourceError) {
        guard length > 0 else { return }
        bytes += length
        if let last = ranges.last, last.extent.end == offset, last.error == why {
            ranges[ranges.count - 1] = UnreadableRange(
                extent: Extent(offset: last.extent.offset, length: last.extent.length + length), error: why)
            return
        }
        guard ranges.count < Self.mostRuns else {
            throw SourceError(
                .damaged,
                "The image lacks more than \(Self.mostRuns) parts of its medium. Copy it again from its source.")
        }
        ranges.append(UnreadableRange(extent: Extent(offset: offset, length: length), error: why))
    }
}
