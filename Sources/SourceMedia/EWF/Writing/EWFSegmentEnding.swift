extension EWFSegmentName {
    /// Most segments that have names: .E01 to .E99, .EAA to .ZZZ.
    static let mostSegments = 99 + 22 * 26 * 26

    /// The ending of a segment, without the dot: the reverse of ``number``.
    ///
    /// - Precondition: `segment` is at least 1 and at most ``mostSegments``.
    static func ending(of segment: Int) -> String {
        precondition((1...mostSegments).contains(segment), "no name for segment \(segment)")
        guard segment > 99 else { return segment < 10 ? "E0\(segment)" : "E\(segment)" }
        let rest = segment - 100
        let letters = [4 + rest / 676, rest / 26 % 26, rest % 26].map { UInt8(65 + $0) }
        return String(decoding: letters, as: UTF8.self)
    }
}
