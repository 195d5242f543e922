/// Follows the tags of an HTML document: does each end tag close the element that was opened last?
///
/// HTML forgives what is not paired, so a document that does not pair its tags is no less a document. But one that pairs
/// all of them would hardly do so with a piece of another one in it.
struct TagNesting {
    /// Most elements that are open at a time.
    static let deepest = 1024

    /// True while every end tag closed the element that was opened last.
    private var isPaired = true
    /// Hashes of the names of the open elements.
    private var names: [Int] = []
    /// The tag whose attributes are being read.
    private var pending: Int?
    private var quote = 0
    private var previous = 0
    private var hasClosedRoot = false

    /// True while the attributes of a tag are read; only then does ``take(_:)`` matter.
    var isInTag: Bool { pending != nil }

    /// True when all tags are paired, up to the end tag of the document.
    var isSound: Bool { isPaired && hasClosedRoot && names.isEmpty }

    /// A start tag's name, in lower case; its attributes follow.
    mutating func open(_ name: String) {
        // Within quotes a "<" is text.
        guard quote == 0 else { return }
        if pending != nil { isPaired = false }
        let lower = name.lowercased()
        pending = Self.void.contains(lower) ? Self.empty : Self.hash(lower)
        if lower == "html", !names.isEmpty { isPaired = false }
        previous = 0
    }

    /// A start tag that was read to its end.
    mutating func openWhole(_ name: String) {
        open(name)
        take(0x3E)
    }

    /// An end tag's name, in lower case.
    mutating func close(_ name: String) {
        guard quote == 0 else { return }
        if pending != nil { isPaired = false }
        if names.popLast() != Self.hash(name) { isPaired = false }
        if name == "html" { hasClosedRoot = true }
        pending = nil
    }

    /// A character that begins no tag.
    mutating func take(_ character: Int) {
        guard let tag = pending else { return }
        if quote != 0 {
            if character == quote { quote = 0 }
        } else if character == 0x22 || character == 0x27 {
            if previous == 0x3D { quote = character }
        } else if character == 0x3E {
            if tag != Self.empty, previous != 0x2F {
                if names.count < Self.deepest { names.append(tag) } else { isPaired = false }
            }
            pending = nil
        }
        if !TextCursor.isSpace(character) { previous = character }
    }

    private static let empty = 0
    private static func hash(_ name: String) -> Int { name.utf8.reduce(5381) { ($0 &* 33) ^ Int($1) } }

    /// Elements that have no end tag (HTML, 13.1.2), and those of older documents.
    private static let void: Set = [
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "isindex", "keygen",
        "link", "meta", "nextid", "param", "source", "spacer", "track", "wbr",
    ]
}
