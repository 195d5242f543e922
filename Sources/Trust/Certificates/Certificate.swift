internal import COpenSSL
internal import Digesting
public import EvidenceModel

/// An X.509 certificate (RFC 5280). Equal when the bytes are equal.
public struct Certificate: Hashable, Sendable {
    /// The organizational unit by which every certificate made for trying out is marked, in subject or issuer.
    public static let trialMark = "TRIAL - not for casework"

    /// The certificate's bytes.
    public let der: [UInt8]
    /// SHA-256 of the bytes: the fingerprint that records name.
    public let sha256: Digest
    /// The subject's common name, or "" when it has none.
    public let subjectCommonName: String
    /// The subject's organization, or "" when it has none.
    public let subjectOrganization: String
    /// The issuer's common name, or "" when it has none.
    public let issuerCommonName: String
    /// The serial number, lower-case hexadecimal.
    public let serialHex: String
    /// Start of the validity.
    public let notBefore: UTCTime
    /// End of the validity; this second is still inside.
    public let notAfter: UTCTime
    /// Whether subject or issuer carries the ``trialMark``.
    public let isTrial: Bool

    let handle: CertificateHandle
    let publicKey: KeyHandle

    /// Reads a certificate; throws ``TrustError/Code/malformed``.
    public init(der: [UInt8]) throws(TrustError) {
        handle = try CertificateHandle(der: der)
        publicKey = try handle.publicKey()
        self.der = der
        sha256 = Digest(.sha256, try digestBytes(.sha256, der))
        subjectCommonName = handle.names(NID_commonName).last ?? ""
        subjectOrganization = handle.names(NID_organizationName).last ?? ""
        issuerCommonName = handle.names(NID_commonName, ofIssuer: true).last ?? ""
        serialHex = Hex.encode(try handle.serialDER().dropFirst(2).drop { $0 == 0 })
        (notBefore, notAfter) = try handle.validity()
        isTrial =
            handle.names(NID_organizationalUnitName).contains(Self.trialMark)
            || handle.names(NID_organizationalUnitName, ofIssuer: true).contains(Self.trialMark)
    }

    /// Reads the only certificate of a PEM text; text around it is skipped.
    public init(pem: String) throws(TrustError) {
        let all = try Self.all(inPEM: pem)
        guard let first = all.first, all.count == 1 else {
            throw TrustError(.malformed, "\(all.count) certificates where one is expected")
        }
        self = first
    }

    /// Every certificate of a PEM text, in order.
    public static func all(inPEM text: String) throws(TrustError) -> [Certificate] {
        var result: [Certificate] = []
        for block in try PEM.decode("CERTIFICATE", in: text) { result.append(try Certificate(der: block)) }
        return result
    }

    /// The certificate as PEM text.
    public var pem: String { PEM.encode("CERTIFICATE", der) }

    /// The kind of key that the certificate names; throws when it is not one that is accepted.
    public func keyAlgorithm() throws(TrustError) -> KeyAlgorithm { try publicKey.algorithm() }

    /// Whether subject and issuer are the same, as in a root.
    public var isSelfIssued: Bool { unsafe X509_check_issued(handle.pointer, handle.pointer) == X509_V_OK }

    /// Whether the time lies in the validity, both ends included, to the second.
    public func isValid(at time: UTCTime) -> Bool {
        time >= notBefore && time.milliseconds < notAfter.milliseconds + 1000
    }

    /// Equal bytes.
    public static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }

    /// By the bytes.
    public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}
