internal import EvidenceModel

/// Frames of compressed data that a library decompresses piece by piece, comparing the sizes and checksums in them.
protocol FrameStream: ~Copyable {
    /// Bytes of output that one step can give.
    static var pieceSize: Int { get }
    /// Decompresses some of the input; nil when it is no such data, or a size or checksum does not hold.
    mutating func step(_ input: ArraySlice<UInt8>) -> (consumed: Int, produced: Int)?
}

extension FrameStream where Self: ~Copyable {
    /// Decompresses all of the input.
    ///
    /// - Returns: bytes of content that it gave; nil when the bytes are no such data, or a size or checksum does not hold.
    mutating func take(_ input: [UInt8]) -> Int? {
        var used = 0
        var produced = 0
        while true {
            guard let step = step(input[used...]) else { return nil }
            used += step.consumed
            produced += step.produced
            if step.consumed == 0, step.produced == 0 || used == input.count {
                return used == input.count ? produced : nil
            }
            if used == input.count, step.produced < Self.pieceSize { return produced }
        }
    }
}

extension WalkedFile {
    /// Steps over the frames behind the file's end that readers skip: LZ4 and Zstandard have them alike (RFC 8878, 3.1.2).
    ///
    /// False when one reaches past the end of the source.
    mutating func stepOverSkippableFrames(_ input: WalkInput) throws(WalkStop) -> Bool {
        while try input.continues(with: [0x2A, 0x4D, 0x18], at: length + 1), try input.u8(length) & 0xF0 == 0x50 {
            let size = try input.u32le(length + 4)
            guard input.fits(length + 8, size) else { return false }
            leaveUnchecked(length + 8..<length + 8 + size)
            if confidence == .proven { confidence = .structural }
            length += 8 + size
        }
        return true
    }
}
