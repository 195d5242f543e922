internal import COpenSSL
internal import EvidenceModel

/// The parts of an RFC 3161 token: a CMS SignedData over a TSTInfo.
///
/// What the signature does not cover is held to one form, so that no byte can change unseen.
public struct TimestampToken: Sendable {
    /// Takes the token out of a response (RFC 3161, 2.4.2), or gives a bare token back.
    ///
    /// Throws ``TrustError/Code/malformed`` for a refusal and for bytes that are neither.
    public static func token(fromResponseOrToken bytes: [UInt8]) throws(TrustError) -> [UInt8] {
        var outer = try DERReader(bytes).unwrapped(DER.sequenceTag)
        if outer.nextTag == DER.objectIdentifierTag { return bytes }
        var status = try outer.next(DER.sequenceTag).reader
        let value = try status.next(DER.integerTag).content
        // PKIStatus granted; "granted with modifications" would be a stamp over something else than asked for.
        guard value.elementsEqual([0]) else {
            throw TrustError(
                .malformed,
                "the time-stamping authority refused the request (status \(Hex.encode(value)))" + Self.words(&status))
        }
        guard !outer.isAtEnd else { throw TrustError(.malformed, "the response holds no token") }
        let token = try outer.next(DER.sequenceTag).whole
        try outer.end()
        return Array(token)
    }

    /// Longest text of an authority that a message repeats, in characters.
    private static let longestWords = 200

    /// What the authority says of its refusal (PKIFreeText), in quotes; nothing when it says nothing.
    private static func words(_ status: inout DERReader) -> String {
        guard status.nextTag == DER.sequenceTag else { return "" }
        do throws(TrustError) {
            let texts = try status.next().reader.all().map { String(decoding: $0.content, as: UTF8.self) }
            let plain = texts.joined(separator: " ").unicodeScalars.map {
                $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "\u{FFFD}" : $0
            }
            return ": \"" + String(String(String.UnicodeScalarView(plain)).prefix(longestWords)) + "\""
        } catch {
            return ""
        }
    }

    let info: TimestampInfo
    let certificates: [Certificate]
    let signer: Certificate

    init(_ bytes: [UInt8]) throws(TrustError) {
        var contentInfo = try DERReader(bytes).unwrapped(DER.sequenceTag)
        try contentInfo.expect(OID.signedData)
        var data = try contentInfo.next(0xA0).reader.unwrapped(DER.sequenceTag)
        try contentInfo.end()
        // Version 3, because the content is not id-data (RFC 5652, 5.1).
        try data.expect(DER.integer([3]))
        let digests = try data.next(DER.setTag).reader.all().map(\.whole)
        var encapsulated = try data.next(DER.sequenceTag).reader
        try encapsulated.expect(OID.timestampInfo)
        let octets = try encapsulated.next(0xA0).reader.unwrappedElement(DER.octetStringTag)
        try encapsulated.end()
        info = try TimestampInfo(octets.content)
        guard data.nextTag == 0xA0 else { throw TrustError(.malformed, "the token holds no certificates") }
        var list: [Certificate] = []
        for element in try data.next(0xA0).reader.all() { list.append(try Certificate(der: Array(element.whole))) }
        certificates = list
        // Revocation lists that an authority adds are skipped: they would prove nothing that a later list does not.
        if data.nextTag == 0xA1 { _ = try data.next() }
        var signerInfo = try data.next(DER.setTag).reader.unwrapped(DER.sequenceTag)
        try data.end()
        try signerInfo.expect(DER.integer([1]))
        let identifier = try signerInfo.next(DER.sequenceTag)
        let digest = try signerInfo.next(DER.sequenceTag)
        guard digests.count == 1, digests[0].elementsEqual(digest.whole),
            let algorithm = SignatureDigest(algorithmIdentifier: digest.whole)
        else { throw TrustError(.malformed, "the token's digest algorithms are not one of SHA-2") }
        _ = try signerInfo.next(0xA0)
        let scheme = try signerInfo.next(DER.sequenceTag)
        _ = try signerInfo.next(DER.octetStringTag)
        // Unsigned attributes (archive time stamps) are not read and may stand here.
        if signerInfo.nextTag == 0xA1 { _ = try signerInfo.next() }
        try signerInfo.end()
        var found: Certificate?
        for certificate in list {
            let name = try certificate.handle.nameDER(ofIssuer: true) + certificate.handle.serialDER()
            if identifier.content.elementsEqual(name) { found = certificate }
        }
        guard let found else { throw TrustError(.malformed, "the authority's certificate is not in the token") }
        guard Self.schemes(algorithm).contains(where: { scheme.whole.elementsEqual($0) }) else {
            throw TrustError(.malformed, "the token's signature algorithm is not accepted")
        }
        signer = found
    }

    /// The signature algorithms that authorities state with a digest: ECDSA, RSA (with or without the digest's name)
    /// and RSASSA-PSS.
    private static func schemes(_ digest: SignatureDigest) -> [[UInt8]] {
        let (ecdsa, rsa): (UInt64, UInt64) =
            switch digest {
            case .sha256: (2, 11)
            case .sha384: (3, 12)
            case .sha512: (4, 13)
            }
        var schemes = [
            DER.sequence(DER.objectIdentifier(1, 2, 840, 10045, 4, 3, ecdsa)),
            DER.sequence(DER.objectIdentifier(1, 2, 840, 113549, 1, 1, rsa), DER.null),
            DER.sequence(DER.objectIdentifier(1, 2, 840, 113549, 1, 1, 1), DER.null),
        ]
        if digest == .sha256 { schemes.append(KeyAlgorithm.rsa(bits: KeyAlgorithm.smallestRSA).signatureIdentifier) }
        return schemes
    }
}

