import EvidenceModel
import Testing

@testable import Carving

@Suite struct RIFFWalkerTests {
    static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
        Array(type.utf8) + .le32(body.count) + body + (body.count % 2 == 1 ? [0] : [])
    }

    static func riff(_ form: String, _ chunks: [UInt8]) -> [UInt8] {
        Array("RIFF".utf8) + .le32(chunks.count + 4) + Array(form.utf8) + chunks
    }

    static let soundFormat = chunk(
        "fmt ", .le16(1) + .le16(1) + .le32(8000) + .le32(16000) + .le16(2) + .le16(16))

    static let wave = riff(
        "WAVE",
        soundFormat + chunk("data", [UInt8](repeating: 3, count: 800))
            + chunk("LIST", Array("INFO".utf8) + chunk("IART", Array("J. Doe\0".utf8))))

    static let film: [UInt8] = {
        let header = chunk(
            "avih",
            .le32(40_000) + [UInt8](repeating: 0, count: 12) + .le32(25) + [UInt8](repeating: 0, count: 12)
                + .le32(16) + .le32(12) + [UInt8](repeating: 0, count: 16))
        let stream = chunk("strh", Array("vidsMJPG".utf8) + [UInt8](repeating: 0, count: 48))
        let list = chunk("LIST", Array("hdrl".utf8) + header + chunk("LIST", Array("strl".utf8) + stream))
        let movie = chunk("LIST", Array("movi".utf8) + chunk("00dc", [1, 2, 3]) + chunk("00dc", [4, 5, 6, 7]))
        let more =
            Array("RIFF".utf8) + .le32(24 + 4) + Array("AVIX".utf8)
            + chunk("LIST", Array("movi".utf8) + chunk("00dc", [1, 2, 3, 4]))
        return riff("AVI ", list + movie + chunk("idx1", [UInt8](repeating: 0, count: 32))) + more
    }()

    static let picture = riff("WEBP", chunk("VP8L", [0x2F] + .le32(15 | 7 << 14) + [1, 2, 3, 4, 5, 6]))

    @Test func soundEndsWithItsForm() throws {
        expectExact(RIFFWalker(), Self.wave, .structural, format: "wav")
        let file = try #require(verdict(of: RIFFWalker(), on: Self.wave).completed)
        #expect(file.facts["duration_ms"] == 50)
        #expect(file.facts["artist"] == "J. Doe")
    }

    @Test func oddLastChunkMayLackItsPadByte() {
        let odd = Self.riff("WAVE", Self.soundFormat + Array("data".utf8) + .le32(5) + [1, 2, 3, 4, 5])
        expectExact(RIFFWalker(), odd, .structural, format: "wav")
        let padded = Self.riff("WAVE", Self.soundFormat + Self.chunk("data", [1, 2, 3, 4, 5]))
        expectExact(RIFFWalker(), padded, .structural, format: "wav")
    }

    @Test func largeSoundHasItsSizesInAChunk() throws {
        let data = [UInt8](repeating: 3, count: 800)
        let sizes: (Int) -> [UInt8] = { .le64($0) + .le64(data.count) + .le64(400) + .le32(0) }
        let rest = Self.soundFormat + Array("data".utf8) + .le32(0xFFFF_FFFF) + data
        let length = 4 + Self.chunk("ds64", sizes(0)).count + rest.count
        let file =
            Array("RF64".utf8) + .le32(0xFFFF_FFFF) + Array("WAVE".utf8) + Self.chunk("ds64", sizes(length)) + rest
        expectExact(RIFFWalker(), file, .structural, format: "wav")
    }

    @Test func filmGoesOnInFurtherForms() throws {
        expectExact(RIFFWalker(), Self.film, .structural, format: "avi")
        let file = try #require(verdict(of: RIFFWalker(), on: Self.film).completed)
        #expect(file.facts["codec"] == "MJPG")
        #expect(file.facts["duration_ms"] == 1000)
    }

    @Test func pictureEndsWithItsForm() throws {
        expectExact(RIFFWalker(), Self.picture, .structural, format: "webp")
        let file = try #require(verdict(of: RIFFWalker(), on: Self.picture).completed)
        #expect(file.facts["width"] == 16)
        #expect(file.facts["height"] == 8)
    }

    @Test func cutFilesAreNeverWhole() {
        for file in [Self.wave, Self.film, Self.picture] {
            for length in 0..<file.count {
                let found = verdict(of: RIFFWalker(), on: Array(file[..<length])).completed
                // A film may end before its further forms: they are files' own continuation only when whole.
                #expect(found == nil || found?.format == "avi", "cut to \(length)")
            }
            expectNeverTraps(RIFFWalker(), file, rounds: 1000)
        }
    }

    @Test func unfinishedSizesAreBroken() {
        var file = Self.wave
        file.put([0xFF, 0xFF, 0xFF, 0xFF], at: 4)
        #expect(verdict(of: RIFFWalker(), on: file).brokenPrefix != nil)
    }
}
