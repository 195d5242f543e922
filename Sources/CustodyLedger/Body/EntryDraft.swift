/// What a caller wants recorded; the store adds the position in the ledger, the time and the signature.
public struct EntryDraft: Hashable, Sendable {
    public var verb: LedgerVerb
    public var actor: LedgerActor
    public var tool: LedgerTool
    public var clock: ClockState
    public var authority: LedgerAuthority?
    public var items: [LedgerItem]
    /// Transfers only.
    public var from: LedgerParty?
    /// Transfers only.
    public var to: LedgerParty?
    public var place: LedgerPlace?
    public var reason: String?
    public var check: LedgerCheck?
    public var changes: [LedgerChange]
    /// Earlier entries that this one rests on: the begin of an end, the offer of an accept.
    public var refs: [EntryReference]
    /// The entry that a correction corrects.
    public var corrects: EntryReference?
    public var anchor: AnchorReference?
    /// What this verb states beyond the shared fields.
    public var detail: EntryDetail?

    public init(
        _ verb: LedgerVerb, actor: LedgerActor, tool: LedgerTool, clock: ClockState = .current(),
        authority: LedgerAuthority? = nil, items: [LedgerItem] = [], from: LedgerParty? = nil, to: LedgerParty? = nil,
        place: LedgerPlace? = nil, reason: String? = nil, check: LedgerCheck? = nil, changes: [LedgerChange] = [],
        refs: [EntryReference] = [], corrects: EntryReference? = nil, anchor: AnchorReference? = nil,
        detail: EntryDetail? = nil
    ) {
        self.verb = verb
        self.actor = actor
        self.tool = tool
        self.clock = clock
        self.authority = authority
        self.items = items
        self.from = from
        self.to = to
        self.place = place
        self.reason = reason
        self.check = check
        self.changes = changes
        self.refs = refs
        self.corrects = corrects
        self.anchor = anchor
        self.detail = detail
    }

    /// What the verb demands beyond the form of each field. Nil when nothing is missing.
    var shortcoming: String? {
        if verb.isTransfer != (from != nil && to != nil) || verb.isTransfer != (from != nil || to != nil) {
            return verb.isTransfer
                ? "a transfer names both `from` and `to`" : "`from` and `to` belong to transfers only"
        }
        if verb.isAnchor != (anchor != nil) {
            return verb.isAnchor ? "\(verb.rawValue) names its anchor" : "`anchor` belongs to anchor entries only"
        }
        if (verb == .correction) != (corrects != nil) {
            return verb == .correction
                ? "a correction names the entry that it corrects" : "`corrects` belongs to corrections only"
        }
        if [.correction, .incident, .dispose].contains(verb), reason == nil {
            return "\(verb.rawValue) states its reason"
        }
        if Self.verbsAboutItems.contains(verb), items.isEmpty { return "\(verb.rawValue) names at least one item" }
        if verb == .verify, check == nil { return "verify states its check" }
        if verb.begin != nil || [.transferAccept, .transferRefuse, .reportAmend].contains(verb), refs.isEmpty {
            return "\(verb.rawValue) refers to the entry that it answers"
        }
        if verb == .transferAccept, items.contains(where: { $0.condition == nil }) {
            return "transfer.accept states the condition of each item again"
        }
        return nil
    }

    private static let verbsAboutItems: Set<LedgerVerb> = [
        .seize, .receive, .intake, .sealOpen, .sealClose, .transferOffer, .transferAccept, .transferRefuse, .storeIn,
        .storeOut, .acquireBegin, .acquireEnd, .verify, .copy, .carveRun, .analyseBegin, .analyseEnd, .return, .dispose,
        .inventory,
    ]
}
