/// xxHash with 64 bits, seed 0 (xxHash fast digest algorithm, 0.1.1): Zstandard frames keep its low half.
struct XXHash64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    private var lanes: [UInt64] = [prime1 &+ prime2, prime2, 0, 0 &- prime1]
    /// Bytes that do not fill a stripe of thirty-two yet.
    private var held: [UInt8] = []
    private var length = 0

    mutating func update(_ bytes: ArraySlice<UInt8>) {
        length += bytes.count
        var rest = bytes
        if !held.isEmpty {
            let missing = min(32 - held.count, rest.count)
            held += rest.prefix(missing)
            rest = rest.dropFirst(missing)
            guard held.count == 32 else { return }
            stripe(held[...], at: 0)
            held.removeAll(keepingCapacity: true)
        }
        var at = rest.startIndex
        while rest.endIndex - at >= 32 {
            stripe(rest, at: at)
            at += 32
        }
        held += rest[at...]
    }

    var value: UInt64 {
        var hash = Self.prime5
        if length >= 32 {
            hash = Self.turn(lanes[0], 1) &+ Self.turn(lanes[1], 7) &+ Self.turn(lanes[2], 12)
            hash = hash &+ Self.turn(lanes[3], 18)
            for lane in lanes { hash = (hash ^ Self.round(0, lane)) &* Self.prime1 &+ Self.prime4 }
        }
        hash = hash &+ UInt64(length)
        var at = 0
        while held.count - at >= 8 {
            hash ^= Self.round(0, Self.word(held[...], at, 8))
            hash = Self.turn(hash, 27) &* Self.prime1 &+ Self.prime4
            at += 8
        }
        if held.count - at >= 4 {
            hash ^= Self.word(held[...], at, 4) &* Self.prime1
            hash = Self.turn(hash, 23) &* Self.prime2 &+ Self.prime3
            at += 4
        }
        for byte in held[at...] { hash = Self.turn(hash ^ UInt64(byte) &* Self.prime5, 11) &* Self.prime1 }
        hash = (hash ^ hash >> 33) &* Self.prime2
        hash = (hash ^ hash >> 29) &* Self.prime3
        return hash ^ hash >> 32
    }

    private mutating func stripe(_ bytes: ArraySlice<UInt8>, at: Int) {
        for lane in 0..<4 { lanes[lane] = Self.round(lanes[lane], Self.word(bytes, at + 8 * lane, 8)) }
    }

    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        turn(lane &+ word &* prime2, 31) &* prime1
    }

    private static func turn(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

    private static func word(_ bytes: ArraySlice<UInt8>, _ at: Int, _ count: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(bytes[at + index]) << UInt64(8 * index) }
        return word
    }
}
