internal import Digesting
internal import EvidenceModel

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4): the checksum of LevelDB.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }

    static func value(of bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }
}

/// CRC-24 of OpenPGP's ASCII armor (RFC 4880, 6.1).
struct CRC24 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index) << 16) { value, _ in
            (value & 0x80_0000 != 0 ? value << 1 ^ 0x86_4CFB : value << 1) & 0xFF_FFFF
        }
    }

    private(set) var value: UInt32 = 0xB7_04CE

    mutating func update(_ byte: UInt8) {
        value = (value << 8 & 0xFF_FFFF) ^ Self.table[Int((value >> 16 ^ UInt32(byte)) & 0xFF)]
    }
}

extension WalkInput {
    /// Digest of some bytes; a failure of the cryptographic library breaks the walk with its own words.
    func hash(_ bytes: [UInt8], _ algorithm: DigestAlgorithm) throws(WalkStop) -> [UInt8] {
        do { return try Digesting.digest(algorithm, of: bytes).bytes } catch { throw .broken(error.message) }
    }

    /// A number that is a time: 100 ns since 1601.
    func fileTime(_ offset: Int) throws(WalkStop) -> CanonicalValue? {
        do { return EvidenceTime.fileTime(try reader.u64le(offset)) } catch { throw .failed(error) }
    }

    /// A GUID as Windows writes it: the first three parts little-endian (MS-DTYP 2.3.4).
    func guid(_ offset: Int) throws(WalkStop) -> String {
        let raw = try bytes(at: offset, count: 16)
        let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map { raw[$0] }
        let hex = Array(Hex.encode(order))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }

    /// True when the bytes behind `end` show that the file ends there; see ``EndEvidence``.
    func showsEnd(_ end: Int) throws(WalkStop) -> Bool {
        do { return try EndEvidence.shows(reader, end: end) } catch { throw .failed(error) }
    }

    /// Where a cut page or frame may end: with the block in which its head ends, less the zeros that fill it up.
    ///
    /// - Parameters:
    ///   - at: where the page begins.
    ///   - head: bytes of it that were recognised.
    func endOfCut(at: Int, head: Int) throws(WalkStop) -> Int {
        let least = min(count, at + head)
        let end = min(count, (max(1, least) + Self.blockSize - 1) / Self.blockSize * Self.blockSize)
        let last = try bytes(at: least, count: end - least).lastIndex { $0 != 0 }
        return least + (last.map { $0 + 1 } ?? 0)
    }

    /// Where a run of encrypted bytes seems to end: in the first block that ends in zeros, at a multiple of `unit`.
    ///
    /// A rule of thumb for formats that state no length: their content looks random, so zeros are not part of it.
    ///
    /// - Parameter most: bytes that are looked at.
    func encryptedEnd(from start: Int, unit: Int, most: Int) throws(WalkStop) -> Int {
        let zeros = 16
        let stop = min(count, start &+ most)
        var block = start / Self.blockSize * Self.blockSize
        // Behind the last byte so far that is not zero.
        var used = start
        while block < stop {
            let end = min(block + Self.blockSize, stop)
            let from = max(block, start)
            let bytes = try bytes(at: from, count: end - from)
            if let last = bytes.lastIndex(where: { $0 != 0 }) { used = from + last + 1 }
            if bytes.count >= zeros, bytes.suffix(zeros).allSatisfy({ $0 == 0 }) {
                return min(end, start + (used - start + unit - 1) / unit * unit)
            }
            block = end
        }
        return start + (stop - start) / unit * unit
    }
}

extension WalkedFile {
    /// True for a part that outlived the file it belongs to: a chunk of a log, a bin of a hive, a run of file records.
    ///
    /// Another file's broken prefix explains it as well, and a join may take it back.
    var isPiece: Bool { facts[Self.pieceFact] != nil }

    /// The fact that marks a piece.
    static let pieceFact = "piece"
}
