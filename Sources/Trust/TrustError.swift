internal import Digesting
internal import EvidenceModel

/// Why a key, certificate, signature or time stamp could not be made or read.
///
/// What a signature proves is never an error but a ``SignatureVerdict`` or ``TimestampVerdict``.
public struct TrustError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind {
            case malformed, wrongPassphrase, unsupported, expired, notYetValid, mismatch, exists, missing, failed, file
        }
        private let kind: Kind

        /// The bytes are not what they should be.
        public static let malformed = Code(kind: .malformed)
        /// The passphrase does not open the key.
        public static let wrongPassphrase = Code(kind: .wrongPassphrase)
        /// A kind of key, algorithm or certificate that is not accepted here.
        public static let unsupported = Code(kind: .unsupported)
        /// The certificate's validity has ended.
        public static let expired = Code(kind: .expired)
        /// The certificate's validity has not begun.
        public static let notYetValid = Code(kind: .notYetValid)
        /// Key and certificate, or certificate and issuer, do not belong together.
        public static let mismatch = Code(kind: .mismatch)
        /// An identity of this name is already there.
        public static let exists = Code(kind: .exists)
        /// What was asked for is not there.
        public static let missing = Code(kind: .missing)
        /// OpenSSL failed.
        public static let failed = Code(kind: .failed)
        /// A file could not be read or written.
        public static let file = Code(kind: .file)
    }

    /// The kind of failure.
    public let code: Code
    /// What happened and how to remedy it. Never holds a secret.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: FileError) { self.init(error.isMissing ? .missing : .file, error.message) }

    init(_ error: DigestError) { self.init(.failed, error.message) }

    /// The message.
    public var description: String { message }

    /// A failure of OpenSSL, with its own words.
    static func openSSL(_ action: String) -> TrustError {
        TrustError(.failed, "\(action) failed: \(OpenSSLLibrary.takeErrors())")
    }
}

/// ``digest(_:of:)`` with this module's error.
func digestBytes(_ algorithm: DigestAlgorithm, _ bytes: [UInt8]) throws(TrustError) -> [UInt8] {
    do throws(DigestError) { return try digest(algorithm, of: bytes).bytes } catch { throw TrustError(error) }
}
