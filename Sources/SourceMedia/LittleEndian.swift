/// Integers in little-endian order within bytes whose number the caller has checked.
extension Array<UInt8> {
    /// - Precondition: two bytes lie at `offset`.
    func littleEndian16(at offset: Int) -> Int { Int(self[offset]) | Int(self[offset + 1]) << 8 }

    /// - Precondition: four bytes lie at `offset`.
    func littleEndian32(at offset: Int) -> Int {
        littleEndian16(at: offset) | littleEndian16(at: offset + 2) << 16
    }

    /// - Precondition: eight bytes lie at `offset`.
    func littleEndian64(at offset: Int) -> UInt64 {
        UInt64(littleEndian32(at: offset)) | UInt64(littleEndian32(at: offset + 4)) << 32
    }
}
