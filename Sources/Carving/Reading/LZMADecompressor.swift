internal import CLZMA

/// One stream of LZMA data in its three wrappings, decompressed piece by piece with liblzma, which compares checksums.
@safe struct LZMADecompressor: ~Copyable {
    enum Wrapping {
        /// The .xz file format 1.1.
        case xz
        /// A member of lzip.
        case lzip
        /// The .lzma format of LZMA Utils: a header of 13 bytes and no checksum.
        case alone
    }

    private let stream: UnsafeMutablePointer<lzma_stream>
    /// True once the stream wanted a larger window than it may have.
    private(set) var wantsMore = false
    /// True once the data were found to be damaged.
    private(set) var isDamaged = false

    /// Nil when liblzma has no memory.
    ///
    /// - Parameter memory: most bytes that it may use; a stream that needs more is invalid.
    init?(_ wrapping: Wrapping, memory: Int) {
        unsafe stream = UnsafeMutablePointer<lzma_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: lzma_stream())
        let limit = UInt64(max(1, memory))
        let outcome =
            switch wrapping {
            case .xz: unsafe lzma_stream_decoder(stream, limit, 0)
            case .lzip: unsafe lzma_lzip_decoder(stream, limit, 0)
            case .alone: unsafe lzma_alone_decoder(stream, limit)
            }
        guard outcome == LZMA_OK else {
            unsafe lzma_end(stream)
            unsafe stream.deallocate()
            return nil
        }
    }

    deinit {
        unsafe lzma_end(stream)
        unsafe stream.deallocate()
    }
}

extension LZMADecompressor: StreamDecompressor {
    /// The last step's state: true while a checksum of a kind that liblzma knows stands behind the content.
    var isChecked: Bool {
        let check = unsafe lzma_get_check(stream)
        return check != LZMA_CHECK_NONE && lzma_check_is_supported(check) != 0
    }

    mutating func step(
        _ input: ArraySlice<UInt8>, into output: inout [UInt8]
    ) -> (status: Inflater.Status, consumed: Int, produced: Int) {
        let room = output.count
        let outcome: (lzma_ret, Int, Int) = unsafe input.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { destination in
                unsafe stream.pointee.next_in = source.baseAddress
                unsafe stream.pointee.avail_in = source.count
                unsafe stream.pointee.next_out = destination.baseAddress
                unsafe stream.pointee.avail_out = destination.count
                let result = unsafe lzma_code(stream, LZMA_RUN)
                return unsafe (result, source.count - stream.pointee.avail_in, stream.pointee.avail_out)
            }
        }
        let produced = room - outcome.2
        switch outcome.0 {
        case LZMA_STREAM_END: return (.finished, outcome.1, produced)
        case LZMA_OK, LZMA_BUF_ERROR: return (.more, outcome.1, produced)
        case LZMA_MEMLIMIT_ERROR:
            wantsMore = true
            return (.invalid, outcome.1, produced)
        default:
            isDamaged = outcome.0 == LZMA_DATA_ERROR || outcome.0 == LZMA_FORMAT_ERROR
            return (.invalid, outcome.1, produced)
        }
    }
}
