import EvidenceModel

/// Digital Forensics XML: `hashdigest` elements of `fileobject` elements, and of the image as a whole.
///
/// A scanner for what is needed, not an XML parser: nothing is expanded but the five entities of XML and numbers, nothing
/// outside the file is looked at, and memory is bounded by the file. A `hashdigest` within a `byte_run` is of a part of a
/// file and is left out.
enum DFXMLList {
    /// Deepest nesting of elements that is followed.
    static let deepestNesting = 64

    static func read(_ text: [UInt8], into collector: inout KnownDigestCollector) {
        var reader = DFXMLReader(text)
        reader.run(&collector)
    }
}

/// One pass over the text.
private struct DFXMLReader {
    private let text: [UInt8]
    private var position = 0
    /// Names of the open elements, without their prefixes.
    private var open: [String] = []
    /// The text directly within the element that was opened last.
    private var content: [UInt8] = []
    private var hasBadEntity = false
    /// `type` of the `hashdigest` that is open.
    private var digestType: String?
    /// The `fileobject` that is open.
    private var name: [UInt8]?
    private var digests: [(type: String?, hex: [UInt8])] = []

    init(_ text: [UInt8]) { self.text = text }

    mutating func run(_ collector: inout KnownDigestCollector) {
        while position < text.count {
            guard text[position] == UInt8(ascii: "<") else {
                readText()
                continue
            }
            if skip("<!--", to: "-->") || skip("<?", to: "?>") { continue }
            if starts(with: "<![CDATA[") {
                readCharacterData()
                continue
            }
            if starts(with: "<!") {
                // A document type may define entities: none of them is known here.
                skipDeclaration()
                continue
            }
            readTag(&collector)
            guard open.count <= DFXMLList.deepestNesting else {
                collector.notUnderstood += 1
                return
            }
        }
        if !open.isEmpty { collector.notUnderstood += 1 }
    }

    // MARK: Text

    private mutating func readText() {
        let end = text[position...].firstIndex(of: UInt8(ascii: "<")) ?? text.count
        let part = text[position..<end]
        position = end
        guard content.count + part.count <= KnownDigestList.longestLine else { return }
        guard let decoded = Self.decoded(part) else {
            hasBadEntity = true
            return
        }
        content += decoded
    }

    private mutating func readCharacterData() {
        let start = position + "<![CDATA[".utf8.count
        let end = find("]]>", from: start) ?? text.count
        if content.count + end - start <= KnownDigestList.longestLine { content += text[start..<end] }
        position = min(text.count, end + 3)
    }

    /// The text with the entities of XML in their place; nil when there is another one.
    static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.contains(UInt8(ascii: "&")) else { return Array(text) }
        var result: [UInt8] = []
        var rest = text
        while let byte = rest.first {
            guard byte == UInt8(ascii: "&") else {
                result.append(byte)
                rest = rest.dropFirst()
                continue
            }
            // Longest: "&#x10FFFF;".
            guard let end = rest.prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
            let name = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
            switch name {
            case "amp": result.append(UInt8(ascii: "&"))
            case "lt": result.append(UInt8(ascii: "<"))
            case "gt": result.append(UInt8(ascii: ">"))
            case "quot": result.append(UInt8(ascii: "\""))
            case "apos": result.append(UInt8(ascii: "'"))
            default:
                let number =
                    name.hasPrefix("#x")
                    ? UInt32(name.dropFirst(2), radix: 16)
                    : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
                guard let scalar = number.flatMap(Unicode.Scalar.init) else { return nil }
                result += Array(String(Character(scalar)).utf8)
            }
            rest = rest[(end + 1)...]
        }
        return result
    }

    // MARK: Tags

    private mutating func readTag(_ collector: inout KnownDigestCollector) {
        guard let end = endOfTag() else {
            collector.notUnderstood += 1
            position = text.count
            return
        }
        var tag = text[(position + 1)..<end]
        position = end + 1
        if tag.first == UInt8(ascii: "/") {
            close(Self.name(of: tag.dropFirst()), &collector)
            return
        }
        let isEmpty = tag.last == UInt8(ascii: "/")
        if isEmpty { tag = tag.dropLast() }
        let element = Self.name(of: tag)
        open.append(element)
        content = []
        hasBadEntity = false
        if element == "fileobject" { (name, digests) = (nil, []) }
        if element == "hashdigest" { digestType = Self.attribute("type", of: tag) }
        if isEmpty { close(element, &collector) }
    }

    /// The `>` that ends the tag; one within quotes does not.
    private func endOfTag() -> Int? {
        var quote: UInt8?
        for index in position..<text.count {
            let byte = text[index]
            if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return index
            }
        }
        return nil
    }

    private mutating func close(_ element: String, _ collector: inout KnownDigestCollector) {
        guard open.last == element else {
            collector.notUnderstood += 1
            return
        }
        open.removeLast()
        let isInFile = open.contains("fileobject")
        switch element {
        case "filename" where open.last == "fileobject":
            if hasBadEntity { collector.notUnderstood += 1 } else { name = content }
        case "hashdigest" where !open.contains("byte_run"):
            let value = Array(KnownListText.trimmed(content[...]))
            if isInFile {
                digests.append((digestType, value))
            } else {
                // The image as a whole.
                collector.add(value, algorithm: digestType, name: nil)
            }
        case "fileobject":
            for digest in digests {
                if let name {
                    collector.add(digest.hex, algorithm: digest.type, name: name)
                } else {
                    collector.notUnderstood += 1
                }
            }
            (name, digests) = (nil, [])
        default: break
        }
        content = []
    }

    /// The name of an element, without its prefix.
    private static func name(of tag: ArraySlice<UInt8>) -> String {
        let word = tag.prefix { !KnownListText.isSpace($0) && $0 != UInt8(ascii: "/") }
        return String(decoding: word.split(separator: UInt8(ascii: ":")).last ?? word, as: UTF8.self)
    }

    private static func attribute(_ wanted: String, of tag: ArraySlice<UInt8>) -> String? {
        var rest = tag.drop { !KnownListText.isSpace($0) }
        while true {
            rest = rest.drop(while: KnownListText.isSpace)
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let key = String(decoding: KnownListText.trimmed(rest[..<equals]), as: UTF8.self)
            rest = rest[(equals + 1)...].drop(while: KnownListText.isSpace)
            guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: quote) else { return nil }
            if key == wanted { return decoded(rest[..<end]).map { String(decoding: $0, as: UTF8.self) } }
            rest = rest[(end + 1)...]
        }
    }

    // MARK: Places

    private func starts(with word: String) -> Bool { text[position...].starts(with: word.utf8) }

    private mutating func skip(_ start: String, to end: String) -> Bool {
        guard starts(with: start) else { return false }
        position = find(end, from: position + start.utf8.count).map { $0 + end.utf8.count } ?? text.count
        return true
    }

    /// Past a document type, with what stands in brackets within it.
    private mutating func skipDeclaration() {
        var depth = 0
        while position < text.count {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: "[") { depth += 1 }
            if byte == UInt8(ascii: "]") { depth -= 1 }
            if byte == UInt8(ascii: ">"), depth <= 0 { return }
        }
    }

    private func find(_ word: String, from start: Int) -> Int? {
        let wanted = Array(word.utf8)
        guard start <= text.count - wanted.count else { return nil }
        var index = start
        while index <= text.count - wanted.count {
            if text[index] == wanted[0], text[index..<index + wanted.count].elementsEqual(wanted) { return index }
            index += 1
        }
        return nil
    }
}
