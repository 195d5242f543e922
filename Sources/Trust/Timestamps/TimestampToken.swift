/// An RFC 3161 token or the response around it.
public enum TimestampToken {
    /// Takes the token out of a response (RFC 3161, 2.4.2), or gives a bare token back.
    public static func token(fromResponseOrToken bytes: [UInt8]) throws(TrustError) -> [UInt8] {
        var outer = try DERReader(bytes).unwrapped(DER.sequenceTag)
        if outer.nextTag == DER.objectIdentifierTag { return bytes }
        var status = try outer.next(DER.sequenceTag).reader
        let value = try status.next(DER.integerTag).content
        // granted (0) or granted with modifications (1)
        guard value.elementsEqual([0]) || value.elementsEqual([1]), !outer.isAtEnd else {
            throw TrustError(.malformed, "the time-stamping authority refused the request")
        }
        let token = try outer.next(DER.sequenceTag).whole
        try outer.end()
        return Array(token)
    }
}
