public import EvidenceModel

/// A person who can sign, as the identity store keeps it: everything but the private key.
public struct Identity: Hashable, Sendable {
    /// The folder's name, by which commands call it.
    public let slug: String
    /// The person's name, from the certificate.
    public let name: String
    /// The organization, from the certificate; "" when it names none.
    public let organization: String
    /// The certificate.
    public let certificate: Certificate
    /// Whether it was made here for trying out; then every output says so.
    public var isTrial: Bool { certificate.isTrial }
    /// When it was made or imported.
    public let created: UTCTime
    /// Whether it is the one that is used when none is named.
    public let isDefault: Bool

    /// The name of the folder: lower-case letters and digits, joined by hyphens.
    static func slug(for name: String) throws(TrustError) -> String {
        var slug = ""
        for character in name.lowercased() {
            if character.isLetter || character.isNumber {
                slug.append(character)
            } else if !slug.isEmpty, slug.last != "-" {
                slug.append("-")
            }
        }
        slug = String(slug.prefix(48))
        while slug.last == "-" { slug.removeLast() }
        guard !slug.isEmpty, slug.utf8.count <= 200 else {
            throw TrustError(.unsupported, "the name \"\(name)\" has no letters or digits to name a folder after")
        }
        return slug
    }
}

/// What `identity.json` holds.
struct IdentityRecord {
    let name: String
    let created: UTCTime

    func encoded(_ certificate: Certificate) -> String {
        let value: CanonicalValue = [
            "v": 1, "type": "exhibit.identity", "name": .string(name), "created": .string(created.rfc3339),
            "cert_sha256": .string(certificate.sha256.hex), "trial": .bool(certificate.isTrial),
        ]
        return String(decoding: value.encoded, as: UTF8.self)
    }

    init(name: String, created: UTCTime) {
        self.name = name
        self.created = created
    }

    init(parsing bytes: [UInt8], certificate: Certificate, path: String) throws(TrustError) {
        let value: CanonicalValue
        do { value = try CanonicalValue(parsing: bytes) } catch {
            throw TrustError(.malformed, "\(path): \(error)")
        }
        guard value["type"]?.string == "exhibit.identity", value["v"]?.integer == 1,
            let name = value["name"]?.string, let created = value["created"]?.string.flatMap(UTCTime.init(rfc3339:))
        else { throw TrustError(.malformed, "\(path): not an identity of version 1") }
        guard value["cert_sha256"]?.string == certificate.sha256.hex else {
            throw TrustError(.mismatch, "\(path): the certificate beside it is another one; import the identity again")
        }
        self.name = name
        self.created = created
    }
}
