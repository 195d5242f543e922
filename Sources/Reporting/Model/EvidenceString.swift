/// A name taken from evidence: bytes that are meant to be UTF-8 and may not be.
///
/// File systems keep names as bytes; turning them into text too early would lose what they were.
public struct EvidenceString: Hashable, Sendable, ExpressibleByStringLiteral {
    /// The bytes as they were found.
    public let bytes: [UInt8]

    /// Creates the value from its parts.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// Creates the value from its parts.
    public init(_ text: String) { self.bytes = Array(text.utf8) }

    /// Creates the value from its parts.
    public init(stringLiteral value: String) { self.init(value) }
}
