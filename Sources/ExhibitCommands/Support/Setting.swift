import Casework
import EvidenceModel

/// What most commands need: the workstation, the databases, an open session.
enum Setting {
    /// What `exhibit --version` prints.
    static let version = ProgramVersion.text

    /// The workstation with the program's full provenance, and the databases it names.
    ///
    /// - Parameter magicFiles: the examiner's own magic files.
    static func workstation(magicFiles: [String] = []) throws -> (Workstation, CarvingTools) {
        let tools = try CarvingTools(magicFiles: magicFiles)
        return (Workstation(tool: try ToolIdentity.current(databases: tools.databaseDigests)), tools)
    }
}
