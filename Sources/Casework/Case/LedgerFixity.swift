import CustodyLedger
import EvidenceModel
import Foundation

/// The SHA-256 of the ledger's file as Exhibit left it: `checkpoints/<entries>.ledger.sha256`, for `sha256sum -c`.
///
/// The entries prove themselves. This shows a changed byte also where it means nothing, in unused space of the file. It is
/// signed by nobody: it is against accidents, not attackers.
struct LedgerFixity {
    let folder: CaseFolder

    /// Path of the file for a ledger of so many entries.
    func path(entries: Int) -> String { folder.checkpointPath(entries: entries) + ".ledger.sha256" }

    /// Notes how the file is now, and forgets how it was before.
    ///
    /// Digest and note are taken under one lock, so that of several processes the last one to write is also the last one
    /// to have looked.
    func note(_ ledger: LedgerStore) throws {
        let lock = try FolderLock(folder.checkpointsPath, what: "the checkpoints", waiting: true)
        let entries = try ledger.head.size
        let digest = try FileDigest.sha256(ofFile: folder.ledgerPath)
        let current = path(entries: entries)
        try DurableFile.write(Array("\(digest.hex)  ledger.custody\n".utf8), to: current)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.checkpointsPath)
        where name.hasSuffix(".ledger.sha256") && folder.checkpointsPath + "/" + name != current {
            try FileManager.default.removeItem(atPath: folder.checkpointsPath + "/" + name)
        }
        _ = consume lock
    }

    /// Forgets how the file was: before a write that changes it without adding an entry, since a note for the same number of
    /// entries would otherwise outlive a process that is killed in between.
    func forget() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.checkpointsPath)
        where name.hasSuffix(".ledger.sha256") {
            do {
                try FileManager.default.removeItem(atPath: folder.checkpointsPath + "/" + name)
            } catch CocoaError.fileNoSuchFile {
                continue  // Another process has forgotten it too.
            }
        }
    }

    /// What the note says of a ledger of so many entries; nil when there is none.
    func difference(entries: Int) throws -> Verification.Verdict? {
        let path = path(entries: entries)
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let noted = String(decoding: try DurableFile.read(path, limit: 4096).prefix { $0 != 0x20 }, as: UTF8.self)
        let observed = try FileDigest.sha256(ofFile: folder.ledgerPath).hex
        return observed == noted
            ? .holds("the file is as it was left")
            : .differs("SHA-256 of ledger.custody is \(observed); it was \(noted) when it was last written")
    }
}
