import Testing

@testable import FormatIdentification

@Suite struct SignatureSearchTests {
    static let walkers = [
        FormatSignature(offset: 0, bytes: [0xFF, 0xD8, 0xFF]), FormatSignature(offset: 0, bytes: Array("BM".utf8)),
        FormatSignature(offset: 4, bytes: Array("ftyp".utf8)), FormatSignature(offset: 257, bytes: Array("ustar".utf8)),
        FormatSignature(offset: 6, bytes: [0x2D, 0x6C]), FormatSignature(offset: 0, bytes: Array("MBM".utf8)),
        FormatSignature(offset: 32769, bytes: Array("CD001".utf8)),
        FormatSignature(offset: 0, bytes: [0, 0, 1, 0]), FormatSignature(offset: 3, bytes: [0, 0, 1, 0]),
    ]

    /// What a search in pages finds.
    private func search(_ search: SignatureSearch, _ medium: [UInt8], pageSize: Int) -> [Int] {
        var found: [Int] = []
        for start in stride(from: 0, to: medium.count, by: pageSize) {
            let usable = min(pageSize, medium.count - start)
            let page = Array(medium[start..<min(medium.count, start + usable + search.requiredMargin)])
            search.candidates(in: page.span, count: usable, baseOffset: start, into: &found)
        }
        return found
    }

    /// Signatures planted at any offset, overlapping each other and every page border: the search finds what a
    /// comparison at every offset finds, whatever the size of pages.
    @Test(arguments: [UInt64](1...2)) func findsWhatAComparisonAtEveryOffsetFinds(seed: UInt64) throws {
        let index = SignatureIndex(walkers: Self.walkers, database: try MagicDatabases.standard().signatures)
        let searched = index.signatures.enumerated().filter { position, signature in
            position < index.walkerCount || signature.bytes.count >= SignatureSearch.smallestDatabaseSignature
        }.map(\.element)
        var random = SeededNumbers(seed: seed)
        // Half of the medium is zeros, so that the signatures made of them stand everywhere.
        var medium = (0..<40_000).map { $0 < 20_000 ? UInt8.random(in: 0...255, using: &random) : 0 }
        for _ in 0..<500 {
            let signature = searched[Int.random(in: 0..<searched.count, using: &random)]
            let start = Int.random(in: 0..<medium.count - signature.bytes.count, using: &random)
            medium.replaceSubrange(start..<start + signature.bytes.count, with: signature.bytes)
        }
        var expected: Set<Int> = []
        for signature in Set(searched) {
            for start in 0..<medium.count - signature.end + 1 {
                let place = start + signature.offset
                guard medium[place] == signature.bytes[0] else { continue }
                if medium[place..<place + signature.bytes.count].elementsEqual(signature.bytes) {
                    expected.insert(start)
                }
            }
        }
        let engine = try SignatureSearch(index)
        #expect(engine.signatureCount == searched.count)
        #expect(expected.count > 300)
        for pageSize in [997, 4096, medium.count] {
            #expect(search(engine, medium, pageSize: pageSize) == expected.sorted())
        }
    }

    /// A refinement sees the same bytes whatever the size of pages, and decides about its own signature only.
    @Test func refinesByTheBytesOfTheCandidate() throws {
        let index = SignatureIndex(walkers: [
            FormatSignature(offset: 0, bytes: Array("BM".utf8)), FormatSignature(offset: 1, bytes: Array("M!".utf8)),
        ])
        var random = SeededNumbers(seed: 9)
        var medium = (0..<30_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        for start in stride(from: 0, to: 29_990, by: 101) {
            medium.replaceSubrange(start..<start + 3, with: Array((start % 2 == 0 ? "BM!" : "BM.").utf8))
        }
        let engine = try SignatureSearch(index) { signature, head in
            signature == 1 || (head.count > 1000 && head[1000] & 1 == 1)
        }
        let expected = medium.indices.filter { start in
            guard start + 2 <= medium.count, medium[start..<start + 2].elementsEqual("BM".utf8) else {
                return start + 3 <= medium.count && medium[start + 1..<start + 3].elementsEqual("M!".utf8)
            }
            return medium[start + 2] == UInt8(ascii: "!")
                || (start + 1000 < medium.count && medium[start + 1000] & 1 == 1)
        }
        for pageSize in [100, 1024, 30_000] { #expect(search(engine, medium, pageSize: pageSize) == expected) }
    }

    /// Many threads share one search.
    @Test func threadsShareASearch() async throws {
        let engine = try SignatureSearch(SignatureIndex(walkers: Self.walkers))
        var random = SeededNumbers(seed: 4)
        let medium = (0..<400_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let alone = search(engine, medium, pageSize: 50_000)
        #expect(!alone.isEmpty)
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<16 {
                group.addTask { search(engine, medium, pageSize: 10_000 + 777 * number) == alone }
            }
            for await isSame in group { #expect(isSame) }
        }
    }

    @Test func emptySearchAndEmptyPageAreHarmless() throws {
        var found: [Int] = []
        let empty: [UInt8] = []
        try SignatureSearch(SignatureIndex(walkers: []))
            .candidates(in: [1, 2, 3].span, count: 3, baseOffset: 0, into: &found)
        try SignatureSearch(SignatureIndex(walkers: Self.walkers))
            .candidates(in: empty.span, count: 0, baseOffset: 0, into: &found)
        #expect(found.isEmpty)
    }
}
