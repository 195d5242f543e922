internal import EvidenceModel

/// Certificates and keys in DER (ITU-T X.690; RFC 5280, 5208, 8017, 5915, 7292, 5652).
///
/// The outermost element states its length; every element inside must fill it exactly, in the one way that DER allows.
struct DERWalker: FormatWalker {
    let name = "der"
    let signatures = DERWalker.beginnings.map { WalkerSignature($0.bytes, at: $0.offset) }

    private static let rsa: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01]

    private static let beginnings: [(offset: Int, bytes: [UInt8])] = [
        // X.509 version 3 behind two lengths of two bytes.
        (8, [0xA0, 0x03, 0x02, 0x01, 0x02, 0x02]),
        // PKCS #8: RSA, elliptic curves, Edwards curves.
        (4, [0x02, 0x01, 0x00, 0x30, 0x0D] + rsa + [0x01, 0x01]),
        (3, [0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]),
        (3, [0x02, 0x01, 0x00, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]),
        (0, [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65]),
        // PKCS #8, encrypted with PBES2.
        (5, rsa + [0x05, 0x0D]), (6, rsa + [0x05, 0x0D]),
        // PKCS #1.
        (4, [0x02, 0x01, 0x00, 0x02, 0x81, 0x81, 0x00]), (4, [0x02, 0x01, 0x00, 0x02, 0x82, 0x01, 0x01, 0x00]),
        (4, [0x02, 0x01, 0x00, 0x02, 0x82, 0x01, 0x81, 0x00]), (4, [0x02, 0x01, 0x00, 0x02, 0x82, 0x02, 0x01, 0x00]),
        // SEC 1.
        (0, [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20]), (0, [0x30, 0x81, 0xA4, 0x02, 0x01, 0x01, 0x04, 0x30]),
        (0, [0x30, 0x81, 0xDC, 0x02, 0x01, 0x01, 0x04, 0x42]),
        // PKCS #12 and PKCS #7.
        (11, rsa + [0x07, 0x01, 0xA0]), (4, rsa + [0x07, 0x02, 0xA0]), (4, rsa + [0x07, 0x03, 0xA0]),
    ]

    func walk(_ reader: ByteReader) throws(ReadFailure) -> WalkVerdict { try DERWalk(reader).verdict() }
}

private struct DERWalk: FileWalk {
    static let largest = 16 << 20
    static let deepest = 48
    static let mostElements = WalkLimit.derElements.value

    /// Where an element lies: its tag byte, its content.
    struct Element {
        var tag: Int
        var content: Range<Int>
    }

    let input: WalkInput
    var file = WalkedFile(
        length: 0, confidence: .structural, format: "der", fileExtension: "der", mime: "application/octet-stream")
    var isRecognised = false

    init(_ reader: ByteReader) { input = WalkInput(reader) }

    mutating func run() throws(WalkStop) {
        guard try input.u8(0) == 0x30 else { throw .rejected("not a sequence") }
        let root = try element(at: 0, end: Self.largest)
        let parts = try describe(root)
        file.length = min(root.content.upperBound, input.count)
        guard input.fits(0, root.content.upperBound) else { throw .broken("the source ends inside the file") }
        guard parts else { throw .rejected("a structure of no known kind") }
        isRecognised = true
        try check(root)
        file.length = root.content.upperBound
    }

    /// One element with a definite length in the shortest form (X.690, 10.1).
    private func element(at start: Int, end: Int) throws(WalkStop) -> Element {
        let tag = try input.u8(start)
        guard tag != 0, tag & 0x1F != 0x1F else { throw .broken("a tag that these files do not use") }
        let first = try input.u8(start + 1)
        var length = first
        var content = start + 2
        if first >= 0x80 {
            let count = first & 0x7F
            guard (1...3).contains(count) else { throw .broken("a length that DER does not allow") }
            length = 0
            for index in 0..<count { length = length << 8 | (try input.u8(content + index)) }
            content += count
            guard length >= 0x80, count == 1 || length >> (8 * (count - 1)) > 0 else {
                throw .broken("a length that is not in its shortest form")
            }
        }
        guard content <= end, length <= end - content else { throw .broken("an element longer than what holds it") }
        return Element(tag: tag, content: content..<content + length)
    }

