extension MutableSpan<UInt8> {
    /// Makes every byte zero.
    mutating func fillWithZeros() {
        unsafe withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.update(repeating: 0)
        }
    }

    /// Takes as many bytes as there is room for.
    ///
    /// - Precondition: `bytes` holds as many after `start`.
    mutating func copyBytes(of bytes: [UInt8], from start: Int) {
        let count = count
        unsafe withUnsafeMutableBufferPointer { room in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                _ = unsafe room.update(fromContentsOf: bytes[start..<start + count])
            }
        }
    }
}
