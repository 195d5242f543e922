internal import EvidenceModel

/// The attachments of a mail message: the parts of its MIME structure that are files (RFC 2045, 2046, 2183, 2231).
///
/// The text of the message itself is no attachment. A message within the message is one part; what it holds is found
/// when it is opened in its turn.
struct MailParts {
    private static let longestHeader = 256 * 1024
    private static let deepestMultipart = 16
    /// Most parts of one multipart.
    private static let mostParts = 100_000

    private let input: WalkInput

    init(_ input: WalkInput) { self.input = input }

    func list(into list: inout PartList) throws(WalkStop) {
        var number = 0
        try part(0..<input.count, depth: 0, &number, into: &list)
    }

    private func part(
        _ range: Range<Int>, depth: Int, _ number: inout Int, into list: inout PartList
    ) throws(WalkStop) {
        guard let header = try header(range) else { return }
        let body = header.end..<range.upperBound
        if header.type.hasPrefix("multipart/") {
            guard let boundary = header.boundary, depth < Self.deepestMultipart else { return }
            for child in try split(body, boundary) { try part(child, depth: depth + 1, &number, into: &list) }
            return
        }
        number += 1
        let isText = header.type.isEmpty || header.type.hasPrefix("text/")
        guard header.name != nil || header.isAttachment || !isText, !body.isEmpty else { return }
        let fallback = header.type == "message/rfc822" ? "part-\(number).eml" : "part-\(number)"
        let name = header.name.map { PartPath.escapedName($0) } ?? ""
        var part = EmbeddedPart(name.isEmpty ? fallback : name, [body])
        switch header.encoding {
        case "base64": part.coding = .base64
        case "quoted-printable": part.coding = .quotedPrintable
        case "", "7bit", "8bit", "binary": part.coding = .stored
        default: return list.refuse(.method)
        }
        if !header.type.isEmpty, let type = EvidenceText.clean(header.type.utf8) {
            part.facts["member_mime"] = .string(type)
        }
        list.add(part)
    }

    // MARK: Headers

    private struct Header {
        var type = ""
        var boundary: [UInt8]?
        var encoding = ""
        var name: [UInt8]?
        var isAttachment = false
        /// Where the body begins.
        var end = 0
    }

    /// The fields that matter of a part's header; nil when it has no end.
    private func header(_ range: Range<Int>) throws(WalkStop) -> Header? {
        var header = Header()
        let bytes = try input.available(
            at: range.lowerBound, count: min(range.count, Self.longestHeader))
        var at = 0
        var field: [UInt8] = []
        while at < bytes.count {
            guard let end = bytes[at...].firstIndex(of: 0x0A) else { break }
            var line = bytes[at..<end]
            at = end + 1
            if line.last == 0x0D { line = line.dropLast() }
            if let first = line.first, first == 0x20 || first == 0x09 {
                if field.count < 16_384 { field += line }
                continue
            }
            Self.take(field, &header)
            field = Array(line)
            if line.isEmpty {
                header.end = range.lowerBound + at
                return header
            }
        }
        return nil
    }

    private static func take(_ field: [UInt8], _ header: inout Header) {
        guard let colon = field.firstIndex(of: 0x3A) else { return }
        let name = String(decoding: field[..<colon], as: UTF8.self).lowercased()
        let value = MailField(field[(colon + 1)...])
        switch name {
        case "content-type":
            header.type = value.value
            header.boundary = value["boundary"]
            if header.name == nil { header.name = value["name"].map(MailField.decodedWords) }
        case "content-transfer-encoding": header.encoding = value.value
        case "content-disposition":
            header.isAttachment = value.value == "attachment"
            if let name = value["filename"] { header.name = MailField.decodedWords(name) }
        default: break
        }
    }

    // MARK: Multiparts

    /// What lies between the delimiter lines of a multipart (RFC 2046, 5.1.1), without their line ends.
    private func split(_ range: Range<Int>, _ boundary: [UInt8]) throws(WalkStop) -> [Range<Int>] {
        guard !boundary.isEmpty, boundary.count <= 200 else { return [] }
        let delimiter = [0x2D, 0x2D] + boundary
        var parts: [Range<Int>] = []
        var start: Int?
        var at = range.lowerBound
        var isFirst = true
        while parts.count < Self.mostParts {
            let found: Int?
            if isFirst, try input.matches(delimiter, at: at) {
                found = at
            } else {
                found = try input.firstOffset(of: [0x0A] + delimiter, from: at, to: range.upperBound).map { $0 + 1 }
            }
            isFirst = false
            guard let found else { break }
            if let start {
                var end = max(start, found - 1)
                if end > start, try input.u8(end - 1) == 0x0D { end -= 1 }
                parts.append(start..<end)
            }
            let behind = found + delimiter.count
            if try input.matches("--", at: behind) { return parts }
            guard let line = try input.firstOffset(of: [0x0A], from: behind, to: range.upperBound) else { return parts }
            start = line + 1
            // The next delimiter may follow at once: its line feed is this one.
            at = line
        }
        return parts
    }
}

