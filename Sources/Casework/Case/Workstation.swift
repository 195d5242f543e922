public import CustodyLedger
public import EvidenceModel
public import Foundation
public import Trust

/// This machine and who works on it: identities, service keys, the newest ledger heads it has seen.
public struct Workstation: Sendable {
    /// EXHIBIT_HOME, or `~/.local/share/exhibit`.
    public let home: String
    public let identities: IdentityStore
    public let tool: ToolIdentity

    /// Names the workstation's folder; nothing is made yet.
    public init(tool: ToolIdentity, environment: [String: String] = ProcessInfo.processInfo.environment) {
        if let home = environment["EXHIBIT_HOME"], !home.isEmpty {
            self.home = CaseFolder.absolute(home)
        } else {
            self.home = (environment["HOME"] ?? NSHomeDirectory()) + "/.local/share/exhibit"
        }
        identities = IdentityStore(home: self.home)
        self.tool = tool
    }

    /// The newest head of each ledger that this workstation has seen, kept outside the cases.
    public func highWaterMarks() throws -> HighWaterMarkStore {
        try DurableFile.makeFolder(home, permissions: 0o700)
        return try HighWaterMarkStore(path: home + "/highwater.sqlite")
    }
}
