import Casework
import EvidenceModel

/// What most commands need: the workstation, the databases, an open session.
enum Setting {
    /// What `exhibit --version` prints.
    static let version = ProgramVersion.text

    /// The workstation with the program's full provenance, and the databases it names.
    static func workstation() throws -> (Workstation, CarvingTools) {
        let tools = try CarvingTools()
        return (Workstation(tool: try ToolIdentity.current(databases: tools.databaseDigests)), tools)
    }
}
