import ArgumentParser
import Foundation
import SourceMedia

/// The confined process that reads an archive: `exhibit` calls itself so, nobody else does.
struct ListArchiveMembersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: ArchiveChild.command, abstract: "Read the archive on descriptor 3. For Exhibit's own use.",
        shouldDisplay: false)

    @Argument(help: "Format of the archive.")
    var format: String

    func run() throws {
        let status = ArchiveChild.run(format)
        if status != 0 { throw ExitCode(status) }
    }
}
