internal import Digesting
internal import EvidenceModel

/// Requests to a time-stamping authority.
public enum TimestampRequest {
    /// A TimeStampReq in DER (RFC 3161, 2.4.1): SHA-256 of the data, a random nonce, certificates asked for. It can be
    /// carried to another authority by hand: it holds nothing but the digest.
    public static func make(for data: [UInt8]) throws(TrustError) -> [UInt8] {
        var nonce = try randomBytes(8)
        nonce[0] = nonce[0] & 0x7F | 0x40
        return DER.sequence(
            DER.integer([1]),
            DER.sequence(
                DER.sequence(OID.sha256, DER.null), DER.octetString(try digestBytes(.sha256, data))),
            DER.integer(nonce),
            [0x01, 0x01, 0xFF])
    }

    /// The nonce of a request that ``make(for:)`` made, as a number without leading zeros.
    ///
    /// Throws ``TrustError/Code/malformed`` for a request over other data or of another form.
    public static func nonce(of request: [UInt8], for data: [UInt8]) throws(TrustError) -> [UInt8] {
        var parts = try DERReader(request).unwrapped(DER.sequenceTag)
        try parts.expect(DER.integer([1]))
        try parts.expect(
            DER.sequence(DER.sequence(OID.sha256, DER.null), DER.octetString(try digestBytes(.sha256, data))))
        return Array(try parts.next(DER.integerTag).content.drop { $0 == 0 })
    }
}
