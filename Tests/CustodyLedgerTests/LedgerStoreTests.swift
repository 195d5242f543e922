import Digesting
import EvidenceModel
import Foundation
import Testing
import Trust

@testable import CustodyLedger

@Suite("Ledger store")
struct LedgerStoreTests {
    let lab: Laboratory

    init() throws { lab = try Laboratory() }

    @Test("entries come back as they were recorded, each committed to the ones before")
    func appendsAndReads() throws {
        let store = try lab.create()
        #expect(store.origin.hasPrefix("lab.example/custody/2026-0042/"))
        let receipt = try store.append(lab.intake(1), signer: lab.examiner)
        #expect(receipt.seq == 1)
        let again = try LedgerStore.open(at: store.path)
        #expect(again.genesis == store.genesis)
        let entries = try again.entries()
        #expect(entries.map(\.verb) == [.genesis, .intake])
        #expect(entries[1].body.draft == lab.intake(1))
        #expect(entries[1].body.previousLeaf == entries[0].leaf)
        #expect(try entries[1].leaf.bytes == MerkleTree.leafHash(entries[1].cms))
        #expect(try entries[1].body.previousRoot.bytes == MerkleTree.root(leaves: [entries[0].leaf.bytes]))
        let head = try again.head
        #expect(head.size == 2 && head.root == receipt.root && head.last == receipt.reference)
    }

    @Test("each entry's signature holds under the laboratory's root")
    func signs() throws {
        let store = try lab.ledger(3)
        for entry in try store.entries() {
            guard case .valid(let signature) = CAdES.verifyAttached(entry.cms, roots: [lab.root], at: entry.time) else {
                Issue.record("entry \(entry.seq) does not verify")
                continue
            }
            #expect(signature.signer.sha256 == entry.body.certificate)
        }
    }

    @Test("an existing ledger is never replaced, and a failed creation leaves nothing")
    func createsOnce() throws {
        let store = try lab.create()
        let before = try FileManager.default.contentsOfDirectory(atPath: lab.folder.path)
        #expect { try lab.create() } throws: { ($0 as? LedgerError)?.code == .alreadyExists }
        #expect(throws: LedgerError.self) { try lab.create("other", case: "") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: lab.folder.path).sorted() == before.sorted())
        #expect(try store.head.size == 1)
    }

    @Test("a checkpoint is a note that the workstation's key signed, kept and repeatable")
    func publishesCheckpoint() throws {
        let store = try lab.ledger(3)
        let note = try store.publishCheckpoint(key: lab.workstation)
        let checkpoint = try Checkpoint(note: note, signedByOneOf: [lab.workstation.verifier])
        #expect(checkpoint == Checkpoint(origin: store.origin, head: try store.head))
        #expect(try store.publishCheckpoint(key: lab.workstation) == note)
        #expect(try store.latestCheckpoint == note)
        let stranger = try NoteKey.generate(name: "stranger")
        #expect { try store.publishCheckpoint(key: stranger) } throws: {
            ($0 as? LedgerError)?.code == .wrongCheckpointKey
        }
    }
}
