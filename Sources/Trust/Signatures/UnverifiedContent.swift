extension CAdES {
    /// What a signature carries, unchecked: for showing a record, never for relying on it.
    ///
    /// Throws ``TrustError/Code/malformed`` when it is not a CMS signature that carries content.
    public static func unverifiedContent(of cms: [UInt8]) throws(TrustError) -> [UInt8] {
        guard let content = try SignedMessage.parse(cms).message.content else {
            throw TrustError(.malformed, "the signature does not carry its content")
        }
        return content
    }
}
