/// Makes strings from evidence safe to show: what would be invisible or would reorder the line becomes a visible mark.
///
/// A mark stands in ⟦ ⟧: `⟦ESC⟧` for a control character, `⟦U+202E⟧` for another one, `⟦0xFF⟧` for a byte that is not
/// UTF-8, `⟦+120⟧` for characters left out at the end. The brackets in the evidence itself are marked too, so a mark
/// cannot be forged. Escaping for HTML is the template engine's work, on top of this.
enum EvidenceText {
    /// A run of characters shown as they are, or one mark.
    struct Piece: Hashable, Sendable {
        let text: String
        let isMark: Bool
    }

    /// Characters shown of one string when the caller names no other limit.
    static let defaultLimit = 240

    /// Combining marks shown on one character; more of them would run over neighbouring lines.
    static let combiningMarkLimit = 4

    static func pieces(_ text: String, limit: Int = defaultLimit) -> [Piece] {
        pieces(of: text.utf8.span, limit: limit)
    }

    static func pieces(_ name: EvidenceString, limit: Int = defaultLimit) -> [Piece] {
        pieces(of: name.bytes.span, limit: limit)
    }

    /// The pieces as one string, for sentences and for fields that cannot style a mark.
    static func plain(_ text: String, limit: Int = defaultLimit) -> String {
        pieces(text, limit: limit).map(\.text).joined()
    }

    private static func pieces(of bytes: Span<UInt8>, limit: Int) -> [Piece] {
        var pieces: [Piece] = []
        var run = ""
        func mark(_ text: String) {
            if !run.isEmpty { pieces.append(Piece(text: run, isMark: false)) }
            run = ""
            pieces.append(Piece(text: text, isMark: true))
        }
        var index = 0
        var shown = 0
        var combining = 0
        while index < bytes.count {
            guard shown < limit else {
                mark("⟦+\(unitCount(bytes, from: index))⟧")
                break
            }
            shown += 1
            let unit = unit(at: index, in: bytes)
            let isEdge = index == 0 || index + unit.length == bytes.count
            index += unit.length
            switch unit.kind {
            case .byte(let byte):
                mark("⟦0x" + hex(UInt32(byte), digits: 2) + "⟧")
            case .surrogate(let value):
                mark("⟦U+" + hex(value, digits: 4) + "⟧")
            case .scalar(let scalar):
                combining = scalar.properties.generalCategory == .nonspacingMark ? combining + 1 : 0
                if let name = controlName(of: scalar, atEdge: isEdge) {
                    mark("⟦" + name + "⟧")
                } else if mustBeMarked(scalar) || combining > combiningMarkLimit {
                    mark("⟦U+" + hex(scalar.value, digits: 4) + "⟧")
                } else {
                    run.unicodeScalars.append(scalar)
                }
            }
        }
        if !run.isEmpty { pieces.append(Piece(text: run, isMark: false)) }
        return pieces
    }

    // MARK: - What is marked

    /// The abbreviations of ISO/IEC 6429; a space is named where it would not be seen.
    private static func controlName(of scalar: Unicode.Scalar, atEdge isEdge: Bool) -> String? {
        switch scalar.value {
        case 0...0x1F: controlNames[Int(scalar.value)]
        case 0x20: isEdge ? "SP" : nil
        case 0x7F: "DEL"
        default: nil
        }
    }

    private static let controlNames = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI", "DLE",
        "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
    ]

    private static func mustBeMarked(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x27E6, 0x27E7: return true  // the brackets themselves
        case 0x20...0x7E: return false
        default: break
        }
        switch scalar.properties.generalCategory {
        // Bidirectional controls, zero-width and tag characters are all of category Format.
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return true
        default:
            return scalar.properties.isDefaultIgnorableCodePoint
        }
    }

    // MARK: - UTF-8, RFC 3629

    private enum Kind {
        case scalar(Unicode.Scalar)
        case surrogate(UInt32)
        case byte(UInt8)
    }

    /// One character, one surrogate that was forced into UTF-8, or one byte that fits neither.
    private static func unit(at index: Int, in bytes: Span<UInt8>) -> (kind: Kind, length: Int) {
        let first = bytes[index]
        let length: Int
        let smallest: UInt32
        var value: UInt32
        switch first {
        case 0..<0x80: return (.scalar(Unicode.Scalar(first)), 1)
        case 0xC2...0xDF: (length, smallest, value) = (2, 0x80, UInt32(first & 0x1F))
        case 0xE0...0xEF: (length, smallest, value) = (3, 0x800, UInt32(first & 0x0F))
        case 0xF0...0xF4: (length, smallest, value) = (4, 0x10000, UInt32(first & 0x07))
        default: return (.byte(first), 1)
        }
        guard length <= bytes.count - index else { return (.byte(first), 1) }
        for offset in 1..<length {
            let next = bytes[index + offset]
            guard next & 0xC0 == 0x80 else { return (.byte(first), 1) }
            value = value << 6 | UInt32(next & 0x3F)
        }
        guard value >= smallest else { return (.byte(first), 1) }
        if let scalar = Unicode.Scalar(value) { return (.scalar(scalar), length) }
        return value <= 0xDFFF ? (.surrogate(value), length) : (.byte(first), 1)
    }

    private static func unitCount(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        var count = 0
        while index < bytes.count {
            index += unit(at: index, in: bytes).length
            count += 1
        }
        return count
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
