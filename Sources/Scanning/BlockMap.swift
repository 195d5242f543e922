public import EvidenceModel
public import SourceMedia

/// The classes of all blocks of a medium, run-length encoded.
///
/// What is kept is bounded: pages for which there was no room are marked, and read again when the runs are asked for.
/// So the answer is exact for every medium.
public struct BlockMap: Sendable {
    /// Name of the limit in the provenance of a run.
    public static let limitName = "coverage_map_bytes"
    /// Bytes that the encoded runs may take up; pages of one class only may use as much again.
    public static let usualLimit = 64 << 20

    /// The mark of blocks that were not kept, beside the classes.
    private static let notKept: UInt8 = 7
    private static let chunkSize = 1 << 16
    /// A length of 64 bits in groups of seven, after the four bits of the first byte.
    private static let longestCode = 10

    /// Encoded runs; no run crosses a chunk, so that the map grows without being copied.
    private var chunks: [[UInt8]] = []
    private var used = 0
    private var last: (kind: UInt8, blocks: Int)?
    private let limit: Int
    /// Bytes of the medium that have to be read again to know their blocks.
    public private(set) var bytesNotKept = 0

    /// An empty map.
    public init(limit: Int = Self.usualLimit) { self.limit = limit }

    /// Adds the page that follows: its runs, and its size in bytes.
    mutating func append(_ runs: [BlockRun], bytes: Int) {
        let mayTake = runs.count == 1 ? 2 * limit : limit
        let isContinued = runs.count == 1 && last?.kind == runs[0].kind.rawValue
        guard used + runs.count <= mayTake || isContinued else {
            bytesNotKept += bytes
            append(Self.notKept, runs.reduce(0) { $0 + $1.blocks })
            return
        }
        for run in runs { append(run.kind.rawValue, run.blocks) }
    }

    private mutating func append(_ kind: UInt8, _ blocks: Int) {
        if let last, last.kind == kind {
            self.last = (kind, last.blocks + blocks)
            return
        }
        flush()
        last = (kind, blocks)
    }

    /// Encodes the run that no other block belongs to: three bits of its kind, and its length less one, the lowest bits
    /// first; the highest bit of a byte says that another one follows.
    private mutating func flush() {
        guard let last else { return }
        if (chunks.last?.count ?? Self.chunkSize) > Self.chunkSize - Self.longestCode {
            var chunk: [UInt8] = []
            chunk.reserveCapacity(Self.chunkSize)
            chunks.append(chunk)
        }
        let chunk = chunks.count - 1
        let before = chunks[chunk].count
        var rest = last.blocks - 1
        var byte = last.kind | UInt8(truncatingIfNeeded: rest & 0xF) << 3
        rest >>= 4
        while rest > 0 {
            chunks[chunk].append(byte | 0x80)
            byte = UInt8(truncatingIfNeeded: rest & 0x7F)
            rest >>= 7
        }
        chunks[chunk].append(byte)
        used += chunks[chunk].count - before
    }

    /// Bytes that the encoded runs take up.
    var bytesUsed: Int { used }

    /// Calls `body` with each run of one class, in the order of the medium.
    ///
    /// - Parameters:
    ///   - source: the medium, to read what was not kept.
    ///   - body: gets the class and the bytes. Neighbouring runs may be of the same class.
    /// - Throws: ``SourceError`` when the source can no longer be read.
    public func forEachRun(
        of source: any ByteSource, _ body: (BlockClass, Extent) throws -> Void
    ) throws {
        var offset = 0
        var buffer: [UInt8] = []
        func give(_ kind: BlockClass, _ blocks: Int) throws {
            let end = min(source.size, offset + blocks * BlockClass.blockSize)
            if end > offset { try body(kind, Extent(offset: offset, length: end - offset)) }
            offset = end
        }
        func take(_ kind: UInt8, _ blocks: Int) throws {
            if let kind = BlockClass(rawValue: kind) { return try give(kind, blocks) }
            let end = min(source.size, offset + blocks * BlockClass.blockSize)
            if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: MediaPass.pageSize) }
            while offset < end {
                let wanted = min(buffer.count, end - offset)
                var destination = buffer.mutableSpan
                var part = destination._mutatingExtracting(0..<wanted)
                let count = try source.read(at: offset, into: &part)
                guard count == wanted else {
                    throw SourceError(.changed, "the medium ended at byte \(offset + count) of \(source.size)")
                }
                for run in BlockClassifier.runs(of: buffer.span.extracting(0..<count)) {
                    try give(run.kind, run.blocks)
                }
            }
        }
        for chunk in chunks {
            var index = 0
            while index < chunk.count {
                var byte = chunk[index]
                index += 1
                let kind = byte & 7
                var blocks = Int(byte >> 3 & 0xF)
                var shift = 4
                while byte & 0x80 != 0, index < chunk.count {
                    byte = chunk[index]
                    index += 1
                    blocks |= Int(byte & 0x7F) << shift
                    shift += 7
                }
                try take(kind, blocks + 1)
            }
        }
        if let last { try take(last.kind, last.blocks) }
    }
}
