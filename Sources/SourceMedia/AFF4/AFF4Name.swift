/// Names of members, in the one form in which they are compared: without percent encoding and leading "/".
///
/// Writers differ in what they encode ("aff4%3A%2F%2F…", "aff4%3a%2f%2f…", "aff4://…"); all of these are the same name.
enum AFF4Name {
    static func plain(_ name: some Collection<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(name.count)
        var rest = Array(name)[...]
        if rest.first == UInt8(ascii: "/") { rest = rest.dropFirst() }
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"), rest.count >= 2,
                let decoded = Self.byte(rest[rest.startIndex], rest[rest.startIndex + 1])
            else {
                plain.append(byte)
                continue
            }
            plain.append(decoded)
            rest = rest.dropFirst(2)
        }
        return plain
    }

    /// FNV-1a, 64 bits.
    static func hash(_ plain: [UInt8]) -> UInt64 {
        plain.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    private static func byte(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = digit(high), let low = digit(low) else { return nil }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
