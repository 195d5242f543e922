import ArgumentParser
import Casework
import CustodyLedger
import EvidenceModel
import Foundation
import Trust

/// `exhibit ledger`.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Look at and check the record of every handling step.",
        subcommands: [Show.self, Audit.self, PublishCheckpoint.self], defaultSubcommand: Show.self)

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the entries of the ledger.")

        @OptionGroup var location: CaseOptions

        @Option(help: "Only entries about this item.")
        var item: String?

        @OptionGroup var output: OutputOptions

        func run() throws {
            let ledger = try LedgerStore.open(at: location.open().ledgerPath)
            let entries = try ledger.entries().filter { entry in
                item == nil || entry.items.contains { $0.id == item }
            }
            try output.write(["entries": .array(entries.map(\.body.canonical))]) {
                var table = Table(["No.", "Time", "Verb", "Items", "By", "Check", "Reason"], numeric: [0])
                for entry in entries {
                    table.add([
                        String(entry.seq), entry.time.rfc3339, entry.verb.rawValue,
                        entry.items.map(\.id).joined(separator: " "), entry.actor.name,
                        entry.body.draft.check?.result.rawValue ?? "", entry.reason ?? "",
                    ])
                }
                return table.text
            }
        }
    }

    struct Audit: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check every entry of the ledger, its chain, tree, signatures and anchors.",
            discussion: """
                Changes nothing. A checkpoint that was kept elsewhere (a copy, a label, a file from another authority) shows \
                what the ledger alone cannot: that entries were cut off or rewritten.
                """)

        @OptionGroup var location: CaseOptions

        @Option(
            help: ArgumentHelp("A checkpoint that was kept outside the case. May be repeated.", valueName: "file"))
        var checkpoint: [String] = []

        @OptionGroup var output: OutputOptions

        func run() throws {
            let folder = try location.open()
            let (workstation, _) = try Setting.workstation()
            var review = LedgerReview(folder, workstation: workstation)
            review.checkpoints = try checkpoint.map { path in
                do {
                    return try String(contentsOfFile: path, encoding: .utf8)
                } catch {
                    throw ValidationError("The checkpoint \(path) cannot be read: \(error.localizedDescription)")
                }
            }
            let report = try review.run()
            try output.write(AuditText.value(report)) { AuditText.text(report) }
            if !report.isClean { throw ExitStatus.notVerified }
        }
    }

    struct PublishCheckpoint: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "checkpoint",
            abstract: "Publish the ledger's head: signed by the workstation, stamped, 200 bytes to keep elsewhere.",
            discussion: "Prints the signed note and writes it to checkpoints/ in the case.")

        @OptionGroup var location: CaseOptions
        @OptionGroup var stamps: TimestampOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let folder = try location.open()
            let (workstation, _) = try Setting.workstation()
            let authority = try stamps.authority(knownTo: folder)
            let published = try CheckpointWorkflow(
                folder, workstation: workstation, ledger: LedgerStore.open(at: folder.ledgerPath)
            ).publish()
            if output.json {
                try output.write([
                    "size": .integer(published.size), "root": .string(published.root.hex),
                    "path": .string(published.path), "note": .string(published.note),
                ]) { "" }
            } else {
                try Output.write(Array(published.note.utf8))
                Terminal.say("Written to \(published.path)")
            }
            guard let authority else { return }
            let stamping = try TimestampWorkflow(folder, workstation: workstation).ask(
                authority, for: .checkpoint(published.size))
            if let warning = stamping.warning {
                Terminal.say("Warning: \(warning)")
                throw ExitStatus.notVerified
            }
        }
    }
}
