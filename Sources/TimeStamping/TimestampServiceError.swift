/// Why no answer of a time-stamping authority could be had: what happened and what to do.
public struct TimestampServiceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case settings, missingTool, unreachable, refused, notATimestamp, tooLarge }
        private let kind: Kind

        /// The address, the proxy or the credentials cannot be used.
        public static let settings = Code(kind: .settings)
        /// curl is not installed or could not be run.
        public static let missingTool = Code(kind: .missingTool)
        /// No connection, or no answer in time.
        public static let unreachable = Code(kind: .unreachable)
        /// The server answered with an error, or with a redirection.
        public static let refused = Code(kind: .refused)
        /// The answer is no time stamp by its own type.
        public static let notATimestamp = Code(kind: .notATimestamp)
        /// The answer is larger than a time stamp may be.
        public static let tooLarge = Code(kind: .tooLarge)
    }

    public let code: Code
    /// What happened and how to remedy it; holds no credentials.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
