import Testing

@testable import FormatIdentification

@Suite struct MagicDatabaseTests {
    private func compiled() -> [UInt8] {
        CompiledMagic.exhibit.withBytes { bytes in bytes.indices.map { bytes[$0] } }
    }

    @Test func readsFixedBytes() throws {
        let database = try MagicDatabase(compiled: compiled().span)
        #expect(database.version == 18)
        let chunk = database.signatures.first { $0.bytes == Array("ElfChnk".utf8) + [0] }
        #expect(chunk?.offset == 0)
        #expect(chunk?.description == "Windows event log chunk")
        #expect(chunk?.mime == "application/x-ms-evtx-chunk")
        #expect(database.signatures.contains { $0.offset == 4 && $0.bytes == Array("SCCA".utf8) })
    }

    @Test func readsTheSystemDatabase() throws {
        let databases = try MagicDatabases.standard()
        #expect(databases.signatures.count > 2000)
        // Numbers are stored in the machine's order and searched in the file's.
        #expect(databases.signatures.contains { $0.offset == 0 && $0.bytes == [0x1F, 0x8B] })
        #expect(databases.signatures.contains { $0.offset == 0 && $0.bytes == [0xED, 0xAB, 0xEE, 0xDB] })
        #expect(databases.signatures.contains { $0.offset == 4 && $0.bytes == Array("ftyp".utf8) })
        // A GUID: the header object of ASF.
        let asf: [UInt8] = [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0, 0xAA, 0, 0x62, 0xCE, 0x6C]
        #expect(databases.signatures.contains { $0.offset == 0 && $0.bytes == asf })
    }

    @Test func anotherVersionIsNotGuessedAt() {
        var bytes = compiled()
        bytes[4] = 19
        #expect {
            try MagicDatabase(compiled: bytes.span)
        } throws: { ($0 as? MagicError)?.message.contains("version 19") == true }
    }

    @Test func damagedDatabasesNeverTrap() {
        let whole = compiled()
        for length in stride(from: 0, to: whole.count, by: 61) {
            #expect(throws: MagicError.self) { try MagicDatabase(compiled: Array(whole[..<length]).span) }
        }
        var random = SeededNumbers(seed: 7)
        for _ in 0..<200 {
            var bytes = whole
            for _ in 0..<64 {
                bytes[Int.random(in: 16..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            _ = try? MagicDatabase(compiled: bytes.span)
        }
    }
}

/// SplitMix64: the same numbers every time.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
