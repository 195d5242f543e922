internal import EvidenceModel

/// What the bytes behind a file say about where it ends.
///
/// Some formats state a length and take what lies within as it comes. A piece of another file among it makes the stated
/// length too short by just as much, and nothing in the format shows it. But where a file truly ends, its last block is
/// mostly filled up with zeros; where it only seems to, the block goes on with the file's own content.
enum EndEvidence {
    /// Bytes before the end that must not all be zero: zeros behind zeros say nothing.
    private static let lookedAtBefore = 16

    /// The file, believed only as far as it goes: one that does not check its content needs an end that shows.
    static func judged(_ file: WalkedFile, _ reader: ByteReader) throws(ReadFailure) -> WalkedFile {
        guard !file.unchecked.isEmpty else { return file }
        var file = file
        // No checksum covers an unchecked part.
        if file.confidence == .proven {
            file.confidence = .structural
            return file
        }
        guard file.confidence == .structural, try !shows(reader, end: file.length) else { return file }
        file.confidence = .header
        file.isUncertain = true
        file.warnings.append(
            "the format does not check its content, and what follows does not show that the file ends here: pieces of "
                + "other files may lie in it")
        return file
    }

    /// True when the file's end is shown by the end of the source or by a block that is filled up with zeros.
    static func shows(_ reader: ByteReader, end: Int) throws(ReadFailure) -> Bool {
        if end == reader.count { return true }
        let rest = min(-end & (FreeSpace.block - 1), reader.count - end)
        guard rest > 0 else { return false }
        guard try reader.bytes(at: end, count: rest).allSatisfy({ $0 == 0 }) else { return false }
        // Of the last block only: a block of zeros in the place of the last one shows nothing.
        let before = min(end & (FreeSpace.block - 1), lookedAtBefore)
        return try reader.bytes(at: end - before, count: before).contains { $0 != 0 }
    }
}
