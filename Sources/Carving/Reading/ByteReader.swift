internal import Glibc
public import SourceMedia

/// Why a read inside a candidate failed.
public enum ReadFailure: Error, Hashable, Sendable {
    /// The bytes asked for lie past the end of the source; the offset is relative to the candidate.
    case pastEnd(offset: Int)
    /// The caller asked for more at once than ``ByteReader/largestCopy``; walkers treat it as a lying length.
    case tooLarge(count: Int)
    /// The medium itself failed.
    case medium(SourceError)
}

/// The only way a walker sees evidence: bounds-checked reads relative to the start of a candidate.
///
/// Reads go through one window of ``windowSize`` bytes, so a forward walk touches each byte of the medium once and
/// memory does not depend on the file. Not thread-safe: each walk has its own reader.
public final class ByteReader {
    /// Bytes fetched at a time.
    public static let windowSize = 64 * 1024
    /// Most bytes that ``bytes(at:count:)`` copies in one call.
    public static let largestCopy = 16 * 1024 * 1024

    /// Bytes from the start of the candidate to the end of the source.
    public let count: Int

    /// Bytes that were fetched from the source so far.
    public private(set) var bytesFetched = 0

    /// Bytes that walkers may still decode while they read here; bounds what files inside files cost.
    private(set) var decodingAllowance = Int.max

    /// Bytes that were inflated from it so far.
    var bytesInflated = 0

    private let source: any ByteSource
    private let base: Int
    /// Bytes of the window; it is smaller until more than the first bytes are asked for.
    private let capacity: Int
    private var window: [UInt8]
    private var windowStart = 0
    private var windowCount = 0

    /// - Parameters:
    ///   - source: what is carved.
    ///   - base: where the candidate starts in it; every other offset is relative to this one.
    public convenience init(_ source: any ByteSource, at base: Int) {
        self.init(source, at: base, window: Self.windowSize)
    }

    /// A reader in which walkers may decode at most `allowance` bytes.
    convenience init(_ source: any ByteSource, at base: Int, allowance: Int) {
        self.init(source, at: base, window: Self.windowSize)
        decodingAllowance = allowance
    }

    /// Bytes fetched at first: most candidates are declined by them.
    private static let firstWindow = 4096
    /// True where the source is made of pieces that are tried.
    private let isTrial: Bool

    /// True when streams may be inflated as a whole.
    var inflatesWhole: Bool { !isTrial }

    /// A reader with a window of its own size, at least 64 bytes: a small one suits a file that is read here and there.
    init(_ source: any ByteSource, at base: Int, window: Int) {
        self.source = source
        self.base = base
        self.count = max(0, source.size - base)
        capacity = window
        // Where pieces of files are tried, each byte that is read counts: there it stays as it is.
        isTrial = source is FreeSpace
        self.window = [UInt8](repeating: 0, count: isTrial ? window : min(window, Self.firstWindow))
    }

    /// A reader of a whole source whose walkers may decode at most `allowance` bytes.
    convenience init(whole source: any ByteSource, allowance: Int) {
        self.init(source, at: 0, window: min(Self.windowSize, max(4096, source.size)))
        decodingAllowance = allowance
    }

    /// Notes that a walker decoded some bytes.
    func charge(_ decoded: Int) { decodingAllowance = max(0, decodingAllowance - decoded) }

    /// False once walkers have decoded as much as they may.
    var mayDecode: Bool { decodingAllowance > 0 }

    /// What was reached here, in words for a warning.
    var decodingLimits: String {
        let names = limitsReached.sorted().map(\.rawValue)
        return names.isEmpty ? "as much was decoded as may be" : "limit " + names.joined(separator: ", ")
    }

    /// The limits that decided something, shared with the readers made from this one.
    private(set) var notes = LimitNotes()

    /// A reader whose zero is this one's `offset`: for a file that lies inside or behind another.
    public func reader(at offset: Int) -> ByteReader {
        let reader = ByteReader(source, at: base + min(max(0, offset), count))
        reader.decodingAllowance = decodingAllowance
        reader.notes = notes
        return reader
    }

    /// A reader whose zero lies `length` bytes before this one's, for a file known by what stands inside it; nil when the
    /// source begins later.
    public func reader(before length: Int) -> ByteReader? {
        guard length >= 0, length <= base else { return nil }
        let reader = ByteReader(source, at: base - length)
        reader.decodingAllowance = decodingAllowance
        reader.notes = notes
        return reader
    }

    // MARK: Numbers

