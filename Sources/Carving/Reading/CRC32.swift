internal import CDeflate

/// The CRC-32 of ISO 3309 that PNG, gzip and ZIP use, computed by libdeflate.
struct CRC32 {
    private(set) var value: UInt32 = 0

    init() {}

    /// A checksum over the same polynomial whose register begins with another number, and is not inverted in the end:
    /// as Outlook's stores and compressed rich text use it, beginning with 0.
    init(register: UInt32) { value = ~register }

    /// The register itself, not inverted.
    var register: UInt32 { ~value }

    mutating func update(_ bytes: ArraySlice<UInt8>) {
        value = unsafe bytes.withUnsafeBufferPointer { buffer in
            // Without an address libdeflate would begin anew.
            guard let address = buffer.baseAddress else { return value }
            return unsafe libdeflate_crc32(value, address, buffer.count)
        }
    }
}

extension ByteReader {
    /// CRC-32 over a range of the candidate.
    func crc32(of range: Range<Int>) throws(ReadFailure) -> UInt32 {
        var crc = CRC32()
        try forEachPiece(of: range) { (piece: ArraySlice<UInt8>) in crc.update(piece) }
        return crc.value
    }
}
