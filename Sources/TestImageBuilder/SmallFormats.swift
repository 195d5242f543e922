/// CRC-32 of ISO 3309, as gzip and ZIP use it, for the few files that recipes make themselves.
func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes { crc = crc >> 8 ^ crcTable[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    return ~crc
}

private let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
}

/// A ZIP archive of stored members (APPNOTE 6.3.10, 4.3), with any bytes as names.
struct StoredZip {
    private var body: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0

    private static let date: UInt16 = (2024 - 1980) << 9 | 3 << 5 | 9

    mutating func add(_ name: [UInt8], _ content: [UInt8]) {
        var fields: [UInt8] = []
        fields.appendLittleEndian([20, 0x0800, 0, 0, Self.date])
        fields.appendLittleEndian(crc32(content))
        fields.appendLittleEndian(UInt32(content.count))
        fields.appendLittleEndian(UInt32(content.count))
        fields.appendLittleEndian([UInt16(name.count), 0])
        directory += [0x50, 0x4B, 1, 2, 20, 0] + fields
        directory.appendLittleEndian([0, 0, 0, 0, 0])
        directory.appendLittleEndian(UInt32(body.count))
        directory += name
        body += [0x50, 0x4B, 3, 4] + fields + name + content
        count += 1
    }

    mutating func add(_ name: String, _ content: [UInt8]) { add(Array(name.utf8), content) }

    var bytes: [UInt8] {
        var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
        end.appendLittleEndian([count, count])
        end.appendLittleEndian(UInt32(directory.count))
        end.appendLittleEndian(UInt32(body.count))
        return body + directory + end + [0, 0]
    }
}

/// A gzip file (RFC 1952) of `count` zero bytes, deflated with fixed codes (RFC 1951, 3.2.6) to about 1/158 of that.
///
/// - Parameter claimsWrongCRC: whether the CRC in its trailer is wrong.
func gzipOfZeros(_ count: Int, claimsWrongCRC: Bool = false) -> [UInt8] {
    var bits = BitWriter()
    bits.write(0b011, count: 3)  // the last block, fixed codes
    bits.writeCode(0b0011_0000, count: 8)  // the literal 0
    var left = count - 1
    while left >= 258 {
        bits.writeCode(0b1100_0101, count: 8)  // length 258
        bits.writeCode(0, count: 5)  // distance 1
        left -= 258
    }
    for _ in 0..<left { bits.writeCode(0b0011_0000, count: 8) }
    bits.writeCode(0, count: 7)  // end of block
    var output: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + bits.bytes
    output.appendLittleEndian(crc32(repeatElement(0, count: count)) ^ (claimsWrongCRC ? 1 : 0))
    output.appendLittleEndian(UInt32(truncatingIfNeeded: count))
    return output
}

/// Bits packed from the least significant one of each byte, as deflate has them.
private struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var used = 8

    mutating func write(_ value: Int, count: Int) {
        for bit in 0..<count {
            if used == 8 {
                bytes.append(0)
                used = 0
            }
            if value >> bit & 1 == 1 { bytes[bytes.count - 1] |= 1 << used }
            used += 1
        }
    }

    /// A Huffman code: its most significant bit first.
    mutating func writeCode(_ code: Int, count: Int) {
        for bit in (0..<count).reversed() { write(code >> bit & 1, count: 1) }
    }
}
