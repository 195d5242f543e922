internal import COpenSSL
internal import Digesting
internal import EvidenceModel

/// Checks RFC 3161 time stamps.
public enum TimestampVerifier {
    /// Checks a TimeStampResp in DER.
    /// - Parameters:
    ///   - response: what the authority answered.
    ///   - data: what was stamped, byte for byte.
    ///   - roots: the certificates that are trusted.
    ///   - trust: who stands behind those roots; of an independent one that claims it, the verdict says ``qualified``.
    public static func verify(
        response: [UInt8], data: [UInt8], roots: [Certificate], trust: TimestampTrust = .laboratory
    ) -> TimestampVerdict {
        do throws(TrustError) {
            let token = try TimestampToken.token(fromResponseOrToken: response)
            // A bare token is no response: what calls itself one thing and is another is refused.
            guard token.count != response.count else { return .invalid(.malformed("a token without a response")) }
            return verify(token: token, data: data, roots: roots, trust: trust)
        } catch {
            return .invalid(.malformed(error.message))
        }
    }

    /// Checks a TimeStampResp of the laboratory's authority or of an outside one: who stands behind it follows from the root.
    /// - Parameters:
    ///   - laboratory: the laboratory's own roots.
    ///   - outside: roots of outside authorities, with intermediate certificates where tokens lack them.
    public static func verify(
        response: [UInt8], data: [UInt8], laboratory: [Certificate], outside: [Certificate]
    ) -> TimestampVerdict {
        let own = verify(response: response, data: data, roots: laboratory)
        guard !outside.isEmpty, case .invalid = own else { return own }
        let other = verify(response: response, data: data, roots: outside, trust: .commercial)
        // Of two problems the one that is not "this root did not issue it" says more.
        if case .invalid(.certificate(.unknownIssuer)) = other { return own }
        return other
    }

    /// Checks a TimeStampToken in DER; the parameters are those of ``verify(response:data:roots:trust:)``.
    public static func verify(
        token: [UInt8], data: [UInt8], roots: [Certificate], trust: TimestampTrust = .laboratory
    ) -> TimestampVerdict {
        do throws(TrustError) {
            let parts = try TimestampToken(token)
            if let problem = try openSSLProblem(token, parts.info, roots: roots, isOwn: trust == .laboratory) {
                // The certificates first: their own words are clearer than OpenSSL's.
                switch chain(of: parts, roots: roots, trust: trust) {
                case .failure(let failure): return .invalid(failure.problem)
                case .success: return .invalid(problem)
                }
            }
            guard try parts.info.digest.digest(of: [data[...]]) == parts.info.imprint else {
                return .invalid(.dataChanged)
            }
            switch chain(of: parts, roots: roots, trust: trust) {
            case .failure(let failure): return .invalid(failure.problem)
            case .success(let chain):
                return .valid(
                    VerifiedTimestamp(
                        genTime: parts.info.genTime, accuracyMicroseconds: parts.info.accuracyMicroseconds,
                        signer: parts.signer, chain: chain, policy: parts.info.policy,
                        serialHex: parts.info.serialHex,
                        trust: trust != .laboratory && parts.info.claimsToBeQualified ? .qualified : trust,
                        nonce: parts.info.nonce, claimsToBeQualified: parts.info.claimsToBeQualified, token: token))
            }
        } catch {
            return .invalid(.malformed(error.message))
        }
    }

    private struct Failure: Error { let problem: TimestampProblem }

    private static func chain(
        of parts: TimestampToken, roots: [Certificate], trust: TimestampTrust
    ) -> Result<[Certificate], Failure> {
        guard parts.signer.handle.isForTimestampsOnly else {
            return .failure(Failure(problem: .wrongUsage(authority: parts.signer.displayName)))
        }
        let verifier = ChainVerifier(roots: roots, revocationLists: [])
        do throws(ChainFailure) {
            let chain = try verifier.chain(of: parts.signer, others: parts.certificates)
            if let problem = verifier.problem(with: chain, at: parts.info.genTime) {
                return .failure(Failure(problem: .certificate(problem)))
            }
            // An independent authority may add certificates; the laboratory's own does not.
            guard trust != .laboratory || Set(parts.certificates).isSubset(of: chain) else {
                return .failure(
                    Failure(problem: .malformed("it holds a certificate that is not on the way to the root")))
            }
            return .success(chain)
        } catch {
            return .failure(Failure(problem: .certificate(error.problem)))
        }
    }

    /// The token as OpenSSL judges it at its own time: signature, ESS certificate, purpose and chain.
    private static func openSSLProblem(
        _ token: [UInt8], _ info: TimestampInfo, roots: [Certificate], isOwn: Bool
    ) throws(TrustError) -> TimestampProblem? {
        ERR_clear_error()
        let parsed = unsafe token.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return unsafe d2i_PKCS7(nil, &cursor, buffer.count)
        }
        guard let parsed = unsafe parsed else { return .malformed(OpenSSLLibrary.takeErrors()) }
        defer { unsafe PKCS7_free(parsed) }
        let canonical = try unsafe encoded("encoding a time stamp") { output in unsafe i2d_PKCS7(parsed, output) }
        // Outside authorities do not always sort the certificates, which the signature does not cover.
        guard canonical == token || !isOwn else { return .malformed("its encoding is not canonical") }
        guard let store = unsafe X509_STORE_new() else { throw .openSSL("checking a time stamp") }
        var isStoreOwned = false
        defer { if !isStoreOwned { unsafe X509_STORE_free(store) } }
        for root in roots {
            guard unsafe X509_STORE_add_cert(store, root.handle.pointer) == 1 else {
                throw .openSSL("checking a time stamp")
            }
        }
        unsafe X509_VERIFY_PARAM_set_time(
            X509_STORE_get0_param(store), time_t(info.genTime.milliseconds.quotientFloored(by: 1000)))
        guard let context = unsafe TS_VERIFY_CTX_new() else { throw .openSSL("checking a time stamp") }
        defer { unsafe TS_VERIFY_CTX_free(context) }
        // The imprint is compared by the caller, so that changed data are told apart from a changed token.
        unsafe TS_VERIFY_CTX_set_flags(context, Int32(TS_VFY_VERSION | TS_VFY_SIGNATURE))
        unsafe TS_VERIFY_CTX_set_store(context, store)
        isStoreOwned = true
        guard unsafe TS_RESP_verify_token(context, parsed) == 1 else {
            return .badSignature(OpenSSLLibrary.takeErrors())
        }
        return nil
    }
}

extension Int64 {
    fileprivate func quotientFloored(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
