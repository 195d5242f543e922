import EvidenceModel

/// The text of sections `header` and `header2`: who acquired what, when and with what.
///
/// Lines under the heading "main": keys between tabs, then values between tabs. `header` holds bytes, `header2`
/// UTF-16LE with a byte-order mark.
struct EWFHeaderText: Hashable {
    /// Most bytes of text that are inflated.
    static let largestText = 4 << 20
    /// Most characters of one value that are kept.
    static let longestValue = 65_536

    let properties: [SourceProperty]

    /// - Parameter bytes: the inflated text.
    init(_ bytes: [UInt8]) {
        let lines = Self.plain(bytes).split(separator: "\n", omittingEmptySubsequences: false)
        guard let main = lines.firstIndex(of: "main"), main + 2 < lines.count else {
            properties = []
            return
        }
        let keys = lines[main + 1].split(separator: "\t", omittingEmptySubsequences: false)
        let values = lines[main + 2].split(separator: "\t", omittingEmptySubsequences: false)
        properties = zip(keys, values).compactMap { Self.property(String($0), String($1)) }
    }

    private static func property(_ key: String, _ value: String) -> SourceProperty? {
        guard let name = names[key], !value.isEmpty else { return nil }
        let shown = String(value.prefix(longestValue))
        switch key {
        case "m", "u": return SourceProperty(name, time(shown))
        case "p": return shown == "0" ? nil : SourceProperty(name, "set; it does not encrypt")
        default: return SourceProperty(name, shown)
        }
    }

    private static let names = [
        "c": "case_number", "n": "evidence_number", "a": "description", "e": "examiner", "t": "notes",
        "av": "software", "ov": "system", "m": "acquired", "u": "system_date", "p": "password", "md": "model",
        "sn": "serial", "l": "device_label", "pid": "process",
    ]

    /// Seconds since 1970 become a time in UTC; "2013 12 10 11 28 38" is local time of an unknown zone.
    private static func time(_ value: String) -> String {
        if let seconds = Int64(value), (0..<253_402_300_800).contains(seconds) {
            return UTCTime(milliseconds: seconds * 1000).rfc3339
        }
        let parts = value.split(separator: " ").map(String.init)
        guard parts.count == 6, parts.allSatisfy({ Int($0) != nil }) else { return value }
        let padded = parts.map { $0.count < 2 ? "0" + $0 : $0 }
        return padded[0...2].joined(separator: "-") + " " + padded[3...5].joined(separator: ":") + " (local time)"
    }

    /// Text of any encoding, line ends as "\n", other control characters but tabs replaced.
    static func plain(_ bytes: [UInt8]) -> String {
        var text: String
        if bytes.starts(with: [0xFF, 0xFE]) {
            let units = stride(from: 2, to: bytes.count - bytes.count % 2, by: 2).map {
                UInt16(bytes.littleEndian16(at: $0))
            }
            text = String(decoding: units, as: UTF16.self)
        } else if let valid = String(validating: bytes, as: UTF8.self) {
            text = valid
        } else {
            text = String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where scalar != "\r" && scalar != "\u{FEFF}" {
            let isKept = scalar == "\n" || scalar == "\t" || !scalar.properties.generalCategory.isControl
            scalars.append(isKept ? scalar : "\u{FFFD}")
        }
        text = String(scalars)
        return text
    }
}

extension Unicode.GeneralCategory {
    /// Characters that steer a terminal or the direction of text instead of showing something.
    fileprivate var isControl: Bool { self == .control || self == .format || self == .surrogate }
}
