internal import EvidenceModel

/// Wallets of MultiBit and others that are made with bitcoinj: one protocol-buffers message (`wallet.proto`).
struct CoinWalletWalker: FormatWalker {
    let name = "bitcoinj"
    let signatures = ["org.bitcoin.production", "org.bitcoin.test", "org.bitcoin.regtest"].map {
        WalkerSignature([0x0A, UInt8($0.utf8.count)] + Array($0.utf8))
    }

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try CoinWalletWalk(reader).verdict() }
}

private struct CoinWalletWalk: FileWalk {
    static let largestField = 64 << 20
    /// Wire type of each field of the outermost message: 0 a number, 2 bytes.
    static let wire = [
        1: 2, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 0, 10: 2, 11: 2, 12: 0, 13: 0, 14: 0, 15: 2, 16: 2, 17: 2, 18: 0,
    ]

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "bitcoinj-wallet", fileExtension: "wallet",
        mime: "application/octet-stream")
    var isRecognised = true

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var counts: [Int: Int] = [:]
        var numbers: [Int: Int] = [:]
        var at = 0
        while at < input.count {
            file.length = at
            let tag = try number(&at) ?? 0
            let field = tag >> 3
            guard let wire = Self.wire[field], wire == tag & 7 else { break }
            guard let value = try number(&at) else { break }
            if wire == 0 {
                numbers[field] = value
            } else {
                guard value <= Self.largestField else { break }
                guard input.fits(at, value) else { throw .failed(.pastEnd(offset: at)) }
                if field == 1, counts[1] == nil { file.note("network", text: try input.bytes(at: at, count: value)) }
                file.leaveUnchecked(at..<at + value)
                at += value
            }
            counts[field, default: 0] += 1
            file.length = at
        }
        guard counts[1] == 1, counts[3] ?? 0 > 0 || counts[4] ?? 0 > 0 else { throw .broken("a wallet without keys") }
        file.note("keys", counts[3] ?? 0)
        file.note("transactions", counts[4] ?? 0)
        if numbers[5] ?? 1 > 1 { file.note("wallet_encrypted") }
        if let height = numbers[12] { file.note("last_block", height) }
        if let time = numbers[14] { file.facts["last_block_time"] = EvidenceTime.posix(time) }
        if try !input.showsEnd(file.length) {
            file.confidence = .header
            file.warnings.append("a wallet has no end of its own: ended where no further field follows")
        }
    }

    /// A variable-length number; nil when it is longer than any real one.
    private func number(_ at: inout Int) throws(WalkStop) -> Int? { try input.base128(&at, atMost: 8) }
}

/// Encrypted Electrum wallets: base64 of "BIE1", a public key, AES-CBC ciphertext and an HMAC.
struct ElectrumWalker: FormatWalker {
    let name = "electrum"
    // The magic bytes and the compressed key's first one fill seven characters, all but the last of them fixed.
    let signatures = [WalkerSignature("QklFMQ")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try ElectrumWalk(reader).verdict() }
}

private struct ElectrumWalk: FileWalk {
    static let longest = 64 << 20
    /// Magic bytes, public key and HMAC.
    static let frame = 4 + 33 + 32

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "electrum-wallet-encrypted", fileExtension: "wallet",
        mime: "text/plain")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard input.count >= 8, (0x49...0x50).contains(try input.u8(6)) else { throw .rejected("no public key") }
        var at = 0
        while at < min(input.count, Self.longest) {
            let character = try input.u8(at)
            guard Base64.mayHold(character), character > 0x20, character != 0x3D else { break }
            at += 1
        }
        file.length = at
        let digits = at
        while at < input.count, at - digits < 2, try input.u8(at) == 0x3D { at += 1 }
        let bytes = at / 4 * 3 - (at - digits)
        isRecognised = digits >= 256
        guard at % 4 == 0, bytes > Self.frame, (bytes - Self.frame) % 16 == 0 else {
            throw .broken("a length that no encrypted wallet has")
        }
        // Nothing ends the text but that it stops.
        file.leaveUnchecked(0..<at)
        file.length = at
        if at == digits, at < input.count, (0x20..<0x7F).contains(try input.u8(at)) {
            throw .broken("other text behind the base64")
        }
        if try !input.showsEnd(at) {
            file.confidence = .header
            file.warnings.append("what follows does not show that the text ends here")
        }
        file.facts["kind"] = .string("encrypted Electrum wallet")
    }
}
