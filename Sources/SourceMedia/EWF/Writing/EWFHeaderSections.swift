import EvidenceModel

/// The texts of sections `header2` and `header`, as EnCase 6 lays them out.
enum EWFHeaderSections {
    /// UTF-16LE with a byte-order mark: all that is known.
    static func header2(_ facts: EWFImageFacts) -> [UInt8] {
        let seconds = String(facts.started.milliseconds / 1000)
        let main: [(String, String)] = [
            ("a", facts.description), ("c", facts.caseNumber), ("n", facts.evidenceNumber), ("e", facts.examiner),
            ("t", facts.notes), ("md", facts.model ?? ""), ("sn", facts.serial ?? ""), ("av", facts.software),
            ("ov", facts.system), ("m", seconds), ("u", seconds), ("p", "0"), ("dc", ""),
        ]
        let lines = [
            "3", "main", main.map(\.0).joined(separator: "\t"), main.map { plain($0.1) }.joined(separator: "\t"), "",
            "srce", "0\t1", "p\tn\tid\tev\ttb\tlo\tpo\tah\tgu\taq", "0\t0", "\t\t\t\t\t-1\t-1\t\t\t", "",
            "sub", "0\t1", "p\tn\tid\tnu\tco\tgu", "0\t0", "\t\t\t\t1\t", "",
        ]
        let text = lines.joined(separator: "\n") + "\n"
        return EWFChunkPacker.deflate(
            [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
    }

    /// Bytes, for readers of older versions: other letters than those of ASCII become question marks.
    static func header(_ facts: EWFImageFacts) -> [UInt8] {
        let time = self.time(facts.started)
        let main: [(String, String)] = [
            ("c", facts.caseNumber), ("n", facts.evidenceNumber), ("a", facts.description), ("e", facts.examiner),
            ("t", facts.notes), ("av", facts.software), ("ov", facts.system), ("m", time), ("u", time), ("p", "0"),
        ]
        let lines = [
            "1", "main", main.map(\.0).joined(separator: "\t"), main.map { plain($0.1) }.joined(separator: "\t"), "",
        ]
        let text = lines.joined(separator: "\r\n") + "\r\n"
        return EWFChunkPacker.deflate(
            text.unicodeScalars.map { $0.isASCII ? UInt8($0.value) : UInt8(ascii: "?") })
    }

    /// Tabs and line ends part the values; in a value they become spaces.
    private static func plain(_ value: String) -> String {
        String(String.UnicodeScalarView(value.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
    }

    /// "2026 11 21 20 48 27", in UTC: `header` knows no zone.
    private static func time(_ time: UTCTime) -> String {
        time.rfc3339.prefix(19).split(whereSeparator: { "-T:".contains($0) })
            .map { String(Int($0) ?? 0) }.joined(separator: " ")
    }
}
