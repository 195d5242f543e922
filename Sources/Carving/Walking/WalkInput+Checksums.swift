internal import CZlib
internal import Digesting
internal import EvidenceModel

extension WalkInput {
    /// Adler-32 (RFC 1950) over a range of the candidate.
    func adler32(of range: Range<Int>) throws(WalkStop) -> Int {
        var value: UInt = 1
        try forEachPiece(of: range) { (piece: ArraySlice<UInt8>) in value = Self.adler32(piece, from: value) }
        return Int(value)
    }

    private static func adler32(_ bytes: ArraySlice<UInt8>, from value: UInt) -> UInt {
        unsafe bytes.withUnsafeBufferPointer { unsafe adler32_z(value, $0.baseAddress, $0.count) }
    }

    /// Adler-32 of bytes at hand.
    static func adler32(_ bytes: [UInt8]) -> Int { Int(adler32(bytes[...], from: 1)) }

    /// A digest over ranges of the candidate, one after the other; nil when OpenSSL does not offer the algorithm.
    func digest(_ algorithm: DigestAlgorithm, of ranges: [Range<Int>]) throws(WalkStop) -> [UInt8]? {
        for range in ranges where !fits(range.lowerBound, range.count) {
            throw .failed(.pastEnd(offset: range.lowerBound))
        }
        do {
            var running = try RunningDigest(algorithm)
            for range in ranges {
                var at = range.lowerBound
                while at < range.upperBound {
                    let piece = try bytes(at: at, count: min(ByteReader.windowSize / 4, range.upperBound - at))
                    try running.update(piece)
                    at += piece.count
                }
            }
            return try running.finalize().bytes
        } catch let stop as WalkStop {
            throw stop
        } catch {
            return nil
        }
    }
}

/// Names of an archive's members: how many there are, and the first of them as a fact.
struct MemberNames {
    private var names: [CanonicalValue] = []
    private(set) var count = 0

    mutating func add(_ name: some Collection<UInt8>) {
        count += 1
        if names.count < ZipContents.mostNames, let text = EvidenceText.clean(name) { names.append(.string(text)) }
    }

    func note(in file: inout WalkedFile) {
        file.note("members", count)
        if !names.isEmpty { file.facts["names"] = .array(names) }
    }
}
