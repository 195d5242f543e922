internal import Digesting
internal import EvidenceModel

/// Identities of artifacts: the same find on the same item has the same one, on any machine and at any time.
enum ArtifactIdentity {
    /// The first 16 hexadecimal digits of SHA-256 over `item\nformat\noffset+length,offset+length…`.
    ///
    /// Documentation/Formats/catalogue-export.md, "id".
    static func id(item: String, format: String, extents: [Extent]) throws(DigestError) -> String {
        let places = extents.map { "\($0.offset)+\($0.length)" }.joined(separator: ",")
        return String(try digest(.sha256, of: Array("\(item)\n\(format)\n\(places)".utf8)).hex.prefix(16))
    }

    /// The same of an embedded artifact, with `\nparent\npath` behind it: several files may lie in the same extents.
    static func id(
        item: String, format: String, extents: [Extent], parent: String, path: String
    ) throws(DigestError) -> String {
        let places = extents.map { "\($0.offset)+\($0.length)" }.joined(separator: ",")
        let text = "\(item)\n\(format)\n\(places)\n\(parent)\n\(path)"
        return String(try digest(.sha256, of: Array(text.utf8)).hex.prefix(16))
    }
}
