internal import EvidenceModel
internal import SourceMedia

/// OpenPGP in ASCII armor (RFC 4880 and 9580, section 6): messages, keys, signatures, signed text.
struct OpenPGPArmorWalker: FormatWalker {
    let name = "pgp-armor"
    let signatures = [WalkerSignature("-----BEGIN PGP ")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try OpenPGPArmorWalk(reader).verdict() }
}

private struct OpenPGPArmorWalk: FileWalk {
    static let longest = WalkLimit.openPGPBytes.value
    static let longestLine = 1 << 20
    /// Decoded bytes that facts are taken from.
    static let kept = 64 * 1024
    static let kinds: [(label: String, format: String, mime: String)] = [
        ("MESSAGE", "pgp-message", "application/pgp-encrypted"),
        ("PUBLIC KEY BLOCK", "pgp-public-key", "application/pgp-keys"),
        ("PRIVATE KEY BLOCK", "pgp-secret-key", "application/pgp-keys"),
        ("SIGNATURE", "pgp-signature", "application/pgp-signature"),
    ]

    var text: TextCursor
    var file = WalkedFile(
        length: 0, confidence: .proven, format: "pgp-message", fileExtension: "asc", mime: "application/pgp-encrypted")
    var isRecognised = false
    var decoded: [UInt8] = []

    init(_ reader: ByteReader) { text = TextCursor(WalkInput(reader)) }

    mutating func run() throws(WalkStop) {
        do throws(WalkStop) {
            if try text.take("-----BEGIN PGP SIGNED MESSAGE-----") {
                try signedText()
                file.format = "pgp-signed-message"
                file.mime = "text/plain"
                file.confidence = .structural
            } else {
                try armor()
            }
        } catch {
            file.length = text.at
            throw error
        }
        try file.end(behind: text, most: 1)
        let input = WalkInput(ByteReader(MemorySource(decoded), at: 0))
        var packets = OpenPGPPackets(input)
        do throws(WalkStop) { try packets.walk() } catch {}
        packets.describe(&file)
    }

    /// Text with a signature behind it (RFC 4880, 7).
    private mutating func signedText() throws(WalkStop) {
        guard try text.lineEnd() != nil else { throw .rejected("no end of the first line") }
        isRecognised = true
        while true {
            guard text.at < Self.longest else {
                throw text.input.stop(at: .openPGPBytes, "no signature behind the text")
            }
            let character = try text.next()
            guard character == 0x0A, try text.input.matches("-----BEGIN PGP SIGNATURE-----", at: text.at) else {
                continue
            }
            break
        }
        file.leaveUnchecked(0..<text.at)
        try armor()
    }

    private mutating func line() throws(WalkStop) -> [UInt8] {
        var line: [UInt8] = []
        while true {
            let character = try text.next()
            if character == 0x0A { break }
            guard line.count < Self.longestLine else {
                throw .broken("a line longer than any real one")
            }
            line.append(UInt8(truncatingIfNeeded: character))
        }
        while let last = line.last, last == 0x0D || last == 0x20 || last == 0x09 { line.removeLast() }
        return line
    }

    private mutating func armor() throws(WalkStop) {
        let first = try line()
        guard let kind = Self.kinds.first(where: { first.elementsEqual("-----BEGIN PGP \($0.label)-----".utf8) }) else {
            throw .rejected("armor of no known kind")
        }
        file.format = kind.format
        file.mime = kind.mime
        let end = Array("-----END PGP \(kind.label)-----".utf8)
        while true {
            let line = try self.line()
            if line.isEmpty { break }
            guard line.firstIndex(of: 0x3A) != nil, line.count < 512 else {
                throw .rejected("a header without a colon")
            }
            if line.starts(with: Array("Version: ".utf8)) { file.note("producer", text: line.dropFirst(9)) }
        }
        isRecognised = true
        var crc = CRC24()
        var group: [UInt8] = []
        var isPadded = false
        while true {
            guard text.at < Self.longest else { throw text.input.stop(at: .openPGPBytes, "no END line") }
            // The END line may be the source's last, without a line end.
            if try text.take(String(decoding: end, as: UTF8.self)) {
                guard group.isEmpty else { throw .broken("base64 that does not end") }
                // Newer writers leave the checksum out (RFC 9580, 6.1).
                file.confidence = .structural
                file.leaveUnchecked(0..<text.at)
                return
            }
            let line = try self.line()
            if line.first == 0x3D, line.count == 5, group.isEmpty {
                let sum = try bytes(of: line.dropFirst())
                guard sum.count == 3, sum.reduce(0, { $0 << 8 | UInt32($1) }) == crc.value else {
                    throw .broken("the CRC-24 does not hold")
                }
                guard try text.take(String(decoding: end, as: UTF8.self)) else { throw .broken("no END line") }
                return
            }
            for character in line {
                guard !isPadded else { throw .broken("text behind the end of the base64") }
                group.append(character)
                guard group.count == 4 else { continue }
                let bytes = try bytes(of: group[...])
                isPadded = bytes.count < 3
                for byte in bytes { crc.update(byte) }
                if decoded.count < Self.kept { decoded += bytes }
                group.removeAll(keepingCapacity: true)
            }
        }
    }

