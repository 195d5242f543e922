import EvidenceModel

/// The medium as sections `volume`, `disk` and `data` describe it.
struct EWFVolume: Hashable {
    /// Bytes of the longer layout.
    static let size = 1052
    /// Most bytes a chunk: what the format's writers could state, 32,768 sectors of 4,096 bytes.
    static let largestChunk = 128 << 20
    /// Most bytes a chunk that are read: a chunk is inflated whole, and a small file may state any size.
    static let largestReadChunk = 32 << 20
    /// Most bytes a sector that are read.
    static let largestSector = 1 << 16

    /// The layout of 94 bytes that SMART and the first version of the format have.
    let isShort: Bool
    let mediaType: UInt8
    let chunkCount: Int
    let sectorsPerChunk: Int
    let bytesPerSector: Int
    /// Whole sectors; bytes of a medium after its last whole sector are not counted.
    let sectorCount: UInt64
    /// Identifies the set; zeros where the writer gives none.
    let setIdentifier: [UInt8]

    var chunkSize: Int { sectorsPerChunk * bytesPerSector }

    /// Nil when the bytes are too few, their Adler-32 does not hold, or a value cannot be.
    init?(_ bytes: [UInt8]) {
        if bytes.count >= Self.size {
            guard Adler32.holds(bytes, count: 1048, storedAt: 1048) else { return nil }
            isShort = false
            sectorCount = bytes.littleEndian64(at: 16)
            setIdentifier = Array(bytes[64..<80])
            mediaType = bytes[0]
        } else {
            guard bytes.count >= 94, Adler32.holds(bytes, count: 90, storedAt: 90) else { return nil }
            isShort = true
            sectorCount = UInt64(bytes.littleEndian32(at: 16))
            setIdentifier = [UInt8](repeating: 0, count: 16)
            mediaType = 1
        }
        chunkCount = bytes.littleEndian32(at: 4)
        sectorsPerChunk = bytes.littleEndian32(at: 8)
        bytesPerSector = bytes.littleEndian32(at: 12)
        guard (1...Self.largestSector).contains(bytesPerSector), sectorsPerChunk > 0,
            sectorsPerChunk <= Self.largestChunk / bytesPerSector
        else { return nil }
    }

    /// Says whether another description is of the same set; a value that a writer left zero does not count.
    func isSameSet(as other: EWFVolume) -> Bool {
        func agree<Value: Equatable>(_ first: Value, _ second: Value, unless empty: Value) -> Bool {
            first == empty || second == empty || first == second
        }
        let none = [UInt8](repeating: 0, count: 16)
        return chunkSize == other.chunkSize && bytesPerSector == other.bytesPerSector
            && agree(chunkCount, other.chunkCount, unless: 0) && agree(sectorCount, other.sectorCount, unless: 0)
            && agree(setIdentifier, other.setIdentifier, unless: none)
    }

    /// What it says, for people.
    var properties: [SourceProperty] {
        var found: [SourceProperty] = []
        let types: [UInt8: String] = [0: "removable disk", 1: "fixed disk", 3: "optical disc", 16: "memory"]
        if let name = types[mediaType] { found.append(SourceProperty("media_type", name)) }
        if setIdentifier.contains(where: { $0 != 0 }) {
            found.append(SourceProperty("set_identifier", Self.text(setIdentifier)))
        }
        return found
    }

    /// A GUID as Microsoft writes it: the first three fields are little-endian.
    private static func text(_ guid: [UInt8]) -> String {
        let order = [[3, 2, 1, 0], [5, 4], [7, 6], [8, 9], [10, 11, 12, 13, 14, 15]]
        return order.map { Hex.encode($0.map { guid[$0] }) }.joined(separator: "-")
    }
}
