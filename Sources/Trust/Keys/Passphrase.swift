/// What opens an encrypted private key. Its text never appears in a description, a dump or an error.
public struct Passphrase: Sendable, ExpressibleByStringLiteral, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// Most bytes a passphrase may have: OpenSSL reads no more when it opens a key.
    public static let largestSize = 1023

    let bytes: [UInt8]

    /// A passphrase as it was typed, in UTF-8.
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// A passphrase of arbitrary bytes, as a file holds it.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// A passphrase for tests and examples.
    public init(stringLiteral value: String) { self.init(value) }

    /// Never the text.
    public var description: String { "(passphrase)" }

    /// Never the text.
    public var debugDescription: String { description }

    /// Never the text.
    public var customMirror: Mirror { Mirror(self, children: [:]) }

    /// Throws when the passphrase cannot protect a key.
    func checkUsable() throws(TrustError) {
        guard !bytes.isEmpty, bytes.count <= Self.largestSize, !bytes.contains(0) else {
            throw TrustError(
                .unsupported, "a passphrase has 1 to \(Self.largestSize) bytes and no NUL character; choose another")
        }
    }

    /// The bytes as C text, for OpenSSL.
    var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}
