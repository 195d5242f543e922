internal import COpenSSL
public import EvidenceModel

/// A digest in the making: bytes are added in order, in pieces of any size.
///
/// Owned by one task at a time. The bytes are read in place, never copied.
@safe
public struct RunningDigest: ~Copyable {
    /// What is computed.
    public let algorithm: DigestAlgorithm
    private let context: OpaquePointer

    /// Throws ``DigestError/Code/unavailable`` when OpenSSL does not offer the algorithm.
    public init(_ algorithm: DigestAlgorithm) throws(DigestError) {
        let implementation = try DigestImplementation.of(algorithm)
        guard let context = unsafe EVP_MD_CTX_new() else {
            throw DigestError(.failed, "no memory for a \(algorithm.displayName) digest")
        }
        guard unsafe EVP_DigestInit_ex2(context, implementation.pointer, nil) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            throw DigestError.unavailable(algorithm)
        }
        self.algorithm = algorithm
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Adds bytes.
    public mutating func update(_ bytes: Span<UInt8>) throws(DigestError) {
        try unsafe add(bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) })
    }

    /// Adds bytes.
    public mutating func update(_ bytes: ArraySlice<UInt8>) throws(DigestError) {
        try unsafe add(bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) })
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) throws(DigestError) {
        try unsafe add(bytes.withUnsafeBytes { unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) })
    }

    /// The digest of all bytes added.
    public consuming func finalize() throws(DigestError) -> Digest {
        var result = [UInt8](repeating: 0, count: algorithm.byteCount)
        var count: UInt32 = 0
        let status = unsafe result.withUnsafeMutableBufferPointer {
            unsafe EVP_DigestFinal_ex(context, $0.baseAddress, &count)
        }
        guard status == 1, Int(count) == algorithm.byteCount else { throw failure }
        return Digest(algorithm, result)
    }

    private func add(_ status: Int32) throws(DigestError) {
        guard status == 1 else { throw failure }
    }

    private var failure: DigestError {
        DigestError(.failed, "computing \(algorithm.displayName) failed: \(OpenSSLLibrary.takeErrors())")
    }
}

/// The digest of bytes that are at hand.
public func digest(_ algorithm: DigestAlgorithm, of bytes: [UInt8]) throws(DigestError) -> Digest {
    try digest(algorithm, of: bytes[...])
}

/// The digest of bytes that are at hand.
public func digest(_ algorithm: DigestAlgorithm, of bytes: ArraySlice<UInt8>) throws(DigestError) -> Digest {
    let implementation = try DigestImplementation.of(algorithm)
    var result = [UInt8](repeating: 0, count: algorithm.byteCount)
    let status = unsafe bytes.withUnsafeBytes { input in
        unsafe result.withUnsafeMutableBufferPointer { output in
            unsafe EVP_Digest(
                input.baseAddress, input.count, output.baseAddress, nil, implementation.pointer, nil)
        }
    }
    guard status == 1 else {
        throw DigestError(.failed, "computing \(algorithm.displayName) failed: \(OpenSSLLibrary.takeErrors())")
    }
    return Digest(algorithm, result)
}

/// OpenSSL's implementation of an algorithm, fetched once for the life of the process.
///
/// An `EVP_MD` is immutable and may be used from any thread.
@safe
private struct DigestImplementation: @unchecked Sendable {
    let pointer: OpaquePointer

    private init?(name: String) {
        guard let pointer = unsafe EVP_MD_fetch(nil, name, nil) else { return nil }
        unsafe self.pointer = pointer
    }

    private static let md5 = DigestImplementation(name: "MD5")
    private static let sha1 = DigestImplementation(name: "SHA1")
    private static let sha256 = DigestImplementation(name: "SHA2-256")
    private static let sha512 = DigestImplementation(name: "SHA2-512")
    private static let sha3 = DigestImplementation(name: "SHA3-256")
    private static let blake2b = DigestImplementation(name: "BLAKE2B-512")

    static func of(_ algorithm: DigestAlgorithm) throws(DigestError) -> DigestImplementation {
        let fetched =
            switch algorithm {
            case .md5: md5
            case .sha1: sha1
            case .sha256: sha256
            case .sha512: sha512
            case .sha3_256: sha3
            case .blake2b512: blake2b
            }
        guard let fetched else { throw DigestError.unavailable(algorithm) }
        return fetched
    }
}
