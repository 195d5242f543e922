import Digesting
public import EvidenceModel

/// Digests that whoever handed an item over has given, as a file. See `Documentation/Formats/known-digests.md`.
public struct KnownDigestList: Hashable, Sendable {
    /// Largest list that is read, in bytes.
    public static let largestFile = 256 << 20
    /// Most digests in one list.
    static let mostEntries = 1 << 22
    /// Longest line of a list, in bytes: a path of Linux has 4096, each byte escaped.
    static let longestLine = 64 << 10

    /// How the list is written.
    public enum Format: String, Hashable, Sendable {
        /// A digest a line, alone, labelled or with a name: md5sum, sha256sum, `MD5 (name) = …` and their like.
        case lines
        /// hashdeep or md5deep, version 1.0.
        case hashdeep
        /// Digital Forensics XML.
        case dfxml
    }

    /// One digest of the list.
    public struct Entry: Hashable, Sendable {
        public let digest: Digest
        /// The name that it is said to belong to, as it stands in the list; nil for a digest without a name.
        public let name: [UInt8]?
    }

    /// Name of the list's file, without the folder.
    public let name: String
    /// SHA-256 of the list's file.
    public let sha256: Digest
    public let format: Format
    public let entries: [Entry]
    /// Digests of algorithms that are not computed here, for example SHA-384.
    public let unsupported: Int
    /// Lines or elements that were not understood.
    public let notUnderstood: Int

    /// The algorithms of the digests in the list, in the order of `DigestAlgorithm.allCases`.
    var algorithms: [DigestAlgorithm] {
        let used = Set(entries.map(\.digest.algorithm))
        return DigestAlgorithm.allCases.filter(used.contains)
    }

    /// Reads a list; its content says which format it has.
    ///
    /// - Throws: ``CaseError`` with code `storage` when the file cannot be read, `refused` when it has too many
    ///   entries.
    public init(path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(path, limit: Self.largestFile)
        } catch {
            throw CaseError(
                .storage, "The list of known digests cannot be read: \(error.message). Nothing was changed.")
        }
        try self.init(bytes, name: path.split(separator: "/").last.map(String.init) ?? path)
    }

    /// Reads the bytes of a list.
    ///
    /// - Throws: ``CaseError`` with code `refused`.
    init(_ bytes: [UInt8], name: String) throws {
        self.name = SourceName.shown(name)
        sha256 = try EvidenceModel.Digest(.sha256, Digesting.digest(.sha256, of: bytes).bytes)
        var collector = KnownDigestCollector()
        let text = KnownListText.utf8(bytes)
        if text.starts(with: Array("%%%% HASHDEEP-1.0".utf8)) {
            format = .hashdeep
            HashdeepList.read(text, into: &collector)
        } else if text.first(where: { !KnownListText.isSpace($0) }) == UInt8(ascii: "<") {
            format = .dfxml
            DFXMLList.read(text, into: &collector)
        } else {
            format = .lines
            DigestLines.read(text, into: &collector)
        }
        guard collector.entries.count <= Self.mostEntries else {
            throw CaseError(
                .refused,
                "The list \(name) holds more than \(Self.mostEntries) digests. Nothing was changed. Split it.")
        }
        (entries, unsupported, notUnderstood) = (
            collector.entries, collector.unsupported, collector.notUnderstood
        )
    }
}

/// What the readers of lists have found.
struct KnownDigestCollector {
    private(set) var entries: [KnownDigestList.Entry] = []
    private(set) var unsupported = 0
    var notUnderstood = 0

    /// Takes a digest; of an algorithm that is not known, and of another length than its algorithm has, it is counted.
    mutating func add(_ hex: some Collection<UInt8>, algorithm label: String?, name: [UInt8]?) {
        // One more than may be is enough to refuse the list.
        guard entries.count <= KnownDigestList.mostEntries else { return }
        guard let bytes = Hex.decode(String(decoding: hex, as: UTF8.self)) else {
            notUnderstood += 1
            return
        }
        guard let algorithm = DigestNames.algorithm(label, byteCount: bytes.count) else {
            unsupported += 1
            return
        }
        guard bytes.count == algorithm.byteCount else {
            notUnderstood += 1
            return
        }
        entries.append(KnownDigestList.Entry(digest: Digest(algorithm, bytes), name: name))
    }
}

/// The names that lists give to algorithms.
enum DigestNames {
    /// The algorithm that a label names; without a label, the usual one of this length. Nil for all others.
    static func algorithm(_ label: String?, byteCount: Int) -> DigestAlgorithm? {
        guard let label else {
            switch byteCount {
            case 16: return .md5
            case 20: return .sha1
            // SHA3-256 and BLAKE2b have the same lengths, but nobody writes them without a label.
            case 32: return .sha256
            case 64: return .sha512
            default: return nil
            }
        }
        switch label.lowercased().filter({ $0.isLetter || $0.isNumber }) {
        case "md5": return .md5
        case "sha1", "sha": return .sha1
        case "sha256", "sha2256": return .sha256
        case "sha512", "sha2512": return .sha512
        case "sha3256": return .sha3_256
        // `b2sum --tag` writes BLAKE2b for 512 bits and BLAKE2b-256 for 256.
        case "blake2b", "blake2b512": return .blake2b512
        default: return nil
        }
    }

    /// Whether a word names a digest algorithm, computed here or not.
    static func isLabel(_ word: String) -> Bool {
        let plain = word.lowercased().filter { $0.isLetter || $0.isNumber }
        return algorithm(word, byteCount: 0) != nil
            || ["sha384", "sha224", "tiger", "whirlpool", "sha3512", "sha3384", "sha3224", "md4", "ripemd160", "crc32"]
                .contains(plain)
    }
}
