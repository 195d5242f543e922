public import EvidenceModel

/// Where the ledger stands: its number of entries and the root over all of them.
public struct LedgerHead: Hashable, Sendable {
    public let size: Int
    /// RFC 6962 root over all entries.
    public let root: Digest
    /// The last entry.
    public let last: EntryReference
    /// When the last entry was made.
    public let time: UTCTime
}

/// What a caller gets for an entry: enough to show later that it was removed.
public struct LedgerReceipt: Hashable, Sendable {
    /// Number of the entry, counted from 0.
    public let seq: Int
    public let leaf: Digest
    /// RFC 6962 root over all entries up to and with this one.
    public let root: Digest

    /// How another entry names this one.
    public var reference: EntryReference { EntryReference(seq: seq, leaf: leaf) }
}

/// An anchor as table `anchor` holds it.
public struct LedgerAnchor: Hashable, Sendable {
    /// Number of the row.
    public let id: Int
    /// Number of entries of the head that it fixes.
    public let size: Int
    /// For example "tsa".
    public let kind: String
    public let data: [UInt8]
}
