/// A path that ends like a segment of an EWF image: `.E01` to `.E99`, `.EAA` to `.EZZ`, `.FAA` and on; or `.s01` and on.
struct EWFSegmentName: Hashable {
    /// The two series of endings. Both go on with the next letter after ZZ, so that from S on an ending may be of either.
    enum Series: Hashable {
        /// E01 of EnCase.
        case encase
        /// s01 of SMART.
        case smart

        /// The letter that its first ending begins with, counted from "a".
        fileprivate var letter: Int { self == .encase ? 4 : 18 }
    }

    let folder: String
    /// The name without its ending.
    let stem: String
    /// The segment's number by its name, counted from 1, in each series that the ending can belong to.
    let numbers: [Series: Int]

    init(_ path: String) {
        let name = SourceOpener.lastComponent(path)
        folder = String(path.dropLast(name.count))
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else {
            stem = name
            numbers = [:]
            return
        }
        stem = String(name[..<dot])
        numbers = Self.numbers(Array(name[name.index(after: dot)...].utf8))
    }

    /// True when the ending is one of either series.
    var isSegment: Bool { !numbers.isEmpty }

    /// True when both endings can be of one series: `.E01` and `.FAA`, not `.E01` and `.s01`.
    func isOfSeries(of other: EWFSegmentName) -> Bool { numbers.keys.contains { other.numbers[$0] != nil } }

    /// True for the endings that only images of this format have.
    static func promisesImage(_ path: String) -> Bool {
        let name = SourceOpener.lastComponent(path).lowercased()
        return [".e01", ".s01", ".ex01", ".l01", ".lx01"].contains { name.hasSuffix($0) }
    }

    private static func numbers(_ ending: [UInt8]) -> [Series: Int] {
        guard ending.count == 3 else { return [:] }
        let lower = ending.map { (65...90).contains($0) ? $0 + 32 : $0 }
        let letters = lower.map { (97...122).contains($0) ? Int($0) - 97 : nil }
        let digits = lower.map { (48...57).contains($0) ? Int($0) - 48 : nil }
        guard let first = letters[0] else { return [:] }
        if let tens = digits[1], let ones = digits[2] {
            guard tens * 10 + ones > 0 else { return [:] }
            let series = [Series.encase, .smart].first { $0.letter == first }
            return series.map { [$0: tens * 10 + ones] } ?? [:]
        }
        guard let second = letters[1], let third = letters[2] else { return [:] }
        var numbers: [Series: Int] = [:]
        for series in [Series.encase, .smart] where first >= series.letter {
            numbers[series] = 100 + ((first - series.letter) * 26 + second) * 26 + third
        }
        return numbers
    }
}
