/// Section `error2`: the sectors that could not be read when the image was made.
///
/// What the image holds in their place are the bytes that the acquiring program put there.
struct EWFAcquisitionErrors {
    /// Most ranges that are read.
    static let mostRanges = 100_000
    /// Most ranges that are listed one by one.
    static let mostListed = 100
    private static let headerSize = 520

    static var largestContent: Int { headerSize + mostRanges * 8 + 4 }

    /// First sector and number of sectors of each range.
    let ranges: [(first: Int, count: Int)]

    /// Nil when the bytes are too few or a checksum does not hold.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize, Adler32.holds(bytes, count: 516, storedAt: 516) else { return nil }
        let count = bytes.littleEndian32(at: 0)
        let end = Self.headerSize + count * 8
        guard count <= Self.mostRanges, bytes.count >= end + 4,
            Adler32.holds(bytes, from: Self.headerSize, count: count * 8, storedAt: end)
        else { return nil }
        ranges = (0..<count).map {
            let at = Self.headerSize + $0 * 8
            return (bytes.littleEndian32(at: at), bytes.littleEndian32(at: at + 4))
        }
    }

    /// What it says, for people.
    var texts: [String] {
        let listed = ranges.prefix(Self.mostListed).map {
            $0.count <= 1
                ? "sector \($0.first) could not be read when the image was made"
                : "sectors \($0.first) to \($0.first + $0.count - 1) could not be read when the image was made"
        }
        let rest = ranges.count - listed.count
        return rest > 0 ? listed + ["\(rest) more ranges of sectors could not be read when the image was made"] : listed
    }
}
