/// Why a report could not be made: what happened and what to do.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case missingTool, renderer, resource, model, signature, exists, storage }
        private let kind: Kind

        /// A program that the report needs is not installed.
        public static let missingTool = Code(kind: .missingTool)
        /// The PDF renderer failed or gave something unexpected.
        public static let renderer = Code(kind: .renderer)
        /// A resource of the tool itself is missing or damaged.
        public static let resource = Code(kind: .resource)
        /// The report's values cannot be reported as they are.
        public static let model = Code(kind: .model)
        /// The signature or time stamp could not be made.
        public static let signature = Code(kind: .signature)
        /// The report's folder is already there.
        public static let exists = Code(kind: .exists)
        /// The file system refuses.
        public static let storage = Code(kind: .storage)
    }

    /// The kind of failure.
    public let code: Code
    /// What happened and how to remedy it.
    public let message: String

    /// Creates the value from its parts.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
