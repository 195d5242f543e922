import ArgumentParser
import Casework
import EvidenceModel
import Foundation
import Trust

/// `exhibit prove`.
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Prove that some bytes stood on an item's medium, without the rest of it; or check such a proof.",
        discussion: """
            Writes the 1 MiB blocks that hold the bytes, the digests that lead from each to the signed root, and the \
            signed manifest, with a README. Each block is digested again as it is read: a medium that has changed gives \
            exit status 1 and no proof. The whole blocks are disclosed, also what stands beside the bytes: less than a \
            block cannot be proven. With a passphrase the disclosure becomes an entry of the ledger.

            With --check FOLDER a proof is checked; that needs no case. CHAIN_OF_CUSTODY.md shows the same check with \
            stock tools.
            """)

    @Argument(help: "The item, for example E001.")
    var item: String?

    @Argument(help: "Offset of the first byte on the medium.")
    var offset: Int?

    @Argument(help: "Number of bytes.")
    var length: Int?

    @Option(
        help: ArgumentHelp("Prove the content of this artifact: its id, or the first digits of it.", valueName: "id"))
    var artifact: String?

    @Option(name: .customLong("case"), help: ArgumentHelp("The case's folder.", valueName: "folder"))
    var folder: String?

    @Option(help: ArgumentHelp("Folder to write the proof to; must not exist or be empty.", valueName: "folder"))
    var to: String?

    @Option(help: ArgumentHelp("Where the source lies now, when it has moved.", valueName: "path"))
    var source: String?

    @Option(help: ArgumentHelp("Check the proof in this folder.", valueName: "folder"))
    var check: String?

    @Option(
        help: ArgumentHelp(
            "With --check: the root certificates to trust (PEM), instead of those in the proof.", valueName: "file"))
    var root: String?

    @OptionGroup var examiner: ExaminerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if check != nil {
            guard item == nil, artifact == nil, folder == nil, to == nil, source == nil else {
                throw ValidationError("--check FOLDER stands alone, or with --root FILE.")
            }
            return
        }
        guard root == nil else { throw ValidationError("--root belongs to --check.") }
        guard folder != nil, to != nil else {
            throw ValidationError("Name the case and where to write: --case FOLDER --to FOLDER. Or --check FOLDER.")
        }
        guard (artifact == nil) != (item == nil), artifact != nil || length != nil else {
            throw ValidationError("Name the place: ITEM OFFSET LENGTH, or --artifact ID.")
        }
        if let offset, let length {
            guard offset >= 0, length > 0, !offset.addingReportingOverflow(length).overflow else {
                throw ValidationError("OFFSET and LENGTH are numbers of bytes; LENGTH is at least 1.")
            }
        }
    }

    func run() throws {
        if let check { return try runCheck(of: check) }
        guard let folder, let to else { return }
        let place: ProveWorkflow.Place
        if let artifact {
            place = .artifact(artifact)
        } else if let item, let offset, let length {
            place = .extent(Extent(offset: offset, length: length), item: item)
        } else {
            return
        }
        var workflow = try ProveWorkflow(
            CaseFolder(opening: folder), session: session(on: CaseFolder(opening: folder)), progress: ProgressLine())
        workflow.sourcePath = source
        switch try workflow.run(place, to: to) {
        case .written(let statement):
            try output.write([
                "proof": .string(CaseFolder.absolute(to)), "item": .string(statement.item),
                "blocks": .array(statement.blocks.map { .integer($0.index) }),
                "content": .string(statement.content.hex), "root": .string(statement.root.hex),
            ]) {
                let count = statement.blocks.count
                return "Proof written to \(to): \(count) \(count == 1 ? "block" : "blocks"), content SHA-256 "
                    + "\(statement.content.hex). It discloses the blocks whole; README.txt says what it shows."
            }
        case .mediumChanged(let runs):
            try output.write(["proof": .null, "differing": .array(runs.map(\.canonical))]) { "" }
            let shown = runs.prefix(Self.mostPlacesShown).map(\.text).joined(separator: ", ")
            let rest = runs.count - Self.mostPlacesShown
            Terminal.say(
                "The medium has changed since it was taken in, in \(shown)"
                    + (rest > 0 ? " and \(rest) more places" : "")
                    + ". No proof was written.")
            throw ExitStatus.notVerified
        }
    }

    /// Most changed places that are shown on the screen.
    private static let mostPlacesShown = 20

    private func session(on folder: CaseFolder) throws -> CaseSession? {
        guard examiner.passphrase.isGiven else {
            Terminal.say("Note: no passphrase was given, so this disclosure is not recorded in the ledger.")
            return nil
        }
        let (workstation, _) = try Setting.workstation()
        return try CaseSession(
            folder, workstation: workstation, examiner: try examiner.examiner(at: workstation),
            progress: ProgressLine())
    }

    private func runCheck(of path: String) throws {
        let roots = try root.map { try CertificateFile.read($0) }
        let verification = try ProofCheck(path, roots: roots).run()
        try output.write(VerificationText.value(verification)) { VerificationText.text(verification) }
        if !verification.holds { throw ExitStatus.notVerified }
    }
}
