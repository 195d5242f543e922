internal import COpenSSL
internal import EvidenceModel

/// The kinds of key that Exhibit signs and verifies with, each with its one digest and signature scheme.
public enum KeyAlgorithm: Hashable, Sendable {
    /// ECDSA on P-256 with SHA-256: the default.
    case ecP256
    /// ECDSA on P-384 with SHA-384: the keys of many identity cards.
    case ecP384
    /// RSASSA-PSS with SHA-256, MGF1 and a salt of 32 bytes; keys of 3072 bits or more.
    case rsa(bits: Int)
    /// Ed25519: only for signed notes; OpenSSL 3.0 does not take it in CMS.
    case ed25519

    /// Fewest bits of an RSA key that is accepted (ETSI TS 119 312; RSASSA-PSS).
    public static let smallestRSA = 3072

    /// The name a report prints.
    public var displayName: String {
        switch self {
        case .ecP256: "ECDSA P-256 with SHA-256"
        case .ecP384: "ECDSA P-384 with SHA-384"
        case .rsa(let bits): "RSASSA-PSS \(bits) with SHA-256"
        case .ed25519: "Ed25519"
        }
    }

    /// The digest that is signed; nil when the scheme hashes by itself.
    var messageDigest: SignatureDigest? {
        switch self {
        case .ecP256, .rsa: .sha256
        case .ecP384: .sha384
        case .ed25519: nil
        }
    }

    /// The AlgorithmIdentifier of the signature (RFC 5754; RFC 4056; RFC 8410).
    var signatureIdentifier: [UInt8] {
        switch self {
        case .ecP256: DER.sequence(OID.ecdsaSHA256)
        case .ecP384: DER.sequence(OID.ecdsaSHA384)
        case .rsa:
            DER.sequence(
                OID.rsaPSS,
                DER.sequence(
                    DER.context(0, DER.sequence(OID.sha256, DER.null)),
                    DER.context(1, DER.sequence(OID.mgf1, DER.sequence(OID.sha256, DER.null))),
                    DER.context(2, DER.integer([32]))))
        case .ed25519: DER.sequence(OID.ed25519)
        }
    }
}

/// The digests that signatures use.
enum SignatureDigest: Hashable, Sendable {
    case sha256, sha384, sha512

    var name: String {
        switch self {
        case .sha256: "SHA2-256"
        case .sha384: "SHA2-384"
        case .sha512: "SHA2-512"
        }
    }

    private var identifier: [UInt8] {
        switch self {
        case .sha256: OID.sha256
        case .sha384: OID.sha384
        case .sha512: OID.sha512
        }
    }

    /// The AlgorithmIdentifier, parameters absent (RFC 5754, section 2).
    var algorithmIdentifier: [UInt8] { DER.sequence(identifier) }

    /// Reads an AlgorithmIdentifier whose parameters are absent or NULL; nil for another algorithm.
    init?(algorithmIdentifier: ArraySlice<UInt8>) {
        for digest in [SignatureDigest.sha256, .sha384, .sha512]
        where algorithmIdentifier.elementsEqual(digest.algorithmIdentifier)
            || algorithmIdentifier.elementsEqual(DER.sequence(digest.identifier, DER.null))
        {
            self = digest
            return
        }
        return nil
    }

    /// The digest of pieces, in order.
    func digest(of pieces: [ArraySlice<UInt8>]) throws(TrustError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .openSSL("making a digest") }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard let implementation = unsafe EVP_MD_fetch(nil, name, nil) else { throw .openSSL("finding \(name)") }
        defer { unsafe EVP_MD_free(implementation) }
        guard unsafe EVP_DigestInit_ex2(context, implementation, nil) == 1 else { throw .openSSL("computing \(name)") }
        for piece in pieces {
            guard unsafe piece.withUnsafeBytes({ unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }) == 1
            else { throw .openSSL("computing \(name)") }
        }
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let status = unsafe result.withUnsafeMutableBufferPointer {
            unsafe EVP_DigestFinal_ex(context, $0.baseAddress, &count)
        }
        guard status == 1 else { throw .openSSL("computing \(name)") }
        return Array(result[..<Int(count)])
    }
}
