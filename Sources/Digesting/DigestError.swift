internal import EvidenceModel

/// Why a digest could not be computed.
public struct DigestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case unavailable, failed, malformedTree }
        private let kind: Kind

        /// This OpenSSL does not offer the algorithm, or its policy (for example FIPS mode) refuses it.
        public static let unavailable = Code(kind: .unavailable)
        /// OpenSSL failed in the middle of the work.
        public static let failed = Code(kind: .failed)
        /// Stored hashes do not fit the tree that they are said to belong to.
        public static let malformedTree = Code(kind: .malformedTree)
    }

    /// The kind of failure.
    public let code: Code
    /// What happened and how to remedy it, with OpenSSL's own words.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    static func unavailable(_ algorithm: DigestAlgorithm) -> DigestError {
        DigestError(
            .unavailable,
            "\(algorithm.displayName) is not available in \(OpenSSLLibrary.version) "
                + "(\(OpenSSLLibrary.takeErrors())); leave it out or use an OpenSSL configuration that allows it")
    }
}
