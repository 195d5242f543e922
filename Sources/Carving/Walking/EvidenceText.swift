internal import EvidenceModel

/// Text found in evidence, made safe to store and to show.
///
/// Valid UTF-8, no control characters, at most ``longest`` bytes. Bytes that are not UTF-8 are read as ISO 8859-1,
/// the encoding that older writers meant.
enum EvidenceText {
    /// Most bytes of one text that are kept.
    static let longest = 256

    /// The text up to the first NUL, without surrounding spaces; nil when nothing is left.
    static func clean(_ bytes: some Collection<UInt8>) -> String? {
        let raw = Array(bytes.prefix { $0 != 0 }.prefix(4 * longest))
        if let text = String(validating: raw[...], as: UTF8.self) { return tidy(text.unicodeScalars) }
        // A limit that fell inside a character must not make the text ISO 8859-1.
        for cut in 1...3 where raw.count == 4 * longest {
            if let text = String(validating: raw.dropLast(cut), as: UTF8.self) { return tidy(text.unicodeScalars) }
        }
        return tidy(raw.lazy.map { Unicode.Scalar($0) })
    }

    /// UTF-16 text of either byte order, up to the first NUL.
    static func cleanUTF16(_ bytes: some Collection<UInt8>, bigEndian: Bool) -> String? {
        var units: [UInt16] = []
        var high: UInt8?
        for byte in bytes.prefix(4 * longest) {
            guard let first = high else {
                high = byte
                continue
            }
            high = nil
            let unit = bigEndian ? UInt16(first) << 8 | UInt16(byte) : UInt16(byte) << 8 | UInt16(first)
            if unit == 0 { break }
            units.append(unit)
        }
        return tidy(String(decoding: units, as: UTF16.self).unicodeScalars)
    }

    private static func tidy(_ scalars: some Sequence<Unicode.Scalar>) -> String? {
        var text = String.UnicodeScalarView()
        var length = 0
        for scalar in scalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            let isSpace = scalar == " " || (0x09...0x0D).contains(scalar.value)
            if isSpace && text.isEmpty { continue }
            let kept: Unicode.Scalar = isSpace ? " " : isControl ? "\u{FFFD}" : scalar
            length += UTF8.width(kept)
            if length > longest { break }
            text.append(kept)
        }
        while text.last == " " { text.removeLast() }
        return text.isEmpty ? nil : String(text)
    }
}

extension WalkedFile {
    /// Stores a text as a fact, cleaned; keeps the first of two.
    mutating func note(_ key: String, text bytes: some Collection<UInt8>) {
        guard facts[key] == nil, let text = EvidenceText.clean(bytes) else { return }
        facts[key] = .string(text)
    }

    /// Stores a number as a fact; keeps the first of two.
    mutating func note(_ key: String, _ value: Int) {
        guard facts[key] == nil else { return }
        facts[key] = .size(value)
    }

    /// Stores that something is there.
    mutating func note(_ key: String) { facts[key] = .bool(true) }

    /// Stores a duration of `units` at `rate` units a second.
    mutating func noteDuration(_ units: Int, perSecond rate: Int) {
        guard rate > 0, units >= 0 else { return }
        let (product, overflow) = units.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return }
        note("duration_ms", product / rate)
    }
}
