public import EvidenceModel

/// One member of an archive, as it stands there.
public struct ArchiveMember: Hashable, Sendable {
    /// The name's bytes, which need not be UTF-8.
    public let nameBytes: [UInt8]
    /// Bytes of its content, as they were read; nil when it was not read.
    public let size: Int?
    /// Last modification in milliseconds since 1970, as the archive states it.
    public let modified: Int64?
    /// Permission bits, as the archive states them.
    public let mode: UInt32?
    /// Of its content; nil when it was not read.
    public let sha256: Digest?
    /// Why its content was not read; nil when it was.
    public let notRead: String?
}

/// The members of an archive, in its order, and what is wrong with it.
public struct ArchiveListing: Hashable, Sendable {
    public internal(set) var members: [ArchiveMember] = []
    /// What is damaged, or was not read because a limit was reached; each names the member.
    public internal(set) var damage: [String] = []
    public internal(set) var warnings: [String] = []
}

/// A source whose medium is an archive file, with members that can be listed.
public protocol ArchiveSource: SourceReader {
    /// Reads the file a second time, member by member, in a confined process.
    ///
    /// - Throws: ``SourceError``: `unreadable` when no process can be started, `changed`.
    func listing() throws(SourceError) -> ArchiveListing
}

/// How far an archive is followed: it may be made to keep its reader busy for ever.
public struct ArchiveLimits: Hashable, Sendable {
    public var members = 2_000_000
    /// Bytes of all members' contents together.
    public var contentBytes = 4 << 40
    /// Bytes of content for each byte of the archive; deflate reaches 1,032.
    public var ratio = 1_100
    /// Bytes of content that are read whatever the ratio.
    public var freeBytes = 256 << 20
    /// Bytes of a name; longer ones are not listed.
    public var nameLength = 4_096
    /// Bytes of the list of members.
    public var listingBytes = 512 << 20
    /// Complaints that are listed.
    public var complaints = 100
    /// Seconds that the whole list may take.
    public var seconds = 6 * 3600

    /// The limits that are in force unless said otherwise.
    public init() {}
}
