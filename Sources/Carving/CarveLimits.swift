/// The limits of a carving run. Their names and values belong to the provenance of its result.
public struct CarveLimits: Hashable, Sendable {
    /// First bytes of an artifact that libmagic describes.
    public var describedBytes = 256 * 1024
    /// First bytes of a candidate that libmagic confirms when no walker knows it.
    public var confirmedBytes = 64 * 1024
    /// A broken file is kept only when its valid prefix has at least this many bytes: what is shorter is mostly a
    /// few bytes of other data that look like a header.
    public var smallestBroken = 512
    /// Most bytes of an artifact that only its header vouches for.
    public var largestHeader = 1024 * 1024
    /// A run of this many zero bytes ends an artifact that only its header vouches for.
    public var zeroRun = 4096
    /// A place with a signature of at least this many bytes may be kept on libmagic's word although a walker declined.
    public var signatureAboveWalker = 6
    /// Candidates examined ahead of the decision about them: bounds memory, changes no result.
    public var candidatesAhead = 256

    /// The limits that suit evidence.
    public init() {}

    /// Name and value of each limit that can change a result, for provenance.
    public var named: [(name: String, value: Int)] {
        [
            ("carve_described_bytes", describedBytes), ("carve_confirmed_bytes", confirmedBytes),
            ("carve_smallest_broken", smallestBroken), ("carve_largest_header", largestHeader),
            ("carve_zero_run", zeroRun), ("carve_signature_above_walker", signatureAboveWalker),
        ]
    }
}
