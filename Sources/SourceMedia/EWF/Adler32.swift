internal import CDeflate

/// The checksum of RFC 1950, which guards every structure of an EWF file.
struct Adler32: Hashable {
    private(set) var value: UInt32 = 1

    mutating func update(_ bytes: Span<UInt8>) {
        guard !bytes.isEmpty else { return }
        let before = value
        value = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe libdeflate_adler32(before, buffer.baseAddress, buffer.count)
        }
    }

    /// Says whether the four bytes at `offset` are the checksum of the `count` bytes at `start`.
    ///
    /// - Precondition: all of them lie in `bytes`.
    static func holds(_ bytes: [UInt8], from start: Int = 0, count: Int, storedAt offset: Int) -> Bool {
        var sum = Adler32()
        sum.update(bytes.span.extracting(start..<start + count))
        return Int(sum.value) == bytes.littleEndian32(at: offset)
    }
}
