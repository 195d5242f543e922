/// xxHash with 32 bits, seed 0 (xxHash fast digest algorithm, 0.1.1): the checksum of LZ4 frames.
struct XXHash32 {
    private static let prime1: UInt32 = 0x9E37_79B1
    private static let prime2: UInt32 = 0x85EB_CA77
    private static let prime3: UInt32 = 0xC2B2_AE3D
    private static let prime4: UInt32 = 0x27D4_EB2F
    private static let prime5: UInt32 = 0x1656_67B1

    private var lanes: [UInt32] = [prime1 &+ prime2, prime2, 0, 0 &- prime1]
    /// Bytes that do not fill a stripe of sixteen yet.
    private var held: [UInt8] = []
    private var length = 0

    /// The checksum of bytes at hand.
    static func of(_ bytes: ArraySlice<UInt8>) -> Int {
        var hash = XXHash32()
        hash.update(bytes)
        return hash.value
    }

    mutating func update(_ bytes: ArraySlice<UInt8>) {
        length += bytes.count
        var rest = bytes
        if !held.isEmpty {
            let missing = min(16 - held.count, rest.count)
            held += rest.prefix(missing)
            rest = rest.dropFirst(missing)
            guard held.count == 16 else { return }
            stripe(held[...], at: 0)
            held.removeAll(keepingCapacity: true)
        }
        var at = rest.startIndex
        while rest.endIndex - at >= 16 {
            stripe(rest, at: at)
            at += 16
        }
        held += rest[at...]
    }

    var value: Int {
        var hash = Self.prime5
        if length >= 16 {
            hash = Self.turn(lanes[0], 1) &+ Self.turn(lanes[1], 7) &+ Self.turn(lanes[2], 12)
            hash = hash &+ Self.turn(lanes[3], 18)
        }
        hash = hash &+ UInt32(truncatingIfNeeded: length)
        var at = 0
        while held.count - at >= 4 {
            hash = Self.turn(hash &+ Self.word(held[...], at) &* Self.prime3, 17) &* Self.prime4
            at += 4
        }
        for byte in held[at...] { hash = Self.turn(hash &+ UInt32(byte) &* Self.prime5, 11) &* Self.prime1 }
        hash = (hash ^ hash >> 15) &* Self.prime2
        hash = (hash ^ hash >> 13) &* Self.prime3
        return Int(hash ^ hash >> 16)
    }

    private mutating func stripe(_ bytes: ArraySlice<UInt8>, at: Int) {
        for lane in 0..<4 {
            let word = Self.word(bytes, at + 4 * lane)
            lanes[lane] = Self.turn(lanes[lane] &+ word &* Self.prime2, 13) &* Self.prime1
        }
    }

    private static func turn(_ value: UInt32, _ bits: UInt32) -> UInt32 { value << bits | value >> (32 - bits) }

    private static func word(_ bytes: ArraySlice<UInt8>, _ at: Int) -> UInt32 {
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
    }
}
