/// Why the catalogue of a case could not be used.
public struct CatalogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case storage, newerVersion, damaged, unknownArtifact }
        private let kind: Kind

        /// SQLite refused to open, read or write the file.
        public static let storage = Code(kind: .storage)
        /// Written by a later version of Exhibit.
        public static let newerVersion = Code(kind: .newerVersion)
        /// A row is not what this version writes.
        public static let damaged = Code(kind: .damaged)
        /// No artifact has the id asked for.
        public static let unknownArtifact = Code(kind: .unknownArtifact)
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
