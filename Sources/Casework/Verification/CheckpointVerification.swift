import CustodyLedger
import EvidenceModel
import Foundation
import Trust

/// The checkpoints that lie in the case, and the stamps over them. The audit compares what the notes state with the
/// entries; this names the file that was changed.
extension VerifyWorkflow {
    func checkCheckpoints(
        _ entries: [LedgerEntry], _ roots: [Certificate], _ verification: inout Verification
    ) {
        // Without entries no key is known; the ledger's own line has said what is wrong.
        guard !entries.isEmpty, FileManager.default.fileExists(atPath: folder.checkpointsPath) else { return }
        do {
            let keys = try Self.checkpointKeys(entries)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.checkpointsPath).sorted()
            for name in names where name.hasSuffix(".note") {
                checkNote(name, keys, &verification)
                let files = StampFiles(ofNoteAt: folder.checkpointsPath + "/" + name)
                if names.contains(name + ".tsr") { checkStamp(files.ownPath, files, roots, &verification) }
                for path in files.outsidePaths { checkStamp(path, files, roots, &verification) }
            }
        } catch {
            verification.add("checkpoints", .differs("\(error)"))
        }
    }

    /// The keys that the ledger names for checkpoints.
    private static func checkpointKeys(_ entries: [LedgerEntry]) throws -> [NoteVerifier] {
        try entries.compactMap { entry in
            switch entry.detail {
            case .genesis(let genesis): try NoteVerifier(vkey: genesis.checkpointKey)
            case .key(let key) where entry.verb == .keyAuthorise:
                try key.checkpointKey.map { try NoteVerifier(vkey: $0) }
            default: nil
            }
        }
    }

    private func checkNote(_ name: String, _ keys: [NoteVerifier], _ verification: inout Verification) {
        let subject = "checkpoints/\(name)"
        do {
            let bytes = try DurableFile.read(folder.checkpointsPath + "/" + name, limit: 1 << 20)
            let checkpoint = try Checkpoint(note: String(decoding: bytes, as: UTF8.self), signedByOneOf: keys)
            verification.add(subject, .holds("signed head of \(checkpoint.size) entries"))
        } catch {
            verification.add(subject, .differs("\(error)"))
        }
    }

    /// A stamp over a file of the case, by the laboratory's own authority or an outside one.
    func checkStamp(
        _ path: String, _ files: StampFiles, _ roots: [Certificate], _ verification: inout Verification
    ) {
        let subject = String(path.dropFirst(folder.path.utf8.count + 1))
        do {
            let stamp = try DurableFile.read(path, limit: StampFiles.largestFile)
            let verdict = TimestampVerifier.verify(
                response: stamp, data: try files.data(), laboratory: roots, outside: try folder.outsideRoots())
            switch verdict {
            case .valid(let verified): verification.add(subject, .holds(verified.sentence))
            case .invalid(let problem): verification.add(subject, .differs("\(problem)"))
            }
        } catch {
            verification.add(subject, .differs("\(error)"))
        }
    }
}
