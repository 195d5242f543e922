/// Fixed bytes at a fixed distance from the start of a file by which a format can be recognised.
public struct FormatSignature: Hashable, Sendable {
    /// Distance of the bytes from the start of the file, in bytes.
    public let offset: Int
    /// The bytes, at least one.
    public let bytes: [UInt8]
    /// MIME type as the database gives it; often empty.
    public let mime: String
    /// File name extensions without the dot, as the database gives them; often none.
    public let extensions: [String]
    /// What the database prints when the bytes are there: a `printf` format, often empty because a deeper test says more.
    public let description: String

    /// - Precondition: `offset` is not negative and `bytes` is not empty.
    public init(offset: Int, bytes: [UInt8], mime: String = "", extensions: [String] = [], description: String = "") {
        precondition(offset >= 0 && !bytes.isEmpty, "a signature needs a place and bytes")
        self.offset = offset
        self.bytes = bytes
        self.mime = mime
        self.extensions = extensions
        self.description = description
    }

    /// Offset of the first byte after the signature.
    public var end: Int { offset + bytes.count }
}
