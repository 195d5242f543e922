import FormatIdentification
import SourceMedia
import Testing

@testable import Carving

/// The checks that a candidate at any offset must pass before its walker is asked.
@Suite struct PlausibleStartTests {
    static let checked: [any FormatWalker] = [
        BMPWalker(), MPEGAudioWalker(), ICOWalker(), FontWalker(), PEWalker(), GzipWalker(), FlashFilmWalker(),
        JSONWalker(), ARJWalker(), ADTSWalker(), AIFFWalker(), RIFFWalker(), MPEGProgramStreamWalker(),
        MPEGTransportStreamWalker(), HiveBinWalker(), RecycledFileWalker(), LHAWalker(), CPIOWalker(),
        WindowsMetafileWalker(), MailboxWalker(), SunSoundWalker(), ChangeJournalWalker(), TableWalker(),
        ThumbnailCacheWalker(), OutlookExpressWalker(),
    ]

    /// What a check refuses, its walker refuses too.
    @Test(arguments: checked.indices) func nothingIsRefusedThatTheWalkerAccepts(number: Int) throws {
        let walker = Self.checked[number]
        var random = SeededGenerator(seed: UInt64(number))
        var refused = 0
        for round in 0..<600 {
            let signature = walker.signatures[round % walker.signatures.count]
            // Small numbers are what the fields of headers hold.
            let small: [UInt8] = [0, 0, 0, 0, 1, 2, 8, 16, 24, 32, 40, 64, 128, 255]
            var bytes = (0..<3000).map { _ in
                Int.random(in: 0..<4, using: &random) == 0
                    ? UInt8.random(in: 0...255, using: &random) : small[Int.random(in: 0..<14, using: &random)]
            }
            bytes.put(signature.bytes, at: signature.offset)
            let head = Array(bytes.prefix(round % 5 == 0 ? round % 80 : SignatureSearch.refinedBytes))
            guard !walker.mayBegin(head.span) else { continue }
            refused += 1
            let file = head.count < SignatureSearch.refinedBytes ? head : bytes
            guard case .rejected = try walker.walk(ByteReader(MemorySource(file), at: 0)) else {
                Issue.record("\(walker.name) accepts what its check refuses: \(head.prefix(40))")
                continue
            }
        }
        #expect(refused > 100)
    }
}
