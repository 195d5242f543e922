/// Numbers and checksums of tar headers.
enum TarNumber {
    static func checksumHolds(_ header: [UInt8]) -> Bool {
        var sum = 8 * 0x20
        for (index, byte) in header.enumerated() where !(148..<156).contains(index) { sum += Int(byte) }
        return value(header[148..<156]) == sum
    }

    /// An octal number, or a binary one when the first bit is set (GNU); bounded so that sums cannot overflow.
    static func value(_ field: ArraySlice<UInt8>) -> Int? {
        guard let first = field.first else { return nil }
        var value = 0
        if first & 0x80 != 0 {
            for byte in field.dropFirst() {
                guard value < 1 << 50 else { return nil }
                value = value << 8 | Int(byte)
            }
            return value
        }
        var digits = 0
        for byte in field {
            if (0x30...0x37).contains(byte) {
                value = value << 3 | Int(byte - 0x30)
                digits += 1
            } else if byte == 0 || digits > 0 {
                break
            } else if byte != 0x20 {
                return nil
            }
        }
        return value
    }
}
