internal import CLZ4

/// One LZ4 frame (LZ4 Frame Format 1.6), decompressed piece by piece with liblz4, which compares sizes and checksums.
@safe struct LZ4FrameStream: FrameStream, ~Copyable {
    static let pieceSize = 64 * 1024

    private let context: OpaquePointer
    private var output = [UInt8](repeating: 0, count: pieceSize)

    /// Nil when liblz4 has no memory.
    init?() {
        var context: OpaquePointer?
        let outcome = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(outcome) == 0, let context = unsafe context else { return nil }
        unsafe self.context = context
    }

    deinit { unsafe LZ4F_freeDecompressionContext(context) }

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
                var taken = source.count
                var given = destination.count
                let result = unsafe LZ4F_decompress(
                    context, destination.baseAddress, &given, source.baseAddress, &taken, nil)
                return (result, taken, given)
            }
        }
        guard LZ4F_isError(outcome.result) == 0 else { return (.invalid, outcome.consumed, outcome.produced) }
        return (outcome.result == 0 ? .finished : .more, outcome.consumed, outcome.produced)
    }
}
