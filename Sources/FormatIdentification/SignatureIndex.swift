/// Many signatures compiled into one test of a block's start: the search's pre-filter.
///
/// Asked at every block of a medium, so the common answer "nothing starts here" costs a few bit tests and an all-zero
/// block costs one comparison of zeros. Immutable: any number of threads share one. What it answers about an offset
/// depends only on the ``requiredMargin`` bytes there, so the size of pages changes nothing.
public struct SignatureIndex: Sendable {
    /// Signatures of a database further from the start of the file than this are left out, in bytes.
    public static let largestDatabaseReach = 512
    /// Signatures of a database with fewer bytes than this are left out: they match too often.
    public static let smallestDatabaseSignature = 4

    /// What of a database is not searched for.
    public struct LeftOut: Hashable, Sendable {
        /// Fewer than ``SignatureIndex/smallestDatabaseSignature`` bytes.
        public var short = 0
        /// End beyond ``SignatureIndex/largestDatabaseReach``.
        public var far = 0
        /// One byte value repeated, as in erased media.
        public var uniform = 0
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
    /// The other offsets that are looked at, ascending, each with the hash seed of its table entries.
    private let otherOffsets: [Int]
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
            } else if Set(signature.bytes).count == 1 {
                leftOut.uniform += 1
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
                let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[$1]) << (8 * UInt32($1)) }
                elsewhere.append((Self.key(word, signature.offset), index))
            }
        }
        self.atStart = PrefixTable(atStart)
        self.elsewhere = PrefixTable(elsewhere)
        self.otherOffsets = Set(elsewhere.map { Int($0.key >> 32) }).sorted()
        self.shortElsewhere = shortElsewhere
        self.far = far
        self.nearReach = max(2, signatures.map(\.end).filter { $0 <= Self.largestDatabaseReach }.max() ?? 0)
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
        guard at >= 0, bytes.count - at >= nearReach else { return mayStartNearEnd(bytes, at: at) }
        if !isZero(bytes, at: at) {
            let pair = UInt64(bytes[at]) | UInt64(bytes[at + 1]) << 8
            if atStart.mayHold(pair), anyMatches(atStart.signatures(of: pair), bytes, at: at) { return true }
            let window = unsafe bytes.bytes
            for offset in otherOffsets {
                // Checked against the span; any four bytes are a number.
                let word = unsafe window.unsafeLoadUnaligned(fromByteOffset: at &+ offset, as: UInt32.self)
                let key = Self.key(UInt32(littleEndian: word), offset)
                if elsewhere.mayHold(key), anyMatches(elsewhere.signatures(of: key), bytes, at: at) { return true }
            }
            if anyMatches(shortElsewhere[...], bytes, at: at) { return true }
        }
        return !far.isEmpty && anyMatches(far[...], bytes, at: at)
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
        for offset in otherOffsets where bytes.count - at >= offset + 4 {
            let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + offset + $1]) << (8 * UInt32($1)) }
            let key = Self.key(word, offset)
            if elsewhere.mayHold(key) {
                found += elsewhere.signatures(of: key).filter { matches(bytes, at: at, $0) }
            }
        }
        found += (shortElsewhere + far).filter { matches(bytes, at: at, $0) }
        return found.sorted()
    }

    private func mayStartNearEnd(_ bytes: Span<UInt8>, at: Int) -> Bool { !matches(bytes, at: at).isEmpty }

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
    /// 2^17 bits are 16 KiB: half of a core's first-level cache, so that the page itself still fits beside it.
    private static let bitsLog2: UInt64 = 17
    private var bits: [UInt64]
    private let keys: [UInt64]
    private let signatureOfKey: [Int]

    init(_ entries: [(key: UInt64, signature: Int)]) {
        let sorted = entries.sorted { ($0.key, $0.signature) < ($1.key, $1.signature) }
        keys = sorted.map(\.key)
        signatureOfKey = sorted.map(\.signature)
        bits = [UInt64](repeating: 0, count: 1 << (Self.bitsLog2 - 6))
        for key in keys {
            let bit = Self.bit(of: key)
            bits[Int(bit >> 6)] |= 1 << (bit & 63)
        }
    }

    private static func bit(of key: UInt64) -> UInt64 { (key &* 0x9E37_79B9_7F4A_7C15) >> (64 - bitsLog2) }

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
