public import CustodyLedger
import EvidenceModel
import Foundation
public import Trust

/// An open case with the examiner who acts on it: the only way in which workflows write to a ledger.
public final class CaseSession: Sendable {
    public let folder: CaseFolder
    public let workstation: Workstation
    public let ledger: LedgerStore
    let signer: Signer
    let actor: LedgerActor
    let timestampAuthority: TimestampAuthority
    let progress: (any ProgressListener)?

    var tool: ToolIdentity { workstation.tool }

    /// Opens a case for an examiner.
    ///
    /// - Throws: ``CaseError`` when the case cannot be used or its ledger went backwards, ledger and identity errors.
    public init(
        _ folder: CaseFolder, workstation: Workstation, examiner: Examiner, progress: (any ProgressListener)? = nil
    ) throws {
        self.folder = folder
        self.workstation = workstation
        self.signer = examiner.signer
        self.actor = examiner.actor
        self.timestampAuthority = try workstation.identities.timestampAuthority()
        self.progress = progress
        ledger = try LedgerStore.open(at: folder.ledgerPath)
        try compareWithHighWaterMark()
    }

    /// Compares the ledger with what this workstation saw last, outside the case, and moves that mark up.
    ///
    /// - Throws: ``CaseError`` with code `refused` when entries are gone or others than before: nothing may be added to
    ///   such a ledger.
    private func compareWithHighWaterMark() throws {
        let seen: HighWaterMark
        switch try workstation.highWaterMarks().compareAndUpdate(ledger) {
        case .consistent: return
        case .shrunk(let mark, _), .forked(let mark): seen = mark
        }
        throw CaseError(
            .refused,
            "The ledger of this case went back: on \(seen.time.rfc3339) this workstation saw \(seen.size) entries that are "
                + "no longer there or differ. Nothing was added. `exhibit ledger audit` shows more; find the newer copy."
        )
    }

    /// Appends one entry, signed by the examiner, and notes the new head outside the case.
    @discardableResult
    func append(
        _ verb: LedgerVerb, items: [LedgerItem] = [], reason: String? = nil, check: LedgerCheck? = nil,
        refs: [EntryReference] = [], corrects: EntryReference? = nil, anchor: AnchorReference? = nil,
        detail: EntryDetail? = nil
    ) throws -> LedgerReceipt {
        let draft = EntryDraft(
            verb, actor: actor, tool: LedgerTool(tool), items: items, reason: reason, check: check, refs: refs,
            corrects: corrects, anchor: anchor, detail: detail)
        let receipt = try TransactionMark(ledgerPath: folder.ledgerPath, home: workstation.home).around {
            try ledger.append(draft, signer: signer)
        }
        try compareWithHighWaterMark()
        return receipt
    }

    /// Ends the work on the case for now: notes how the ledger's file was left.
    public func finish() throws { try LedgerFixity(folder: folder).note(ledger) }

    /// What the ledger says was done with an item.
    func history(of item: String) throws -> ItemHistory { ItemHistory(of: item, in: try ledger.entries()) }

    func now() -> UTCTime { UTCTime.systemClock }

    var manifestExaminer: EvidenceManifest.Examiner {
        EvidenceManifest.Examiner(
            name: actor.name, id: actor.id, org: actor.org, certificate: signer.certificate.sha256)
    }
}

/// A person who acts: the key that signs and the name under which the ledger knows it.
public struct Examiner: Sendable {
    public let signer: Signer
    public let actor: LedgerActor

    /// - Parameter id: staff number or another stable identifier; the identity's name on this workstation.
    public init(_ signer: Signer, id: String, role: String = "examiner") {
        self.signer = signer
        let organization = signer.certificate.subjectOrganization
        actor = LedgerActor(
            name: signer.certificate.subjectCommonName, id: id, role: role,
            org: organization.isEmpty ? "not stated" : organization)
    }

    /// True when the certificate is one for trying out.
    public var isTrial: Bool { signer.certificate.isTrial || signer.chain.contains(where: \.isTrial) }
}
