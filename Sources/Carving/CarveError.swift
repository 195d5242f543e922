/// Why carving could not start or go on: what happened and what to do.
public struct CarveError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case magic, digest, medium, output, mismatch }
        private let kind: Kind

        /// libmagic or its databases cannot be used.
        public static let magic = Code(kind: .magic)
        /// A digest cannot be computed.
        public static let digest = Code(kind: .digest)
        /// The medium can no longer be read.
        public static let medium = Code(kind: .medium)
        /// A file cannot be written, or stands there already.
        public static let output = Code(kind: .output)
        /// The medium no longer holds the bytes that were catalogued.
        public static let mismatch = Code(kind: .mismatch)
    }

    /// What kind of failure it is.
    public let code: Code
    /// What happened and how to remedy it.
    public let message: String

    /// An error of a kind, in words.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
