public import CustodyLedger
public import EvidenceModel
import Foundation
import Trust

/// Publishes the ledger's head: signed by the workstation, stamped by the laboratory's time-stamping authority.
public struct CheckpointWorkflow {
    let folder: CaseFolder
    let workstation: Workstation
    let ledger: LedgerStore

    /// - Parameter ledger: the open ledger of the case.
    public init(_ folder: CaseFolder, workstation: Workstation, ledger: LedgerStore) {
        self.folder = folder
        self.workstation = workstation
        self.ledger = ledger
    }

    /// A published head.
    public struct Published: Sendable {
        public let note: String
        public let size: Int
        public let root: Digest
        public let path: String
        public let anchor: AnchorReference
    }

    /// Writes `checkpoints/<size>.note` and its time stamp, and keeps both in the ledger's file.
    public func publish() throws -> Published {
        let mark = try TransactionMark(ledgerPath: folder.ledgerPath, home: workstation.home)
        try LedgerFixity(folder: folder).forget()
        let note = try mark.around {
            try ledger.publishCheckpoint(key: workstation.identities.workstationNoteKey())
        }
        let checkpoint = try Checkpoint(note: note, signedByOneOf: [NoteVerifier(vkey: ledger.genesis.checkpointKey)])
        let name = folder.checkpointPath(entries: checkpoint.size) + ".note"
        try DurableFile.write(Array(note.utf8), to: name)
        let stamp = try workstation.identities.timestampAuthority().stamp(Array(note.utf8))
        try DurableFile.write(stamp, to: name + ".tsr")
        let anchor = try mark.around { try ledger.addAnchor(kind: "tsa", data: stamp, size: checkpoint.size) }
        try LedgerFixity(folder: folder).note(ledger)
        return Published(
            note: note, size: checkpoint.size, root: checkpoint.root, path: name, anchor: anchor)
    }
}
