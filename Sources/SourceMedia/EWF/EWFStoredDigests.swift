import EvidenceModel

/// The digests that sections `hash` (MD5) and `digest` (MD5 and SHA-1) hold of the medium.
enum EWFStoredDigests {
    /// Bytes of content that are needed of `digest`, the longer one.
    static let largestContent = 80

    /// The digests, and whether the section's own Adler-32 holds; nil when the content is too short.
    ///
    /// A digest of nothing but zeros was never taken.
    static func read(_ type: String, _ bytes: [UInt8]) -> (digests: [Digest], isIntact: Bool)? {
        switch type {
        case "hash":
            guard bytes.count >= 36 else { return nil }
            return (taken([Digest(.md5, Array(bytes[0..<16]))]), Adler32.holds(bytes, count: 32, storedAt: 32))
        default:
            guard bytes.count >= 80 else { return nil }
            return (
                taken([Digest(.md5, Array(bytes[0..<16])), Digest(.sha1, Array(bytes[16..<36]))]),
                Adler32.holds(bytes, count: 76, storedAt: 76)
            )
        }
    }

    private static func taken(_ digests: [Digest]) -> [Digest] {
        digests.filter { $0.bytes.contains { $0 != 0 } }
    }
}
