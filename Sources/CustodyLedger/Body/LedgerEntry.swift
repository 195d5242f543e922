import Digesting
public import EvidenceModel
import Trust

/// One entry as the file holds it, its body read. Reading proves nothing: that is the audit's work.
public struct LedgerEntry: Hashable, Sendable {
    /// Most bytes that an entry's CMS blob may have: C2SP tlog-tiles bundles carry 16-bit lengths.
    public static let largestSize = 65_535

    public let seq: Int
    /// The signed entry: CMS SignedData with the body inside (DER).
    public let cms: [UInt8]
    /// SHA-256(0x00 ‖ cms), as the file states it.
    public let leaf: Digest
    public let body: EntryBody

    public var verb: LedgerVerb { body.draft.verb }
    public var time: UTCTime { body.time }
    public var actor: LedgerActor { body.draft.actor }
    public var items: [LedgerItem] { body.draft.items }
    public var reason: String? { body.draft.reason }
    public var detail: EntryDetail? { body.draft.detail }
    /// How another entry names this one.
    public var reference: EntryReference { EntryReference(seq: seq, leaf: leaf) }

    /// Reads the body out of a blob.
    ///
    /// - Throws: ``LedgerError`` with code `malformedEntry` that names the entry.
    init(seq: Int, cms: [UInt8], leaf: Digest) throws(LedgerError) {
        self.seq = seq
        self.cms = cms
        self.leaf = leaf
        do {
            body = try EntryBody(parsing: CAdES.unverifiedContent(of: cms))
        } catch { throw LedgerError(.malformedEntry, "entry \(seq): \(error)") }
    }
}
