internal import CDeflate

/// Inflates zlib streams (RFC 1950) whole, with libdeflate. Used by one thread at a time.
@safe final class ZlibInflater: @unchecked Sendable {
    private let decompressor: OpaquePointer

    /// - Throws: ``SourceError`` with code `unreadable` when there is no memory.
    init() throws(SourceError) {
        guard let made = unsafe libdeflate_alloc_decompressor() else {
            throw SourceError(.unreadable, "There is no memory to inflate with. Close other programs and start again.")
        }
        unsafe decompressor = made
    }

    deinit { unsafe libdeflate_free_decompressor(decompressor) }

    /// What a stream came to.
    enum Outcome: Hashable {
        /// It is whole, its Adler-32 holds, and it gave this number of bytes.
        case inflated(Int)
        /// It would give more bytes than there is room for.
        case tooLong
        /// It is no zlib stream, is cut off, or its Adler-32 does not hold.
        case damaged
    }

    /// Inflates the stream that begins `input`; bytes after its end are not looked at.
    func inflate(_ input: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Outcome {
        let decompressor = unsafe decompressor
        var produced = 0
        let result = unsafe input.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { destination in
                unsafe libdeflate_zlib_decompress(
                    decompressor, source.baseAddress, source.count, destination.baseAddress, destination.count,
                    &produced)
            }
        }
        switch result {
        case LIBDEFLATE_SUCCESS: return .inflated(produced)
        case LIBDEFLATE_INSUFFICIENT_SPACE: return .tooLong
        default: return .damaged
        }
    }

    /// Inflates a stream of unknown length; nil when it is damaged or gives more than `limit` bytes.
    func inflate(_ input: [UInt8], limit: Int) -> [UInt8]? {
        var room = min(limit, max(1024, input.count * 4))
        while true {
            var output = [UInt8](repeating: 0, count: room)
            var destination = output.mutableSpan
            switch inflate(input.span, into: &destination) {
            case .inflated(let count): return Array(output.prefix(count))
            case .damaged: return nil
            case .tooLong:
                guard room < limit else { return nil }
                room = min(limit, room * 4)
            }
        }
    }
}

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
