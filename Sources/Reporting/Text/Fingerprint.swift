internal import Digesting
internal import EvidenceModel

/// SHA-256 of what the report itself writes.
enum Fingerprint {
    static func sha256(_ bytes: [UInt8]) throws(ReportError) -> Digest {
        do {
            return try digest(.sha256, of: bytes)
        } catch {
            throw ReportError(.resource, "SHA-256 failed: \(error)")
        }
    }
}
