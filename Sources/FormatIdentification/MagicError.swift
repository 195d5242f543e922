/// Why libmagic or one of its databases could not be used: what happened and what to do.
public struct MagicError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case unavailable, refused, failed, layout }
        private let kind: Kind

        /// No database was found, or it could not be read.
        public static let unavailable = Code(kind: .unavailable)
        /// libmagic does not load the database.
        public static let refused = Code(kind: .refused)
        /// libmagic could not name some bytes.
        public static let failed = Code(kind: .failed)
        /// The compiled database has a layout that this reader does not know, or is damaged.
        public static let layout = Code(kind: .layout)
    }

    /// What kind of failure it is.
    public let code: Code
    /// What happened and how to remedy it, with libmagic's own words where it has any.
    public let message: String

    /// An error of a kind, in words.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