    /// The byte at `offset`.
    public func u8(_ offset: Int) throws(ReadFailure) -> UInt8 {
        window[try locate(offset, 1)]
    }

    /// Little-endian 16-bit number.
    public func u16le(_ offset: Int) throws(ReadFailure) -> Int {
        let at = try locate(offset, 2)
        return Int(window[at]) | Int(window[at + 1]) << 8
    }

    /// Big-endian 16-bit number.
    public func u16be(_ offset: Int) throws(ReadFailure) -> Int {
        let at = try locate(offset, 2)
        return Int(window[at]) << 8 | Int(window[at + 1])
    }

    /// Little-endian 32-bit number.
    public func u32le(_ offset: Int) throws(ReadFailure) -> Int {
        let at = try locate(offset, 4)
        return Int(window[at]) | Int(window[at + 1]) << 8 | Int(window[at + 2]) << 16 | Int(window[at + 3]) << 24
    }

    /// Big-endian 32-bit number.
    public func u32be(_ offset: Int) throws(ReadFailure) -> Int {
        let at = try locate(offset, 4)
        return Int(window[at]) << 24 | Int(window[at + 1]) << 16 | Int(window[at + 2]) << 8 | Int(window[at + 3])
    }

    /// Little-endian 64-bit number. A length from evidence: convert with `Int(exactly:)` and bound it before use.
    public func u64le(_ offset: Int) throws(ReadFailure) -> UInt64 {
        UInt64(try u32le(offset)) | UInt64(try u32le(offset + 4)) << 32
    }

    /// Big-endian 64-bit number. A length from evidence: convert with `Int(exactly:)` and bound it before use.
    public func u64be(_ offset: Int) throws(ReadFailure) -> UInt64 {
        UInt64(try u32be(offset)) << 32 | UInt64(try u32be(offset + 4))
    }

    // MARK: Runs of bytes

    /// A copy of `count` bytes.
    public func bytes(at offset: Int, count: Int) throws(ReadFailure) -> [UInt8] {
        guard count <= Self.largestCopy else { throw .tooLarge(count: count) }
        var copy: [UInt8] = []
        guard count > 0 else { return copy }
        try checkRange(offset, count)
        copy.reserveCapacity(count)
        try forEachPiece(of: offset..<offset + count) { (piece: ArraySlice<UInt8>) in copy += piece }
        return copy
    }

    /// Calls `body` with `count` bytes, at most a quarter of the window, without a copy. `body` must not use this reader.
    func withBytes<Answer>(
        at offset: Int, count: Int, _ body: (ArraySlice<UInt8>) -> Answer
    ) throws(ReadFailure) -> Answer {
        guard count <= capacity / 4 else { throw .tooLarge(count: count) }
        let start = try locate(offset, count)
        return body(window[start..<start + count])
    }

    /// Bytes from `offset` on, which lie in the source: all of them, or as many of them as one window holds.
    func run(at offset: Int, count: Int, isWhole: Bool) throws(ReadFailure) -> ArraySlice<UInt8> {
        let held = capacity / 4
        if isWhole, count > held { return try bytes(at: offset, count: count)[...] }
        let start = try locate(offset, min(count, held))
        return window[start..<min(windowCount, start + count)]
    }

    /// True when the bytes at `offset` are those of `pattern`; false also when the source ends before.
    public func matches(_ pattern: some Collection<UInt8>, at offset: Int) throws(ReadFailure) -> Bool {
        guard offset >= 0, offset <= count, count - offset >= pattern.count else { return false }
        var at = offset
        if at >= windowStart, at - windowStart + pattern.count <= windowCount {
            at -= windowStart
            for byte in pattern {
                if window[at] != byte { return false }
                at += 1
            }
            return true
        }
        for byte in pattern {
            if try u8(at) != byte { return false }
            at += 1
        }
        return true
    }

    /// True when the text's UTF-8 stands at `offset`.
    public func matches(_ text: String, at offset: Int) throws(ReadFailure) -> Bool {
        try matches(text.utf8, at: offset)
    }

    /// Offset of the first occurrence of `pattern` that lies wholly in `range`; nil when there is none.
    ///
    /// The range is clamped to the source.
    public func firstOffset(of pattern: [UInt8], in range: Range<Int>) throws(ReadFailure) -> Int? {
        guard let first = pattern.first else { return nil }
        let end = min(range.upperBound, count)
        var at = max(0, range.lowerBound)
        while at < end, end - at >= pattern.count {
            let start = try locate(at, 1)
            let stop = min(windowCount, start + (end - at))
            guard let distance = Self.distance(to: first, in: window[start..<stop]) else {
                at += stop - start
                continue
            }
            at += distance
            if end - at >= pattern.count, try matches(pattern, at: at) { return at }
            at += 1
        }
        return nil
    }

