internal import EvidenceModel

/// A CMS SignedData of the one form that Exhibit writes and accepts (RFC 5652): version 1, one digest algorithm,
/// id-data, certificates, one SignerInfo with signed attributes.
///
/// Reading rebuilds the bytes from the parts and demands equality, so that no byte can change without being either
/// covered by the signature, by a certificate's fingerprint or by this form.
struct SignedMessage {
    /// What was signed; nil when it is detached.
    var content: [UInt8]?
    /// As they stand in the set: in DER order, the signer's among them.
    var certificates: [[UInt8]]
    /// The signed attributes' elements, without the tag around them.
    var attributes: [UInt8]
    var signature: [UInt8]
    /// The unsigned attributes' elements, without the tag around them; nil when there are none.
    var unsignedAttributes: [UInt8]?

    /// The bytes that are signed: the attributes as SET OF (RFC 5652, 5.4).
    var signedBytes: [UInt8] { DER.element(DER.setTag, attributes) }

    func encode(signer: Certificate) throws(TrustError) -> [UInt8] {
        let algorithm = try signer.keyAlgorithm()
        guard let digest = algorithm.messageDigest else {
            throw TrustError(.unsupported, "\(algorithm.displayName) keys cannot sign CMS; use P-256")
        }
        let signerInfo = DER.sequence(
            DER.integer([1]),
            DER.sequence(try signer.handle.nameDER(ofIssuer: true), try signer.handle.serialDER()),
            digest.algorithmIdentifier,
            DER.context(0, attributes),
            algorithm.signatureIdentifier,
            DER.octetString(signature),
            unsignedAttributes.map { DER.context(1, $0) } ?? [])
        let signedData = DER.sequence(
            DER.integer([1]),
            DER.set([digest.algorithmIdentifier]),
            DER.sequence(OID.data, content.map { DER.context(0, DER.octetString($0)) } ?? []),
            DER.context(0, DER.sorted(certificates)),
            DER.set([signerInfo]))
        return DER.sequence(OID.signedData, DER.context(0, signedData))
    }

    /// Reads the parts, and which certificate is the signer's. The form itself is checked by ``encode(signer:)``.
    static func parse(_ bytes: [UInt8]) throws(TrustError) -> (message: SignedMessage, signer: ArraySlice<UInt8>) {
        var contentInfo = try DERReader(bytes).unwrapped(DER.sequenceTag)
        try contentInfo.expect(OID.signedData)
        var data = try contentInfo.next(0xA0).reader.unwrapped(DER.sequenceTag)
        try contentInfo.end()
        _ = try data.next(DER.integerTag)
        _ = try data.next(DER.setTag)
        var encapsulated = try data.next(DER.sequenceTag).reader
        try encapsulated.expect(OID.data)
        var content: [UInt8]?
        if !encapsulated.isAtEnd {
            var octets = try encapsulated.next(0xA0).reader
            content = Array(try octets.next(DER.octetStringTag).content)
        }
        let certificates = try data.next(0xA0).reader.all().map { Array($0.whole) }
        var info = try data.next(DER.setTag).reader.unwrapped(DER.sequenceTag)
        try data.end()
        _ = try info.next(DER.integerTag)
        let identifier = try info.next(DER.sequenceTag)
        _ = try info.next(DER.sequenceTag)
        let attributes = try info.next(0xA0)
        _ = try info.next(DER.sequenceTag)
        let signature = try info.next(DER.octetStringTag)
        let unsigned = info.isAtEnd ? nil : try info.next(0xA1)
        try info.end()
        let message = SignedMessage(
            content: content, certificates: certificates, attributes: Array(attributes.content),
            signature: Array(signature.content), unsignedAttributes: unsigned.map { Array($0.content) })
        return (message, identifier.content)
    }
}
