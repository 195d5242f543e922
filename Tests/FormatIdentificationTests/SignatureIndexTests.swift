import Testing

@testable import FormatIdentification

@Suite struct SignatureIndexTests {
    static let walkers = [
        FormatSignature(offset: 0, bytes: [0xFF, 0xD8, 0xFF]), FormatSignature(offset: 0, bytes: Array("BM".utf8)),
        FormatSignature(offset: 4, bytes: Array("ftyp".utf8)), FormatSignature(offset: 257, bytes: Array("ustar".utf8)),
        FormatSignature(offset: 0, bytes: [0x47]), FormatSignature(offset: 6, bytes: [0x2D, 0x6C]),
        FormatSignature(offset: 32769, bytes: Array("CD001".utf8)),
        FormatSignature(offset: 0, bytes: [0, 0, 1, 0]),
    ]

    /// Every signature, planted at every block of a medium, is found there, whatever the size of pages.
    @Test(arguments: [512, 1536, 4096, 65536]) func findsWhatIsPlanted(pageSize: Int) throws {
        let index = SignatureIndex(walkers: Self.walkers, database: try MagicDatabases.standard().signatures)
        var random = SeededNumbers(seed: 3)
        var medium = [UInt8](repeating: 0, count: 512 * 300)
        var planted: [Int: Int] = [:]
        for (number, signature) in index.signatures.enumerated().filter({ $0.offset % 7 == 0 || $0.offset < 8 }) {
            let block = Int.random(in: 0..<300, using: &random)
            guard planted[block] == nil, block * 512 + signature.end <= medium.count else { continue }
            for place in block * 512..<min(medium.count, block * 512 + 512) {
                medium[place] = .random(in: 0...255, using: &random)
            }
            planted[block] = number
        }
        for (block, number) in planted {
            let signature = index.signatures[number]
            let start = block * 512 + signature.offset
            medium.replaceSubrange(start..<start + signature.bytes.count, with: signature.bytes)
        }
        var found: [Int] = []
        var expected: [Int] = []
        for start in stride(from: 0, to: medium.count, by: pageSize) {
            let usable = min(pageSize, medium.count - start)
            let page = Array(medium[start..<min(medium.count, start + usable + index.requiredMargin)])
            index.candidates(in: page.span, count: usable, baseOffset: start, blockSize: 512, into: &found)
        }
        for at in stride(from: 0, to: medium.count, by: 512) {
            let naive = index.signatures.indices.filter { number in
                let signature = index.signatures[number]
                return at + signature.end <= medium.count
                    && Array(medium[at + signature.offset..<at + signature.end]) == signature.bytes
            }
            if !naive.isEmpty { expected.append(at) }
            let matched = index.matches(medium.span, at: at)
            #expect(matched == naive)
        }
        #expect(found == expected)
    }

    @Test func leavesOutWhatMatchesTooMuch() throws {
        let index = SignatureIndex(
            walkers: [FormatSignature(offset: 0, bytes: [1])],
            database: [
                FormatSignature(offset: 0, bytes: [41, 42, 43]),
                FormatSignature(offset: 600, bytes: [41, 42, 43, 44]),
                FormatSignature(offset: 0, bytes: [0, 0, 0, 0]), FormatSignature(offset: 0, bytes: [90, 90, 90, 90]),
                FormatSignature(offset: 4, bytes: [0, 99, 0, 98, 255, 255]),
                FormatSignature(offset: 8, bytes: [41, 42, 43, 0]),
            ])
        #expect(index.leftOut == SignatureIndex.LeftOut(short: 1, far: 1, weak: 3))
        #expect(index.signatures.count == 2)
        #expect(index.requiredMargin == 12)
    }

    @Test func blocksNeedNotBeginAtThePage() {
        let index = SignatureIndex(walkers: Self.walkers)
        var page = [UInt8](repeating: 0, count: 2048)
        page.replaceSubrange(412..<414, with: Array("BM".utf8))
        var found: [Int] = []
        index.candidates(in: page.span, count: 2048, baseOffset: 100, blockSize: 512, into: &found)
        #expect(found == [512])
    }

    @Test func emptyIndexAndEmptyPageAreHarmless() {
        var found: [Int] = []
        let empty: [UInt8] = []
        SignatureIndex(walkers: []).candidates(in: [1, 2, 3].span, count: 3, baseOffset: 0, blockSize: 1, into: &found)
        SignatureIndex(walkers: Self.walkers).candidates(
            in: empty.span, count: 0, baseOffset: 0, blockSize: 512, into: &found)
        #expect(found.isEmpty)
        let single: [UInt8] = [0x47]
        let starts = SignatureIndex(walkers: Self.walkers).mayStart(single.span, at: 0)
        #expect(starts)
    }
}
