import EvidenceModel
import Trust

/// An identity for people and programs.
enum IdentityText {
    static func value(_ identity: Identity) -> CanonicalValue {
        [
            "id": .string(identity.slug), "name": .string(identity.name), "org": .string(identity.organization),
            "certificate_sha256": .string(identity.certificate.sha256.hex),
            "not_before": .string(identity.certificate.notBefore.rfc3339),
            "not_after": .string(identity.certificate.notAfter.rfc3339), "trial": .bool(identity.isTrial),
            "default": .bool(identity.isDefault),
        ]
    }

    static func text(_ identities: [Identity]) -> String {
        var table = Table(["", "Identity", "Name", "Organisation", "Valid until", "Kind", "Certificate SHA-256"])
        for identity in identities {
            table.add([
                identity.isDefault ? "*" : "", identity.slug, identity.name, identity.organization,
                String(identity.certificate.notAfter.rfc3339.prefix(10)),
                identity.isTrial ? "TRIAL, not for casework" : "imported", identity.certificate.sha256.hex,
            ])
        }
        return table.text
    }
}
