/// What an entry records. The body's `type` is "custody." and the verb.
public enum LedgerVerb: String, CaseIterable, Hashable, Sendable {
    case genesis
    case seize
    case receive
    case intake
    case sealOpen = "seal.open"
    case sealClose = "seal.close"
    case transferOffer = "transfer.offer"
    case transferAccept = "transfer.accept"
    case transferRefuse = "transfer.refuse"
    case storeIn = "store.in"
    case storeOut = "store.out"
    case acquireBegin = "acquire.begin"
    case acquireEnd = "acquire.end"
    case verify
    case copy
    case export
    case carveRun = "carve.run"
    case analyseBegin = "analyse.begin"
    case analyseEnd = "analyse.end"
    case reportIssue = "report.issue"
    case reportAmend = "report.amend"
    case disclose
    case `return`
    case dispose
    case keyAuthorise = "key.authorise"
    case keyRevoke = "key.revoke"
    case certificateStatus = "cert.status"
    case anchorTSA = "anchor.tsa"
    case anchorWitness = "anchor.witness"
    case anchorLabel = "anchor.label"
    case correction
    case inventory
    case incident

    /// The body's `type`.
    public var type: String { "custody." + rawValue }

    /// The verb that ends what this one begins; nil for a verb that stands alone.
    public var end: LedgerVerb? {
        switch self {
        case .acquireBegin: .acquireEnd
        case .analyseBegin: .analyseEnd
        default: nil
        }
    }

    /// The verb that begins what this one ends; nil for a verb that stands alone.
    public var begin: LedgerVerb? {
        switch self {
        case .acquireEnd: .acquireBegin
        case .analyseEnd: .analyseBegin
        default: nil
        }
    }

    var isTransfer: Bool { [.transferOffer, .transferAccept, .transferRefuse].contains(self) }
    var isAnchor: Bool { [.anchorTSA, .anchorWitness, .anchorLabel].contains(self) }
}
