/// Many signatures compiled into one test of a block's start: the search's pre-filter.
///
/// Asked at every block of a medium, so the common answer "nothing starts here" costs a few bit tests and an all-zero
/// block costs one comparison of zeros. Immutable: any number of threads share one. What it answers about an offset
/// depends only on the ``requiredMargin`` bytes there, so the size of pages changes nothing.
public struct SignatureIndex: Sendable {
    /// Signatures of a database further from the start of the file than this are left out, in bytes.
    public static let largestDatabaseReach = 128
    /// Signatures of a database with fewer bytes than this are left out: they match too often.
    public static let smallestDatabaseSignature = 4

    /// Signatures of a database need this many bytes that are not small numbers (below 16) or FF: numbers like
    /// 00 02 00 01 stand at the start of blocks of every kind of data.
    public static let smallestSpecificity = 3

    /// What of a database is not searched for.
    public struct LeftOut: Hashable, Sendable {
        /// Fewer than ``SignatureIndex/smallestDatabaseSignature`` bytes.
        public var short = 0
        /// End beyond ``SignatureIndex/largestDatabaseReach``.
        public var far = 0
        /// Too few bytes that say something (``SignatureIndex/smallestSpecificity``), or one byte value repeated.
        public var weak = 0
    }

    /// Every signature in use: first those of the walkers, as given, then those of the databases.
    public let signatures: [FormatSignature]
    /// How many of ``signatures`` came from walkers.
    public let walkerCount: Int
    /// What of the databases is not searched for.
    public let leftOut: LeftOut
    /// Bytes that must be readable from a block's start for a full answer.
    public let requiredMargin: Int

    /// Signatures at offset 0, by their first two bytes.
    private let atStart: PrefixTable
    /// Offsets at which four bytes are looked at for signatures that do not start at 0, ascending.
    private let anchors: [Int]
    /// Those signatures, by the four bytes at the first anchor that lies in them.
    private let elsewhere: PrefixTable
    /// Signatures at other offsets with fewer than four bytes: compared one by one.
    private let shortElsewhere: [Int]
    /// Where the last signature near the start ends; a block whose bytes up to there are zero holds none.
    private let nearReach: Int
    /// Signatures that end beyond ``largestDatabaseReach``: walkers' own, compared one by one.
    private let far: [Int]

