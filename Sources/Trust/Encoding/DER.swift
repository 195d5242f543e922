internal import EvidenceModel

/// Writes the Distinguished Encoding Rules (ITU-T X.690): the parts that certificates and CMS need.
enum DER {
    static let booleanTag: UInt8 = 0x01
    static let integerTag: UInt8 = 0x02
    static let bitStringTag: UInt8 = 0x03
    static let octetStringTag: UInt8 = 0x04
    static let objectIdentifierTag: UInt8 = 0x06
    static let utf8StringTag: UInt8 = 0x0C
    static let utcTimeTag: UInt8 = 0x17
    static let generalizedTimeTag: UInt8 = 0x18
    static let sequenceTag: UInt8 = 0x30
    static let setTag: UInt8 = 0x31

    static let null: [UInt8] = [0x05, 0x00]

    /// Tag, definite minimal length, content.
    static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [tag]
        result.reserveCapacity(content.count + 6)
        if content.count < 0x80 {
            result.append(UInt8(content.count))
        } else {
            var length: [UInt8] = []
            var rest = content.count
            while rest > 0 {
                length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
                rest >>= 8
            }
            result.append(0x80 | UInt8(length.count))
            result.append(contentsOf: length)
        }
        result.append(contentsOf: content)
        return result
    }

    static func sequence(_ parts: [UInt8]...) -> [UInt8] { element(sequenceTag, parts.flatMap { $0 }) }

    /// The elements of a SET OF in DER order: bytewise ascending (X.690, 11.6), without tag and length.
    static func sorted(_ elements: [[UInt8]]) -> [UInt8] {
        elements.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 }
    }

    static func set(_ elements: [[UInt8]]) -> [UInt8] { element(setTag, sorted(elements)) }

    /// A context-specific constructed element.
    static func context(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { element(0xA0 | number, content) }

    static func octetString(_ content: [UInt8]) -> [UInt8] { element(octetStringTag, content) }

    static func bitString(_ content: [UInt8], unusedBits: UInt8 = 0) -> [UInt8] {
        element(bitStringTag, [unusedBits] + content)
    }

    static func utf8String(_ text: String) -> [UInt8] { element(utf8StringTag, Array(text.utf8)) }

    /// An unsigned number from its big-endian bytes.
    static func integer(_ magnitude: [UInt8]) -> [UInt8] {
        var bytes = Array(magnitude.drop { $0 == 0 })
        if bytes.first.map({ $0 >= 0x80 }) ?? true { bytes.insert(0, at: 0) }
        return element(integerTag, bytes)
    }

    static func objectIdentifier(_ arcs: UInt64...) -> [UInt8] {
        precondition(arcs.count >= 2, "an object identifier has two arcs or more")
        var content: [UInt8] = []
        for arc in [arcs[0] * 40 + arcs[1]] + arcs[2...] {
            var group: [UInt8] = [UInt8(arc & 0x7F)]
            var rest = arc >> 7
            while rest > 0 {
                group.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
                rest >>= 7
            }
            content.append(contentsOf: group)
        }
        return element(objectIdentifierTag, content)
    }

    /// UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5; RFC 5652, 11.3); whole seconds.
    static func time(_ time: UTCTime) -> [UInt8] {
        let text = time.rfc3339  // YYYY-MM-DDThh:mm:ss.mmmZ
        let digits = text.utf8.prefix(19).filter { (48...57).contains($0) }
        let year = text.prefix(4)
        if year >= "1950", year < "2050" { return element(utcTimeTag, Array(digits.dropFirst(2)) + [0x5A]) }
        return element(generalizedTimeTag, digits + [0x5A])
    }
}

/// The object identifiers that this module writes and expects, encoded.
enum OID {
    static let data = DER.objectIdentifier(1, 2, 840, 113549, 1, 7, 1)
    static let signedData = DER.objectIdentifier(1, 2, 840, 113549, 1, 7, 2)
    static let timestampInfo = DER.objectIdentifier(1, 2, 840, 113549, 1, 9, 16, 1, 4)

    static let contentType = DER.objectIdentifier(1, 2, 840, 113549, 1, 9, 3)
    static let messageDigest = DER.objectIdentifier(1, 2, 840, 113549, 1, 9, 4)
    static let signingTime = DER.objectIdentifier(1, 2, 840, 113549, 1, 9, 5)
    static let signingCertificateV2 = DER.objectIdentifier(1, 2, 840, 113549, 1, 9, 16, 2, 47)
    static let signatureTimestamp = DER.objectIdentifier(1, 2, 840, 113549, 1, 9, 16, 2, 14)

    static let sha256 = DER.objectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 1)
    static let sha384 = DER.objectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 2)
    static let sha512 = DER.objectIdentifier(2, 16, 840, 1, 101, 3, 4, 2, 3)
    static let ecdsaSHA256 = DER.objectIdentifier(1, 2, 840, 10045, 4, 3, 2)
    static let ecdsaSHA384 = DER.objectIdentifier(1, 2, 840, 10045, 4, 3, 3)
    static let rsaPSS = DER.objectIdentifier(1, 2, 840, 113549, 1, 1, 10)
    static let mgf1 = DER.objectIdentifier(1, 2, 840, 113549, 1, 1, 8)
    static let ed25519 = DER.objectIdentifier(1, 3, 101, 112)

    static let commonName = DER.objectIdentifier(2, 5, 4, 3)
    static let organization = DER.objectIdentifier(2, 5, 4, 10)
    static let organizationalUnit = DER.objectIdentifier(2, 5, 4, 11)

    static let subjectKeyIdentifier = DER.objectIdentifier(2, 5, 29, 14)
    static let keyUsage = DER.objectIdentifier(2, 5, 29, 15)
    static let basicConstraints = DER.objectIdentifier(2, 5, 29, 19)
    static let authorityKeyIdentifier = DER.objectIdentifier(2, 5, 29, 35)
    static let extendedKeyUsage = DER.objectIdentifier(2, 5, 29, 37)
    static let qualifiedStatements = DER.objectIdentifier(1, 3, 6, 1, 5, 5, 7, 1, 3)
    static let qualifiedTimestamp = DER.objectIdentifier(0, 4, 0, 19422, 1, 1)
    static let timeStamping = DER.objectIdentifier(1, 3, 6, 1, 5, 5, 7, 3, 8)
}
