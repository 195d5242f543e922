internal import CDeflate

/// Inflates zlib streams (RFC 1950) and raw deflate streams (RFC 1951) whole, with libdeflate. Used by one thread at a time.
@safe final class StreamInflater: @unchecked Sendable {
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

    /// Inflates a raw stream; answers how many bytes it gave, nil when it is damaged or gives more than there is room for.
    func inflateRaw(_ input: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Int? {
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

    /// Inflates a raw stream of known length; nil when it gives another number of bytes.
    func inflateRaw(_ input: [UInt8], size: Int) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: size)
        var destination = output.mutableSpan
        return inflateRaw(input.span, into: &destination) == size ? output : nil
    }
}
