public import EvidenceModel
import Foundation
public import Trust

/// The head of a ledger as a short text (C2SP tlog-checkpoint): origin, number of entries, root.
///
/// Signed by the workstation it is some 200 bytes, small enough for a label, a letter or a message: the one thing
/// that shows later whether the ledger was cut or rewritten.
public struct Checkpoint: Hashable, Sendable {
    public let origin: String
    /// Number of entries.
    public let size: Int
    /// RFC 6962 root over them.
    public let root: Digest

    public init(origin: String, size: Int, root: Digest) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    public init(origin: String, head: LedgerHead) { self.init(origin: origin, size: head.size, root: head.root) }

    /// What is signed: three lines, each with its line feed.
    public var text: String { "\(origin)\n\(size)\n\(Data(root.bytes).base64EncodedString())\n" }

    /// Reads the text of a note; nil when it is not exactly the three lines that ``text`` writes.
    public init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4, !lines[0].isEmpty, let size = Int(lines[1]), size > 0,
            let root = Data(base64Encoded: String(lines[2])), root.count == 32
        else { return nil }
        self.init(origin: String(lines[0]), size: size, root: Digest(.sha256, Array(root)))
        guard self.text == text else { return nil }
    }

    /// Reads a note and checks that one of the keys signed it.
    ///
    /// - Throws: ``LedgerError``: `malformedEntry` when it is no checkpoint, `wrongCheckpointKey` when none of the keys
    ///   signed it.
    public init(note: String, signedByOneOf keys: [NoteVerifier]) throws(LedgerError) {
        let signed: SignedNote
        do { signed = try SignedNote(parsing: note) } catch {
            throw LedgerError(.malformedEntry, "not a checkpoint: \(error.message)")
        }
        guard let checkpoint = Checkpoint(text: signed.text) else {
            throw LedgerError(.malformedEntry, "not a checkpoint: it is not the three lines origin, size and root")
        }
        guard keys.contains(where: { signed.isSigned(by: $0) }) else {
            throw LedgerError(.wrongCheckpointKey, "the checkpoint is not signed by a key that the ledger names")
        }
        self = checkpoint
    }
}

extension LedgerStore {
    /// Signs the head and keeps the note in the file. The same head gives the same note.
    ///
    /// - Parameter key: the workstation's key: the one that the genesis names, or one that a `key.authorise` entry names.
    /// - Returns: the signed note, to be kept outside the case as well.
    public func publishCheckpoint(key: NoteKey) throws(LedgerError) -> String {
        guard try isAuthorised(key.vkey) else {
            throw LedgerError(
                .wrongCheckpointKey,
                "the key \(key.vkey) is not one that this ledger names; record a key.authorise entry for it first")
        }
        return try publish { (checkpoint) throws(LedgerError) in
            do { return try key.sign(checkpoint.text).encoded } catch {
                throw LedgerError(.signing, "the checkpoint could not be signed: \(error)")
            }
        }
    }

    private func isAuthorised(_ vkey: String) throws(LedgerError) -> Bool {
        if vkey == genesis.checkpointKey { return true }
        var next = 0
        while true {
            let entries = try entries(from: next, limit: 256)
            guard let last = entries.last else { return false }
            for entry in entries where entry.verb == .keyAuthorise {
                if case .key(let key)? = entry.detail, key.checkpointKey == vkey { return true }
            }
            next = last.seq + 1
        }
    }
}
