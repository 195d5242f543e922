internal import COpenSSL
public import EvidenceModel

/// What checking a signature found out.
public enum SignatureVerdict: Sendable {
    /// The content is what the named person signed, and the person's certificate leads to a trusted root.
    case valid(VerifiedSignature)
    /// It must not be relied on, for this reason.
    case invalid(SignatureProblem)
}

/// A signature that holds.
public struct VerifiedSignature: Sendable {
    /// What was signed; empty for the signature of a PDF.
    public let content: [UInt8]
    /// The certificate of the person who signed.
    public let signer: Certificate
    /// The time that the signer stated; for a PDF, of its time stamp, else the time for which it was checked.
    public let signingTime: UTCTime
    /// From the signer's certificate to the trusted root.
    public let chain: [Certificate]
    /// The time stamp over the signature, when there is one (PAdES-B-T); its own trust is for the caller to judge.
    public let timestampToken: [UInt8]?

    /// Whether any certificate of the chain was made for trying out.
    public var isTrial: Bool { chain.contains { $0.isTrial } }
}

/// Why a signature must not be relied on.
public enum SignatureProblem: Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not a signature of the form that Exhibit writes.
    case malformed(String)
    /// The content is not the one that was signed.
    case contentChanged
    /// The signature itself, or what it states, was changed, or another key made it.
    case badSignature
    /// The certificate is not the one that the signer stated.
    case certificateMismatch(signer: String)
    /// No trusted root stands behind the certificate.
    case unknownIssuer(signer: String, issuer: String, detail: String)
    /// A certificate had expired at the time that counts.
    case expired(certificate: String, notAfter: UTCTime, time: UTCTime)
    /// A certificate was not yet valid at the time that counts.
    case notYetValid(certificate: String, notBefore: UTCTime, time: UTCTime)
    /// A certificate had been revoked by the time that counts.
    case revoked(certificate: String, since: UTCTime, time: UTCTime)
    /// The certificate is not for signing evidence.
    case wrongUsage(signer: String, detail: String)
    /// A kind of key or algorithm that is not accepted.
    case unsupported(String)

    /// One sentence for an examiner.
    public var description: String {
        switch self {
        case .malformed(let detail): "the signature is damaged or of another form: \(detail)"
        case .contentChanged: "the content is not what was signed: it was changed after signing"
        case .badSignature: "the signature does not match: it, or what it states, was changed or made with another key"
        case .certificateMismatch(let signer):
            "the certificate of \(signer) in the signature is not the one that the signer stated"
        case .unknownIssuer(let signer, let issuer, let detail):
            "the certificate of \(signer), issued by \(issuer), does not lead to a trusted root (\(detail))"
        case .expired(let certificate, let notAfter, let time):
            "the certificate of \(certificate) expired on \(notAfter.rfc3339), before \(time.rfc3339)"
        case .notYetValid(let certificate, let notBefore, let time):
            "the certificate of \(certificate) is valid only from \(notBefore.rfc3339), after \(time.rfc3339)"
        case .revoked(let certificate, let since, let time):
            "the certificate of \(certificate) was revoked on \(since.rfc3339), before \(time.rfc3339)"
        case .wrongUsage(let signer, let detail):
            "the certificate of \(signer) is not for signing evidence: \(detail)"
        case .unsupported(let detail): "not accepted: \(detail)"
        }
    }
}

extension Certificate {
    /// Why this is not a certificate for signing evidence: that takes digitalSignature or nonRepudiation, and neither an
    /// authority nor a time-stamping authority (RFC 5280, 4.2.1.3 and 4.2.1.12).
    var usageProblem: SignatureProblem? {
        func wrong(_ detail: String) -> SignatureProblem { .wrongUsage(signer: displayName, detail: detail) }
        if handle.isAuthority { return wrong("it is an authority's, for signing certificates") }
        if let usage = handle.keyUsage, usage & UInt32(KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION) == 0 {
            return wrong("its key usage has no digital signature")
        }
        if handle.isForTimestampsOnly { return wrong("it is for time stamps only") }
        return nil
    }
}
