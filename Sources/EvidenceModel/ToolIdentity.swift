/// Which program made a record: every output begins with it.
public struct ToolIdentity: Hashable, Sendable {
    /// "exhibit".
    public var name: String
    /// Release, for example "0.1.0".
    public var version: String
    /// Commit the program was built from, with "+dirty" when the tree had changes; "unknown" outside a checkout.
    public var commit: String
    /// SHA-256 of the running executable.
    public var buildSHA256: String
    /// OpenSSL's own version text.
    public var openssl: String
    /// libmagic's version, for example "5.44".
    public var libmagic: String
    /// SHA-256 of the magic databases in use, in the order they are asked.
    public var magicSHA256: [String]

    public init(
        name: String, version: String, commit: String, buildSHA256: String, openssl: String, libmagic: String,
        magicSHA256: [String]
    ) {
        self.name = name
        self.version = version
        self.commit = commit
        self.buildSHA256 = buildSHA256
        self.openssl = openssl
        self.libmagic = libmagic
        self.magicSHA256 = magicSHA256
    }
}
