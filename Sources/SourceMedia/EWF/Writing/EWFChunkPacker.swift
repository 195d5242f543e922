internal import CDeflate
internal import Glibc

/// Chunks ready to be written, one after the other.
public struct EWFPackedChunks: Sendable {
    /// Room for the chunks' bytes; what follows ``count`` means nothing.
    fileprivate(set) var bytes: [UInt8] = []
    /// Bytes in use.
    fileprivate(set) var count = 0
    /// Bytes of each chunk, and whether it is deflated.
    fileprivate(set) var chunks: [(length: Int, isDeflated: Bool)] = []

    /// Room that is made when it is first needed.
    public init() {}
}

/// Packs the chunks of a page: deflated when that makes them smaller, else raw with their Adler-32.
///
/// What comes out depends on the bytes alone. Used by one thread at a time.
@safe public final class EWFChunkPacker: @unchecked Sendable {
    /// Level of libdeflate: the fastest one that compresses.
    private static let level: Int32 = 1
    private static let checksumSize = 4
    /// Runs of a chunk that are looked at before it is deflated, and bytes of each.
    private static let sampledRuns = 8
    private static let sampledRun = 512
    /// Largest sum of the squared counts of byte values in 4,096 bytes of noise: 69,616 is expected, 360 the standard
    /// deviation. Text has ten times as much, JPEG some thousands more.
    private static let evenSquares = 71_400

    private let compressor: OpaquePointer?
    /// A whole chunk of zeros, deflated: the commonest chunk of all.
    private let zeros: [UInt8]

    /// - Throws: ``SourceError`` with code `unreadable` when there is no memory.
    public init(_ compression: EWFImageFacts.Compression) throws(SourceError) {
        guard compression == .fast else {
            unsafe compressor = nil
            zeros = []
            return
        }
        guard let made = unsafe libdeflate_alloc_compressor(Self.level) else {
            throw SourceError(.unreadable, "There is no memory to deflate with. Close other programs and start again.")
        }
        unsafe compressor = made
        zeros = Self.deflate([UInt8](repeating: 0, count: EWFImageFacts.chunkSize))
    }

    deinit { unsafe libdeflate_free_compressor(compressor) }

    /// Packs the chunks of `page`, which begins at a chunk of the medium.
    public func pack(_ page: Span<UInt8>, into packed: inout EWFPackedChunks) {
        let chunkSize = EWFImageFacts.chunkSize
        let most = (page.count + chunkSize - 1) / chunkSize * (chunkSize + Self.checksumSize)
        if packed.bytes.count < most { packed.bytes = [UInt8](repeating: 0, count: most) }
        packed.count = 0
        packed.chunks.removeAll(keepingCapacity: true)
        unsafe page.withUnsafeBufferPointer { source in
            unsafe packed.bytes.withUnsafeMutableBufferPointer { room in
                for start in stride(from: 0, to: source.count, by: chunkSize) {
                    let end = min(source.count, start + chunkSize)
                    let chunk = unsafe UnsafeBufferPointer(rebasing: source[start..<end])
                    let rest = unsafe UnsafeMutableBufferPointer(rebasing: room[packed.count...])
                    let stored = unsafe pack(chunk, into: rest)
                    packed.chunks.append(stored)
                    packed.count += stored.length
                }
            }
        }
    }

    /// - Precondition: `room` holds the raw chunk and its checksum.
    @unsafe private func pack(
        _ chunk: UnsafeBufferPointer<UInt8>, into room: UnsafeMutableBufferPointer<UInt8>
    ) -> (length: Int, isDeflated: Bool) {
        if unsafe compressor != nil {
            if unsafe chunk.count == EWFImageFacts.chunkSize && Self.isZero(chunk) {
                _ = unsafe room.update(fromContentsOf: zeros)
                return (zeros.count, true)
            }
            guard unsafe Self.mayShrink(chunk) else { return unsafe Self.store(chunk, into: room) }
            // With one byte less than the raw chunk there is room only for what shrinks.
            let length = unsafe libdeflate_zlib_compress(
                compressor, chunk.baseAddress, chunk.count, room.baseAddress, chunk.count - 1)
            if length > 0 { return (length, true) }
        }
        return unsafe Self.store(chunk, into: room)
    }

    /// The raw chunk and its checksum.
    @unsafe private static func store(
        _ chunk: UnsafeBufferPointer<UInt8>, into room: UnsafeMutableBufferPointer<UInt8>
    ) -> (length: Int, isDeflated: Bool) {
        _ = unsafe room.update(fromContentsOf: chunk)
        let sum = unsafe libdeflate_adler32(1, chunk.baseAddress, chunk.count)
        for index in 0..<checksumSize {
            unsafe room[chunk.count + index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * index))
        }
        return (chunk.count + checksumSize, false)
    }

    /// False when a sample of a whole chunk is spread over all bytes as evenly as noise: encrypted or compressed data,
    /// on which deflating would spend most of its time for nothing.
    @unsafe private static func mayShrink(_ chunk: UnsafeBufferPointer<UInt8>) -> Bool {
        guard chunk.count == EWFImageFacts.chunkSize else { return true }
        return unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { counts in
            unsafe counts.initialize(repeating: 0)
            for start in stride(from: 0, to: chunk.count, by: chunk.count / sampledRuns) {
                for index in start..<start + sampledRun { unsafe counts[Int(chunk[index])] += 1 }
            }
            var squares = 0
            for value in 0..<256 {
                let count = unsafe Int(counts[value])
                squares += count * count
            }
            return squares > evenSquares
        }
    }

    @unsafe private static func isZero(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = bytes.baseAddress, unsafe start.pointee == 0 else { return bytes.isEmpty }
        return unsafe memcmp(start, start + 1, bytes.count - 1) == 0
    }

    /// A zlib stream (RFC 1950) of a small structure.
    static func deflate(_ bytes: [UInt8]) -> [UInt8] {
        // Without memory a stored stream does as well.
        guard let made = unsafe libdeflate_alloc_compressor(level) else { return stored(bytes) }
        defer { unsafe libdeflate_free_compressor(made) }
        var room = [UInt8](repeating: 0, count: unsafe libdeflate_zlib_compress_bound(made, bytes.count))
        let length = unsafe room.withUnsafeMutableBufferPointer { output in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe libdeflate_zlib_compress(made, input.baseAddress, input.count, output.baseAddress, output.count)
            }
        }
        return length > 0 ? Array(room[..<length]) : stored(bytes)
    }

    /// Stored blocks of RFC 1951, 3.2.4, in a zlib stream.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var start = 0
        repeat {
            let count = min(65_535, bytes.count - start)
            stream.append(start + count == bytes.count ? 1 : 0)
            stream += [UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8 & 0xFF)]
            stream += bytes[start..<start + count]
            start += count
        } while start < bytes.count
        var sum = Adler32()
        sum.update(bytes.span)
        return stream + (0..<4).map { UInt8(truncatingIfNeeded: sum.value >> UInt32(24 - 8 * $0)) }
    }
}