    /// Compiles the walkers' signatures, all of them, and those of the databases that are worth a search.
    ///
    /// - Precondition: no walker's signature consists of zeros only: it would match erased media everywhere.
    public init(walkers: [FormatSignature], database: [FormatSignature] = []) {
        precondition(walkers.allSatisfy { $0.bytes.contains { $0 != 0 } }, "zeros are no signature")
        var leftOut = LeftOut()
        var seen: Set<Place> = []
        let searched = database.filter { signature in
            if signature.bytes.count < Self.smallestDatabaseSignature {
                leftOut.short += 1
            } else if signature.end > Self.largestDatabaseReach {
                leftOut.far += 1
            } else if Self.isWeak(signature.bytes) {
                leftOut.weak += 1
            } else {
                return seen.insert(Place(offset: signature.offset, bytes: signature.bytes)).inserted
                    || !signature.description.isEmpty
            }
            return false
        }
        let signatures = walkers + searched
        self.signatures = signatures
        self.walkerCount = walkers.count
        self.leftOut = leftOut
        self.requiredMargin = signatures.map(\.end).max() ?? 0

        var atStart: [(key: UInt64, signature: Int)] = []
        var elsewhere: [(key: UInt64, signature: Int)] = []
        var longElsewhere: [Int] = []
        var shortElsewhere: [Int] = []
        var far: [Int] = []
        for (index, signature) in signatures.enumerated() {
            let bytes = signature.bytes
            if signature.end > Self.largestDatabaseReach {
                far.append(index)
            } else if signature.offset == 0 {
                let first = UInt64(bytes[0])
                let seconds: ClosedRange<UInt64> = bytes.count > 1 ? UInt64(bytes[1])...UInt64(bytes[1]) : 0...255
                for second in seconds { atStart.append((first | second << 8, index)) }
            } else if bytes.count < 4 {
                shortElsewhere.append(index)
            } else {
                longElsewhere.append(index)
            }
        }
        let anchors = Self.anchors(of: longElsewhere.map { signatures[$0] })
        for index in longElsewhere {
            let signature = signatures[index]
            for anchor in anchors where signature.offset <= anchor && anchor + 4 <= signature.end {
                let place = anchor - signature.offset
                let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(signature.bytes[place + $1]) << (8 * UInt32($1)) }
                elsewhere.append((Self.key(word, anchor), index))
                break
            }
        }
        self.atStart = PrefixTable(atStart)
        self.elsewhere = PrefixTable(elsewhere)
        self.anchors = anchors
        self.shortElsewhere = shortElsewhere
        self.far = far
        self.nearReach = max(2, signatures.map(\.end).filter { $0 <= Self.largestDatabaseReach }.max() ?? 0)
    }

    /// Few offsets such that every signature holds the four bytes at one of them: a greedy set cover.
    ///
    /// A signature longer than four bytes leaves a choice where to look at it, and every offset less is time saved at
    /// every block: half as many anchors as offsets do for libmagic 5.44.
    private static func anchors(of signatures: [FormatSignature]) -> [Int] {
        var anchors: [Int] = []
        var open = signatures
        while !open.isEmpty {
            var uses: [Int: Int] = [:]
            for signature in open {
                for anchor in signature.offset...signature.end - 4 { uses[anchor, default: 0] += 1 }
            }
            guard let best = uses.max(by: { ($0.value, -$0.key) < ($1.value, -$1.key) })?.key else { break }
            anchors.append(best)
            open.removeAll { $0.offset <= best && best + 4 <= $0.end }
        }
        return anchors.sorted()
    }

    private static func isWeak(_ bytes: [UInt8]) -> Bool {
        bytes.count { $0 >= 16 && $0 != 0xFF } < smallestSpecificity || Set(bytes).count == 1
    }

    private struct Place: Hashable {
        let offset: Int
        let bytes: [UInt8]
    }

    // MARK: Searching

    /// Appends the offsets of the blocks of a page at which a signature matches, ascending.
    ///
    /// - Parameters:
    ///   - bytes: the page and, after it, as much of ``requiredMargin`` as the medium still has.
    ///   - usable: bytes that belong to the page; only blocks that start in them are reported.
    ///   - baseOffset: offset of the page's first byte on the medium.
    ///   - blockSize: alignment of blocks on the medium, in bytes; at least 1.
    ///   - candidates: receives offsets on the medium.
    public func candidates(
        in bytes: Span<UInt8>, count usable: Int, baseOffset: Int, blockSize: Int, into candidates: inout [Int]
    ) {
        precondition(blockSize > 0 && usable <= bytes.count && baseOffset >= 0)
        let misfit = baseOffset % blockSize
        var at = misfit == 0 ? 0 : blockSize - misfit
        while at < usable {
            if mayStart(bytes, at: at) { candidates.append(baseOffset + at) }
            at += blockSize
        }
    }

    /// True when a signature matches at `at`; bytes past the end of the span match nothing.
    public func mayStart(_ bytes: Span<UInt8>, at: Int) -> Bool {
        guard at >= 0, bytes.count - at >= nearReach else { return !matches(bytes, at: at).isEmpty }
        if !isZero(bytes, at: at) {
            let pair = UInt64(bytes[at]) | UInt64(bytes[at + 1]) << 8
            if atStart.mayHold(pair), anyMatches(atStart.signatures(of: pair), bytes, at: at) { return true }
            if mayMatchElsewhere(bytes, at: at), anyMatchesElsewhere(bytes, at: at) { return true }
            if anyMatches(shortElsewhere[...], bytes, at: at) { return true }
        }
        return !far.isEmpty && anyMatches(far[...], bytes, at: at)
    }

    /// False when no signature at an offset other than 0 can match: one bit test for each such offset.
    ///
    /// The innermost loop of a pass over a medium, so its reads are checked once, by the caller, for all offsets: each
    /// offset and the four bytes there lie within `nearReach` of `at`. That makes it four times as fast.
    private func mayMatchElsewhere(_ bytes: Span<UInt8>, at: Int) -> Bool {
        precondition(at >= 0 && bytes.count - at >= nearReach)
        return unsafe bytes.withUnsafeBytes { buffer in
            let start = unsafe UnsafeRawBufferPointer(rebasing: buffer[at..<at + nearReach])
            var hits: UInt64 = 0
            unsafe anchors.withUnsafeBufferPointer { offsets in
                unsafe elsewhere.withBits { bits in
                    for index in 0..<offsets.count {
                        let offset = unsafe offsets[index]
                        let word = unsafe start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                        let bit = PrefixTable.bit(of: Self.key(UInt32(littleEndian: word), offset))
                        unsafe hits |= bits[Int(truncatingIfNeeded: bit >> 6)] >> (bit & 63)
                    }
                }
            }
            return hits & 1 != 0
        }
    }

    private func anyMatchesElsewhere(_ bytes: Span<UInt8>, at: Int) -> Bool {
        for offset in anchors {
            let key = Self.key(word(bytes, at: at + offset), offset)
            if elsewhere.mayHold(key), anyMatches(elsewhere.signatures(of: key), bytes, at: at) { return true }
        }
        return false
    }

    /// Four bytes as a little-endian number.
    private func word(_ bytes: Span<UInt8>, at: Int) -> UInt32 {
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }

    /// Indexes in ``signatures`` of those that match at `at`, ascending.
    public func matches(_ bytes: Span<UInt8>, at: Int) -> [Int] {
        guard at >= 0, at < bytes.count else { return [] }
        var found: [Int] = []
        if bytes.count - at >= 2 {
            let pair = UInt64(bytes[at]) | UInt64(bytes[at + 1]) << 8
            found += atStart.signatures(of: pair).filter { matches(bytes, at: at, $0) }
        } else {
            found += signatures.indices.filter { signatures[$0].offset == 0 && matches(bytes, at: at, $0) }
        }
        for offset in anchors where bytes.count - at >= offset + 4 {
            let key = Self.key(word(bytes, at: at + offset), offset)
            if elsewhere.mayHold(key) {
                found += elsewhere.signatures(of: key).filter { matches(bytes, at: at, $0) }
            }
        }
        found += (shortElsewhere + far).filter { matches(bytes, at: at, $0) }
        return found.sorted()
    }

    private func isZero(_ bytes: Span<UInt8>, at: Int) -> Bool {
        let window = unsafe bytes.bytes
        var index = at
        let end = at + nearReach
        while end - index >= 8 {
            if unsafe window.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self) != 0 { return false }
            index += 8
        }
        while index < end {
            if bytes[index] != 0 { return false }
            index += 1
        }
        return true
    }

    private func anyMatches(_ indexes: ArraySlice<Int>, _ bytes: Span<UInt8>, at: Int) -> Bool {
        for index in indexes where matches(bytes, at: at, index) { return true }
        return false
    }

    private func matches(_ bytes: Span<UInt8>, at: Int, _ index: Int) -> Bool {
        let signature = signatures[index]
        guard bytes.count - at >= signature.end else { return false }
        let start = at + signature.offset
        for place in 0..<signature.bytes.count where bytes[start + place] != signature.bytes[place] { return false }
        return true
    }

    private static func key(_ word: UInt32, _ offset: Int) -> UInt64 { UInt64(word) | UInt64(offset) << 32 }
}

