internal import COpenSSL
internal import Digesting
internal import EvidenceModel

/// Finds the way from a certificate to a trusted root (RFC 5280, section 6).
///
/// The way is found without regard to time; the validities along it are compared afterwards, so that one result serves
/// every moment.
struct ChainVerifier: Sendable {
    private let roots: [Certificate]
    private let revocationLists: [RevocationList]
    private let unreadableList: String?

    init(roots: [Certificate], revocationLists: [[UInt8]]) {
        self.roots = roots
        var lists: [RevocationList] = []
        var unreadable: String?
        for der in revocationLists {
            do throws(TrustError) { lists.append(try RevocationList(der: der)) } catch { unreadable = error.message }
        }
        self.revocationLists = lists
        unreadableList = unreadable
    }

    /// From the certificate to the root, ignoring time.
    func chain(
        of certificate: Certificate, others: [Certificate]
    ) throws(ChainFailure) -> [Certificate] {
        if let unreadableList { throw ChainFailure(.malformed("a revocation list cannot be read: \(unreadableList)")) }
        return try path(certificate, others, at: nil)
    }

    /// Why the chain does not hold at a time; nil when it does.
    func problem(with chain: [Certificate], at time: UTCTime) -> SignatureProblem? {
        for certificate in chain where !certificate.isValid(at: time) {
            if time < certificate.notBefore {
                return .notYetValid(
                    certificate: certificate.displayName, notBefore: certificate.notBefore, time: time)
            }
            return .expired(certificate: certificate.displayName, notAfter: certificate.notAfter, time: time)
        }
        for (certificate, issuer) in zip(chain, chain.dropFirst()) {
            for list in revocationLists {
                if let since = list.revocation(of: certificate, issuedBy: issuer), since <= time {
                    return .revoked(certificate: certificate.displayName, since: since, time: time)
                }
            }
        }
        return nil
    }

    /// The way that holds at a time, when ``chain(of:others:)`` found one whose validity lies elsewhere.
    func chain(
        of certificate: Certificate, others: [Certificate], at time: UTCTime
    ) throws(ChainFailure) -> [Certificate] {
        try path(certificate, others, at: time)
    }

    private func path(
        _ certificate: Certificate, _ others: [Certificate], at time: UTCTime?
    ) throws(ChainFailure) -> [Certificate] {
        ERR_clear_error()
        guard let store = unsafe X509_STORE_new() else { throw ChainFailure(.openSSL) }
        defer { unsafe X509_STORE_free(store) }
        for root in roots {
            guard unsafe X509_STORE_add_cert(store, root.handle.pointer) == 1 else { throw ChainFailure(.openSSL) }
        }
        // The stack only borrows the certificates; `others` keeps them alive.
        let untrusted = unsafe OPENSSL_sk_new_null()
        defer { unsafe OPENSSL_sk_free(untrusted) }
        for other in others { _ = unsafe OPENSSL_sk_push(untrusted, UnsafeRawPointer(other.handle.pointer)) }
        guard let context = unsafe X509_STORE_CTX_new() else { throw ChainFailure(.openSSL) }
        defer { unsafe X509_STORE_CTX_free(context) }
        guard unsafe X509_STORE_CTX_init(context, store, certificate.handle.pointer, untrusted) == 1,
            let parameters = unsafe X509_STORE_CTX_get0_param(context)
        else { throw ChainFailure(.openSSL) }
        if let time {
            unsafe X509_VERIFY_PARAM_set_time(parameters, time_t(time.milliseconds / 1000))
        } else {
            unsafe X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_NO_CHECK_TIME))
        }
        // Level 2 refuses SHA-1 signatures and keys of less than 112 bits of security along the way.
        unsafe X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        let status = unsafe X509_verify_cert(context)
        guard status == 1 else {
            let code = unsafe X509_STORE_CTX_get_error(context)
            let text = unsafe X509_verify_cert_error_string(Int(code)).map { unsafe String(cString: $0) }
            ERR_clear_error()
            throw ChainFailure(
                .unknownIssuer(
                    signer: certificate.displayName, issuer: certificate.issuerCommonName,
                    detail: text ?? "error \(code)"))
        }
        let found = unsafe X509_STORE_CTX_get0_chain(context)
        let known = [certificate] + others + roots
        var chain: [Certificate] = []
        for position in 0..<(unsafe OPENSSL_sk_num(found)) {
            let element = unsafe OpaquePointer(OPENSSL_sk_value(found, position))
            guard let match = known.first(where: { unsafe X509_cmp($0.handle.pointer, element) == 0 }) else {
                throw ChainFailure(.openSSL)
            }
            chain.append(match)
        }
        return chain
    }
}

/// Why no way to a root was found.
struct ChainFailure: Error {
    let problem: SignatureProblem

    init(_ problem: SignatureProblem) { self.problem = problem }
}

extension SignatureProblem {
    /// OpenSSL itself failed; nothing can be said about the certificate.
    fileprivate static var openSSL: SignatureProblem {
        .malformed("checking the certificates failed: \(OpenSSLLibrary.takeErrors())")
    }
}

extension Certificate {
    /// The name that messages use.
    var displayName: String { subjectCommonName.isEmpty ? "serial number \(serialHex)" : subjectCommonName }
}
