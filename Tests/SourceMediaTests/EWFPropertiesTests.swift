import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// What a set says of itself beside its medium is shown, and nothing in it passes in silence.
@Suite("What EWF images say of themselves")
struct EWFPropertiesTests {
    let folder: EWFFolder

    init() throws { folder = try EWFFolder() }

    private func open(_ sections: [(type: String, content: [UInt8])]) throws -> SourceDescription {
        var writer = EWFWriter()
        writer.furtherSections = sections
        return try SourceOpener.open(try folder.set(writer.write(EWFMedia.medium(5_000)))).description
    }

    @Test("xheader and xhash: properties and further digests")
    func taggedText() throws {
        let sha256 = String(repeating: "ab", count: 32)
        let header =
            "\u{FEFF}<?xml version=\"1.0\"?>\n<xheader>\n\t<notes>a &lt; b &amp;amp; c</notes>\n"
            + "\t<model>M\u{1B}[1m</model>\n\t<unknown>x</unknown>\n</xheader>\n"
        let hash = "<xhash>\n<SHA256>\(sha256)</SHA256><MD5>12</MD5><SHA1></SHA1>\n</xhash>"
        let description = try open([
            ("xheader", EWFWriter.zlib(Array(header.utf8))), ("xhash", EWFWriter.zlib(Array(hash.utf8))),
        ])
        #expect(description.damage.isEmpty, "\(description.damage)")
        #expect(description.stored.map(\.digest) == [Digest(.sha256, [UInt8](repeating: 0xAB, count: 32))])
        #expect(description.properties.contains(SourceProperty("model", "M\u{FFFD}[1m")))
        let notes = description.properties.first { $0.name == "notes" }
        // The header came first and has notes already.
        #expect(notes?.value == "no notes")
    }

    @Test("session: where the sessions of a disc begin; damaged, it is said")
    func sessions() throws {
        let start = EWFWriter.bytes32(2) + [UInt8](repeating: 0, count: 28)
        let entries = [16, 450].flatMap {
            EWFWriter.bytes32(0) + EWFWriter.bytes32($0) + [UInt8](repeating: 0, count: 24)
        }
        var content = start + EWFWriter.adler(start) + entries + EWFWriter.adler(entries)
        let intact = try open([("session", content)])
        #expect(intact.properties.contains(SourceProperty("sessions", "2, from sector 16, sector 450")))
        #expect(intact.damage.isEmpty)
        content[40] ^= 1
        #expect(try open([("session", content)]).damage.contains { $0.contains("\"session\"") })
        content.replaceSubrange(0..<4, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(!(try open([("session", content)]).damage.isEmpty))
    }

    @Test("an unknown section and bytes after the end are warnings")
    func strange() throws {
        #expect(try open([("secret", [1, 2, 3])]).warnings.contains { $0.contains("\"secret\" is not known") })
        let segments = EWFWriter().write(EWFMedia.medium(5_000))
        let source = try SourceOpener.open(try folder.set([segments[0] + [0, 0, 0]], name: "tail"))
        #expect(source.description.warnings.contains { $0.contains("3 bytes follow the end") })
        #expect(source.description.damage.isEmpty)
    }
}
