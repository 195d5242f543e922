/// A path that ends like a segment of an EWF image: `.E01` to `.E99`, `.EAA` to `.EZZ`, `.FAA` and on; or `.s01` and on.
struct EWFSegmentName: Hashable {
    let folder: String
    /// The name without its ending.
    let stem: String
    /// The segment's number by its name, counted from 1; nil when the ending is of another kind.
    let number: Int?

    init(_ path: String) {
        let name = SourceOpener.lastComponent(path)
        folder = String(path.dropLast(name.count))
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else {
            stem = name
            number = nil
            return
        }
        stem = String(name[..<dot])
        number = Self.number(Array(name[name.index(after: dot)...].utf8))
    }

    /// True for the endings that only images of this format have.
    static func promisesImage(_ path: String) -> Bool {
        let name = SourceOpener.lastComponent(path).lowercased()
        return [".e01", ".s01", ".ex01", ".l01", ".lx01"].contains { name.hasSuffix($0) }
    }

    private static func number(_ ending: [UInt8]) -> Int? {
        guard ending.count == 3 else { return nil }
        let lower = ending.map { (65...90).contains($0) ? $0 + 32 : $0 }
        let letters = lower.map { (97...122).contains($0) ? Int($0) - 97 : nil }
        let digits = lower.map { (48...57).contains($0) ? Int($0) - 48 : nil }
        guard let first = letters[0] else { return nil }
        if let tens = digits[1], let ones = digits[2] { return tens * 10 + ones == 0 ? nil : tens * 10 + ones }
        guard let second = letters[1], let third = letters[2] else { return nil }
        // The series that begin at E and at s go on with the next letter after ZZ.
        let start = first >= 18 ? 18 : 4
        guard first >= start else { return nil }
        return 100 + ((first - start) * 26 + second) * 26 + third
    }
}
