import Digesting
public import EvidenceModel
import FormatIdentification

extension ToolIdentity {
    /// This program, as every output names it.
    ///
    /// - Parameter databases: SHA-256 of the magic databases in use.
    public static func current(databases: [Digest]) throws -> ToolIdentity {
        ToolIdentity(
            name: "exhibit", version: BuildStamp.version,
            commit: BuildStamp.commit + (BuildStamp.isDirty == true ? "+dirty" : ""),
            buildSHA256: try FileDigest.sha256(ofFile: "/proc/self/exe").hex,
            openssl: OpenSSLLibrary.version, libmagic: MagicLibrary.version, magicSHA256: databases.map(\.hex))
    }
}
