/// Names found in containers, as steps of a forensic path.
///
/// A path is shown, copied and compared, so nothing in it may steer a terminal, hide other characters or climb out of a
/// folder. What is unsafe is written as `%` and two hexadecimal digits for each of its UTF-8 bytes, and so is `%` itself:
/// two names that differ never become one.
enum PartPath {
    /// Most bytes of a name that are kept; what is longer ends with its CRC-32.
    static let longest = 512

    /// A name in which `/` separates steps.
    static func escaped(_ name: some Collection<UInt8>) -> String {
        var steps: [String] = []
        for step in name.split(separator: UInt8(ascii: "/")) where !step.elementsEqual([UInt8(ascii: ".")]) {
            let text = escapedStep(step)
            steps.append(text == ".." ? "%2E%2E" : text)
        }
        return shortened(steps.joined(separator: "/"))
    }

    /// A name in which `/` means nothing.
    static func escapedName(_ name: some Collection<UInt8>) -> String {
        escaped(name.flatMap { $0 == UInt8(ascii: "/") ? Array("\u{2215}".utf8) : [$0] })
    }

    private static func escapedStep(_ step: some Collection<UInt8>) -> String {
        guard let text = String(validating: Array(step), as: UTF8.self) else {
            return step.map { (0x21...0x7E).contains($0) && $0 != 0x25 && $0 != 0x5C ? ascii($0) : hex($0) }.joined()
        }
        var result = ""
        for scalar in text.unicodeScalars {
            if isSafe(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += String(scalar).utf8.map(hex).joined()
            }
        }
        return result
    }

    private static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20...0x7E).contains(scalar.value) && scalar != "%" && scalar != "\\" }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }

    private static func ascii(_ byte: UInt8) -> String { String(Unicode.Scalar(byte)) }

    private static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count == 1 ? "%0" + digits : "%" + digits
    }

    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > longest else { return text }
        var crc = CRC32()
        crc.update(Array(text.utf8)[...])
        var kept = String.UnicodeScalarView()
        var length = 0
        for scalar in text.unicodeScalars {
            length += UTF8.width(scalar)
            if length > longest - 16 { break }
            kept.append(scalar)
        }
        return String(kept) + "~" + String(crc.value, radix: 16)
    }
}
