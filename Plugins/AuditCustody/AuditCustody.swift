import Foundation
import PackagePlugin

/// Checks test-images against CHAIN_OF_CUSTODY.md, and any ledger given. The work is in Sources/CustodyAuditor.
@main
struct AuditCustody: CommandPlugin {
    func performCommand(context: PluginContext, arguments: [String]) async throws {
        let auditor = Process()
        auditor.executableURL = try context.tool(named: "CustodyAuditor").url
        auditor.arguments = ["--package", context.package.directoryURL.path] + arguments
        try auditor.run()
        auditor.waitUntilExit()
        guard auditor.terminationStatus == 0 else { throw Failure(status: auditor.terminationStatus) }
    }

    struct Failure: Error, CustomStringConvertible {
        let status: Int32
        var description: String { "CustodyAuditor ended with status \(status); its words are above" }
    }
}
