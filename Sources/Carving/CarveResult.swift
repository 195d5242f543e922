public import EvidenceModel

/// What a carving run found, and what it did to find it.
public struct CarveResult: Sendable {
    /// The finds, in export order.
    public var artifacts: [Artifact]
    /// What was done.
    public var statistics: CarveStatistics
    /// Times a named limit decided something, by its name; limits that decided nothing are absent.
    public var limitsHit: [String: Int]
    /// What went wrong at single places of the medium, in their order.
    public var warnings: [String]
}

/// Counts of a carving run; the same for any number of workers.
public struct CarveStatistics: Hashable, Sendable {
    /// Places that the pre-filter named.
    public var candidates = 0
    /// Of them, those that lie in a whole file found before.
    public var covered = 0
    /// Of them, those whose bytes were looked at; ``candidates`` less ``covered``.
    public var examined = 0
    /// Of those examined, the ones that walkers knew by their signature and did not accept.
    public var rejected = 0
    /// Of those examined, the ones libmagic was asked about because no walker knew them.
    public var confirmationCalls = 0
    /// Artifacts that libmagic described.
    public var descriptionCalls = 0
    /// Times that libmagic was given bytes to name, for what the result rests on: an answer is asked for in up to three
    /// parts (description, MIME type, extensions). Copies of one content count each, though it is described once.
    public var libmagicCalls = 0
    /// Files found in other files.
    public var embedded = 0
    /// Bytes between the finds that were searched at every offset.
    public var gapBytesSearched = 0
    /// Bytes that went into SHA-256 and MD5.
    public var bytesHashed = 0
}

/// What a carving run does, one after the other.
public enum CarvePhase: Hashable, Sendable {
    /// Candidates are judged, in the order of the medium; counted in bytes of it.
    case examining
    /// The pieces of broken files are looked for; counted in files.
    case joining
    /// What lies between the finds is searched at every offset; counted in bytes.
    case searchingGaps
    /// Files are looked for in the finds; counted in finds.
    case openingFiles
}

/// How far a carving run has come.
public struct CarveProgress: Hashable, Sendable {
    public var phase: CarvePhase
    /// Of ``total``, what is done; in the unit of the phase.
    public var done: Int
    /// What there is to do in the phase, as far as is known.
    public var total: Int
}
