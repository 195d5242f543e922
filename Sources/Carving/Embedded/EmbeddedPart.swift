internal import EvidenceModel
internal import SourceMedia

/// How the content of a part is kept in its container.
enum PartCoding: String, Sendable {
    /// As it is: the stored bytes are the content.
    case stored
    /// A raw DEFLATE stream (RFC 1951).
    case deflate
    /// A DEFLATE stream with header and Adler-32 (RFC 1950).
    case zlib
    /// One or more gzip members (RFC 1952).
    case gzip
    /// One or more bzip2 streams.
    case bzip2
    /// One or more xz streams.
    case xz
    /// One or more lzip members.
    case lzip
    /// One stream of LZMA Utils.
    case lzma
    /// One or more Zstandard frames (RFC 8878).
    case zstd
    /// One or more LZ4 frames.
    case lz4
    /// Base64 in lines (RFC 2045, 6.8).
    case base64
    /// Quoted-printable text (RFC 2045, 6.7).
    case quotedPrintable = "quoted-printable"
    /// A member of an archive that is unpacked as a whole.
    case member
}

/// A file that lies in another one, as the outer one lists it.
struct EmbeddedPart: Sendable {
    /// Name within the container, escaped: what its forensic path adds to the container's. Unique in the container.
    var path: String
    /// Where its stored bytes lie in the container's content, in order.
    var pieces: [Range<Int>]
    var coding = PartCoding.stored
    /// What the decoder reads, where that is more than the stored bytes (the file's header).
    var input: Range<Int>?
    /// Size of the content in bytes, as the container states it; only its low 32 bits when `sizeIsShort`.
    var size: Int?
    var sizeIsShort = false
    /// CRC-32 of the content, as the container states it.
    var crc: UInt32?
    /// False when the coding's checksum is left out in this file.
    var codingIsChecked = true
    /// Position in an archive that is unpacked as a whole, and the content that it gave.
    var member: Int?
    var unpacked: (any ByteSource)?
    /// What the container says of the part.
    var facts: [String: CanonicalValue] = [:]
    /// What is odd about how the container lists it.
    var warnings: [String] = []
    /// True when nobody vouches that it is a file: it counts only where a walker finds a whole one in it.
    var isOptional = false
    /// True when its own structure says where it ends, and the container keeps space behind it.
    var endsItself = false

    init(_ path: String, _ pieces: [Range<Int>], _ coding: PartCoding = .stored) {
        self.path = path
        self.pieces = pieces
        self.coding = coding
    }

    /// Bytes that it takes in the container.
    var storedSize: Int { pieces.reduce(0) { $0 + $1.count } }
}

/// Why parts of a container were passed over.
enum PartRefusal: Hashable, Comparable, Sendable {
    case encrypted
    case method
    case overlap
    case damaged
    case sparse
    /// In the container, and not in its directory, which alone would tell its size.
    case unlisted
    case limit(String)

    /// In words for the container's warnings.
    func words(_ count: Int) -> String {
        let parts = count == 1 ? "1 embedded file was" : "\(count) embedded files were"
        switch self {
        case .encrypted: return "\(parts) not opened: encrypted"
        case .method: return "\(parts) not opened: packed by a method without a decoder"
        case .overlap: return "\(parts) not opened: the bytes belong to another one already"
        case .damaged: return "\(parts) not opened: the content cannot be decoded to its end"
        case .sparse: return "\(parts) not opened: stored with holes"
        case .unlisted:
            return "\(parts) not opened: not in the archive's directory, and its size stands nowhere else"
        case .limit(let name): return "\(parts) not opened: limit \(name)"
        }
    }
}

/// The parts of one container, in the order in which it lists them.
struct PartList {
    private(set) var parts: [EmbeddedPart] = []
    private(set) var refused: [PartRefusal: Int] = [:]
    /// Most parts that are taken.
    private let most: Int
    /// How many parts had a path before, by path.
    private var paths: [String: Int] = [:]
    /// Stored bytes of the parts so far, in ascending order, disjoint.
    private var taken: [Range<Int>] = []

    init(most: Int) { self.most = most }

    mutating func refuse(_ reason: PartRefusal) { refused[reason, default: 0] += 1 }

    /// Takes a part, unless the list is full or the bytes belong to an earlier part.
    mutating func add(_ part: EmbeddedPart) {
        guard part.storedSize > 0 else { return }
        guard parts.count < most else { return refuse(.limit("embedded_members")) }
        guard take(part.pieces) else { return refuse(.overlap) }
        append(part)
    }

    /// Takes a part of an archive whose members share their stored bytes, unless the list is full.
    mutating func addUnpacked(_ part: EmbeddedPart) {
        guard parts.count < most else { return refuse(.limit("embedded_members")) }
        append(part)
    }

    private mutating func append(_ part: EmbeddedPart) {
        var part = part
        if part.path.isEmpty { part.path = "unnamed" }
        while let before = paths[part.path] {
            paths[part.path] = before + 1
            part.path += "~\(before + 1)"
        }
        paths[part.path] = 1
        parts.append(part)
    }

    /// False when one of the ranges shares a byte with an earlier one: then none is taken.
    ///
    /// So what is read of one container is bounded by its own size, whatever it lists.
    private mutating func take(_ ranges: [Range<Int>]) -> Bool {
        let sorted = ranges.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
        for (range, next) in zip(sorted, sorted.dropFirst()) where next.lowerBound < range.upperBound { return false }
        for range in sorted {
            let index = firstTaken(endingAfter: range.lowerBound)
            if index < taken.count, taken[index].lowerBound < range.upperBound { return false }
        }
        for range in sorted { taken.insert(range, at: firstTaken(endingAfter: range.lowerBound)) }
        return true
    }

    private func firstTaken(endingAfter offset: Int) -> Int {
        guard let last = taken.last, last.upperBound > offset else { return taken.count }
        var low = 0
        var high = taken.count
        while low < high {
            let middle = (low + high) / 2
            if taken[middle].upperBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
