import EvidenceModel
import Foundation
public import Trust

/// The root certificates of outside time-stamping authorities that a case relies on: `tsa.pem`, so that others can check
/// their stamps. Apart from `ca.pem`: nothing but time stamps is checked against them.
extension CaseFolder {
    var outsideRootsPath: String { path + "/tsa.pem" }

    /// None when no outside authority was used.
    public func outsideRoots() throws -> [Certificate] {
        guard FileManager.default.fileExists(atPath: outsideRootsPath) else { return [] }
        let bytes = try DurableFile.read(outsideRootsPath, limit: 1 << 20)
        return try Certificate.all(inPEM: String(decoding: bytes, as: UTF8.self))
    }

    /// Adds certificates that are not there yet.
    func addOutsideRoots(_ certificates: [Certificate]) throws {
        let known = try outsideRoots()
        var all = known
        for certificate in certificates where !all.contains(certificate) { all.append(certificate) }
        guard all.count > known.count else { return }
        try DurableFile.write(Array(all.map(\.pem).joined().utf8), to: outsideRootsPath)
    }
}
