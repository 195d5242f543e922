internal import CLZ4
internal import CSnappy

/// How the chunks of an image stream are compressed (Standard v1.0, 3.3).
enum AFF4Codec: Hashable, Sendable {
    case stored
    case snappy
    case lz4
    /// Deflate in a zlib stream (RFC 1950).
    case zlib
    /// Deflate alone (RFC 1951).
    case deflate

    /// - Parameter iri: nil when the stream names no method: its chunks are stored.
    init?(_ iri: String?) {
        guard let iri else {
            self = .stored
            return
        }
        let withoutScheme =
            iri.hasPrefix("https://") ? iri.dropFirst(8) : iri.hasPrefix("http://") ? iri.dropFirst(7) : ""
        switch withoutScheme {
        case "code.google.com/p/snappy/", "github.com/google/snappy": self = .snappy
        case "code.google.com/p/lz4/", "github.com/lz4/lz4": self = .lz4
        case "www.ietf.org/rfc/rfc1950.txt", "tools.ietf.org/html/rfc1950": self = .zlib
        case "tools.ietf.org/html/rfc1951", "www.ietf.org/rfc/rfc1951.txt": self = .deflate
        case "aff4.org/Schema#NullCompressor", "aff4.org/Schema#compression/stored": self = .stored
        default: return nil
        }
    }
}

/// The decompressors that reading a chunk takes. Used by one thread at a time.
final class AFF4Decompressor: @unchecked Sendable {
    private let inflater: StreamInflater

    init() throws(SourceError) { inflater = try StreamInflater() }

    /// Decompresses a chunk; answers how many bytes it gave, nil when it is damaged or gives more than there is room for.
    func decompress(_ packed: Span<UInt8>, _ codec: AFF4Codec, into output: inout MutableSpan<UInt8>) -> Int? {
        switch codec {
        case .stored: return nil
        case .snappy: return Self.snappy(packed, into: &output)
        case .lz4: return Self.lz4(packed, into: &output)
        case .deflate: return inflater.inflateRaw(packed, into: &output)
        case .zlib:
            guard case .inflated(let count) = inflater.inflate(packed, into: &output) else { return nil }
            return count
        }
    }

    private static func snappy(_ packed: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Int? {
        unsafe packed.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { destination in
                // The library is told of the room there is, and checks it before it writes.
                var length = destination.count
                let result = unsafe snappy_uncompress(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self), source.count,
                    destination.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
                return result == SNAPPY_OK ? length : nil
            }
        }
    }

    /// A block of LZ4; some writers put its length in four bytes before it.
    private static func lz4(_ packed: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Int? {
        if let count = lz4Block(packed, into: &output) { return count }
        guard packed.count > 4 else { return nil }
        let stated = (0..<4).reduce(0) { $0 | Int(packed[$1]) << (8 * $1) }
        guard let count = lz4Block(packed.extracting(4..<packed.count), into: &output), count == stated else {
            return nil
        }
        return count
    }

    private static func lz4Block(_ packed: Span<UInt8>, into output: inout MutableSpan<UInt8>) -> Int? {
        unsafe packed.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { destination in
                guard let source = source.baseAddress, let target = destination.baseAddress,
                    let length = Int32(exactly: packed.count), let room = Int32(exactly: destination.count)
                else { return nil }
                let count = unsafe LZ4_decompress_safe(
                    source.assumingMemoryBound(to: CChar.self), target.assumingMemoryBound(to: CChar.self), length, room
                )
                return count > 0 ? Int(count) : nil
            }
        }
    }
}
