internal import EvidenceModel

/// The laboratory for trying out, and the keys that work unattended: time stamps and ledger heads.
///
/// Service keys are encrypted with the workstation's random secret, which lies beside them: see
/// Documentation/Decisions on what that protects.
extension IdentityStore {
    /// The built-in time-stamping authority of the laboratory.
    public func timestampAuthority() throws(TrustError) -> TimestampAuthority {
        guard PrivateFolder.exists(laboratoryFolder) else {
            throw TrustError(
                .missing, "there is no laboratory in \(home) yet; make an identity with \"exhibit identity new\" first")
        }
        let certificate = try Certificate(pem: try PrivateFolder.text("\(laboratoryFolder)/tsa.pem"))
        try Self.checkValid(certificate, at: .systemClock)
        let key = try PrivateKey(
            pem: try PrivateFolder.text("\(laboratoryFolder)/tsa.key"), passphrase: try workstationSecret())
        return try TimestampAuthority(signer: try Signer(key: key, certificate: certificate))
    }

    /// The Ed25519 key with which this workstation signs notes; it is made when there is none.
    /// - Parameter name: the name to sign under, such as a ledger's origin; the workstation's own name when nil. The key
    ///   is the same one under every name.
    public func workstationNoteKey(name: String? = nil) throws(TrustError) -> NoteKey {
        let secret = try workstationSecret()
        let key = try PrivateKey(pem: try PrivateFolder.text("\(workstationFolder)/note.key"), passphrase: secret)
        let vkey = try PrivateFolder.text("\(workstationFolder)/note.vkey").prefix { !$0.isNewline }
        let stored = try NoteVerifier(vkey: String(vkey))
        let own = try NoteKey(name: stored.name, key: key)
        guard own.verifier == stored else {
            throw TrustError(.mismatch, "\(workstationFolder): note.key and note.vkey do not belong together")
        }
        return try name.map { name throws(TrustError) in try NoteKey(name: name, key: key) } ?? own
    }

    // MARK: Laboratory

    /// Makes the laboratory when there is none: root (its key under the passphrase) and time-stamping authority.
    func makeLaboratory(organization: String, passphrase: Passphrase, now: UTCTime) throws(TrustError) {
        guard !PrivateFolder.exists(laboratoryFolder) else { return }
        let secret = try workstationSecret()
        let rootKey = try PrivateKey.generateP256()
        let end = now.adding(days: Self.laboratoryDays)
        let root = try TrialCertificates.root(
            organization: organization, key: rootKey, notBefore: now, notAfter: end)
        let stampKey = try PrivateKey.generateP256()
        let stampCertificate = try TrialCertificates.timestampAuthority(
            organization: organization, key: stampKey, notBefore: now, notAfter: end, issuer: root,
            issuerKey: rootKey)
        let files = [
            ("root.pem", root.pem),
            ("root.key", try rootKey.pem(encryptedWith: passphrase)),
            ("tsa.pem", stampCertificate.pem),
            ("tsa.key", try stampKey.pem(encryptedWith: secret, rounds: PrivateKey.secretStretchingRounds)),
        ]
        // When another process made one at the same moment, that one counts.
        _ = try PrivateFolder.makeWhole(laboratoryFolder, files: files)
    }

    func laboratoryRootKey(_ passphrase: Passphrase, isOwn: Bool) throws(TrustError) -> PrivateKey {
        do throws(TrustError) {
            return try PrivateKey(
                pem: try PrivateFolder.text("\(laboratoryFolder)/root.key"), passphrase: passphrase)
        } catch {
            guard error.code == .wrongPassphrase else { throw error }
            throw TrustError(
                .wrongPassphrase,
                isOwn
                    ? "the laboratory's root key has another passphrase than the new identity; "
                        + "give the root's passphrase too, the one of the first identity that was made here"
                    : "the root passphrase does not open the laboratory's root key (\(laboratoryFolder)/root.key)")
        }
    }

    // MARK: Workstation

    /// The random secret of the workstation; it is made, with the note key, when there is none.
    private func workstationSecret() throws(TrustError) -> Passphrase {
        let path = "\(workstationFolder)/secret"
        if !PrivateFolder.exists(workstationFolder) {
            let secret = Hex.encode(try randomBytes(32))
            let number = Hex.encode(try randomBytes(4))
            let key = try NoteKey.generate(name: "exhibit/workstation/\(number)")
            let files = [
                (
                    "note.key",
                    try key.key.pem(encryptedWith: Passphrase(secret), rounds: PrivateKey.secretStretchingRounds)
                ),
                ("note.vkey", key.vkey + "\n"),
                ("secret", secret + "\n"),
            ]
            _ = try PrivateFolder.makeWhole(workstationFolder, files: files)
        }
        let secret = Passphrase(String(try PrivateFolder.text(path).prefix { !$0.isNewline }))
        try secret.checkUsable()
        return secret
    }
}
