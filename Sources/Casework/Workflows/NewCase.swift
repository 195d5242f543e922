import CustodyLedger
import EvidenceModel
import Foundation
import Trust

/// Makes a case: folder, certificates and the ledger's first entry, whole or not at all.
public struct NewCase {
    public var number: String
    public var title: String
    /// Language of its reports.
    public var language: String
    /// Domain name of the laboratory, the first part of the ledger's origin.
    public var labDomain: String

    /// - Parameter number: the investigation's number, as the laboratory writes it.
    public init(number: String, title: String? = nil, language: String = "en", labDomain: String = "exhibit.invalid") {
        self.number = number
        self.title = title ?? number
        self.language = language
        self.labDomain = labDomain
    }

    /// Makes the case at `path`.
    ///
    /// - Throws: ``CaseError``: `exists`, `storage`, `refused`; ledger and identity errors.
    public func create(at path: String, workstation: Workstation, examiner: Examiner) throws -> CaseFolder {
        guard !number.isEmpty, number.utf8.count <= 128, !number.unicodeScalars.contains(where: { $0.value < 0x20 })
        else {
            throw CaseError(.refused, "A case number has 1 to 128 bytes and no control characters.")
        }
        let noteKey = try workstation.identities.workstationNoteKey()
        let roots = try workstation.identities.laboratoryRoots() + examiner.signer.chain.filter(\.isSelfIssued)
        let distinctRoots = roots.enumerated().filter { roots.firstIndex(of: $1) == $0 }.map(\.element)
        let authority = try workstation.identities.timestampAuthority()
        let folder = try CaseFolder.create(at: path) { work in
            let genesis = LedgerGenesis(
                certificateAuthorities: distinctRoots.map(\.sha256),
                timestampAuthorities: [authority.certificate.sha256], checkpointKey: noteKey.vkey)
            let ledger = try LedgerStore.create(
                at: work + "/ledger.custody", caseNumber: number, labDomain: labDomain, genesis: genesis,
                signer: examiner.signer, actor: examiner.actor, tool: LedgerTool(workstation.tool))
            try declareEarlierLedgers(in: ledger, workstation, examiner)
            try ledger.close()
            try DurableFile.write(Array(distinctRoots.map(\.pem).joined().utf8), to: work + "/ca.pem")
            return CaseFacts(
                number: number, title: title, language: language, origin: ledger.origin, created: UTCTime.systemClock)
        }
        try LedgerFixity(folder: folder).note(LedgerStore.open(at: folder.ledgerPath))
        return folder
    }

    /// A second ledger for a case number is honest only when it says so.
    private func declareEarlierLedgers(
        in ledger: LedgerStore, _ workstation: Workstation, _ examiner: Examiner
    ) throws {
        for earlier in try workstation.highWaterMarks().earlierLedgers(forCaseOf: ledger.origin) {
            _ = try ledger.append(
                EntryDraft(
                    .incident, actor: examiner.actor, tool: LedgerTool(workstation.tool),
                    reason: "this is not the first ledger for case \(number) on this workstation: \(earlier.origin) "
                        + "was seen last at \(earlier.time.rfc3339)", detail: .incident(IncidentKind(.other))),
                signer: examiner.signer)
        }
    }
}
