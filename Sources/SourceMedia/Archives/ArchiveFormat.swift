/// The kinds of archives that are taken in with a list of their members.
enum ArchiveFormat: String, Hashable, Sendable, CaseIterable {
    case zip
    case sevenZip = "7z"
    case tar
    case tarGzip = "tar.gz"
    case tarBzip2 = "tar.bz2"
    case tarXZ = "tar.xz"
    case tarZstd = "tar.zst"

    /// What is said of it to people.
    var name: String {
        switch self {
        case .zip: "ZIP"
        case .sevenZip: "7z"
        case .tar: "TAR"
        case .tarGzip: "TAR, gzip"
        case .tarBzip2: "TAR, bzip2"
        case .tarXZ: "TAR, xz"
        case .tarZstd: "TAR, zstd"
        }
    }

    /// Endings of names, in lower case. UFDR is what Cellebrite's programs call a ZIP with a report and its files.
    var endings: [String] {
        switch self {
        case .zip: [".zip", ".ufdr"]
        case .sevenZip: [".7z"]
        case .tar: [".tar"]
        case .tarGzip: [".tar.gz", ".tgz"]
        case .tarBzip2: [".tar.bz2", ".tbz", ".tbz2"]
        case .tarXZ: [".tar.xz", ".txz"]
        case .tarZstd: [".tar.zst", ".tzst"]
        }
    }

    /// The first bytes of a file of this kind; none for TAR, whose mark lies further in.
    var signature: [UInt8] {
        switch self {
        case .zip: [0x50, 0x4B, 0x03, 0x04]
        case .sevenZip: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]
        case .tar: []
        case .tarGzip: [0x1F, 0x8B, 0x08]
        case .tarBzip2: [0x42, 0x5A, 0x68]
        case .tarXZ: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
        case .tarZstd: [0x28, 0xB5, 0x2F, 0xFD]
        }
    }
}
