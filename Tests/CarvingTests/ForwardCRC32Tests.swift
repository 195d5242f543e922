import Testing

@testable import Carving

@Suite struct ForwardCRC32Tests {
    private static func bitwise(_ bytes: some Sequence<UInt8>, _ start: UInt32) -> UInt32 {
        var crc = start
        for byte in bytes {
            crc ^= UInt32(byte) << 24
            for _ in 0..<8 { crc = crc & 0x8000_0000 != 0 ? crc << 1 ^ 0x04C1_1DB7 : crc << 1 }
        }
        return crc
    }

    /// The check value of CRC-32/MPEG-2: over the digits 1 to 9.
    @Test func knownValue() {
        var crc = ForwardCRC32(register: .max)
        crc.update(Array("123456789".utf8)[...])
        #expect(crc.register == 0x0376_E6E7)
    }

    @Test func agreesWithTheDefinition() {
        var generator = SeededGenerator(seed: 5)
        for count in 0..<70 {
            let bytes = generator.bytes(count)
            var crc = ForwardCRC32(register: 0x1234_5678)
            // In two parts, so that the words of eight bytes begin anywhere.
            crc.update(bytes[..<(count / 3)])
            crc.update(bytes[(count / 3)...])
            #expect(crc.register == Self.bitwise(bytes, 0x1234_5678), "\(count) bytes")
        }
    }

    @Test func zerosAreTakenBack() {
        for count in [0, 1, 7, 512, 1000] {
            var crc = ForwardCRC32(register: 0xDEAD_BEEF)
            crc.update([UInt8](repeating: 0, count: count)[...])
            crc.takeBackZeros(count)
            #expect(crc.register == 0xDEAD_BEEF)
        }
    }
}
