internal import COpenSSL
internal import EvidenceModel

extension PrivateKey {
    /// Rounds of PBKDF2 (HMAC-SHA-256) between a passphrase and the key that encrypts a private key at rest.
    public static let keyStretchingRounds: Int32 = 600_000
    /// Rounds for a secret of 256 random bits, which no number of rounds makes stronger.
    static let secretStretchingRounds: Int32 = 10_000
    /// Largest PEM text of a key that is read, in bytes.
    static let largestPEM = 1 << 20

    /// PKCS#8 encrypted at rest (RFC 5958; PBES2 of RFC 8018: PBKDF2 with HMAC-SHA-256, AES-256-CBC), as PEM.
    ///
    /// Read by `openssl pkey -in`.
    public func pem(encryptedWith passphrase: Passphrase) throws(TrustError) -> String {
        try pem(encryptedWith: passphrase, rounds: Self.keyStretchingRounds)
    }

    func pem(encryptedWith passphrase: Passphrase, rounds: Int32) throws(TrustError) -> String {
        try passphrase.checkUsable()
        guard let plain = unsafe EVP_PKEY2PKCS8(handle.pointer) else { throw .openSSL("encoding a private key") }
        defer { unsafe PKCS8_PRIV_KEY_INFO_free(plain) }
        var salt = try randomBytes(16)
        let saltCount = Int32(salt.count)
        let text = passphrase.cString
        let encrypted = unsafe salt.withUnsafeMutableBufferPointer { salt in
            // -1 asks for PBES2; its PBKDF2 uses HMAC-SHA-256 in OpenSSL 3.
            unsafe PKCS8_encrypt(
                -1, EVP_aes_256_cbc(), text, Int32(text.count - 1), salt.baseAddress, saltCount,
                rounds, plain)
        }
        guard let encrypted = unsafe encrypted else { throw .openSSL("encrypting a private key") }
        defer { unsafe X509_SIG_free(encrypted) }
        let bytes = try unsafe encoded("encoding a private key") { output in unsafe i2d_X509_SIG(encrypted, output) }
        return PEM.encode("ENCRYPTED PRIVATE KEY", bytes)
    }

    /// Reads the private key of a PEM text, encrypted or not: PKCS#8, or the older EC and RSA forms.
    ///
    /// Throws ``TrustError/Code/wrongPassphrase`` when the passphrase does not open it.
    public convenience init(pem: String, passphrase: Passphrase) throws(TrustError) {
        let bytes = Array(pem.utf8)
        guard bytes.count <= Self.largestPEM else { throw TrustError(.malformed, "too large for a private key") }
        guard pem.contains("PRIVATE KEY-----") else {
            throw TrustError(.malformed, "there is no private key in PEM form (no \"BEGIN … PRIVATE KEY\" line)")
        }
        let isEncrypted = pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED")
        if isEncrypted { try passphrase.checkUsable() }
        var text = passphrase.cString
        ERR_clear_error()
        let key: OpaquePointer? = unsafe bytes.withUnsafeBytes { buffer in
            guard let input = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { unsafe BIO_free(input) }
            // The passphrase is always given, so OpenSSL never asks at the terminal by itself.
            return unsafe text.withUnsafeMutableBufferPointer {
                unsafe PEM_read_bio_PrivateKey(input, nil, nil, $0.baseAddress)
            }
        }
        guard let key = unsafe key else {
            let reason = TrustError.openSSL("reading a private key")
            guard isEncrypted else { throw TrustError(.malformed, reason.message) }
            if reason.message.contains("unsupported") && !reason.message.contains("DECODER") {
                throw TrustError(.unsupported, reason.message)
            }
            throw TrustError(
                .wrongPassphrase, "the passphrase does not open the private key, or the key file is damaged")
        }
        try self.init(unsafe KeyHandle(owning: key))
    }
}

/// Random bytes from OpenSSL's generator.
func randomBytes(_ count: Int) throws(TrustError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let status = unsafe bytes.withUnsafeMutableBufferPointer {
        unsafe RAND_priv_bytes($0.baseAddress, Int32(count))
    }
    guard status == 1 else { throw .openSSL("drawing random bytes") }
    return bytes
}