    private func children(_ parent: Element, most: Int) throws(WalkStop) -> [Element] {
        var children: [Element] = []
        var at = parent.content.lowerBound
        while at < parent.content.upperBound, children.count < most {
            let child = try element(at: at, end: parent.content.upperBound)
            children.append(child)
            at = child.content.upperBound
        }
        return children
    }

    /// Every element of the file, by the rules of its type.
    private mutating func check(_ root: Element) throws(WalkStop) {
        var open = [root]
        var seen = 0
        while let parent = open.popLast() {
            var at = parent.content.lowerBound
            while at < parent.content.upperBound {
                seen += 1
                guard seen <= Self.mostElements, open.count <= Self.mostElements else {
                    throw input.stop(at: .derElements, "more elements than any real file has")
                }
                let child = try element(at: at, end: parent.content.upperBound)
                at = child.content.upperBound
                if child.tag & 0x20 != 0 { open.append(child) } else { try checkPrimitive(child) }
            }
        }
    }

    private mutating func checkPrimitive(_ element: Element) throws(WalkStop) {
        let content = element.content
        switch element.tag {
        case 0x01:
            guard content.count == 1, try [0, 0xFF].contains(input.u8(content.lowerBound)) else {
                throw .broken("a truth value of another length")
            }
        case 0x02, 0x0A:
            guard !content.isEmpty else { throw .broken("a number without bytes") }
            if content.count > 1 {
                let head = try input.u16be(content.lowerBound) >> 7
                guard head != 0, head != 0x1FF else { throw .broken("a number that is not in its shortest form") }
            }
            file.leaveUnchecked(content)
        case 0x05: guard content.isEmpty else { throw .broken("a null with content") }
        case 0x06:
            guard !content.isEmpty, try input.u8(content.upperBound - 1) < 0x80 else {
                throw .broken("an object identifier without an end")
            }
        case 0x13, 0x17, 0x18:
            for at in content where try !(0x20...0x7E).contains(input.u8(at)) {
                throw .broken("other characters in a text")
            }
        case 0x03, 0x04, 0x0C, 0x14, 0x16, 0x1C, 0x1E, 0x80..<0xC0: file.leaveUnchecked(content)
        default: throw .broken("a type that these files do not use")
        }
    }

    // MARK: Kinds

    /// Tells what the outermost sequence is; false when it is nothing known.
    private mutating func describe(_ root: Element) throws(WalkStop) -> Bool {
        // Children of a file that the source cuts are looked at as far as they go.
        let parts = try children(root, most: 4)
        switch parts.map(\.tag) {
        case [0x30, 0x30, 0x03]: return try certificate(parts[0])
        case [0x30, 0x04]: tell("pkcs8-encrypted", "p8", "application/pkcs8-encrypted", "encrypted private key")
        case let tags where tags.starts(with: [0x02, 0x30, 0x04]):
            tell("pkcs8", "p8", "application/pkcs8", "private key")
            try algorithm(parts[1])
        case let tags where tags.starts(with: [0x02, 0x02, 0x02, 0x02]):
            tell("rsa-private-key", "key", "application/octet-stream", "private key")
            file.facts["algorithm"] = .string("RSA")
            file.note("key_bits", (parts[1].content.count - 1) * 8)
        case let tags where tags.starts(with: [0x02, 0x04]):
            tell("ec-private-key", "key", "application/octet-stream", "private key")
            file.facts["algorithm"] = .string("elliptic curve")
        case let tags where tags.starts(with: [0x02, 0x30]):
            tell("pkcs12", "p12", "application/x-pkcs12", "keys and certificates")
        case [0x06, 0xA0]: tell("pkcs7", "p7b", "application/pkcs7-mime", "signed or encrypted data")
        default: return false
        }
        return true
    }

