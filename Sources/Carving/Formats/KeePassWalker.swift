internal import EvidenceModel

/// KeePass password safes: KDB (1.x), KDBX 3 and KDBX 4 (https://keepass.info/help/kb/kdbx.html).
///
/// A KDBX 4 header carries its SHA-256, and its content is a chain of blocks that ends with an empty one. The content of
/// older files is one run of ciphertext without a length.
struct KeePassWalker: FormatWalker {
    let name = "keepass"
    let signatures = [
        WalkerSignature([0x03, 0xD9, 0xA2, 0x9A, 0x67, 0xFB, 0x4B, 0xB5]),
        WalkerSignature([0x03, 0xD9, 0xA2, 0x9A, 0x65, 0xFB, 0x4B, 0xB5]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try KeePassWalk(reader).verdict() }
}

private struct KeePassWalk: FileWalk {
    static let largestField = 1 << 20
    static let mostFields = 64
    /// Largest block that is believed; KeePass writes blocks of 1 MiB.
    static let largestBlock = 64 << 20
    /// Largest content without a length that is looked for.
    static let largestContent = 64 << 20
    static let ciphers = [
        "31c1f2e6-bf71-4350-be58-05216afc5aff": "AES-256", "d6038a2b-8b6f-4cb5-a524-339a31dbb59a": "ChaCha20",
        "ad68f29f-576f-4bb9-a36a-d47af965346c": "Twofish",
    ]
    static let keyDerivations = [
        "c9d9f39a-628a-4460-bf74-0d08c18a4fea": "AES-KDF", "ef636ddf-8c29-444b-91f7-a9a403e30a0c": "Argon2d",
        "9e298b19-56db-4773-b23d-fc3ec6f0a1e6": "Argon2id",
    ]

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "kdbx", fileExtension: "kdbx", mime: "application/x-keepass2")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        if try input.u8(4) == 0x65 { return try oldSafe() }
        let minor = try input.u16le(8)
        let major = try input.u16le(10)
        guard (2...4).contains(major), minor < 16 else { throw .rejected("a version that does not exist") }
        file.note("format_version", text: Array("\(major).\(minor)".utf8))
        let header = try fields(wide: major == 4)
        guard header.cipher != nil else { throw .rejected("a header without a cipher") }
        file.length = header.end
        isRecognised = true
        if major == 4 { try blocks(from: header.end) } else { try untilEnd(from: header.end) }
    }

    /// The header's fields, ended by one of kind 0.
    private mutating func fields(wide: Bool) throws(WalkStop) -> (cipher: String?, end: Int) {
        var at = 12
        var cipher: String?
        for _ in 0..<Self.mostFields {
            let kind = try input.u8(at)
            let length = wide ? try input.u32le(at + 1) : try input.u16le(at + 1)
            let content = at + (wide ? 5 : 3)
            guard kind <= 16, length <= Self.largestField, input.fits(content, length) else {
                throw .rejected("a header field of no known kind")
            }
            if kind == 2, length == 16 {
                let raw = try uuid(content)
                cipher = Self.ciphers[raw] ?? raw
            }
            if kind == 6, length == 8 { file.note("key_rounds", try input.length64le(content)) }
            if kind == 11 { try keyDerivation(content, length) }
            at = content + length
            if kind == 0 {
                if let cipher { file.facts["cipher"] = .string(cipher) }
                return (cipher, at)
            }
        }
        throw .rejected("a header without an end")
    }

    /// The key derivation's parameters: a dictionary with "$UUID" first.
    private mutating func keyDerivation(_ start: Int, _ length: Int) throws(WalkStop) {
        let name = Array("$UUID".utf8)
        guard let found = try input.firstOffset(of: name, from: start, to: start + length),
            found + 25 <= start + length
        else { return }
        let raw = try uuid(found + 9)
        file.facts["key_derivation"] = .string(Self.keyDerivations[raw] ?? raw)
    }

    /// A UUID in the order of its bytes.
    private func uuid(_ offset: Int) throws(WalkStop) -> String {
        let hex = Array(Hex.encode(try input.bytes(at: offset, count: 16)))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }

    private mutating func blocks(from header: Int) throws(WalkStop) {
        let stated = try input.bytes(at: header, count: 32)
        guard try input.hash(try input.bytes(at: 0, count: header), .sha256) == stated else {
            throw .broken("the header's SHA-256 does not hold")
        }
        file.note("header_digest_holds")
        // Behind the header's HMAC come blocks: an HMAC, a length, the content.
        var at = header + 64
        while true {
            let length = try input.u32le(at + 32)
            guard length <= Self.largestBlock, input.fits(at + 36, length), try !input.isZero(at..<at + 32) else {
                throw .broken("a block of impossible length, or without an HMAC")
            }
            file.leaveUnchecked(at..<at + 36 + length)
            at += 36 + length
            file.length = at
            if length == 0 { return }
        }
    }

    private mutating func untilEnd(from start: Int) throws(WalkStop) {
        let end = try input.encryptedEnd(from: start, unit: 16, most: Self.largestContent)
        guard end > start else { throw .broken("no content behind the header") }
        file.confidence = .header
        file.certainLength = start
        file.length = end
        file.warnings.append("the format states no length: ended where the encrypted content seems to end")
    }

    /// KDB: a header of 124 bytes with the number of groups and entries.
    private mutating func oldSafe() throws(WalkStop) {
        file.format = "kdb"
        file.fileExtension = "kdb"
        file.mime = "application/x-keepass"
        let flags = try input.u32le(8)
        let version = try input.u32le(12)
        let groups = try input.u32le(48)
        let entries = try input.u32le(52)
        guard version >> 16 == 3, flags & 1 == 1, flags < 16, groups < 1 << 16, entries < 1 << 20 else {
            throw .rejected("not a safe's header")
        }
        isRecognised = true
        file.length = 124
        file.facts["cipher"] = .string(flags & 2 != 0 ? "AES-256" : "Twofish")
        file.note("groups", groups)
        file.note("entries", entries)
        file.note("key_rounds", try input.u32le(120))
        try untilEnd(from: 124)
    }
}
