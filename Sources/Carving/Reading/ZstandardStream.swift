internal import CZstd

/// Frames of Zstandard (RFC 8878), decompressed piece by piece with libzstd, which compares sizes and checksums.
@safe struct ZstandardStream: FrameStream, ~Copyable {
    /// Windows of at most 2 to the power of this many bytes: memory that one walk may use.
    static let largestWindowLog = 24
    static let pieceSize = 128 * 1024

    private let context: OpaquePointer
    private var output = [UInt8](repeating: 0, count: pieceSize)
    /// True once a frame wanted a larger window than it may have.
    private(set) var wantsMore = false

    /// Nil when libzstd has no memory.
    init?(windowLog: Int = largestWindowLog) {
        guard let context = unsafe ZSTD_createDCtx() else { return nil }
        let outcome = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Int32(windowLog))
        guard ZSTD_isError(outcome) == 0 else {
            unsafe ZSTD_freeDCtx(context)
            return nil
        }
        unsafe self.context = context
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    mutating func step(_ input: ArraySlice<UInt8>) -> (consumed: Int, produced: Int)? {
        var discarded: [UInt8] = []
        swap(&discarded, &output)
        defer { swap(&discarded, &output) }
        let step = step(input, into: &discarded)
        return step.status == .invalid ? nil : (step.consumed, step.produced)
    }

    /// Decompresses from `input` into `output`; `finished` where a frame ends, and another may follow.
    mutating func step(
        _ input: ArraySlice<UInt8>, into output: inout [UInt8]
    ) -> (status: Inflater.Status, consumed: Int, produced: Int) {
        let outcome: (result: Int, consumed: Int, produced: Int) = unsafe input.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { destination in
                var taken = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
                var given = unsafe ZSTD_outBuffer(dst: destination.baseAddress, size: destination.count, pos: 0)
                let result = unsafe ZSTD_decompressStream(context, &given, &taken)
                return unsafe (result, taken.pos, given.pos)
            }
        }
        guard ZSTD_isError(outcome.result) == 0 else {
            wantsMore = ZSTD_getErrorCode(outcome.result) == ZSTD_error_frameParameter_windowTooLarge
            return (.invalid, outcome.consumed, outcome.produced)
        }
        return (outcome.result == 0 ? .finished : .more, outcome.consumed, outcome.produced)
    }
}
