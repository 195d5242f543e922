internal import COpenSSL

/// An `EVP_PKEY`, private or public, freed with its last owner. OpenSSL counts its references and lets several threads
/// use it at once.
@safe
final class KeyHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes ownership.
    init(owning pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe EVP_PKEY_free(pointer) }

    /// Which of the accepted kinds this is; throws for any other.
    func algorithm() throws(TrustError) -> KeyAlgorithm {
        if unsafe EVP_PKEY_is_a(pointer, "EC") == 1 {
            var name = [CChar](repeating: 0, count: 64)
            var count = 0
            let size = name.count
            let status = unsafe name.withUnsafeMutableBufferPointer {
                unsafe EVP_PKEY_get_group_name(pointer, $0.baseAddress, size, &count)
            }
            let group = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            switch (status, group) {
            case (1, "prime256v1"), (1, "P-256"): return .ecP256
            case (1, "secp384r1"), (1, "P-384"): return .ecP384
            default:
                throw TrustError(
                    .unsupported, "an elliptic-curve key on another curve (\(group)); use P-256 or P-384")
            }
        }
        if unsafe EVP_PKEY_is_a(pointer, "RSA") == 1 {
            let bits = unsafe Int(EVP_PKEY_get_bits(pointer))
            guard bits >= KeyAlgorithm.smallestRSA else {
                throw TrustError(
                    .unsupported, "an RSA key of \(bits) bits; use \(KeyAlgorithm.smallestRSA) bits or more, or P-256")
            }
            return .rsa(bits: bits)
        }
        if unsafe EVP_PKEY_is_a(pointer, "ED25519") == 1 { return .ed25519 }
        throw TrustError(
            .unsupported, "a kind of key that is not accepted; use P-256, P-384 or RSA of 3072 bits or more")
    }

    func isSamePublicKey(as other: KeyHandle) -> Bool {
        let same = unsafe EVP_PKEY_eq(pointer, other.pointer) == 1
        if !same { ERR_clear_error() }
        return same
    }

    /// SubjectPublicKeyInfo in DER.
    func subjectPublicKeyInfo() throws(TrustError) -> [UInt8] {
        try unsafe encoded("writing a public key") { output in unsafe i2d_PUBKEY(pointer, output) }
    }

    func sign(_ message: [UInt8], _ algorithm: KeyAlgorithm) throws(TrustError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .openSSL("signing") }
        defer { unsafe EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        guard
            unsafe EVP_DigestSignInit_ex(
                context, &parameters, algorithm.messageDigest?.name, nil, nil, pointer, nil) == 1
        else { throw .openSSL("signing") }
        guard unsafe Self.usePSS(parameters, algorithm) else { throw .openSSL("choosing RSASSA-PSS") }
        var count = 0
        let asked = unsafe message.withUnsafeBufferPointer {
            unsafe EVP_DigestSign(context, nil, &count, $0.baseAddress, $0.count)
        }
        guard asked == 1 else { throw .openSSL("signing") }
        var signature = [UInt8](repeating: 0, count: count)
        let status = unsafe message.withUnsafeBufferPointer { input in
            unsafe signature.withUnsafeMutableBufferPointer { output in
                unsafe EVP_DigestSign(context, output.baseAddress, &count, input.baseAddress, input.count)
            }
        }
        guard status == 1 else { throw .openSSL("signing") }
        return Array(signature[..<count])
    }

    /// Whether the signature is this key's over the message; false also for a malformed signature.
    func verify(_ signature: ArraySlice<UInt8>, over message: [UInt8], _ algorithm: KeyAlgorithm) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            // A refused signature leaves its reason in the queue; it must not explain a later failure.
            ERR_clear_error()
        }
        var parameters: OpaquePointer?
        guard
            unsafe EVP_DigestVerifyInit_ex(
                context, &parameters, algorithm.messageDigest?.name, nil, nil, pointer, nil) == 1,
            unsafe Self.usePSS(parameters, algorithm)
        else { return false }
        return unsafe message.withUnsafeBufferPointer { input in
            unsafe signature.withUnsafeBufferPointer { value in
                unsafe EVP_DigestVerify(context, value.baseAddress, value.count, input.baseAddress, input.count)
            }
        } == 1
    }

    /// Chooses RSASSA-PSS for an RSA key; false when OpenSSL refuses.
    private static func usePSS(_ parameters: OpaquePointer?, _ algorithm: KeyAlgorithm) -> Bool {
        guard case .rsa = algorithm else { return true }
        return unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 32) == 1
    }
}

/// Calls one of OpenSSL's `i2d_` functions twice: for the length, then for the bytes.
func encoded(
    _ action: String, _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
) throws(TrustError) -> [UInt8] {
    let count = encode(nil)
    guard count > 0 else { throw .openSSL(action) }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
        var cursor = buffer.baseAddress
        return unsafe encode(&cursor)
    }
    guard written == count else { throw .openSSL(action) }
    return bytes
}
