import EvidenceModel
import FormatIdentification
import SourceMedia
import Testing

@testable import Carving

/// The first bytes of every known format in front of a wrong body: none is believed.
@Suite(.timeLimit(.minutes(15))) struct MockTests {
    /// Bytes a mock: four blocks.
    private static let size = 2048

    enum Body: CaseIterable { case noise, zeros, text, ones }

    /// A block-aligned medium of one mock behind the other.
    private static func medium(_ signatures: [FormatSignature], _ body: Body) -> [UInt8] {
        var generator = SeededGenerator(seed: 41)
        var medium: [UInt8] = []
        medium.reserveCapacity(signatures.count * size)
        for signature in signatures {
            var mock: [UInt8]
            switch body {
            case .noise: mock = generator.bytes(size)
            case .zeros: mock = [UInt8](repeating: 0, count: size)
            case .text: mock = Array(prose(size).prefix(size))
            case .ones: mock = [UInt8](repeating: 0xFF, count: size)
            }
            if signature.offset + signature.bytes.count <= size { mock.put(signature.bytes, at: signature.offset) }
            medium += mock
        }
        return medium
    }

    /// True when the find is no longer than the signature itself, which then is a whole file: an empty archive.
    private static func isSignature(_ length: Int, _ signature: FormatSignature) -> Bool {
        length <= signature.offset + signature.bytes.count
    }

    @Test(arguments: Body.allCases) func noneIsBelieved(body: Body) throws {
        let magic = try #require(EmbeddedTesting.magic)
        let index = SignatureIndex.forCarving(magic: magic)
        #expect(index.signatures.count > 1500)
        let medium = Self.medium(index.signatures, body)
        let worker = try CarveWorker(
            source: MemorySource(medium), walkers: allFormatWalkers,
            signatures: CarvingSignatures(walkers: allFormatWalkers, index: index), magic: magic, limits: CarveLimits())
        for (number, signature) in index.signatures.enumerated() {
            let examination = worker.examine(number * Self.size, asksMagic: false)
            guard case .whole(let file) = examination.finding, file.isBelieved else { continue }
            #expect(
                Self.isSignature(file.length, signature),
                "\(body) behind \(signature.bytes) at \(signature.offset): \(file.format), \(file.length) bytes, \(file.confidence)"
            )
        }
    }

    /// The whole run, joins included, over the walkers' own signatures.
    @Test func noneIsBelievedByARun() throws {
        let magic = try #require(EmbeddedTesting.magic)
        let index = SignatureIndex.forCarving(magic: magic)
        let signatures = Array(index.signatures.prefix(index.walkerCount))
        for body in [Body.noise, .text] {
            let medium = Self.medium(signatures, body)
            let result = try EmbeddedTesting.carve(medium: medium, workers: 2)
            for artifact in result.artifacts where [.proven, .structural].contains(artifact.confidence) {
                let signature = signatures[artifact.extents[0].offset / Self.size]
                #expect(Self.isSignature(artifact.size, signature), "\(body): \(artifact.canonical.encodedText)")
            }
        }
    }
}
