internal import Digesting
public import EvidenceModel

/// Signatures over bytes: CMS SignedData of the level CAdES-B-B (ETSI EN 319 122-1), in DER.
///
/// Anyone can check them with `openssl cms -verify -cades -binary -inform DER -CAfile ca.pem -purpose any`.
public enum CAdES {
    // MARK: Signing

    /// Signs content and carries it along: the form of a ledger entry.
    /// - Parameters:
    ///   - content: what is signed, byte for byte.
    ///   - signer: who signs.
    ///   - time: the signing time to state, cut to the second; now when nil.
    public static func signAttached(
        _ content: [UInt8], by signer: Signer, at time: UTCTime? = nil
    ) throws(TrustError) -> [UInt8] {
        try sign([content[...]], carrying: content, by: signer, at: time)
    }

    /// Signs content that is stored elsewhere: the form of a `.p7s` file beside it.
    /// - Parameters:
    ///   - content: what is signed, byte for byte.
    ///   - signer: who signs.
    ///   - time: the signing time to state, cut to the second; now when nil.
    public static func signDetached(
        _ content: [UInt8], by signer: Signer, at time: UTCTime? = nil
    ) throws(TrustError) -> [UInt8] {
        try sign([content[...]], carrying: nil, by: signer, at: time)
    }

    private static func sign(
        _ pieces: [ArraySlice<UInt8>], carrying content: [UInt8]?, by signer: Signer, at time: UTCTime?
    ) throws(TrustError) -> [UInt8] {
        let attributes = try SignedAttributes.encode(
            messageDigest: try digest(of: pieces, for: signer), signingTime: time ?? .systemClock,
            certificate: signer.certificate)
        return try finish(SignedMessage(content: content, attributes, signer), by: signer)
    }

    /// Signs the bytes of a PDF around its `/Contents`: the CMS of a PAdES signature (ETSI EN 319 142-1), of level B-B,
    /// or B-T with a time stamp. It has no signing-time attribute; the PDF's `/M` states the time.
    /// - Parameters:
    ///   - pieces: the byte ranges of the PDF, in order.
    ///   - signer: who signs.
    ///   - timestamp: asked for a time stamp over the signature value; returns an RFC 3161 response or token in DER.
    public static func signForPDF(
        digestOf pieces: [ArraySlice<UInt8>], by signer: Signer, timestamp: ((_ signature: [UInt8]) throws -> [UInt8])?
    ) throws -> [UInt8] {
        let attributes = try SignedAttributes.encode(
            messageDigest: try digest(of: pieces, for: signer), signingTime: nil, certificate: signer.certificate)
        var message = SignedMessage(content: nil, attributes, signer)
        message.signature = try signer.key.sign(message.signedBytes)
        if let timestamp {
            let token = try TimestampToken.token(fromResponseOrToken: try timestamp(message.signature))
            message.unsignedAttributes = SignedAttributes.attribute(OID.signatureTimestamp, token)
        }
        return try message.encode(signer: signer.certificate)
    }

    private static func digest(of pieces: [ArraySlice<UInt8>], for signer: Signer) throws(TrustError) -> [UInt8] {
        guard let digest = signer.key.algorithm.messageDigest else {
            throw TrustError(
                .unsupported, "\(signer.key.algorithm.displayName) keys sign only notes; use a P-256 key")
        }
        return try digest.digest(of: pieces)
    }

    private static func finish(_ message: SignedMessage, by signer: Signer) throws(TrustError) -> [UInt8] {
        var message = message
        message.signature = try signer.key.sign(message.signedBytes)
        return try message.encode(signer: signer.certificate)
    }

    // MARK: Verifying

    /// Checks a signature that carries its content.
    ///
    /// To check many, keep one ``SignatureVerifier``.
    /// - Parameters:
    ///   - cms: the signature.
    ///   - roots: the certificates that are trusted.
    ///   - revocationLists: CRLs in DER; a certificate they name is refused from its revocation on.
    ///   - time: when the certificates must be valid; at the stated signing time when nil.
    public static func verifyAttached(
        _ cms: [UInt8], roots: [Certificate], revocationLists: [[UInt8]] = [], at time: UTCTime?
    ) -> SignatureVerdict {
        SignatureVerifier(roots: roots, revocationLists: revocationLists).verifyAttached(cms, at: time)
    }

    /// Checks a signature over content that is stored elsewhere; the parameters are those of
    /// ``verifyAttached(_:roots:revocationLists:at:)``.
    public static func verifyDetached(
        _ cms: [UInt8], content: [UInt8], roots: [Certificate], revocationLists: [[UInt8]] = [], at time: UTCTime?
    ) -> SignatureVerdict {
        SignatureVerifier(roots: roots, revocationLists: revocationLists)
            .verifyDetached(cms, content: content, at: time)
    }
}

extension SignedMessage {
    init(content: [UInt8]?, _ attributes: [UInt8], _ signer: Signer) {
        self.init(
            content: content, certificates: [signer.certificate.der] + signer.chain.map(\.der),
            attributes: attributes, signature: [], unsignedAttributes: nil)
    }
}
