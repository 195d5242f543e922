/// Values out of small metadata documents (XML inside OOXML, ODF and EPUB, XMP), found by element name.
///
/// Not a parser: it looks for the first element of a name and takes its text. A wrong value is a wrong fact, never a
/// wrong length.
enum MetadataText {
    /// Text of the first element with this qualified name; nil when there is none or it holds elements.
    static func element(_ name: String, in document: [UInt8]) -> [UInt8]? {
        let tag = [UInt8(ascii: "<")] + Array(name.utf8)
        var from = 0
        while let start = document.firstIndex(of: tag, from: from) {
            from = start + tag.count
            guard from < document.count else { return nil }
            let next = document[from]
            guard next == UInt8(ascii: ">") || next <= 0x20 else { continue }
            guard let open = document[from...].firstIndex(of: UInt8(ascii: ">")),
                let close = document[open...].firstIndex(of: UInt8(ascii: "<"))
            else { return nil }
            guard document[open - 1] != UInt8(ascii: "/") else { continue }
            return unescaped(document[(open + 1)..<close])
        }
        return nil
    }

    /// Value of the first attribute with this qualified name.
    static func attribute(_ name: String, in document: [UInt8]) -> [UInt8]? {
        let pattern = Array(name.utf8) + Array("=\"".utf8)
        guard let start = document.firstIndex(of: pattern, from: 0) else { return nil }
        let value = document[(start + pattern.count)...]
        guard let end = value.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return unescaped(value[..<end])
    }

    /// Replaces the five predefined entities of XML.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        guard text.contains(UInt8(ascii: "&")) else { return Array(text) }
        var result: [UInt8] = []
        var at = text.startIndex
        while at < text.endIndex {
            let entity = entities.first { text[at...].starts(with: $0.name) }
            result.append(entity?.character ?? text[at])
            at += entity?.name.count ?? 1
        }
        return result
    }

    private static let entities: [(name: [UInt8], character: UInt8)] = [
        (Array("&lt;".utf8), UInt8(ascii: "<")), (Array("&gt;".utf8), UInt8(ascii: ">")),
        (Array("&amp;".utf8), UInt8(ascii: "&")), (Array("&quot;".utf8), UInt8(ascii: "\"")),
        (Array("&apos;".utf8), UInt8(ascii: "'")),
    ]
}

extension [UInt8] {
    /// Where `pattern` first occurs at or after `start`.
    func firstIndex(of pattern: [UInt8], from start: Int) -> Int? {
        guard let first = pattern.first, start >= 0 else { return nil }
        var at = start
        while count - at >= pattern.count {
            guard let hit = self[at..<(count - pattern.count + 1)].firstIndex(of: first) else { return nil }
            if self[hit..<(hit + pattern.count)].elementsEqual(pattern) { return hit }
            at = hit + 1
        }
        return nil
    }

    /// True when `text`'s UTF-8 occurs.
    func contains(text: String) -> Bool { firstIndex(of: Array(text.utf8), from: 0) != nil }
}
