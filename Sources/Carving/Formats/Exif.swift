internal import EvidenceModel

/// What an examiner wants from an Exif block: camera, times, place, authors (CIPA DC-008, Exif 2.32).
enum Exif {
    /// Notes the facts of the Exif block from `base` to `end`; a damaged block notes what is whole.
    static func note(_ input: WalkInput, at base: Int, end: Int, in file: inout WalkedFile) throws(WalkStop) {
        guard let structure = try TIFFStructure(input, at: base, end: min(end, input.count)),
            let first = try structure.directory(at: structure.firstDirectory, lenient: true)
        else {
            file.warnings.append("the Exif block is damaged")
            return
        }
        try note(structure, first, in: &file)
    }

    /// Notes the facts of a first directory and of the Exif and GPS directories that it points to.
    static func note(
        _ structure: TIFFStructure, _ first: TIFFStructure.Directory, in file: inout WalkedFile
    ) throws(WalkStop) {
        file.note("exif")
        try noteTexts(structure, first, in: &file)
        if let entry = first[0x112], let orientation = try structure.number(entry), (1...8).contains(orientation) {
            file.note("orientation", orientation)
        }
        if let entry = first[0x8769], let offset = try structure.number(entry),
            let exif = try structure.directory(at: offset, lenient: true)
        {
            try noteTexts(structure, exif, in: &file)
        }
        if let entry = first[0x8825], let offset = try structure.number(entry),
            let gps = try structure.directory(at: offset, lenient: true)
        {
            try notePlace(structure, gps, in: &file)
        }
    }

    private static let texts: [Int: String] = [
        0x10E: "description", 0x10F: "camera_make", 0x110: "camera_model", 0x131: "software", 0x132: "modified",
        0x13B: "artist", 0x13C: "host_computer", 0x8298: "copyright", 0x9003: "taken", 0x9004: "digitized",
        0x9010: "modified_utc_offset", 0x9011: "taken_utc_offset", 0xA420: "image_unique_id", 0xA430: "camera_owner",
        0xA431: "camera_serial", 0xA433: "lens_make", 0xA434: "lens_model", 0xA435: "lens_serial",
    ]
    private static let windowsTexts: [Int: String] = [
        0x9C9B: "title", 0x9C9C: "comment", 0x9C9D: "artist", 0x9C9E: "keywords", 0x9C9F: "subject",
    ]

    private static func noteTexts(
        _ structure: TIFFStructure, _ directory: TIFFStructure.Directory, in file: inout WalkedFile
    ) throws(WalkStop) {
        for entry in directory.entries {
            if let key = texts[entry.tag], entry.type == 2 || entry.type == 7 || entry.type == 1 {
                file.note(key, text: try structure.bytes(entry, most: 4 * EvidenceText.longest))
            } else if let key = windowsTexts[entry.tag], file.facts[key] == nil {
                let bytes = try structure.bytes(entry, most: 4 * EvidenceText.longest)
                if let text = EvidenceText.cleanUTF16(bytes, bigEndian: false) { file.facts[key] = .string(text) }
            } else if entry.tag == 0x8773 {
                file.note("icc_profile")
            } else if entry.tag == 0x2BC {
                file.note("xmp")
            }
        }
    }

    private static func notePlace(
        _ structure: TIFFStructure, _ gps: TIFFStructure.Directory, in file: inout WalkedFile
    ) throws(WalkStop) {
        if let latitude = try degrees(structure, gps, tag: 2, negative: "S", limit: 90),
            let longitude = try degrees(structure, gps, tag: 4, negative: "W", limit: 180)
        {
            file.facts["gps_latitude"] = .string(latitude)
            file.facts["gps_longitude"] = .string(longitude)
        }
        if let entry = gps[6], let altitude = try rational(structure, entry, 0) {
            let below = try gps[5].map { entry throws(WalkStop) in try structure.number(entry) == 1 } ?? false
            file.facts["gps_altitude_m"] = .string(decimal(below ? -altitude : altitude, digits: 1))
        }
        if let entry = gps[29], entry.type == 2 {
            file.note("gps_date", text: try structure.bytes(entry, most: 32))
        }
        if let entry = gps[7], let hour = try rational(structure, entry, 0),
            let minute = try rational(structure, entry, 1), let second = try rational(structure, entry, 2),
            hour < 24, minute < 60, second < 61
        {
            let fields = [hour, minute, second].map { $0 < 10 ? "0\(Int($0))" : "\(Int($0))" }
            file.facts["gps_time"] = .string(fields.joined(separator: ":"))
        }
    }

    /// Degrees, minutes and seconds as signed decimal degrees with six decimals (about 0.1 m).
    private static func degrees(
        _ structure: TIFFStructure, _ gps: TIFFStructure.Directory, tag: Int, negative: Character, limit: Double
    ) throws(WalkStop) -> String? {
        guard let entry = gps[tag], entry.count == 3, let whole = try rational(structure, entry, 0),
            let minutes = try rational(structure, entry, 1), let seconds = try rational(structure, entry, 2)
        else { return nil }
        let value = whole + minutes / 60 + seconds / 3600
        guard value <= limit else { return nil }
        let reference = try gps[tag - 1].map { entry throws(WalkStop) in try structure.bytes(entry, most: 1) } ?? []
        return decimal(reference.first == negative.asciiValue ? -value : value, digits: 6)
    }

    /// An unsigned rational; nil when it divides by zero or is no rational.
    private static func rational(
        _ structure: TIFFStructure, _ entry: TIFFStructure.Entry, _ index: Int
    ) throws(WalkStop) -> Double? {
        guard entry.type == 5, index < entry.count else { return nil }
        let numerator = try structure.u32(entry.valueAt + 8 * index)
        let denominator = try structure.u32(entry.valueAt + 8 * index + 4)
        return denominator == 0 ? nil : Double(numerator) / Double(denominator)
    }

    /// Decimal text: canonical JSON has no floating-point numbers. The value is below 2^33.
    static func decimal(_ value: Double, digits: Int) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        let padding = String(repeating: "0", count: digits - fraction.count)
        return (value < 0 && scaled != 0 ? "-" : "") + "\(scaled / scale).\(padding)\(fraction)"
    }
}
