/// A person (or service) who can sign: key, certificate, and the certificates between it and the root.
public struct Signer: Sendable {
    /// The private key.
    public let key: PrivateKey
    /// The certificate that names the signer.
    public let certificate: Certificate
    /// Intermediate certificates, without the root; put into signatures so that they can be checked with the root alone.
    public let chain: [Certificate]

    /// Throws ``TrustError/Code/mismatch`` when key and certificate do not belong together.
    public init(key: PrivateKey, certificate: Certificate, chain: [Certificate] = []) throws(TrustError) {
        guard key.matches(certificate) else {
            throw TrustError(
                .mismatch, "the private key does not belong to the certificate of \(certificate.subjectCommonName)")
        }
        self.key = key
        self.certificate = certificate
        self.chain = chain.filter { !$0.isSelfIssued && $0 != certificate }
    }
}
