import Digesting
import EvidenceModel
import SourceMedia

/// `files.jsonl`: every file of a folder, or member of an archive, with its size, times and SHA-256, one canonical object a line.
///
/// See `Documentation/Formats/evidence-manifest.md`.
struct FileListing {
    /// The file's bytes.
    private(set) var bytes: [UInt8] = []
    /// Number of files whose content was read.
    private(set) var count = 0
    private(set) var contentBytes = 0
    private var tree = MerkleFrontier()

    /// RFC 6962 root over the lines, without their line ends.
    var root: [UInt8] { get throws(DigestError) { try tree.root } }

    /// - Parameter digests: SHA-256 of each file, in the order of `description.files`.
    init(_ description: SourceDescription, digests: [Digest]) throws(DigestError) {
        for (file, digest) in zip(description.files, digests) {
            var members = Self.name(file.nameBytes)
            members["size"] = .size(file.size)
            members["sha256"] = .string(digest.hex)
            if let modified = file.modified {
                members["mtime"] = .string(UTCTime(milliseconds: modified).rfc3339)
            }
            if let mode = file.mode { members["mode"] = .string(String(mode, radix: 8)) }
            try add(.object(members))
            count += 1
            contentBytes += file.size
        }
        for oddity in description.oddities {
            var members = Self.name(oddity.nameBytes)
            members["not_read"] = .string(oddity.what)
            try add(.object(members))
        }
    }

    /// - Parameter members: of an archive, in its order.
    init(_ members: [ArchiveMember]) throws(DigestError) {
        for member in members {
            var line = Self.name(member.nameBytes)
            if let modified = member.modified { line["mtime"] = .string(UTCTime(milliseconds: modified).rfc3339) }
            if let mode = member.mode { line["mode"] = .string(String(mode, radix: 8)) }
            if let size = member.size, let sha256 = member.sha256, member.notRead == nil {
                line["size"] = .size(size)
                line["sha256"] = .string(sha256.hex)
                count += 1
                contentBytes += size
            } else {
                line["not_read"] = .string(member.notRead ?? "it was not digested")
            }
            try add(.object(line))
        }
    }

    /// The entries of a stored listing that are no files and were not read: what each is called, and why.
    ///
    /// - Throws: `EvidenceModel`'s error when a line is not canonical JSON.
    static func notRead(in listing: [UInt8]) throws -> [(name: String, why: String)] {
        try listing.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let value = try CanonicalValue(parsing: Array(line))
            guard let why = value["not_read"]?.string else { return nil }
            return (value["path"]?.string ?? value["path_hex"]?.string ?? "", why)
        }
    }

    private mutating func add(_ line: CanonicalValue) throws(DigestError) {
        let encoded = line.encoded
        bytes += encoded + [UInt8(ascii: "\n")]
        try tree.append(leafHash: MerkleFrontier.leafHash(encoded))
    }

    /// The path, or its bytes in hexadecimal digits where they are not UTF-8.
    private static func name(_ bytes: [UInt8]) -> [String: CanonicalValue] {
        if let text = String(validating: bytes, as: UTF8.self) { return ["path": .string(text)] }
        return ["path_hex": .string(Hex.encode(bytes))]
    }
}
