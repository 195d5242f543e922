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
    /// Bytes of free space that are searched for the second piece of a file.
    public var joinReach = 16 * 1024 * 1024
    /// Bytes of the medium before a file in which a later piece of it is searched.
    public var joinReachBefore = 4 * 1024 * 1024
    /// Most pieces of one file.
    public var joinPieces = 16
    /// Joins that are followed where several come far and none to the end.
    public var joinBranches = 2
    /// Largest gap between two pieces where the format itself tells how large it is.
    public var farJoinGap = 4 * 1024 * 1024
    /// Largest gap between two pieces where every gap must be tried.
    public var nearJoinGap = 64 * 512
    /// Block borders, counted back from where a file breaks, at which its first piece may end.
    public var joinBack = 256
    /// Most bytes that the search for one file's second piece may read and inflate.
    public var joinWork = 1024 * 1024 * 1024
    /// Most bytes that the search for all pieces may read and inflate, for each byte of the medium; small media are
    /// allowed the work of ``joinBatch`` files.
    public var joinTotalWork = 256
    /// Files that share what is left of the work, in the order of offsets.
    public var joinBatch = 32
    /// Most bytes that trying what may lie between a file's pieces may read, where no checksum proves the join.
    public var guessWork = 16 * 1024 * 1024
    /// Times that the pieces of files are searched for; each time leaves out what was found before.
    public var joinRounds = 8
    /// Deepest level of files inside files: 1 is a member of an archive on the medium.
    public var embeddedDepth = 8
    /// Most embedded files catalogued of one artifact, those inside them counted.
    public var embeddedMembers = 20_000
    /// Most bytes of one decoded embedded file.
    public var embeddedMemberBytes = 512 * 1024 * 1024
    /// Most bytes decoded while looking into one artifact, what its files' walkers decode counted.
    public var embeddedTotalBytes = 4 * 1024 * 1024 * 1024
    /// Content this many times as large as its stored bytes is a decompression bomb.
    public var embeddedRatio = 250
    /// Decoded bytes up to which ``embeddedRatio`` is not looked at.
    public var embeddedRatioAbove = 64 * 1024 * 1024
    /// Largest window of past content that decompressing an embedded file may keep in memory.
    public var embeddedWindowBytes = 64 * 1024 * 1024
    /// Most bytes of an archive that must be unpacked as a whole, and of all that it gives.
    public var embeddedUnpackedBytes = 1024 * 1024 * 1024
    /// Most extents of one embedded file.
    public var embeddedExtents = 4096
    /// First bytes of an embedded file that libmagic describes when no walker knows it.
    public var embeddedDescribedBytes = 4096
    /// Most bytes between the finds of a medium that are read again and searched at every offset.
    public var embeddedGapBytes = 512 * 1024 * 1024
    /// Bytes that walkers may read in vain for each byte of the medium that has passed.
    public var readsPerByte = 256
    /// Bytes that walkers may read in vain at one place before that counts.
    public var readCredit = 1024 * 1024 * 1024
    /// Bytes that may be read in vain at one place for each byte of the medium, where that is more.
    public var readCreditPerByte = 256
    /// Most bytes that may be read in vain at one place, however large the medium is.
    public var mostReadCredit = 16 * 1024 * 1024 * 1024
    /// Bytes that walkers may decode for each byte of the medium that has passed.
    public var decodedPerByte = 64
    /// Bytes that walkers may decode before that counts.
    public var decodedCredit = 16 * 1024 * 1024 * 1024
    /// Bytes that walkers may decode at any one place, or while one artifact is looked into, whatever was decoded before.
    public var decodedLeast = 64 * 1024
    /// Bytes of the medium that must pass for each place that libmagic is asked about.
    public var bytesPerMagic = 16 * 1024
    /// Places that libmagic is asked about before that counts.
    public var magicCredit = 20_000
    /// Bytes decoded while looking into one artifact, for each of its own, that the credit of the medium does not pay.
    public var embeddedDecodedPerByte = 16
    /// Bytes decoded beyond that while looking into all artifacts of a medium.
    public var embeddedDecodedCredit = 64 * 1024 * 1024 * 1024
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
            ("carve_join_reach", joinReach), ("carve_join_far_gap", farJoinGap),
            ("carve_join_near_gap", nearJoinGap), ("carve_join_back", joinBack), ("carve_join_work", joinWork),
            ("carve_join_reach_before", joinReachBefore), ("carve_join_pieces", joinPieces),
            ("carve_join_branches", joinBranches), ("carve_join_total_work", joinTotalWork),
            ("carve_join_batch", joinBatch), ("carve_guess_work", guessWork), ("carve_join_rounds", joinRounds),
            ("embedded_depth", embeddedDepth), ("embedded_members", embeddedMembers),
            ("embedded_member_bytes", embeddedMemberBytes), ("embedded_total_bytes", embeddedTotalBytes),
            ("embedded_ratio", embeddedRatio), ("embedded_ratio_above", embeddedRatioAbove),
            ("embedded_window_bytes", embeddedWindowBytes), ("embedded_unpacked_bytes", embeddedUnpackedBytes),
            ("embedded_extents", embeddedExtents), ("embedded_described_bytes", embeddedDescribedBytes),
            ("carve_embedded_gap_bytes", embeddedGapBytes),
            ("carve_reads_per_byte", readsPerByte),
            ("carve_read_credit", readCredit), ("carve_read_credit_per_byte", readCreditPerByte),
            ("carve_most_read_credit", mostReadCredit),
            ("carve_decoded_per_byte", decodedPerByte), ("carve_decoded_credit", decodedCredit),
            ("carve_decoded_least", decodedLeast),
            ("carve_bytes_per_magic", bytesPerMagic), ("carve_magic_credit", magicCredit),
            ("embedded_decoded_per_byte", embeddedDecodedPerByte), ("embedded_decoded_credit", embeddedDecodedCredit),
        ] + WalkLimit.allCases.map { ($0.rawValue, $0.value) }
    }
}
