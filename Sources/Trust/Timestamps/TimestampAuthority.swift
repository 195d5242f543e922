internal import COpenSSL
internal import Digesting
public import EvidenceModel

/// The laboratory's own time-stamping authority (RFC 3161).
///
/// It states the workstation's clock, so it orders things and fixes their content; it is no independent witness of the
/// time. What it made is always of the trust level ``TimestampTrust/laboratory``.
public struct TimestampAuthority: Sendable {
    /// The policy under which the laboratory's authority stamps, in the arc 2.25 that anyone may use with a UUID
    /// (ITU-T X.667): see Documentation/Formats/time-stamps.md.
    public static let laboratoryPolicy = "2.25.302241072234222797481603953447772854768"

    /// The certificate that names the authority.
    public var certificate: Certificate { signer.certificate }
    /// The policy that stands in each token, as a dotted object identifier.
    public let policy: String
    /// Half the width of the interval in which the stated time lies, in milliseconds.
    public let accuracy: Int

    private let signer: Signer
    private let clock: @Sendable () -> UTCTime

    /// - Parameters:
    ///   - signer: its certificate has the critical extended key usage timeStamping and no other.
    ///   - policy: a dotted object identifier.
    ///   - accuracy: in milliseconds; 1000 unless the clock is known to be better.
    ///   - clock: states the time; the workstation's clock when nil.
    public init(
        signer: Signer, policy: String = TimestampAuthority.laboratoryPolicy, accuracy: Int = 1000,
        clock: (@Sendable () -> UTCTime)? = nil
    ) throws(TrustError) {
        guard signer.certificate.handle.isForTimestampsOnly else {
            throw TrustError(
                .unsupported,
                "the certificate of \(signer.certificate.displayName) is not for time stamps alone (RFC 3161, 2.3)")
        }
        guard (1...3_600_000).contains(accuracy) else {
            throw TrustError(.unsupported, "an accuracy of \(accuracy) ms; state 1 ms to one hour")
        }
        self.signer = signer
        self.policy = policy
        self.accuracy = accuracy
        self.clock = clock ?? { UTCTime.systemClock }
    }

    /// Stamps data: a TimeStampResp in DER over its SHA-256, with the authority's certificate and a nonce.
    public func stamp(_ data: [UInt8]) throws(TrustError) -> [UInt8] {
        let response = try respond(toRequest: try TimestampRequest.make(for: data))
        _ = try TimestampToken.token(fromResponseOrToken: response)
        return response
    }

    /// Answers a TimeStampReq in DER. A request that cannot be served gets a response that says so (RFC 3161, 2.4.2).
    public func respond(toRequest request: [UInt8]) throws(TrustError) -> [UInt8] {
        ERR_clear_error()
        guard let context = unsafe TS_RESP_CTX_new() else { throw .openSSL("making a time stamp") }
        defer { unsafe TS_RESP_CTX_free(context) }
        try unsafe configure(context)
        // The callbacks run before `TS_RESP_create_response` returns, so they may look at this frame.
        var moment = clock().milliseconds
        let response: OpaquePointer? = unsafe withUnsafeMutablePointer(to: &moment) { moment in
            unsafe TS_RESP_CTX_set_time_cb(context, statedTime, moment)
            unsafe TS_RESP_CTX_set_serial_cb(context, randomSerial, nil)
            return unsafe request.withUnsafeBytes { buffer in
                guard let input = unsafe BIO_new_mem_buf(buffer.baseAddress, Int32(clamping: buffer.count)) else {
                    return nil
                }
                defer { unsafe BIO_free(input) }
                return unsafe TS_RESP_create_response(context, input)
            }
        }
        guard let response = unsafe response else { throw .openSSL("making a time stamp") }
        defer {
            unsafe TS_RESP_free(response)
            ERR_clear_error()
        }
        return try unsafe encoded("encoding a time stamp") { output in unsafe i2d_TS_RESP(response, output) }
    }

    private func configure(_ context: OpaquePointer) throws(TrustError) {
        guard let policy = unsafe OBJ_txt2obj(policy, 1) else {
            throw TrustError(.malformed, "\(policy) is not an object identifier")
        }
        defer { unsafe ASN1_OBJECT_free(policy) }
        // The signer's chain goes along, so that a verifier needs only the root.
        let chain = unsafe OPENSSL_sk_new_null()
        defer { unsafe OPENSSL_sk_free(chain) }
        for certificate in signer.chain {
            _ = unsafe OPENSSL_sk_push(chain, UnsafeRawPointer(certificate.handle.pointer))
        }
        let flags = UInt32(TS_TSA_NAME)
        guard unsafe TS_RESP_CTX_set_signer_cert(context, signer.certificate.handle.pointer) == 1,
            unsafe TS_RESP_CTX_set_signer_key(context, signer.key.handle.pointer) == 1,
            unsafe TS_RESP_CTX_set_certs(context, chain) == 1,
            unsafe TS_RESP_CTX_set_def_policy(context, policy) == 1,
            unsafe TS_RESP_CTX_set_signer_digest(context, EVP_sha256()) == 1,
            // The default is SHA-1 in OpenSSL 3.0.
            unsafe TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()) == 1,
            unsafe TS_RESP_CTX_add_md(context, EVP_sha256()) == 1,
            unsafe TS_RESP_CTX_add_md(context, EVP_sha384()) == 1,
            unsafe TS_RESP_CTX_add_md(context, EVP_sha512()) == 1,
            unsafe TS_RESP_CTX_set_accuracy(context, Int32(accuracy / 1000), Int32(accuracy % 1000), 0) == 1,
            unsafe TS_RESP_CTX_set_clock_precision_digits(context, 3) == 1
        else { throw .openSSL("setting up the time-stamping authority") }
        unsafe TS_RESP_CTX_add_flags(context, Int32(flags))
    }
}

/// The time that the frame of ``TimestampAuthority/respond(toRequest:)`` holds, in milliseconds.
private func statedTime(
    _ context: OpaquePointer?, _ data: UnsafeMutableRawPointer?, _ seconds: UnsafeMutablePointer<Int>?,
    _ microseconds: UnsafeMutablePointer<Int>?
) -> Int32 {
    guard let data = unsafe data, let seconds = unsafe seconds, let microseconds = unsafe microseconds else { return 0 }
    let milliseconds = unsafe data.load(as: Int64.self)
    unsafe seconds.pointee = Int(milliseconds / 1000)
    unsafe microseconds.pointee = Int(milliseconds % 1000) * 1000
    return 1
}

/// 20 random bytes, positive: unique without any state that processes would have to share (RFC 3161, 2.4.2: up to 160
/// bits).
private func randomSerial(_ context: OpaquePointer?, _ data: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<
    ASN1_INTEGER
>? {
    guard var bytes = try? randomBytes(20) else { return nil }
    bytes[0] = bytes[0] & 0x7F | 0x40
    let number = unsafe BN_bin2bn(bytes, Int32(bytes.count), nil)
    defer { unsafe BN_free(number) }
    return unsafe BN_to_ASN1_INTEGER(number, nil)
}
