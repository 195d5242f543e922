/// The CRC-32 with polynomial 0x04C11DB7 and the highest bit first: of Ogg pages (RFC 3533, 6) and of the tables of MPEG
/// transport streams (ISO/IEC 13818-1, annex A). zlib's CRC-32 takes the lowest bit first.
///
/// Eight bytes at a time, with a table for each: where pieces of a file are searched, one page is checked many times.
struct ForwardCRC32 {
    private static let tables: InlineArray<2048, UInt32> = {
        var tables = InlineArray<2048, UInt32>(repeating: 0)
        for byte in 0..<256 {
            var value = UInt32(byte) << 24
            for _ in 0..<8 { value = value & 0x8000_0000 != 0 ? value << 1 ^ 0x04C1_1DB7 : value << 1 }
            tables[byte] = value
        }
        // Each table is the one before with another byte of zeros behind.
        for index in 256..<2048 {
            let before = tables[index - 256]
            tables[index] = before << 8 ^ tables[Int(before >> 24)]
        }
        return tables
    }()

    /// Where in the first table the value with a given lowest byte stands: the step back from one byte of zeros.
    private static let origins: InlineArray<256, UInt8> = {
        var origins = InlineArray<256, UInt8>(repeating: 0)
        for byte in 0..<256 { origins[Int(tables[byte] & 0xFF)] = UInt8(byte) }
        return origins
    }()

    private(set) var register: UInt32

    init(register: UInt32) { self.register = register }

    mutating func update(_ bytes: ArraySlice<UInt8>) {
        let tables = Self.tables.span
        let bytes = bytes.span
        func value(_ table: Int, _ byte: UInt32) -> UInt32 { tables[table << 8 | Int(byte & 0xFF)] }
        var crc = register
        var at = 0
        while at + 8 <= bytes.count {
            let high = UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 8
            let first = crc ^ (high | UInt32(bytes[at + 3]))
            crc = value(7, first >> 24) ^ value(6, first >> 16) ^ value(5, first >> 8) ^ value(4, first)
            crc ^= value(3, UInt32(bytes[at + 4])) ^ value(2, UInt32(bytes[at + 5]))
            crc ^= value(1, UInt32(bytes[at + 6])) ^ value(0, UInt32(bytes[at + 7]))
            at += 8
        }
        while at < bytes.count {
            crc = crc << 8 ^ value(0, crc >> 24 ^ UInt32(bytes[at]))
            at += 1
        }
        register = crc
    }

    /// The register as it was before `count` bytes of zeros.
    mutating func takeBackZeros(_ count: Int) {
        for _ in 0..<count {
            let origin = Self.origins[Int(register & 0xFF)]
            register = (register ^ Self.tables[Int(origin)]) >> 8 | UInt32(origin) << 24
        }
    }
}