    private mutating func tell(_ format: String, _ fileExtension: String, _ mime: String, _ kind: String) {
        file.format = format
        file.fileExtension = fileExtension
        file.mime = mime
        file.facts["kind"] = .string(kind)
    }

    private mutating func algorithm(_ sequence: Element) throws(WalkStop) {
        guard let identifier = try children(sequence, most: 1).first, identifier.tag == 0x06,
            identifier.content.count <= 16
        else { return }
        let known: [[UInt8]: String] = [
            [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1]: "RSA",
            [0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]: "elliptic curve",
            [0x2B, 0x65, 0x70]: "Ed25519", [0x2B, 0x65, 0x6E]: "X25519", [0x2B, 0x65, 0x71]: "Ed448",
        ]
        let bytes = try input.bytes(at: identifier.content.lowerBound, count: identifier.content.count)
        if let name = known[bytes] { file.facts["algorithm"] = .string(name) }
    }

    /// TBSCertificate (RFC 5280, 4.1).
    private mutating func certificate(_ content: Element) throws(WalkStop) -> Bool {
        let parts = try children(content, most: 7)
        guard parts.count == 7, parts.map(\.tag) == [0xA0, 0x02, 0x30, 0x30, 0x30, 0x30, 0x30] else { return false }
        tell("x509", "cer", "application/pkix-cert", "certificate")
        if parts[1].content.count <= 32 {
            let serial = try input.bytes(at: parts[1].content.lowerBound, count: parts[1].content.count)
            file.facts["serial"] = .string(Hex.encode(serial))
        }
        file.facts["issuer"] = try name(parts[3])
        file.facts["subject"] = try name(parts[5])
        let times = try children(parts[4], most: 2)
        if times.count == 2 {
            file.facts["valid_from"] = try time(times[0])
            file.facts["valid_until"] = try time(times[1])
        }
        if let key = try children(parts[6], most: 1).first { try algorithm(key) }
        return true
    }

    /// A distinguished name as text, in the order of the file.
    private func name(_ sequence: Element) throws(WalkStop) -> CanonicalValue? {
        let labels: [Int: String] = [3: "CN", 6: "C", 7: "L", 8: "ST", 10: "O", 11: "OU"]
        var words: [String] = []
        for set in try children(sequence, most: 16) {
            for pair in try children(set, most: 4) {
                let parts = try children(pair, most: 2)
                guard parts.count == 2, parts[0].content.count == 3,
                    try input.u16be(parts[0].content.lowerBound) == 0x5504,
                    let label = labels[try input.u8(parts[0].content.lowerBound + 2)]
                else { continue }
                let raw = try input.bytes(
                    at: parts[1].content.lowerBound, count: min(parts[1].content.count, EvidenceText.longest))
                let text =
                    parts[1].tag == 0x1E ? EvidenceText.cleanUTF16(raw, bigEndian: true) : EvidenceText.clean(raw)
                if let text { words.append(label + "=" + text) }
            }
        }
        return words.isEmpty ? nil : .string(words.joined(separator: ", "))
    }

    /// UTCTime or GeneralizedTime, UTC (RFC 5280, 4.1.2.5).
    private func time(_ element: Element) throws(WalkStop) -> CanonicalValue? {
        let isShort = element.tag == 0x17
        guard element.content.count == (isShort ? 13 : 15) else { return nil }
        var text = Array(try input.bytes(at: element.content.lowerBound, count: element.content.count - 1))
        guard text.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        if isShort { text = Array((text[0] >= 0x35 ? "19" : "20").utf8) + text }
        let digits = text.map { Character(Unicode.Scalar($0)) }
        func part(_ range: Range<Int>) -> String { String(digits[range]) }
        return .string(
            "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z")
    }
}