/// What a token states (RFC 3161, 2.4.2).
struct TimestampInfo: Sendable {
    let policy: String
    let digest: SignatureDigest
    let imprint: [UInt8]
    let serialHex: String
    let genTime: UTCTime
    let accuracyMicroseconds: Int?
    let nonce: [UInt8]?
    let claimsToBeQualified: Bool

    init(_ bytes: ArraySlice<UInt8>) throws(TrustError) {
        var info = try DERReader(bytes).unwrapped(DER.sequenceTag)
        try info.expect(DER.integer([1]))
        policy = try Self.dotted(Array(try info.next(DER.objectIdentifierTag).whole))
        var message = try info.next(DER.sequenceTag).reader
        guard let digest = SignatureDigest(algorithmIdentifier: try message.next(DER.sequenceTag).whole) else {
            throw TrustError(.unsupported, "the time stamp is over another digest than SHA-256, SHA-384 or SHA-512")
        }
        self.digest = digest
        imprint = Array(try message.next(DER.octetStringTag).content)
        try message.end()
        serialHex = Hex.encode(try info.next(DER.integerTag).content.drop { $0 == 0 })
        genTime = try DERReader.timeWithFraction(try info.next(DER.generalizedTimeTag))
        accuracyMicroseconds =
            info.nextTag == DER.sequenceTag ? try Self.accuracy(try info.next(DER.sequenceTag).reader) : nil
        if info.nextTag == DER.booleanTag { _ = try info.next() }  // ordering
        nonce = info.nextTag == DER.integerTag ? Array(try info.next().content.drop { $0 == 0 }) : nil
        if info.nextTag == 0xA0 { _ = try info.next() }  // name of the authority
        claimsToBeQualified = info.nextTag == 0xA1 ? try Self.claimsToBeQualified(try info.next().reader) : false
    }

    /// Whether the extension qcStatements holds esi4-qtstStatement-1 (ETSI EN 319 422, 9.1).
    private static func claimsToBeQualified(_ extensions: DERReader) throws(TrustError) -> Bool {
        for element in try extensions.all() where element.tag == DER.sequenceTag {
            var parts = element.reader
            guard try parts.next(DER.objectIdentifierTag).whole.elementsEqual(OID.qualifiedStatements) else { continue }
            if parts.nextTag == DER.booleanTag { _ = try parts.next() }  // critical
            let statements = try DERReader(try parts.next(DER.octetStringTag).content).unwrapped(DER.sequenceTag)
            for statement in try statements.all() where statement.tag == DER.sequenceTag {
                var words = statement.reader
                if try words.next(DER.objectIdentifierTag).whole.elementsEqual(OID.qualifiedTimestamp) { return true }
            }
        }
        return false
    }

    private static func accuracy(_ reader: DERReader) throws(TrustError) -> Int {
        var total = 0
        for element in try reader.all() {
            let unit =
                switch element.tag {
                case DER.integerTag: 1_000_000
                case 0x80: 1000
                case 0x81: 1
                default: throw TrustError(.malformed, "an accuracy of another form")
                }
            // Three bytes are 16 million: more seconds or fractions than any accuracy has.
            guard (1...3).contains(element.content.count), element.content.first.map({ $0 < 0x80 }) == true else {
                throw TrustError(.malformed, "an accuracy out of range")
            }
            total += element.content.reduce(0) { $0 << 8 | Int($1) } * unit
        }
        return total
    }

    private static func dotted(_ identifier: [UInt8]) throws(TrustError) -> String {
        ERR_clear_error()
        let object = unsafe identifier.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return unsafe d2i_ASN1_OBJECT(nil, &cursor, buffer.count)
        }
        guard let object = unsafe object else {
            throw TrustError(.malformed, TrustError.openSSL("reading a policy").message)
        }
        defer { unsafe ASN1_OBJECT_free(object) }
        var text = [CChar](repeating: 0, count: 256)
        let size = Int32(text.count)
        let count = unsafe text.withUnsafeMutableBufferPointer { unsafe OBJ_obj2txt($0.baseAddress, size, object, 1) }
        guard count > 0, count < size else { throw TrustError(.malformed, "a policy that cannot be written") }
        return String(decoding: text.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension DERReader {
    /// The only element.
    func unwrappedElement(_ tag: UInt8) throws(TrustError) -> Element {
        var reader = self
        let element = try reader.next(tag)
        try reader.end()
        return element
    }

    /// A GeneralizedTime with an optional fraction of a second (RFC 3161, 2.4.2), cut to the millisecond.
    static func timeWithFraction(_ element: Element) throws(TrustError) -> UTCTime {
        let parts = element.content.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2 else { return try time(element) }
        let digits = parts[1].dropLast()
        guard parts[1].last == UInt8(ascii: "Z"), (1...9).contains(digits.count),
            digits.allSatisfy({ (48...57).contains($0) })
        else { throw malformed("a fraction of a second of another form") }
        let whole = Array(parts[0]) + [UInt8(ascii: "Z")]
        let seconds = try time(Element(tag: element.tag, whole: whole[...], content: whole[...]))
        let milliseconds = (digits + [48, 48]).prefix(3).reduce(0) { $0 * 10 + Int64($1 - 48) }
        return UTCTime(milliseconds: seconds.milliseconds + milliseconds)
    }
}
