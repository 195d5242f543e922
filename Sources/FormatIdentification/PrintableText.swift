/// Makes text out of evidence safe to print on one line.
enum PrintableText {
    /// Escapes control characters, line and paragraph separators, and the characters that turn the direction of
    /// writing, each as `\u{…}`: file content shows up in libmagic's descriptions and must not act on a terminal or
    /// disguise what a report says.
    static func escaping(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: acts) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if acts(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func acts(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
