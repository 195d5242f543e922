/// The digest algorithms that Exhibit computes and reads, by the names that manifests use.
public enum DigestAlgorithm: String, CaseIterable, Hashable, Sendable {
    case md5
    case sha1
    case sha256
    case sha512
    case sha3_256 = "sha3-256"
    case blake2b512

    /// Length of a digest, in bytes.
    public var byteCount: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256, .sha3_256: 32
        case .sha512, .blake2b512: 64
        }
    }

    /// The name a report prints, for example "SHA-256".
    public var displayName: String {
        switch self {
        case .md5: "MD5"
        case .sha1: "SHA-1"
        case .sha256: "SHA-256"
        case .sha512: "SHA-512"
        case .sha3_256: "SHA3-256"
        case .blake2b512: "BLAKE2b-512"
        }
    }
}

/// The result of a digest algorithm over some bytes.
public struct Digest: Hashable, Sendable {
    public let algorithm: DigestAlgorithm
    public let bytes: [UInt8]

    /// - Precondition: `bytes` has the algorithm's length.
    public init(_ algorithm: DigestAlgorithm, _ bytes: [UInt8]) {
        precondition(bytes.count == algorithm.byteCount, "a \(algorithm.rawValue) digest has another length")
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads a digest from hexadecimal digits of either case; nil when they are not one of this algorithm.
    public init?(_ algorithm: DigestAlgorithm, hex: String) {
        guard let bytes = Hex.decode(hex), bytes.count == algorithm.byteCount else { return nil }
        self.init(algorithm, bytes)
    }

    /// Lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }
}
