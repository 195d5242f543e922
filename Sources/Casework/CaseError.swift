/// Why a step on a case could not be done: what happened, to which item, what is safe now, what to do.
public struct CaseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case exists, notACase, newerVersion, damaged, unknownItem, storage, inUse, refused }
        private let kind: Kind

        /// There is something already where a new thing should be.
        public static let exists = Code(kind: .exists)
        /// The folder is not a case.
        public static let notACase = Code(kind: .notACase)
        /// The case was made by a later version of Exhibit.
        public static let newerVersion = Code(kind: .newerVersion)
        /// A file of the case is not what Exhibit writes.
        public static let damaged = Code(kind: .damaged)
        /// The case has no such item, artifact or report.
        public static let unknownItem = Code(kind: .unknownItem)
        /// The operating system refuses to read or write.
        public static let storage = Code(kind: .storage)
        /// Another process works on the case.
        public static let inUse = Code(kind: .inUse)
        /// A rule forbids it.
        public static let refused = Code(kind: .refused)
    }

    public let code: Code
    /// What happened and how to remedy it.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
