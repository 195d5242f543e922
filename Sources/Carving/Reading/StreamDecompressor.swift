/// One compressed stream, decompressed piece by piece.
protocol StreamDecompressor: ~Copyable {
    /// True once the stream wanted more memory than it may have.
    var wantsMore: Bool { get }
    /// True when a checksum stands behind the content, and is compared.
    var isChecked: Bool { get }
    /// Decompresses from `input` into `output`, as much as both allow.
    mutating func step(
        _ input: ArraySlice<UInt8>, into output: inout [UInt8]
    ) -> (status: Inflater.Status, consumed: Int, produced: Int)
}

extension StreamDecompressor where Self: ~Copyable {
    var wantsMore: Bool { false }
    var isChecked: Bool { true }
}

extension Bzip2Decompressor: StreamDecompressor {}
extension ZstandardStream: StreamDecompressor {}
extension LZ4FrameStream: StreamDecompressor {}
