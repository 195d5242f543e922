public import EvidenceModel

/// The signed content of an entry: what was recorded, and the whole past it commits to.
public struct EntryBody: Hashable, Sendable {
    /// The version of the body's format.
    static let version = 1

    /// "<lab domain>/custody/<case number>/<16 hexadecimal digits of the genesis nonce>".
    public let origin: String
    /// Number of the entry, counted from 0.
    public let seq: Int
    /// Leaf hash of the entry before; 32 zero bytes for entry 0.
    public let previousLeaf: Digest
    /// RFC 6962 root over all entries before this one; SHA-256 of nothing for entry 0.
    public let previousRoot: Digest
    public let time: UTCTime
    public let caseNumber: String
    /// SHA-256 of the signer's certificate (DER).
    public let certificate: Digest
    /// What was recorded.
    public let draft: EntryDraft

    /// The body as it is signed (RFC 8785).
    public var canonical: CanonicalValue {
        .object(compacting: [
            "v": .integer(Self.version), "type": .string(draft.verb.type), "origin": .string(origin),
            "seq": .size(seq), "prev": .string(previousLeaf.hex), "root": .string(previousRoot.hex),
            "t": .string(time.rfc3339), "clock": draft.clock.canonical,
            "actor": SigningActor(actor: draft.actor, certificate: certificate).canonical,
            "case": .string(caseNumber), "authority": draft.authority?.canonical, "items": .list(draft.items),
            "from": draft.from?.canonical, "to": draft.to?.canonical, "place": draft.place?.canonical,
            "reason": draft.reason.map { .string($0) }, "tool": draft.tool.canonical,
            "check": draft.check?.canonical, "changes": .list(draft.changes), "refs": .list(draft.refs),
            "corrects": draft.corrects?.canonical, "anchor": draft.anchor?.canonical,
            "detail": draft.detail?.canonical,
        ])
    }

    init(
        origin: String, seq: Int, previousLeaf: Digest, previousRoot: Digest, time: UTCTime, caseNumber: String,
        certificate: Digest, draft: EntryDraft
    ) {
        self.origin = origin
        self.seq = seq
        self.previousLeaf = previousLeaf
        self.previousRoot = previousRoot
        self.time = time
        self.caseNumber = caseNumber
        self.certificate = certificate
        self.draft = draft
    }

    /// Reads a body strictly: canonical JSON, each field in the form that the format states, nothing unknown.
    ///
    /// - Throws: ``LedgerError`` with code `malformedEntry` that names the field.
    public init(parsing bytes: [UInt8]) throws(LedgerError) {
        let value: CanonicalValue
        do { value = try CanonicalValue(parsing: bytes) } catch {
            throw LedgerError(.malformedEntry, "the body is \(error)")
        }
        var fields = try FieldReader(value, at: "")
        guard try fields.integer("v") == Self.version else {
            throw FieldReader.malformed("v", "must be \(Self.version)")
        }
        let type = try fields.text("type")
        guard let verb = LedgerVerb.allCases.first(where: { $0.type == type }) else {
            throw FieldReader.malformed("type", "is \"\(type)\", which is no verb of this format")
        }
        origin = try fields.text("origin")
        seq = try fields.count("seq")
        previousLeaf = try fields.sha256("prev")
        previousRoot = try fields.sha256("root")
        time = try fields.time("t")
        let actor = try fields.object("actor", SigningActor.self)
        caseNumber = try fields.text("case")
        certificate = actor.certificate
        draft = EntryDraft(
            verb, actor: actor.actor, tool: try fields.object("tool", LedgerTool.self),
            clock: try fields.object("clock", ClockState.self),
            authority: try fields.optionalObject("authority", LedgerAuthority.self),
            items: try fields.objects("items", LedgerItem.self),
            from: try fields.optionalObject("from", LedgerParty.self),
            to: try fields.optionalObject("to", LedgerParty.self),
            place: try fields.optionalObject("place", LedgerPlace.self),
            reason: try fields.optionalText("reason"),
            check: try fields.optionalObject("check", LedgerCheck.self),
            changes: try fields.objects("changes", LedgerChange.self),
            refs: try fields.objects("refs", EntryReference.self),
            corrects: try fields.optionalObject("corrects", EntryReference.self),
            anchor: try fields.optionalObject("anchor", AnchorReference.self),
            detail: try EntryDetail.read(for: verb, from: &fields))
        try fields.finish()
        if let shortcoming = draft.shortcoming { throw FieldReader.malformed("", "is incomplete: \(shortcoming)") }
    }
}
