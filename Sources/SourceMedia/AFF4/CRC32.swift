internal import CDeflate

/// The checksum of ZIP members (APPNOTE 6.3.10, 4.4.7).
struct CRC32: Hashable {
    private(set) var value: UInt32 = 0

    mutating func update(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let before = value
        value = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe libdeflate_crc32(before, buffer.baseAddress, buffer.count)
        }
    }
}