/// The value and the parameters of a structured field.
struct MailField {
    /// Without parameters, in lower case.
    private(set) var value = ""
    private var parameters: [String: [UInt8]] = [:]

    init(_ text: ArraySlice<UInt8>) {
        var parts: [[UInt8]] = [[]]
        var isQuoted = false
        var isEscaped = false
        for byte in text {
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == 0x5C {
                isEscaped = true
                continue
            } else if byte == 0x22 {
                isQuoted.toggle()
                continue
            } else if byte == 0x3B, !isQuoted {
                parts.append([])
                continue
            }
            parts[parts.count - 1].append(byte)
        }
        value = String(decoding: Self.trimmed(parts[0]), as: UTF8.self).lowercased()
        for part in parts.dropFirst().prefix(64) {
            guard let equals = part.firstIndex(of: 0x3D) else { continue }
            let name = String(decoding: Self.trimmed(part[..<equals]), as: UTF8.self).lowercased()
            if parameters[name] == nil { parameters[name] = Self.trimmed(part[(equals + 1)...]) }
        }
    }

    /// A parameter, put together and decoded as RFC 2231 says.
    subscript(name: String) -> [UInt8]? {
        if let plain = parameters[name] { return plain }
        if let extended = parameters[name + "*"] { return Self.extended(extended, isFirst: true) }
        var whole: [UInt8] = []
        for index in 0..<64 {
            if let part = parameters["\(name)*\(index)"] {
                whole += part
            } else if let part = parameters["\(name)*\(index)*"] {
                whole += Self.extended(part, isFirst: index == 0)
            } else {
                break
            }
        }
        return whole.isEmpty ? nil : whole
    }

    /// `charset'language'text`, with `%` and two digits for each byte.
    private static func extended(_ text: [UInt8], isFirst: Bool) -> [UInt8] {
        var rest = text[...]
        var isLatin = false
        if isFirst, let first = rest.firstIndex(of: 0x27), let second = rest[(first + 1)...].firstIndex(of: 0x27) {
            isLatin = String(decoding: rest[..<first], as: UTF8.self).lowercased() == "iso-8859-1"
            rest = rest[(second + 1)...]
        }
        var result: [UInt8] = []
        var at = rest.startIndex
        while at < rest.endIndex {
            if rest[at] == 0x25, at + 2 < rest.endIndex,
                let high = Character(Unicode.Scalar(rest[at + 1])).hexDigitValue,
                let low = Character(Unicode.Scalar(rest[at + 2])).hexDigitValue
            {
                result.append(UInt8(high << 4 | low))
                at += 3
            } else {
                result.append(rest[at])
                at += 1
            }
        }
        return isLatin ? utf8(latin: result) : result
    }

    private static func trimmed(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var bytes = Array(bytes.drop { $0 <= 0x20 })
        while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
        return bytes
    }

    private static func utf8(latin bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { Array(String(Unicode.Scalar($0)).utf8) }
    }

    /// A name with its encoded words (RFC 2047) decoded; what is of an unknown character set stays as it stands.
    static func decodedWords(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var at = 0
        var followsWord = false
        while at < text.count {
            if let (word, end) = encodedWord(text, at: at) {
                // White space between two encoded words is not part of the text.
                if followsWord { while let last = result.last, last <= 0x20 { result.removeLast() } }
                result += word
                at = end
                followsWord = true
                continue
            }
            if text[at] > 0x20 { followsWord = false }
            result.append(text[at])
            at += 1
        }
        return result
    }

    private static func encodedWord(_ text: [UInt8], at start: Int) -> (word: [UInt8], end: Int)? {
        guard text.count - start > 6, text[start] == 0x3D, text[start + 1] == 0x3F,
            let first = text[(start + 2)...].firstIndex(of: 0x3F), first + 2 < text.count, text[first + 2] == 0x3F,
            let last = text[(first + 3)...].firstIndex(of: 0x3F), last + 1 < text.count, text[last + 1] == 0x3D
        else { return nil }
        let charset = String(decoding: text[(start + 2)..<first], as: UTF8.self).lowercased()
        let body = text[(first + 3)..<last]
        let bytes: [UInt8]
        switch text[first + 1] {
        case 0x42, 0x62: bytes = base64(body)
        case 0x51, 0x71: bytes = extended(body.map { $0 == 0x3D ? 0x25 : $0 == 0x5F ? 0x20 : $0 }, isFirst: false)
        default: return nil
        }
        switch charset {
        case "utf-8", "us-ascii": return (bytes, last + 2)
        case "iso-8859-1", "windows-1252": return (utf8(latin: bytes), last + 2)
        default: return nil
        }
    }

    private static func base64(_ text: ArraySlice<UInt8>) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        var bits = 0
        var held = 0
        for byte in text {
            guard let value = alphabet.firstIndex(of: byte) else { continue }
            bits = (bits << 6 | value) & 0xFFFF
            held += 6
            if held >= 8 {
                held -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> held))
            }
        }
        return result
    }
}
