internal import EvidenceModel

/// What kind of CAdES signature: which signed attributes it has, each exactly once.
enum SignatureProfile {
    /// CAdES-B-B: contentType, messageDigest, signingTime, signingCertificateV2 (ETSI EN 319 122-1, 6.3).
    case cades
    /// PAdES-B-B or B-T: without signingTime, which the PDF states itself (ETSI EN 319 142-1, 6.3).
    case pades

    var types: [[UInt8]] {
        switch self {
        case .cades: [OID.contentType, OID.messageDigest, OID.signingTime, OID.signingCertificateV2]
        case .pades: [OID.contentType, OID.messageDigest, OID.signingCertificateV2]
        }
    }
}

/// The signed attributes of a SignerInfo (RFC 5652, 5.3).
enum SignedAttributes {
    /// The attributes' elements in DER order, without the tag of the set around them.
    static func encode(
        messageDigest: [UInt8], signingTime: UTCTime?, certificate: Certificate
    ) throws(TrustError) -> [UInt8] {
        var attributes = [
            attribute(OID.contentType, OID.data),
            attribute(OID.messageDigest, DER.octetString(messageDigest)),
            attribute(OID.signingCertificateV2, try signingCertificate(certificate)),
        ]
        if let signingTime { attributes.append(attribute(OID.signingTime, DER.time(signingTime))) }
        return DER.sorted(attributes)
    }

    static func attribute(_ type: [UInt8], _ value: [UInt8]) -> [UInt8] { DER.sequence(type, DER.set([value])) }

    /// SigningCertificateV2 with one ESSCertIDv2: SHA-256 (the default, so absent) of the certificate, its issuer and
    /// serial number (RFC 5035, section 4).
    private static func signingCertificate(_ certificate: Certificate) throws(TrustError) -> [UInt8] {
        DER.sequence(
            DER.sequence(
                DER.sequence(
                    DER.octetString(certificate.sha256.bytes),
                    DER.sequence(
                        DER.sequence(DER.context(4, try certificate.handle.nameDER(ofIssuer: true))),
                        try certificate.handle.serialDER()))))
    }

    /// Whether a SigningCertificateV2 value names this certificate first (RFC 5035, section 3).
    static func names(_ certificate: Certificate, in value: ArraySlice<UInt8>) throws(TrustError) -> Bool {
        var outer = try DERReader(value).unwrapped(DER.sequenceTag)
        var identifiers = try outer.next(DER.sequenceTag).reader
        try outer.end()
        var identifier = try identifiers.next(DER.sequenceTag).reader
        var digest = SignatureDigest.sha256
        if identifier.nextTag == DER.sequenceTag {
            guard let named = SignatureDigest(algorithmIdentifier: try identifier.next().whole) else { return false }
            digest = named
        }
        let hash = try identifier.next(DER.octetStringTag).content
        guard try hash.elementsEqual(digest.digest(of: [certificate.der[...]])) else { return false }
        guard !identifier.isAtEnd else { return true }
        var issuerSerial = try identifier.next(DER.sequenceTag).reader
        try identifier.end()
        let names = try issuerSerial.next(DER.sequenceTag)
        let serial = try issuerSerial.next(DER.integerTag)
        try issuerSerial.end()
        let issuer = DER.context(4, try certificate.handle.nameDER(ofIssuer: true))
        let number = try certificate.handle.serialDER()
        return names.content.elementsEqual(issuer) && serial.whole.elementsEqual(number)
    }
}
