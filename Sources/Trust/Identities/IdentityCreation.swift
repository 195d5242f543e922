public import EvidenceModel

extension IdentityStore {
    // MARK: For trying out

    /// Makes an identity for trying out, under the laboratory's root; makes the laboratory when there is none.
    ///
    /// The new identity becomes the default. Throws ``TrustError/Code/exists`` when a person of this name is there.
    /// - Parameters:
    ///   - name: the person's name, for the certificate.
    ///   - organization: the laboratory's name, for the certificate.
    ///   - passphrase: protects the new key, and the root's when the laboratory is made now.
    ///   - validDays: for how many days from now the certificate is valid.
    ///   - rootPassphrase: opens the root's key, when it is another one than `passphrase`.
    ///   - now: the time to begin at; the workstation's clock when nil.
    @discardableResult
    public func createTrialIdentity(
        name: String, organization: String, passphrase: Passphrase, validDays: Int = 365,
        rootPassphrase: Passphrase? = nil, now: UTCTime? = nil
    ) throws(TrustError) -> Identity {
        // Everything that can be refused is looked at before anything is made.
        try passphrase.checkUsable()
        try rootPassphrase?.checkUsable()
        try TrialCertificates.checkNames(name: name, organization: organization)
        let slug = try freeSlug(for: name)
        guard (1...Self.longestValidity).contains(validDays) else {
            throw TrustError(
                .unsupported, "a certificate for trying out is valid for 1 to \(Self.longestValidity) days")
        }
        let start = now ?? .systemClock
        let key = try PrivateKey.generateP256()
        try makeLaboratory(organization: organization, passphrase: rootPassphrase ?? passphrase, now: start)
        let root = try laboratoryRoot()
        let rootKey = try laboratoryRootKey(rootPassphrase ?? passphrase, isOwn: rootPassphrase == nil)
        try Self.checkValid(root, at: start)
        let certificate = try TrialCertificates.examiner(
            name: name, organization: organization, key: key, notBefore: start,
            notAfter: min(start.adding(days: validDays), root.notAfter), issuer: root, issuerKey: rootKey)
        return try store(slug, name, key, certificate, chain: [root], passphrase, created: start)
    }

    // MARK: Import

    /// Takes in an examiner's own key and certificate from a PKCS#12 container (`.p12`, `.pfx`).
    /// - Parameters:
    ///   - path: the container.
    ///   - passphrase: opens it.
    ///   - newPassphrase: protects the key in the store; the same when nil.
    ///   - rootsPath: PEM file with the authority's root, and intermediates, when the container lacks them.
    @discardableResult
    public func importPKCS12(
        path: String, passphrase: Passphrase, newPassphrase: Passphrase? = nil, rootsPath: String? = nil,
        now: UTCTime? = nil
    ) throws(TrustError) -> Identity {
        let bytes = try PrivateFolder.read(path, limit: PKCS12Contents.largestFile)
        let contents = try PKCS12Contents(bytes, passphrase: passphrase)
        let more = try rootsPath.map { path throws(TrustError) in
            try Certificate.all(inPEM: try PrivateFolder.text(path))
        }
        return try take(
            contents.key, contents.certificate, contents.others + (more ?? []), newPassphrase ?? passphrase, now)
    }

    /// Takes in an examiner's own key and certificate from PEM files; both may be in one file.
    /// - Parameters:
    ///   - certificatePath: the certificate first, then those between it and the root, and the root.
    ///   - keyPath: the private key, encrypted or not.
    ///   - passphrase: opens the key.
    ///   - newPassphrase: protects the key in the store; the same when nil.
    ///   - rootsPath: PEM file with the authority's root, and intermediates, when the first file lacks them.
    @discardableResult
    public func importPEM(
        certificatePath: String, keyPath: String, passphrase: Passphrase, newPassphrase: Passphrase? = nil,
        rootsPath: String? = nil, now: UTCTime? = nil
    ) throws(TrustError) -> Identity {
        let key = try PrivateKey(pem: try PrivateFolder.text(keyPath), passphrase: passphrase)
        var certificates = try Certificate.all(inPEM: try PrivateFolder.text(certificatePath))
        if let rootsPath { certificates += try Certificate.all(inPEM: try PrivateFolder.text(rootsPath)) }
        guard let own = certificates.first(where: { key.matches($0) }) else {
            throw TrustError(
                .mismatch,
                "none of the \(certificates.count) certificates in \(certificatePath) belongs to the private key")
        }
        return try take(key, own, certificates, newPassphrase ?? passphrase, now)
    }

    private func take(
        _ key: PrivateKey, _ certificate: Certificate, _ others: [Certificate], _ passphrase: Passphrase,
        _ now: UTCTime?
    ) throws(TrustError) -> Identity {
        try passphrase.checkUsable()
        let now = now ?? .systemClock
        let name = certificate.displayName
        let slug = try freeSlug(for: name)
        guard key.matches(certificate) else {
            throw TrustError(.mismatch, "the private key does not belong to the certificate of \(name)")
        }
        guard key.algorithm.messageDigest != nil else {
            throw TrustError(.unsupported, "\(key.algorithm.displayName) keys cannot sign evidence; use P-256")
        }
        if let problem = certificate.usageProblem { throw TrustError(.unsupported, problem.description) }
        try Self.checkValid(certificate, at: now)
        let roots = (others + [certificate]).filter(\.isSelfIssued)
        let chain: [Certificate]
        do throws(ChainFailure) {
            chain = try ChainVerifier(roots: roots, revocationLists: []).chain(of: certificate, others: others)
        } catch {
            throw TrustError(
                .missing, "\(error.problem.description); add the authority's root and intermediate certificates as PEM")
        }
        // The built-in time-stamping authority is needed whoever signs.
        let organization = certificate.subjectOrganization.isEmpty ? name : certificate.subjectOrganization
        try makeLaboratory(
            organization: TrialCertificates.fitted(organization), passphrase: passphrase, now: now)
        return try store(slug, name, key, certificate, chain: Array(chain.dropFirst()), passphrase, created: now)
    }

    // MARK: Steps

    private func freeSlug(for name: String) throws(TrustError) -> String {
        let slug = try Identity.slug(for: name)
        // Compared as text, so that two spellings of one accented name collide too.
        guard !(try PrivateFolder.names(in: identitiesFolder)).contains(slug) else {
            throw TrustError(
                .exists,
                "there is an identity \"\(slug)\" already; choose another name, or move \(identitiesFolder)/\(slug) away "
                    + "(keep it: old signatures name its certificate)")
        }
        return slug
    }

    private func store(
        _ slug: String, _ name: String, _ key: PrivateKey, _ certificate: Certificate, chain: [Certificate],
        _ passphrase: Passphrase, created: UTCTime
    ) throws(TrustError) -> Identity {
        let files = [
            ("certificate.pem", certificate.pem),
            ("chain.pem", chain.map(\.pem).joined()),
            ("key.pem", try key.pem(encryptedWith: passphrase)),
            ("identity.json", IdentityRecord(name: name, created: created).encoded(certificate)),
        ]
        guard try PrivateFolder.makeWhole("\(identitiesFolder)/\(slug)", files: files) else {
            throw TrustError(.exists, "an identity \"\(slug)\" was made at the same moment; choose another name")
        }
        try setDefault(slug)
        return try identity(named: slug)
    }
}

extension UTCTime {
    func adding(days: Int) -> UTCTime {
        UTCTime(milliseconds: milliseconds + Int64(days) * IdentityStore.secondsPerDay * 1000)
    }
}
