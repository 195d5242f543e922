/// Why the ledger could not do what was asked: what is wrong, and how to remedy it.
public struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure that a caller may want to tell apart.
    public enum Code: String, Hashable, Sendable {
        case notFound
        case alreadyExists
        case notALedger
        case newerVersion
        case networkFileSystem
        case busy
        case diskFull
        case inputOutput
        case clockBehind
        case invalidDraft
        case malformedEntry
        case entryTooLarge
        case signing
        case damaged
        case wrongCheckpointKey
    }

    public let code: Code
    /// What went wrong and what to do about it; keeps SQLite's and OpenSSL's own words.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
