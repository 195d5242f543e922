public import EvidenceModel

/// Certificates for trying out: a laboratory root, and examiners and a time-stamping authority under it.
///
/// Every one carries ``Certificate/trialMark`` as its organizational unit, so nothing signed with them can be mistaken
/// for casework.
public enum TrialCertificates {
    /// Most characters of a name in a certificate (RFC 5280, appendix A.1: ub-common-name, ub-organization-name).
    public static let longestName = 64

    /// What a certificate is for.
    enum Role { case root, examiner, timestampAuthority }

    /// A self-signed root that may sign certificates and revocation lists.
    public static func root(
        organization: String, key: PrivateKey, notBefore: UTCTime, notAfter: UTCTime
    ) throws(TrustError) -> Certificate {
        try issue(
            .root, name: "Laboratory root", organization: organization, publicKey: key, notBefore: notBefore,
            notAfter: notAfter, issuer: nil, issuerKey: key)
    }

    /// A certificate of a person who signs evidence: digitalSignature and nonRepudiation.
    public static func examiner(
        name: String, organization: String, key: PrivateKey, notBefore: UTCTime, notAfter: UTCTime,
        issuer: Certificate, issuerKey: PrivateKey
    ) throws(TrustError) -> Certificate {
        try issue(
            .examiner, name: name, organization: organization, publicKey: key, notBefore: notBefore,
            notAfter: notAfter, issuer: issuer, issuerKey: issuerKey)
    }

    /// A certificate of a time-stamping authority: critical extended key usage timeStamping and nothing else (RFC
    /// 3161, section 2.3).
    public static func timestampAuthority(
        organization: String, key: PrivateKey, notBefore: UTCTime, notAfter: UTCTime, issuer: Certificate,
        issuerKey: PrivateKey
    ) throws(TrustError) -> Certificate {
        try issue(
            .timestampAuthority, name: "Laboratory time stamps", organization: organization, publicKey: key,
            notBefore: notBefore, notAfter: notAfter, issuer: issuer, issuerKey: issuerKey)
    }

    private static func issue(
        _ role: Role, name: String, organization: String, publicKey: PrivateKey, notBefore: UTCTime,
        notAfter: UTCTime, issuer: Certificate?, issuerKey: PrivateKey
    ) throws(TrustError) -> Certificate {
        if let issuer, !issuerKey.matches(issuer) {
            throw TrustError(.mismatch, "the issuer's key does not belong to the issuer's certificate")
        }
        guard notBefore <= notAfter else { throw TrustError(.unsupported, "a validity that ends before it begins") }
        let subject = try distinguishedName(commonName: name, organization: organization)
        let subjectKeyInfo = try publicKey.handle.subjectPublicKeyInfo()
        let keyIdentifier = try identifier(ofKeyIn: subjectKeyInfo)
        let authorityIdentifier = issuer?.handle.subjectKeyIdentifier() ?? keyIdentifier
        let algorithm = issuerKey.algorithm.signatureIdentifier
        let body = DER.sequence(
            DER.context(0, DER.integer([2])),
            DER.integer(try serialNumber()),
            algorithm,
            try issuer?.handle.nameDER(ofIssuer: false) ?? subject,
            DER.sequence(DER.time(notBefore), DER.time(notAfter)),
            subject,
            subjectKeyInfo,
            DER.context(3, extensions(role, keyIdentifier, authorityIdentifier)))
        let signature = try issuerKey.sign(body)
        return try Certificate(der: DER.sequence(body, algorithm, DER.bitString(signature)))
    }

    private static func extensions(_ role: Role, _ keyIdentifier: [UInt8], _ authority: [UInt8]) -> [UInt8] {
        let critical: [UInt8] = [0x01, 0x01, 0xFF]
        // Bits from the left (RFC 5280, 4.2.1.3): digitalSignature 0x80, nonRepudiation 0x40, keyCertSign 0x04, cRLSign 0x02.
        var list: [[UInt8]]
        switch role {
        case .root:
            list = [
                DER.sequence(OID.basicConstraints, critical, DER.octetString(DER.sequence([0x01, 0x01, 0xFF]))),
                DER.sequence(OID.keyUsage, critical, DER.octetString(DER.bitString([0x06], unusedBits: 1))),
            ]
        case .examiner:
            list = [
                DER.sequence(OID.basicConstraints, critical, DER.octetString(DER.sequence())),
                DER.sequence(OID.keyUsage, critical, DER.octetString(DER.bitString([0xC0], unusedBits: 6))),
            ]
        case .timestampAuthority:
            list = [
                DER.sequence(OID.basicConstraints, critical, DER.octetString(DER.sequence())),
                DER.sequence(OID.keyUsage, critical, DER.octetString(DER.bitString([0xC0], unusedBits: 6))),
                DER.sequence(OID.extendedKeyUsage, critical, DER.octetString(DER.sequence(OID.timeStamping))),
            ]
        }
        list.append(DER.sequence(OID.subjectKeyIdentifier, DER.octetString(DER.octetString(keyIdentifier))))
        list.append(
            DER.sequence(
                OID.authorityKeyIdentifier, DER.octetString(DER.sequence(DER.element(0x80, authority)))))
        return DER.element(DER.sequenceTag, list.flatMap { $0 })
    }

    /// Throws when a certificate cannot carry these names.
    static func checkNames(name: String, organization: String) throws(TrustError) {
        for (what, text) in [("name", name), ("organization", organization)] {
            let hasControls = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
            guard !text.isEmpty, text.unicodeScalars.count <= longestName, !hasControls else {
                throw TrustError(
                    .unsupported, "the \(what) must have 1 to \(longestName) characters and no control characters")
            }
        }
    }

    /// A name of another authority's making, cut to what ``checkNames(name:organization:)`` lets pass.
    static func fitted(_ name: String) -> String {
        let scalars = name.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(longestName)
        return scalars.isEmpty ? "Laboratory" : String(String.UnicodeScalarView(scalars))
    }

    private static func distinguishedName(
        commonName: String, organization: String
    ) throws(TrustError) -> [UInt8] {
        try checkNames(name: commonName, organization: organization)
        func part(_ type: [UInt8], _ text: String) -> [UInt8] {
            DER.set([DER.sequence(type, DER.utf8String(text))])
        }
        return DER.sequence(
            part(OID.organization, organization), part(OID.organizationalUnit, Certificate.trialMark),
            part(OID.commonName, commonName))
    }

    /// SHA-1 of the public key's bits: method 1 of RFC 5280, 4.2.1.2. A name, not a safeguard.
    private static func identifier(ofKeyIn subjectKeyInfo: [UInt8]) throws(TrustError) -> [UInt8] {
        var reader = try DERReader(subjectKeyInfo).unwrapped(DER.sequenceTag)
        _ = try reader.next(DER.sequenceTag)
        let bits = try reader.next(DER.bitStringTag).content
        return try digestBytes(.sha1, Array(bits.dropFirst()))
    }

    /// 20 random bytes, positive, at most the 20 octets that RFC 5280, 4.1.2.2 allows.
    private static func serialNumber() throws(TrustError) -> [UInt8] {
        var bytes = try randomBytes(20)
        bytes[0] = bytes[0] & 0x7F | 0x40
        return bytes
    }
}

extension DERReader {
    /// The content of the only element.
    func unwrapped(_ tag: UInt8) throws(TrustError) -> DERReader {
        var reader = self
        let element = try reader.next(tag)
        try reader.end()
        return element.reader
    }
}
