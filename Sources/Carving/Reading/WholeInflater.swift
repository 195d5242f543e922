internal import CDeflate
internal import Synchronization

/// Inflates DEFLATE data (RFC 1951) that lie in memory as a whole, with libdeflate: two to three times as fast as piece by
/// piece. Used by one thread at a time.
///
/// It answers only where the whole stream was decoded. Where it answers nothing, nothing is said about the data:
/// ``Inflater`` decides then, which knows how far they are sound.
@safe final class WholeInflater: @unchecked Sendable {
    /// Most compressed bytes that are held in memory for it.
    static let mostInput = 2 << 20
    /// Most bytes of content that it gives.
    static let mostOutput = 8 << 20

    /// What stands around the data; its checksum is compared.
    enum Wrapping {
        case raw
        case gzip
    }

    private let decompressor: OpaquePointer
    private var output: [UInt8] = []

    private init?() {
        guard let made = unsafe libdeflate_alloc_decompressor() else { return nil }
        unsafe decompressor = made
    }

    deinit { unsafe libdeflate_free_decompressor(decompressor) }

    /// Those that nobody uses at the moment: as many as there were threads that inflated at a time.
    private static let idle = Mutex<[WholeInflater]>([])

    /// Lends one out; nil where `body` answers nothing, or libdeflate has no memory.
    static func lend<Answer, Failure: Error>(
        _ body: (WholeInflater) throws(Failure) -> Answer?
    ) throws(Failure) -> Answer? {
        guard let inflater = idle.withLock({ $0.popLast() }) ?? WholeInflater() else { return nil }
        defer { idle.withLock { $0.append(inflater) } }
        return try body(inflater)
    }

    /// True when the last stream gave more than there was room for.
    private(set) var lacksRoom = false

    /// Inflates the stream that begins the input.
    ///
    /// - Parameter room: bytes of content that it may give, at most ``mostOutput``.
    /// - Returns: the content, and how many bytes of the input the stream took; nil when the data are damaged, go on behind
    ///   the input or give more than there is room for.
    func inflate(
        _ input: ArraySlice<UInt8>, _ wrapping: Wrapping = .raw, room: Int
    ) -> (content: ArraySlice<UInt8>, consumed: Int)? {
        lacksRoom = false
        guard room > 0, room <= Self.mostOutput else { return nil }
        if output.count < room { output = [UInt8](repeating: 0, count: room) }
        var consumed = 0
        var produced = 0
        let result = unsafe input.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { target in
                switch wrapping {
                case .raw:
                    unsafe libdeflate_deflate_decompress_ex(
                        decompressor, source.baseAddress, source.count, target.baseAddress, room, &consumed, &produced)
                case .gzip:
                    unsafe libdeflate_gzip_decompress_ex(
                        decompressor, source.baseAddress, source.count, target.baseAddress, room, &consumed, &produced)
                }
            }
        }
        lacksRoom = result == LIBDEFLATE_INSUFFICIENT_SPACE
        guard result == LIBDEFLATE_SUCCESS, produced <= room, consumed <= input.count else { return nil }
        return (output[..<produced], consumed)
    }
}
