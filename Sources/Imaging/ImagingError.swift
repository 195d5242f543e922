/// Why an image could not be made or continued: what happened, what is safe now, what to do.
public struct ImagingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs to tell apart.
    public struct Code: Hashable, Sendable {
        private enum Kind { case stopped, journal, otherMedium, place, room }
        private let kind: Kind

        /// The user asked to stop.
        public static let stopped = Code(kind: .stopped)
        /// There is no journal to go on from, there is one already, or it is damaged.
        public static let journal = Code(kind: .journal)
        /// The device, or what was asked for, is not that of the interrupted acquisition.
        public static let otherMedium = Code(kind: .otherMedium)
        /// The image must not lie there.
        public static let place = Code(kind: .place)
        /// The image cannot fit.
        public static let room = Code(kind: .room)
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
