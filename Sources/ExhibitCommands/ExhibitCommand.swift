public import ArgumentParser
import Foundation
import SourceMedia

/// The `exhibit` command: all others are its subcommands.
public struct ExhibitCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "exhibit",
        abstract: "Take in digital evidence, prove it unchanged, find what is on it, and report it, signed.",
        discussion: """
            Sources are opened read-only and read once. Every step is an entry in the case's custody ledger, signed by \
            the examiner; CHAIN_OF_CUSTODY.md says how anyone checks a case with openssl, sqlite3 and sha256sum.

            Exit status: 0 all done and verified; 1 something did not verify or is incomplete; 2 the call was wrong or \
            could not run.

            EXHIBIT_HOME holds identities and the workstation's keys (default ~/.local/share/exhibit).
            """,
        version: Setting.version,
        subcommands: [ListArchiveMembersCommand.self],
        groupedSubcommands: [
            CommandGroup(name: "The whole job", subcommands: [ProcessCommand.self]),
            CommandGroup(
                name: "Step by step",
                subcommands: [
                    CaseCommand.self, IngestCommand.self, AcquireCommand.self, CarveCommand.self, ReportCommand.self,
                ]),
            CommandGroup(
                name: "Looking and checking",
                subcommands: [
                    CatalogCommand.self, ArtifactCommand.self, LedgerCommand.self, VerifyCommand.self,
                    ProveCommand.self, TimestampCommand.self,
                ]),
            CommandGroup(name: "Keys", subcommands: [IdentityCommand.self]),
        ])

    public init() {}

    /// Runs the command that the arguments name and ends the process with its status.
    public static func runAndExit() async -> Never {
        // A reader that closes our output early (head, less) ends us quietly, as it does every tool of a pipeline.
        signal(SIGPIPE, SIG_DFL)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            Foundation.exit(ExitStatus.verified.rawValue)
        } catch {
            Foundation.exit(report(error))
        }
    }

    /// Tells the user what went wrong; answers the process's exit status.
    private static func report(_ error: any Error) -> Int32 {
        if let status = error as? ExitStatus { return status.rawValue }
        if exitCode(for: error).isSuccess {
            // Help and version are answers, not errors.
            print(fullMessage(for: error))
            return ExitStatus.verified.rawValue
        }
        let isUsage = exitCode(for: error) == .validationFailure
        Terminal.say(isUsage ? fullMessage(for: error) : "exhibit: \(ErrorText.text(of: error))")
        // That a source is damaged is a verdict on it, not a failure of the call.
        let isVerdict = (error as? SourceError)?.code == .damaged
        return (isVerdict ? ExitStatus.notVerified : .couldNotRun).rawValue
    }
}

/// How a command ends when it does not simply succeed.
enum ExitStatus: Int32, Error {
    /// Everything was done, and what was checked holds.
    case verified = 0
    /// Something does not verify or is incomplete; the output says what.
    case notVerified = 1
    /// The call was wrong or could not run.
    case couldNotRun = 2
}
