internal import EvidenceModel

/// Files encrypted with age (https://age-encryption.org/v1): a header of text, then chunks of 64 KiB without a length.
struct AgeWalker: FormatWalker {
    let name = "age"
    let signatures = [WalkerSignature("age-encryption.org/v1\n-> ")]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try AgeWalk(reader).verdict() }
}

private struct AgeWalk: FileWalk {
    static let longestHeader = 64 * 1024
    static let largestContent = 256 << 20
    static let nonce = 16
    static let tag = 16

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .header, format: "age", fileExtension: "age", mime: "application/age-encryption")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        var at = 22
        var recipients: [CanonicalValue] = []
        while true {
            guard at < Self.longestHeader, let end = try input.firstOffset(of: [0x0A], from: at, to: at + 512) else {
                throw .rejected("a header without an end")
            }
            let line = try input.bytes(at: at, count: end - at)
            guard line.allSatisfy({ (0x20...0x7E).contains($0) }) else { throw .rejected("a header that is no text") }
            at = end + 1
            if line.starts(with: Array("-> ".utf8)), recipients.count < 32 {
                let kind = line.dropFirst(3).prefix { $0 != 0x20 }
                if let kind = EvidenceText.clean(kind) { recipients.append(.string(kind)) }
            }
            if line.starts(with: Array("--- ".utf8)) { break }
        }
        isRecognised = true
        guard !recipients.isEmpty, input.fits(at, Self.nonce + Self.tag) else {
            throw .broken("no content behind the header")
        }
        file.facts["recipient_kinds"] = .array(recipients)
        file.certainLength = at
        file.length = try input.encryptedEnd(from: at, unit: 1, most: Self.largestContent)
        file.warnings.append("the format states no length: ended where the encrypted content seems to end")
    }
}