    /// The one to three bytes of four characters of base64.
    private func bytes(of group: ArraySlice<UInt8>) throws(WalkStop) -> [UInt8] {
        guard let bytes = Base64.decoded(group) else { throw .broken("not base64") }
        return bytes
    }
}

extension Base64 {
    /// The one to three bytes that four characters stand for; nil when they are not base64.
    static func decoded(_ group: ArraySlice<UInt8>) -> [UInt8]? {
        let padding = group.reversed().prefix { $0 == 0x3D }.count
        guard group.count == 4, padding <= 2 else { return nil }
        var value = 0
        for character in group.dropLast(padding) {
            let digit: UInt8
            switch character {
            case 0x41...0x5A: digit = character - 0x41
            case 0x61...0x7A: digit = character - 0x61 + 26
            case 0x30...0x39: digit = character - 0x30 + 52
            case 0x2B: digit = 62
            case 0x2F: digit = 63
            default: return nil
            }
            value = value << 6 | Int(digit)
        }
        value <<= 6 * padding
        return [16, 8, 0].prefix(3 - padding).map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}

/// OpenPGP packets as they are (RFC 4880 and 9580, section 4): key rings, encrypted messages, signatures.
struct OpenPGPPacketWalker: FormatWalker {
    let name = "pgp"
    let signatures: [WalkerSignature] = {
        let fixed: [[UInt8]] = [
            // Public keys: RSA 1024 to 4096, DSA, Ed25519; the secret one of Ed25519.
            [0x99, 0x00, 0x8D, 4], [0x99, 0x01, 0x0D, 4], [0x99, 0x01, 0x8D, 4], [0x99, 0x02, 0x0D, 4],
            [0x99, 0x01, 0xA2, 4], [0x99, 0x03, 0x2E, 4], [0x98, 0x33, 4], [0x94, 0x86, 4], [0x94, 0x58, 4],
            // Messages to a key: RSA, elliptic curves; to a passphrase.
            [0x85, 0x01, 0x0C, 3], [0x85, 0x01, 0x8C, 3], [0x85, 0x02, 0x0C, 3], [0x84, 0x5E, 3],
            [0xC1, 0xC0, 0x4C, 3], [0xC1, 0xC1, 0x4C, 3], [0xC1, 0x5E, 3], [0x8C, 0x0D, 4, 9, 3],
            [0x8C, 0x0D, 4, 7, 3], [0x8C, 0x0D, 4, 3, 3], [0xC3, 0x0D, 4, 9, 3], [0xC3, 0x0D, 4, 7, 3],
            // Signatures beside a file.
            [0x89, 0x01, 0x33, 4, 0], [0x89, 0x01, 0xB3, 4, 0], [0x89, 0x02, 0x33, 4, 0], [0x88, 0x75, 4, 0, 0x16],
        ]
        // Secret RSA keys of 2048, 3072 and 4096 bits, open and protected: some of their numbers may be a byte shorter.
        let lengths: [Int] = [0x0398, 0x0558, 0x0718, 0x03C6, 0x0586, 0x0746].flatMap { Array($0 - 4...$0 + 2) }
        let secret: [[UInt8]] = lengths.map { [0x95, UInt8($0 >> 8), UInt8($0 & 0xFF), 4] }
        return (fixed + secret).map { WalkerSignature($0) }
    }()

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try OpenPGPPacketWalk(reader).verdict() }
}

private struct OpenPGPPacketWalk: FileWalk {
    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "pgp-message", fileExtension: "pgp",
        mime: "application/pgp-encrypted")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var packets = OpenPGPPackets(input)
        do throws(WalkStop) { try packets.walk() } catch {
            file.length = packets.end
            isRecognised = packets.count > 1
            throw error
        }
        guard packets.isWhole else { throw .rejected("packets that make no key, message or signature") }
        file.length = packets.end
        for part in packets.unchecked { file.leaveUnchecked(part) }
        packets.describe(&file)
        switch packets.kind {
        case .message: break
        case .signature:
            file.format = "pgp-signature"
            file.fileExtension = "sig"
            file.mime = "application/pgp-signature"
        case .keys(let isSecret):
            file.format = isSecret ? "pgp-secret-key" : "pgp-public-key"
            file.fileExtension = "gpg"
            file.mime = "application/pgp-keys"
        }
        // Another packet can always follow, but for a message's, whose last one ends it.
        if packets.kind != .message, try !input.showsEnd(file.length) {
            file.confidence = .header
            file.warnings.append("nothing ends a sequence of packets: ended where no further one follows")
        }
    }
}
