public import EvidenceModel

/// The folder that holds an examiner's identities, the laboratory for trying out and the keys of the workstation.
///
/// Its layout is in Documentation/Formats/identity-store.md. Folders have the mode 0700, files 0600; each folder of it
/// comes into being whole or not at all.
public struct IdentityStore: Sendable {
    /// Most days that a certificate for trying out may be valid.
    public static let longestValidity = 3650
    static let laboratoryDays = 7305
    static let secondsPerDay: Int64 = 86_400

    /// The folder, `EXHIBIT_HOME`.
    public let home: String

    /// - Parameter home: the folder; it is made when something is first put into it.
    public init(home: String) {
        var path = home
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.home = path
    }

    // MARK: Looking up

    /// Every identity, ordered by folder name. Throws when one of them is damaged, and names it.
    public func list() throws(TrustError) -> [Identity] {
        let preferred = try defaultSlug()
        var identities: [Identity] = []
        for slug in try PrivateFolder.names(in: identitiesFolder) {
            identities.append(try identity(slug: slug, isDefault: slug == preferred))
        }
        return identities
    }

    /// The identity of this folder name or person's name; the default one when nil.
    public func identity(named name: String?) throws(TrustError) -> Identity {
        let all = try list()
        guard !all.isEmpty else {
            throw TrustError(
                .missing, "there is no identity in \(home) yet; make one with \"exhibit identity new\" or import yours")
        }
        if let name {
            if let match = all.first(where: { $0.slug == name }) ?? all.first(where: { $0.name == name }) {
                return match
            }
            throw TrustError(
                .missing, "there is no identity \"\(name)\"; there are: \(all.map(\.slug).joined(separator: ", "))")
        }
        if let preferred = all.first(where: { $0.isDefault }) { return preferred }
        guard all.count == 1 else {
            throw TrustError(
                .missing,
                "several identities and none is the default; name one of: "
                    + all.map(\.slug).joined(separator: ", "))
        }
        return all[0]
    }

    /// Opens an identity for signing: its key is decrypted, belongs to its certificate, and the certificate is valid now.
    /// - Parameters:
    ///   - name: folder name or person's name; the default identity when nil.
    ///   - passphrase: opens the key.
    ///   - time: when the certificate must be valid; now when nil.
    public func signer(
        named name: String? = nil, passphrase: Passphrase, at time: UTCTime? = nil
    ) throws(TrustError) -> Signer {
        let identity = try identity(named: name)
        let folder = "\(identitiesFolder)/\(identity.slug)"
        try Self.checkValid(identity.certificate, at: time ?? .systemClock)
        let key = try PrivateKey(pem: try PrivateFolder.text("\(folder)/key.pem"), passphrase: passphrase)
        return try Signer(
            key: key, certificate: identity.certificate,
            chain: try Certificate.all(inPEM: try PrivateFolder.text("\(folder)/chain.pem")))
    }

    /// The roots that this store trusts: the laboratory's, and those that came with imported identities.
    public func laboratoryRoots() throws(TrustError) -> [Certificate] {
        var roots: [Certificate] = []
        if PrivateFolder.exists(laboratoryFolder) { roots.append(try laboratoryRoot()) }
        for slug in try PrivateFolder.names(in: identitiesFolder) {
            let chain = try Certificate.all(inPEM: try PrivateFolder.text("\(identitiesFolder)/\(slug)/chain.pem"))
            for certificate in chain where certificate.isSelfIssued && !roots.contains(certificate) {
                roots.append(certificate)
            }
        }
        return roots
    }

    /// Uses this identity from now on when none is named.
    public func setDefault(_ slug: String) throws(TrustError) {
        try PrivateFolder.write(slug + "\n", "\(home)/default")
    }

    private func defaultSlug() throws(TrustError) -> String? {
        guard PrivateFolder.exists("\(home)/default") else { return nil }
        return String(try PrivateFolder.text("\(home)/default").prefix { !$0.isNewline })
    }

    private func identity(slug: String, isDefault: Bool) throws(TrustError) -> Identity {
        let folder = "\(identitiesFolder)/\(slug)"
        let certificate = try Certificate(pem: try PrivateFolder.text("\(folder)/certificate.pem"))
        let path = "\(folder)/identity.json"
        let record = try IdentityRecord(
            parsing: try PrivateFolder.read(path), certificate: certificate, path: path)
        return Identity(
            slug: slug, name: record.name, organization: certificate.subjectOrganization, certificate: certificate,
            created: record.created, isDefault: isDefault)
    }

    /// Throws ``TrustError/Code/expired`` or ``TrustError/Code/notYetValid`` in an examiner's words.
    static func checkValid(_ certificate: Certificate, at time: UTCTime) throws(TrustError) {
        guard !certificate.isValid(at: time) else { return }
        if time < certificate.notBefore {
            throw TrustError(
                .notYetValid,
                "the certificate of \(certificate.displayName) is valid only from \(certificate.notBefore.rfc3339); "
                    + "now is \(time.rfc3339): check the workstation's clock, or wait")
        }
        throw TrustError(
            .expired,
            "the certificate of \(certificate.displayName) expired on \(certificate.notAfter.rfc3339); "
                + "make a new identity with \"exhibit identity new\" or import the renewed one (now is \(time.rfc3339): "
                + "check the workstation's clock if that is wrong)")
    }

    // MARK: Paths

    var identitiesFolder: String { "\(home)/identities" }
    var laboratoryFolder: String { "\(home)/laboratory" }
    var workstationFolder: String { "\(home)/workstation" }

    func laboratoryRoot() throws(TrustError) -> Certificate {
        try Certificate(pem: try PrivateFolder.text("\(laboratoryFolder)/root.pem"))
    }
}
