import EvidenceModel
import Trust

extension CaseFolder {
    /// The laboratory's root certificates as the case carries them, in `ca.pem`.
    func rootCertificates() throws -> [Certificate] {
        let bytes = try DurableFile.read(rootCertificatesPath, limit: 1 << 20)
        return try Certificate.all(inPEM: String(decoding: bytes, as: UTF8.self))
    }
}
