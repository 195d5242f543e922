import EvidenceModel

/// Section `session`: where the sessions of an optical disc begin.
struct EWFSessions: Hashable {
    /// Most sessions that are read; a disc has at most 99 tracks.
    static let mostSessions = 1 << 10
    private static let headerSize = 36
    private static let entrySize = 32

    static var largestContent: Int { headerSize + mostSessions * entrySize + 4 }

    /// As the section states them; EnCase counts the first one from sector 16 on, where its volume descriptor lies.
    let firstSectors: [Int]

    /// Nil when the bytes are too few or a checksum does not hold.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize, Adler32.holds(bytes, count: 32, storedAt: 32) else { return nil }
        let count = bytes.littleEndian32(at: 0)
        guard count <= Self.mostSessions else { return nil }
        let end = Self.headerSize + count * Self.entrySize
        guard bytes.count >= end + 4,
            Adler32.holds(bytes, from: Self.headerSize, count: count * Self.entrySize, storedAt: end)
        else { return nil }
        firstSectors = (0..<count).map { bytes.littleEndian32(at: Self.headerSize + $0 * Self.entrySize + 4) }
    }

    /// What it says, for people.
    var property: SourceProperty {
        let starts = firstSectors.map { "sector \($0)" }.joined(separator: ", ")
        return SourceProperty("sessions", firstSectors.isEmpty ? "0" : "\(firstSectors.count), from \(starts)")
    }
}