    /// How far the first occurrence of a byte is.
    private static func distance(to byte: UInt8, in bytes: ArraySlice<UInt8>) -> Int? {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress, let found = unsafe memchr(start, Int32(byte), buffer.count) else {
                return nil
            }
            return unsafe UnsafeRawPointer(found) - start
        }
    }

    /// Appends the bytes from `offset` on that meet the condition, at most `most`, without a gap; answers how many.
    func appendRun(
        at offset: Int, atMost most: Int, to bytes: inout [UInt8], where condition: (UInt8) -> Bool
    ) throws(ReadFailure) -> Int {
        guard offset >= 0, offset < count else { return 0 }
        let end = offset + min(most, count - offset)
        var at = offset
        while at < end {
            let start = try locate(at, 1)
            let stop = min(windowCount, start + (end - at))
            let other = window[start..<stop].firstIndex(where: { !condition($0) }) ?? stop
            bytes += window[start..<other]
            at += other - start
            if other < stop { break }
        }
        return at - offset
    }

    /// How many bytes from `offset` on meet the condition, at most `most`, without a gap.
    func countRun(
        at offset: Int, atMost most: Int, where condition: (UInt8) -> Bool
    ) throws(ReadFailure) -> Int {
        guard offset >= 0, offset < count else { return 0 }
        let end = offset + min(most, count - offset)
        var at = offset
        while at < end {
            let start = try locate(at, 1)
            let stop = min(windowCount, start + (end - at))
            guard let other = window[start..<stop].firstIndex(where: { !condition($0) }) else {
                at += stop - start
                continue
            }
            return at + other - start - offset
        }
        return end - offset
    }

    /// Calls `body` with consecutive pieces of `range`, each at most ``windowSize`` bytes: for checksums.
    ///
    /// The range must lie in the source. `body` must not use this reader.
    public func forEachPiece(
        of range: Range<Int>, _ body: (ArraySlice<UInt8>) throws(ReadFailure) -> Void
    ) throws(ReadFailure) {
        try scanPieces(of: range) { (piece: ArraySlice<UInt8>) throws(ReadFailure) in
            try body(piece)
            return true
        }
    }

    /// Calls `body` with consecutive pieces of `range` until it answers false: reads no further than that needs.
    func scanPieces(
        of range: Range<Int>, while body: (ArraySlice<UInt8>) throws(ReadFailure) -> Bool
    ) throws(ReadFailure) {
        guard !range.isEmpty else { return }
        try checkRange(range.lowerBound, range.count)
        var at = range.lowerBound
        while at < range.upperBound {
            let start = try locate(at, 1)
            let stop = min(windowCount, start + (range.upperBound - at))
            guard try body(window[start..<stop]) else { return }
            at += stop - start
        }
    }

    // MARK: The window

    private func checkRange(_ offset: Int, _ length: Int) throws(ReadFailure) {
        guard offset >= 0, length >= 0, offset <= count, count - offset >= length else {
            throw .pastEnd(offset: offset)
        }
    }

    /// Makes `length` bytes at `offset` lie in the window; answers their index in it.
    private func locate(_ offset: Int, _ length: Int) throws(ReadFailure) -> Int {
        if offset >= windowStart, offset &- windowStart &+ length <= windowCount { return offset - windowStart }
        try checkRange(offset, length)
        if window.count < capacity, bytesFetched > 0 || offset % (window.count / 4) + length > window.count {
            window = [UInt8](repeating: 0, count: capacity)
        }
        // Fetch on aligned quarters so that small steps backwards do not fetch again.
        let start = max(0, offset - offset % (window.count / 4))
        // Lent out for the read: an access to a class's own storage that lasts is checked at run time, at each access.
        var lent: [UInt8] = []
        swap(&lent, &window)
        defer { swap(&lent, &window) }
        var destination = lent.mutableSpan
        do {
            windowCount = try source.read(at: base + start, into: &destination)
        } catch {
            windowCount = 0
            throw .medium(error)
        }
        windowStart = start
        bytesFetched += windowCount
        guard offset - start + length <= windowCount else { throw .pastEnd(offset: offset) }
        return offset - start
    }
}
