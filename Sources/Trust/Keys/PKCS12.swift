internal import COpenSSL

/// A key and its certificates in one file (RFC 7292), as authorities hand them out: `.p12` or `.pfx`.
struct PKCS12Contents {
    /// Largest container that is read, in bytes.
    static let largestFile = 4 << 20

    let key: PrivateKey
    let certificate: Certificate
    /// The other certificates, in no certain order.
    let others: [Certificate]

    init(_ bytes: [UInt8], passphrase: Passphrase) throws(TrustError) {
        ERR_clear_error()
        let container = unsafe bytes.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return unsafe d2i_PKCS12(nil, &cursor, buffer.count)
        }
        guard let container = unsafe container else {
            throw TrustError(.malformed, "not a PKCS#12 container: \(TrustError.openSSL("reading it").message)")
        }
        defer { unsafe PKCS12_free(container) }
        let text = passphrase.cString
        guard unsafe PKCS12_verify_mac(container, text, -1) == 1 else {
            let reason = TrustError.openSSL("checking its passphrase").message
            if reason.contains("mac verify failure") || reason.contains("mac absent") || !reason.contains("unsupported")
            {
                throw TrustError(.wrongPassphrase, "the passphrase does not open the PKCS#12 container (\(reason))")
            }
            throw Self.outdated(reason)
        }
        var key: OpaquePointer?
        var certificate: OpaquePointer?
        var others: OpaquePointer?
        guard unsafe PKCS12_parse(container, text, &key, &certificate, &others) == 1 else {
            throw Self.outdated(TrustError.openSSL("opening a PKCS#12 container").message)
        }
        let handle = unsafe key.map { unsafe KeyHandle(owning: $0) }
        defer {
            unsafe X509_free(certificate)
            while let other = unsafe OPENSSL_sk_pop(others) { unsafe X509_free(OpaquePointer(other)) }
            unsafe OPENSSL_sk_free(others)
        }
        guard let handle, unsafe certificate != nil else {
            throw TrustError(.missing, "the PKCS#12 container lacks the private key or its certificate")
        }
        self.key = try PrivateKey(handle)
        self.certificate = try unsafe Self.read(certificate)
        var list: [Certificate] = []
        for position in 0..<max(0, unsafe OPENSSL_sk_num(others)) {
            try unsafe list.append(Self.read(OpaquePointer(OPENSSL_sk_value(others, position))))
        }
        self.others = list
    }

    private static func read(_ certificate: OpaquePointer?) throws(TrustError) -> Certificate {
        try Certificate(
            der: try unsafe encoded("reading a certificate") { output in unsafe i2d_X509(certificate, output) })
    }

    private static func outdated(_ reason: String) -> TrustError {
        TrustError(
            .unsupported,
            "the PKCS#12 container is encrypted with an algorithm that OpenSSL 3 no longer offers (\(reason)); convert it "
                + "with \"openssl pkcs12 -legacy -in OLD -out key.pem\" and import the PEM file")
    }
}
