public import CustodyLedger
import EvidenceModel

/// What the ledger says was done with one item so far: where an interrupted job goes on.
public struct ItemHistory: Sendable {
    /// The item's `intake`.
    public private(set) var intake: LedgerEntry?
    /// The `acquire.end` that counts: the last one.
    public private(set) var acquired: LedgerEntry?
    /// The last `carve.run` after it.
    public private(set) var carved: LedgerEntry?
    /// The last `verify` after it.
    public private(set) var verified: LedgerEntry?
    /// Each `acquire.begin` that no `acquire.end` and no later `acquire.begin` answers.
    public private(set) var interruptedAcquisitions: [EntryReference] = []
    /// Each `analyse.begin` that no `analyse.end` and no later `analyse.begin` answers.
    public private(set) var interruptedAnalyses: [EntryReference] = []

    init(of item: String, in entries: some Sequence<LedgerEntry>) {
        for entry in entries where entry.items.contains(where: { $0.id == item }) { take(entry) }
    }

    private mutating func take(_ entry: LedgerEntry) {
        let answered = Set(entry.body.draft.refs)
        switch entry.verb {
        case .intake: intake = intake ?? entry
        case .acquireBegin:
            interruptedAcquisitions.removeAll { answered.contains($0) }
            interruptedAcquisitions.append(entry.reference)
        case .acquireEnd:
            interruptedAcquisitions.removeAll { answered.contains($0) }
            acquired = entry
            carved = nil
            verified = nil
        case .analyseBegin:
            interruptedAnalyses.removeAll { answered.contains($0) }
            interruptedAnalyses.append(entry.reference)
        case .analyseEnd: interruptedAnalyses.removeAll { answered.contains($0) }
        case .carveRun: carved = entry
        case .verify: verified = entry
        default: break
        }
    }
}
