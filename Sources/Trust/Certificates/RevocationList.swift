internal import COpenSSL
internal import EvidenceModel

/// A certificate revocation list (RFC 5280, section 5).
@safe
final class RevocationList: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(der: [UInt8]) throws(TrustError) {
        ERR_clear_error()
        let parsed: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return unsafe d2i_X509_CRL(nil, &cursor, buffer.count)
        }
        guard let parsed = unsafe parsed else {
            throw TrustError(.malformed, TrustError.openSSL("reading a revocation list").message)
        }
        unsafe pointer = parsed
    }

    deinit { unsafe X509_CRL_free(pointer) }

    /// Since when this list revokes the certificate; nil when it does not, or is not a list of this issuer.
    func revocation(of certificate: Certificate, issuedBy issuer: Certificate) -> UTCTime? {
        defer { ERR_clear_error() }
        guard unsafe X509_NAME_cmp(X509_CRL_get_issuer(pointer), X509_get_subject_name(issuer.handle.pointer)) == 0,
            unsafe X509_CRL_verify(pointer, issuer.publicKey.pointer) == 1
        else { return nil }
        var entry: OpaquePointer?
        guard unsafe X509_CRL_get0_by_cert(pointer, &entry, certificate.handle.pointer) == 1 else { return nil }
        let date = unsafe X509_REVOKED_get0_revocationDate(entry)
        // A list whose date cannot be read revokes from the beginning: the safe side.
        return unsafe (try? CertificateHandle.time(date)) ?? UTCTime(seconds: 0)
    }
}
