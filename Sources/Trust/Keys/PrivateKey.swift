internal import COpenSSL
internal import EvidenceModel

/// A private key in memory. It leaves the process only encrypted.
public final class PrivateKey: Sendable {
    /// The kind of key.
    public let algorithm: KeyAlgorithm
    let handle: KeyHandle

    init(_ handle: KeyHandle) throws(TrustError) {
        self.algorithm = try handle.algorithm()
        self.handle = handle
    }

    // MARK: Making

    /// A new ECDSA key on P-256.
    public static func generateP256() throws(TrustError) -> PrivateKey {
        try unsafe generate("EC") { context in unsafe EVP_PKEY_CTX_set_group_name(context, "P-256") }
    }

    /// A new ECDSA key on P-384.
    public static func generateP384() throws(TrustError) -> PrivateKey {
        try unsafe generate("EC") { context in unsafe EVP_PKEY_CTX_set_group_name(context, "P-384") }
    }

    /// A new RSA key; takes seconds.
    public static func generateRSA(bits: Int = KeyAlgorithm.smallestRSA) throws(TrustError) -> PrivateKey {
        try unsafe generate("RSA") { context in unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(clamping: bits))
        }
    }

    /// A new Ed25519 key, for signed notes.
    public static func generateEd25519() throws(TrustError) -> PrivateKey {
        try unsafe generate("ED25519") { _ in 1 }
    }

    private static func generate(
        _ type: String, _ configure: (OpaquePointer) -> Int32
    ) throws(TrustError) -> PrivateKey {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { throw .openSSL("making a key") }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_keygen_init(context) == 1, unsafe configure(context) == 1,
            unsafe EVP_PKEY_generate(context, &key) == 1, let key = unsafe key
        else { throw .openSSL("making a key") }
        return try PrivateKey(unsafe KeyHandle(owning: key))
    }

    // MARK: Using

    /// Signs a message with the key's own digest and scheme: DER for ECDSA, raw for RSA and Ed25519.
    func sign(_ message: [UInt8]) throws(TrustError) -> [UInt8] { try handle.sign(message, algorithm) }

    /// Whether this is the key that the certificate names.
    public func matches(_ certificate: Certificate) -> Bool {
        handle.isSamePublicKey(as: certificate.publicKey)
    }

    /// The public key as PEM, for `openssl pkeyutl`.
    public func publicKeyPEM() throws(TrustError) -> String {
        PEM.encode("PUBLIC KEY", try handle.subjectPublicKeyInfo())
    }

    /// The 32 bytes of an Ed25519 public key.
    func rawPublicKey() throws(TrustError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        let status = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe EVP_PKEY_get_raw_public_key(handle.pointer, $0.baseAddress, &count)
        }
        guard status == 1, count == 32 else { throw .openSSL("reading an Ed25519 public key") }
        return bytes
    }
}
