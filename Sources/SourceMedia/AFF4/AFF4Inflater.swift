internal import CDeflate

/// Inflates raw deflate streams (RFC 1951) whole, with libdeflate. Used by one thread at a time.
@safe final class AFF4Inflater: @unchecked Sendable {
    private let decompressor: OpaquePointer

    /// - Throws: ``SourceError`` with code `unreadable` when there is no memory.
    init() throws(SourceError) {
        guard let made = unsafe libdeflate_alloc_decompressor() else {
            throw SourceError(.unreadable, "There is no memory to inflate with. Close other programs and start again.")
        }
        unsafe decompressor = made
    }

    deinit { unsafe libdeflate_free_decompressor(decompressor) }

    /// Inflates a stream; answers how many bytes it gave, nil when it is damaged or gives more than there is room for.
    func inflate(_ input: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Int? {
        let decompressor = unsafe decompressor
        var produced = 0
        let result = unsafe input.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { destination in
                unsafe libdeflate_deflate_decompress(
                    decompressor, source.baseAddress, source.count, destination.baseAddress, destination.count,
                    &produced)
            }
        }
        return result == LIBDEFLATE_SUCCESS ? produced : nil
    }

    /// Inflates a stream of known length; nil when it gives another number of bytes.
    func inflate(_ input: [UInt8], size: Int) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: size)
        var destination = output.mutableSpan
        return inflate(input.span, into: &destination) == size ? output : nil
    }
}

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
