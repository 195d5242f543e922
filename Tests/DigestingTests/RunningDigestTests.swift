import Digesting
import EvidenceModel
import Testing

@Suite("Digests")
struct RunningDigestTests {
    /// Published test values over "abc" (FIPS 180-4, FIPS 202, RFC 1321, RFC 7693 and their example files).
    private static let known: [(DigestAlgorithm, String)] = [
        (.md5, "900150983cd24fb0d6963f7d28e17f72"),
        (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (.sha3_256, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"),
        (
            .blake2b512,
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                + "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
        ),
    ]

    @Test("every algorithm gives its published value")
    func knownValues() throws {
        for (algorithm, hex) in Self.known {
            #expect(try digest(algorithm, of: Array("abc".utf8)).hex == hex)
        }
        #expect(Self.known.count == DigestAlgorithm.allCases.count)
    }

    @Test("how the bytes are cut changes nothing", arguments: DigestAlgorithm.allCases)
    func pieces(_ algorithm: DigestAlgorithm) throws {
        var random = SeededGenerator(seed: 7)
        for size in [0, 1, 63, 64, 65, 127, 128, 129, 4096, 10_000] {
            let bytes = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            let whole = try digest(algorithm, of: bytes)
            var running = try RunningDigest(algorithm)
            var at = 0
            while at < size {
                let end = min(size, at + Int.random(in: 0...300, using: &random))
                switch Int.random(in: 0..<3, using: &random) {
                case 0: try running.update(bytes[at..<end])
                case 1: try running.update(Array(bytes[at..<end]))
                default: try running.update(bytes.span.extracting(at..<end))
                }
                at = end
            }
            #expect(try running.finalize() == whole)
        }
    }

    @Test("the library names its version")
    func version() { #expect(OpenSSLLibrary.version.hasPrefix("OpenSSL 3.")) }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, seeded, the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
