internal import COpenSSL
internal import EvidenceModel

/// The Ed25519 key that signs notes, such as the heads of ledgers, under a name (C2SP signed-note).
public struct NoteKey: Sendable {
    /// The name that stands in the signature line.
    public let name: String
    /// The verifier of this key's signatures.
    public let verifier: NoteVerifier
    let key: PrivateKey

    /// A new key.
    public static func generate(name: String) throws(TrustError) -> NoteKey {
        try NoteKey(name: name, key: PrivateKey.generateEd25519())
    }

    /// - Parameters:
    ///   - name: without spaces and "+" (C2SP signed-note).
    ///   - key: an Ed25519 key.
    public init(name: String, key: PrivateKey) throws(TrustError) {
        guard case .ed25519 = key.algorithm else {
            throw TrustError(.unsupported, "notes are signed with Ed25519 keys, not \(key.algorithm.displayName)")
        }
        self.name = name
        self.key = key
        verifier = try NoteVerifier(name: name, publicKey: try key.rawPublicKey())
    }

    /// The verifier key as text: name, key id and public key (C2SP signed-note, "Verifier keys").
    public var vkey: String { verifier.vkey }

    /// Signs a text that ends with a newline; gives the whole note.
    public func sign(_ text: String) throws(TrustError) -> SignedNote {
        try SignedNote.checkText(Array(text.utf8))
        let signature = verifier.keyID + (try key.sign(Array(text.utf8)))
        return SignedNote(text: text, signatures: [.init(name: name, bytes: signature)])
    }
}

/// The public side of a ``NoteKey``.
public struct NoteVerifier: Hashable, Sendable {
    /// The name that stands in the signature line.
    public let name: String
    /// The 32 bytes of the Ed25519 public key.
    public let publicKey: [UInt8]
    /// First four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ public key).
    public let keyID: [UInt8]

    private static let ed25519Type: UInt8 = 0x01

    init(name: String, publicKey: [UInt8]) throws(TrustError) {
        guard SignedNote.isName(name) else {
            throw TrustError(.malformed, "a note key's name is not empty and has no spaces and no \"+\"")
        }
        guard publicKey.count == 32 else { throw TrustError(.malformed, "an Ed25519 public key has 32 bytes") }
        self.name = name
        self.publicKey = publicKey
        keyID = Array(try digestBytes(.sha256, Array(name.utf8) + [0x0A, Self.ed25519Type] + publicKey).prefix(4))
    }

    /// Reads a verifier key: `name+hex(key id)+base64(0x01 ‖ public key)`.
    public init(vkey: String) throws(TrustError) {
        // Base64 may hold "+", the name may not: split at the first two.
        let parts = vkey.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let keyID = Hex.decode(parts[1]), Hex.encode(keyID) == parts[1],
            let typed = Base64.decode(parts[2]), typed.first == Self.ed25519Type
        else { throw TrustError(.malformed, "not a verifier key of the form name+id+key with an Ed25519 key") }
        try self.init(name: parts[0], publicKey: Array(typed.dropFirst()))
        guard keyID == self.keyID else {
            throw TrustError(.malformed, "the verifier key's id does not belong to its name and key")
        }
    }

    /// The verifier key as text.
    public var vkey: String {
        "\(name)+\(Hex.encode(keyID))+\(Base64.encode([Self.ed25519Type] + publicKey))"
    }

    /// SubjectPublicKeyInfo as PEM (RFC 8410), for `openssl pkeyutl -verify -rawin -pubin`.
    public var publicKeyPEM: String {
        PEM.encode("PUBLIC KEY", DER.sequence(DER.sequence(OID.ed25519), DER.bitString(publicKey)))
    }

    func verify(_ signature: ArraySlice<UInt8>, over text: [UInt8]) -> Bool {
        let key = unsafe publicKey.withUnsafeBufferPointer {
            unsafe EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, $0.baseAddress, $0.count)
        }
        guard let key = unsafe key else {
            ERR_clear_error()
            return false
        }
        return unsafe KeyHandle(owning: key).verify(signature, over: text, .ed25519)
    }
}
