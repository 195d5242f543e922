import EvidenceModel
import SourceMedia
import Testing

@testable import Carving

@Suite struct PostScriptWalkerTests {
    private static let document = Array(
        """
        %!PS-Adobe-3.0 EPSF-3.0
        %%Title: Map
        %%Creator: Pen 2
        %%BoundingBox: 0 0 100 50
        %%EndComments
        %%BeginDocument: inner
        %!PS-Adobe-3.0
        showpage
        %%EOF
        %%EndDocument
        0 0 moveto 100 50 lineto stroke
        showpage
        %%Trailer
        %%EOF

        """.utf8)

    @Test func nothingIsReadFarBehindTheEnd() throws {
        for tail in [[UInt8](repeating: 0, count: 4 << 20), [UInt8](repeating: 0x20, count: 4 << 20)] {
            let reader = ByteReader(MemorySource(Self.document + tail), at: 0)
            guard case .complete = try PostScriptWalker().walk(reader) else { throw WalkFailed() }
            #expect(reader.bytesFetched <= 2 * ByteReader.windowSize)
        }
    }

    @Test func aBlockOfProseBetweenItsLinesIsDoubted() throws {
        let line = "/Helvetica findfont 12 scalefont setfont\n10 20 moveto (ab) show\n"
        let code = Array(String(repeating: line, count: 40).utf8)
        let head = Array("%!PS-Adobe-3.0\n".utf8) + code
        let end = code + Array("%%EOF\n".utf8)
        let prose = Array(String(repeating: "of the page box drawer stick ledger ", count: 60).utf8)
        let tail = [UInt8](repeating: 0, count: 600)
        #expect(verdict(of: PostScriptWalker(), on: head + end + tail).completed?.isUncertain == false)
        let doubted = try #require(verdict(of: PostScriptWalker(), on: head + prose + end + tail).completed)
        #expect(doubted.confidence == .header)
        #expect(doubted.isUncertain)
    }

    private struct WalkFailed: Error {}

    @Test func aDocumentEndsWithItsOwnLastLine() {
        let file = Self.document
        let walker = PostScriptWalker()
        for tail in [[], [UInt8](repeating: 0, count: 512), Array("%!PS-Adobe-3.0\n%%EOF\n".utf8)] {
            let found = verdict(of: walker, on: file + tail).completed
            #expect(found?.length == file.count)
            #expect(found?.format == "eps")
            #expect(found?.facts["title"] == "Map")
            #expect(found?.facts["software"] == "Pen 2")
        }
        // Without the line's end, the last line is still whole.
        for length in 0..<file.count - 1 {
            for tail in [[], [UInt8](repeating: 0, count: 600)] {
                #expect(verdict(of: walker, on: file[..<length] + tail).completed == nil, "cut to \(length)")
            }
        }
        expectNeverTraps(walker, file)
        expectDecoyRefused(walker, file, keeping: 11)
        expectDecoyRefused(walker, file, keeping: 60)
        #expect(verdict(of: walker, on: file + file).completed?.unchecked.isEmpty == true || file.count < 512)
    }

    @Test func aPictureWithPreviewEndsWithItsFurthestPart() {
        var generator = SeededGenerator(seed: 97)
        let file = joined(
            [0xC5, 0xD0, 0xD3, 0xC6], .le32(30), .le32(Self.document.count), .le32(0), .le32(0),
            .le32(30 + Self.document.count), .le32(900), .le16(0xFFFF), Self.document, generator.bytes(900))
        let walker = PostScriptWalker()
        expectExact(walker, file, .structural, format: "eps")
        expectNeverWholeWhenTruncated(walker, file, noise: 0)
        expectNeverTraps(walker, file)
        expectLiesAreFound(walker, file)
        expectDecoyRefused(walker, file, keeping: 30)
    }
}