/// Signatures by a key made of their first bytes: a bit map answers "no" at once, a sorted list says which.
private struct PrefixTable: Sendable {
    /// 2^16 bits are 8 KiB: both tables and the start of a block fit a first-level cache (measured: twice as fast as 2^18).
    private static let bitsLog2: UInt64 = 16
    private let bits: [UInt64]
    private let keys: [UInt64]
    private let signatureOfKey: [Int]

    init(_ entries: [(key: UInt64, signature: Int)]) {
        let sorted = entries.sorted { ($0.key, $0.signature) < ($1.key, $1.signature) }
        keys = sorted.map(\.key)
        signatureOfKey = sorted.map(\.signature)
        var bits = [UInt64](repeating: 0, count: 1 << (Self.bitsLog2 - 6))
        for key in keys {
            let bit = Self.bit(of: key)
            bits[Int(bit >> 6)] |= 1 << (bit & 63)
        }
        self.bits = bits
    }

    static func bit(of key: UInt64) -> UInt64 { (key &* 0x9E37_79B9_7F4A_7C15) >> (64 - bitsLog2) }

    func withBits(_ body: (UnsafeBufferPointer<UInt64>) -> Void) { unsafe bits.withUnsafeBufferPointer(body) }

    func mayHold(_ key: UInt64) -> Bool {
        let bit = Self.bit(of: key)
        return bits[Int(truncatingIfNeeded: bit >> 6)] >> (bit & 63) & 1 != 0
    }

    /// The signatures of a key, ascending.
    func signatures(of key: UInt64) -> ArraySlice<Int> {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        var end = low
        while end < keys.count, keys[end] == key { end += 1 }
        return signatureOfKey[low..<end]
    }
}
