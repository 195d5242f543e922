public import EvidenceModel

/// Who stands behind a time stamp. Nothing in a token proves it: the caller states it from the root that was trusted.
public enum TimestampTrust: String, Hashable, Sendable, CaseIterable {
    /// The laboratory's own authority: it fixes the content and the order, by the laboratory's clock.
    case laboratory
    /// An independent provider.
    case commercial
    /// An independent provider whose token claims to be a qualified electronic time stamp under Regulation (EU) 910/2014
    /// (ETSI EN 319 422, 9.1). Whether the provider is on a trusted list is not looked up.
    case qualified
}

/// What checking a time stamp found out.
public enum TimestampVerdict: Sendable {
    /// The authority stated that the data existed at the time.
    case valid(VerifiedTimestamp)
    /// It must not be relied on, for this reason.
    case invalid(TimestampProblem)
}

/// A time stamp that holds.
///
/// It is judged at its own time. That is sound only while a later anchor, or an authority that is still valid, shows
/// that it was made before the authority's certificate expired or was revoked.
public struct VerifiedTimestamp: Sendable {
    /// When the authority saw the digest of the data.
    public let genTime: UTCTime
    /// Half the width of the interval around `genTime`, in microseconds; nil when the token does not state it.
    public let accuracyMicroseconds: Int?
    /// The authority's certificate.
    public let signer: Certificate
    /// From the authority's certificate to the trusted root.
    public let chain: [Certificate]
    /// The authority's policy, as a dotted object identifier.
    public let policy: String
    /// The token's serial number, lower-case hexadecimal.
    public let serialHex: String
    /// Who stands behind it, as the caller stated.
    public let trust: TimestampTrust
    /// The nonce of the request, as a number without leading zeros; nil when the token states none.
    public let nonce: [UInt8]?
    /// Whether the token states that it is a qualified electronic time stamp (ETSI EN 319 422, 9.1).
    public let claimsToBeQualified: Bool
    /// The token alone, without the response around it.
    public let token: [UInt8]

    /// Whether any certificate of the chain was made for trying out.
    public var isTrial: Bool { chain.contains { $0.isTrial } }
}

/// Why a time stamp must not be relied on.
public enum TimestampProblem: Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not a response or token as RFC 3161 describes.
    case malformed(String)
    /// The stamp is over other data.
    case dataChanged
    /// The signature does not hold, in OpenSSL's words.
    case badSignature(String)
    /// The authority's certificate does not hold.
    case certificate(SignatureProblem)
    /// The certificate is not for time stamps alone (RFC 3161, 2.3).
    case wrongUsage(authority: String)

    /// One sentence for an examiner.
    public var description: String {
        switch self {
        case .malformed(let detail): "the time stamp is damaged or of another form: \(detail)"
        case .dataChanged: "the time stamp is over other data: the data were changed after stamping"
        case .badSignature(let detail): "the time stamp's signature does not hold: \(detail)"
        case .certificate(let problem): "the time-stamping authority is not trusted: \(problem.description)"
        case .wrongUsage(let authority): "the certificate of \(authority) is not for time stamps alone"
        }
    }
}
