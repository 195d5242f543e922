/// Why a source could not be opened or read: what happened, to which item, and what to do.
public struct SourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind {
            case missing, unreadable, empty, unsupported, incomplete, damaged, inUse, changed, gone, exists, full
            case unwritable, stopped
        }
        private let kind: Kind

        /// The path does not exist.
        public static let missing = Code(kind: .missing)
        /// The operating system refuses to open or read it.
        public static let unreadable = Code(kind: .unreadable)
        /// It holds no bytes.
        public static let empty = Code(kind: .empty)
        /// It is of a kind that cannot be read here.
        public static let unsupported = Code(kind: .unsupported)
        /// A part of it is not there.
        public static let incomplete = Code(kind: .incomplete)
        /// It breaks the rules of its own format.
        public static let damaged = Code(kind: .damaged)
        /// It is mounted for writing.
        public static let inUse = Code(kind: .inUse)
        /// It is no longer what it was when it was opened.
        public static let changed = Code(kind: .changed)
        /// It no longer answers: a device that was pulled out or has failed as a whole.
        public static let gone = Code(kind: .gone)
        /// An image's file is there already.
        public static let exists = Code(kind: .exists)
        /// There is no more room for an image.
        public static let full = Code(kind: .full)
        /// The operating system refuses to write an image.
        public static let unwritable = Code(kind: .unwritable)
        /// Whoever reads it asked to stop.
        public static let stopped = Code(kind: .stopped)
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
