public import EvidenceModel

/// Who acts: the person who signs the entry, as the certificate and the laboratory know them.
public struct LedgerActor: Hashable, Sendable, LedgerField {
    public var name: String
    /// Staff number or another stable identifier in the organisation.
    public var id: String
    /// What the person acts as, for example "examiner".
    public var role: String
    public var org: String

    public init(name: String, id: String, role: String, org: String) {
        self.name = name
        self.id = id
        self.role = role
        self.org = org
    }

    var canonical: CanonicalValue {
        ["name": .string(name), "id": .string(id), "role": .string(role), "org": .string(org)]
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        name = try fields.text("name")
        id = try fields.text("id")
        role = try fields.text("role")
        org = try fields.text("org")
    }
}

/// The actor as an entry states it: with the certificate that signed the entry.
struct SigningActor: LedgerField {
    let actor: LedgerActor
    let certificate: Digest

    init(actor: LedgerActor, certificate: Digest) {
        self.actor = actor
        self.certificate = certificate
    }

    var canonical: CanonicalValue {
        [
            "name": .string(actor.name), "id": .string(actor.id), "role": .string(actor.role),
            "org": .string(actor.org), "cert_sha256": .string(certificate.hex),
        ]
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        actor = try LedgerActor(reading: &fields)
        certificate = try fields.sha256("cert_sha256")
    }
}

/// The person or body that an item passes from or to.
public struct LedgerParty: Hashable, Sendable, LedgerField {
    public var name: String
    public var id: String
    public var org: String
    /// SHA-256 of the party's certificate, when it has one.
    public var certificate: Digest?

    public init(name: String, id: String, org: String, certificate: Digest? = nil) {
        self.name = name
        self.id = id
        self.org = org
        self.certificate = certificate
    }

    var canonical: CanonicalValue {
        .object(compacting: [
            "name": .string(name), "id": .string(id), "org": .string(org),
            "cert_sha256": certificate.map { .string($0.hex) },
        ])
    }

    init(reading fields: inout FieldReader) throws(LedgerError) {
        name = try fields.text("name")
        id = try fields.text("id")
        org = try fields.text("org")
        certificate = try fields.optionalSHA256("cert_sha256")
    }
}
