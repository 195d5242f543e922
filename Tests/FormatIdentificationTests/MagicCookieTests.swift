import Foundation
import Testing

@testable import FormatIdentification

@Suite struct MagicCookieTests {
    static func block(_ parts: (Int, String)...) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        for (offset, text) in parts {
            for (index, byte) in text.utf8.enumerated() { bytes[offset + index] = byte }
        }
        return bytes
    }

    @Test func namesFormatsOfBothDatabases() throws {
        let databases = try MagicDatabases.standard()
        #expect(databases.notes.isEmpty)
        #expect(databases.images.map(\.name).first == "exhibit")
        var cookie = try MagicCookie(databases)
        let gif = try cookie.identify(Self.block((0, "GIF89a")))
        #expect(gif.mime == "image/gif")
        #expect(gif.extensions == ["gif"])
        #expect(gif.description.hasPrefix("GIF image data, version 89a"))
        let chunk = try cookie.identify(Self.block((0, "ElfChnk")))
        #expect(chunk.description == "Windows event log chunk")
        #expect(chunk.mime == "application/x-ms-evtx-chunk")
        var container = Self.block((30, "mimetypeapplication/vnd.etsi.asic-s+zip"))
        container.replaceSubrange(0..<4, with: [0x50, 0x4B, 3, 4])
        #expect(try cookie.identify(container).mime == "application/vnd.etsi.asic-s+zip")
        container.replaceSubrange(30..<70, with: [UInt8](repeating: 0, count: 40))
        #expect(try cookie.describe(container).hasPrefix("Zip archive data"))
        #expect(try cookie.describe([]) == "empty")
    }

    @Test func libraryNeverWritesToTheSharedDatabase() throws {
        let databases = try MagicDatabases.standard()
        func copies() -> [[UInt8]] {
            databases.images.map { image in
                image.withBytes { bytes in bytes.indices.map { bytes[$0] } }
            }
        }
        let before = copies()
        var cookie = try MagicCookie(databases)
        for value in 0..<64 { _ = try cookie.describe([UInt8](repeating: UInt8(value * 4), count: 2048)) }
        #expect(copies() == before)
    }

    /// libmagic prints some times in the zone of the process; a description must not depend on it.
    @Test func timesAreUTC() throws {
        _ = try MagicCookie(try MagicDatabases.standard())
        #expect(ProcessInfo.processInfo.environment["TZ"] == "UTC0")
    }

    @Test func refusesWhatIsNoDatabase() throws {
        let junk = CompiledMagic(name: "junk", bytes: Array("not a database".utf8))
        #expect(throws: MagicError.self) { try MagicDatabases([junk]) }
        let both = try MagicDatabases([junk, .exhibit])
        #expect(both.images.map(\.name) == ["exhibit"])
        #expect(both.notes.count == 1)
    }

    @Test func textOfEvidenceCannotActOnATerminal() {
        #expect(PrintableText.escaping("a\u{1b}[31m\n\u{202e}b") == "a\\u{1b}[31m\\u{a}\\u{202e}b")
        #expect(PrintableText.escaping("Grüße, 日本") == "Grüße, 日本")
    }
}
