internal import EvidenceModel

/// Numbers, sizes and dates in a report's language.
///
/// Written out here and not left to the system's locale data, which changes between machines and versions: the same
/// report must have the same bytes everywhere.
struct LocalFormat: Sendable {
    let language: ReportLanguage

    /// Between groups of three digits: a comma, or U+202F (narrow no-break space).
    private var groupSeparator: String { language == .french ? "\u{202F}" : "," }
    private var decimalSeparator: String { language == .french ? "," : "." }
    /// Between a number and its unit: U+00A0 (no-break space).
    private let unitSpace = "\u{A0}"

    /// For example "16,777,216".
    func number(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += groupSeparator }
            text.append(digit)
        }
        return value < 0 ? "−" + text : text
    }

    /// For example "16.0 MiB"; below 1 KiB in bytes. Rounded down, so that a report never claims more than there is.
    func size(_ bytes: Int) -> String {
        let units =
            language == .french
            ? ["Kio", "Mio", "Gio", "Tio", "Pio", "Eio"] : ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        guard bytes >= 1024 else { return exactSize(bytes) }
        var shift = 10
        var index = 0
        while index + 1 < units.count, bytes >> shift >= 1024 {
            shift += 10
            index += 1
        }
        let whole = bytes >> shift
        let rest = bytes & ((1 << shift) - 1)
        let tenths = ((rest >> (shift - 10)) * 10) >> 10
        return number(whole) + decimalSeparator + String(tenths) + unitSpace + units[index]
    }

    /// For example "16,777,216 bytes".
    func exactSize(_ bytes: Int) -> String {
        let isOne = language == .french ? bytes < 2 : bytes == 1
        let unit = language == .french ? (isOne ? "octet" : "octets") : (isOne ? "byte" : "bytes")
        return number(bytes) + unitSpace + unit
    }

    /// For example "16.0 MiB (16,777,216 bytes)".
    func fullSize(_ bytes: Int) -> String {
        bytes < 1024 ? exactSize(bytes) : "\(size(bytes)) (\(exactSize(bytes)))"
    }

    /// A share with one decimal, rounded down, for example "99.8 %"; nil when there is nothing to divide by.
    func percent(_ part: Int, of whole: Int) -> String? {
        guard whole > 0, part >= 0, part <= whole else { return nil }
        let (product, overflow) = part.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return nil }
        let permille = product / whole
        return number(permille / 10) + decimalSeparator + String(permille % 10) + unitSpace + "%"
    }

    /// A share with one decimal, rounded down; what is less than a tenth of a percent is not written as nothing.
    func share(_ part: Int, of whole: Int) -> String {
        guard let text = percent(part, of: whole) else { return "–" }
        let isTooSmall = part > 0 && part < (whole + 999) / 1000
        return isTooSmall ? "<\(unitSpace)0\(decimalSeparator)1\(unitSpace)%" : text
    }

    /// A day in words, for example "21 November 2026" or "1er décembre 2026".
    func date(_ time: UTCTime) -> String {
        let part = Parts(time)
        let day = language == .french && part.day == 1 ? "1er" : String(part.day)
        return day + unitSpace + Self.months(language)[part.month - 1] + unitSpace + String(part.year)
    }

    /// A moment in words, for example "21 November 2026, 17:44:54 UTC".
    func dateTime(_ time: UTCTime) -> String {
        date(time) + (language == .french ? " à " : ", ") + clock(time) + unitSpace + "UTC"
    }

    /// The day for tables, ISO 8601.
    func tableDate(_ time: UTCTime) -> String { String(time.rfc3339.prefix(10)) }

    /// Hours, minutes and seconds.
    func clock(_ time: UTCTime) -> String { String(time.rfc3339.dropFirst(11).prefix(8)) }

    private struct Parts {
        let year, month, day: Int

        init(_ time: UTCTime) {
            let text = time.rfc3339
            year = Int(text.prefix(4)) ?? 0
            month = min(12, max(1, Int(text.dropFirst(5).prefix(2)) ?? 1))
            day = Int(text.dropFirst(8).prefix(2)) ?? 0
        }
    }

    private static func months(_ language: ReportLanguage) -> [String] {
        switch language {
        case .english:
            [
                "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                "November", "December",
            ]
        case .french:
            [
                "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
                "novembre", "décembre",
            ]
        }
    }
}
