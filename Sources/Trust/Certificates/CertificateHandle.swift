internal import COpenSSL
internal import EvidenceModel
internal import Glibc

/// An `X509`, freed with its last owner. OpenSSL guards what it caches inside with locks.
@safe
final class CertificateHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(der: [UInt8]) throws(TrustError) {
        ERR_clear_error()
        let parsed: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            guard let parsed = unsafe d2i_X509(nil, &cursor, buffer.count) else { return nil }
            // Bytes after the certificate would not be covered by anything.
            guard unsafe cursor == buffer.baseAddress.map({ unsafe $0 + buffer.count }) else {
                unsafe X509_free(parsed)
                return nil
            }
            return unsafe parsed
        }
        guard let parsed = unsafe parsed else {
            throw TrustError(.malformed, TrustError.openSSL("reading a certificate").message)
        }
        unsafe self.pointer = parsed
    }

    deinit { unsafe X509_free(pointer) }

    func publicKey() throws(TrustError) -> KeyHandle {
        guard let key = unsafe X509_get_pubkey(pointer) else { throw .openSSL("reading a certificate's public key") }
        return unsafe KeyHandle(owning: key)
    }

    // MARK: Fields

    /// The texts of a field of the subject's or issuer's name, in order.
    func names(_ field: Int32, ofIssuer: Bool = false) -> [String] {
        let name = unsafe ofIssuer ? X509_get_issuer_name(pointer) : X509_get_subject_name(pointer)
        var texts: [String] = []
        var position: Int32 = -1
        while true {
            position = unsafe X509_NAME_get_index_by_NID(name, field, position)
            guard position >= 0 else { return texts }
            let value = unsafe X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, position))
            var text: UnsafeMutablePointer<UInt8>?
            let count = unsafe ASN1_STRING_to_UTF8(&text, value)
            guard count >= 0, let start = unsafe text else { continue }
            unsafe texts.append(String(decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self))
            unsafe CRYPTO_free(start, nil, 0)
        }
    }

    /// The subject's or issuer's Name in DER, as the certificate spells it.
    func nameDER(ofIssuer: Bool) throws(TrustError) -> [UInt8] {
        let name = unsafe ofIssuer ? X509_get_issuer_name(pointer) : X509_get_subject_name(pointer)
        return try unsafe encoded("reading a certificate's name") { output in unsafe i2d_X509_NAME(name, output) }
    }

    /// The serial number as INTEGER in DER.
    func serialDER() throws(TrustError) -> [UInt8] {
        let serial = unsafe X509_get_serialNumber(pointer)
        return try unsafe encoded("reading a certificate's serial number") { output in
            unsafe i2d_ASN1_INTEGER(serial, output)
        }
    }

    func subjectKeyIdentifier() -> [UInt8]? {
        guard let value = unsafe X509_get0_subject_key_id(pointer) else { return nil }
        let count = unsafe Int(ASN1_STRING_length(value))
        return unsafe Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(value), count: count))
    }

    func validity() throws(TrustError) -> (from: UTCTime, to: UTCTime) {
        (
            try unsafe Self.time(X509_get0_notBefore(pointer)),
            try unsafe Self.time(X509_get0_notAfter(pointer))
        )
    }

    static func time(_ value: UnsafePointer<ASN1_TIME>?) throws(TrustError) -> UTCTime {
        var broken = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(value, &broken) == 1 else {
            throw TrustError(.malformed, TrustError.openSSL("reading a time").message)
        }
        return UTCTime(seconds: Int64(unsafe timegm(&broken)))
    }

    // MARK: Purpose

    var isAuthority: Bool { unsafe X509_check_ca(pointer) == 1 }

    /// The key usage bits; nil when the certificate does not restrict the usage.
    var keyUsage: UInt32? {
        let usage = unsafe X509_get_key_usage(pointer)
        return usage == UInt32.max ? nil : usage
    }
}

extension CertificateHandle {
    /// Whether the extended key usage allows time stamps and nothing else.
    var isForTimestampsOnly: Bool {
        unsafe X509_get_extended_key_usage(pointer) == UInt32(XKU_TIMESTAMP)
    }
}
