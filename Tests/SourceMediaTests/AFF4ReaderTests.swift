import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// A folder of its own, with the volumes of images in it.
final class AFF4Folder {
    let url = FileManager.default.temporaryDirectory.appending(path: "aff4-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    @discardableResult
    func file(_ name: String, _ content: [UInt8]) throws -> String {
        try Data(content).write(to: url.appending(path: name))
        return url.appending(path: name).path
    }

    /// Writes volumes as name_1.aff4 and on; answers the path of the first one.
    @discardableResult
    func image(_ volumes: [AFF4Zip], name: String = "disk") throws -> String {
        let paths = try volumes.enumerated().map { try file("\(name)_\($0 + 1).aff4", $1.bytes) }
        return paths.first ?? ""
    }
}

/// Whatever a writer may do within the standard is read to the right bytes, and nothing is called damaged.
@Suite("Intact AFF4 images")
struct AFF4ReaderTests {
    let folder: AFF4Folder
    /// Bytes that hardly compress, bytes that do, and lengths that fall together with no chunk.
    let parts: [AFF4Writer.Part]

    init() throws {
        folder = try AFF4Folder()
        parts = [
            .data(EWFMedia.medium(9000)), .symbolic("Zero", 5000), .symbolic("SymbolicStreamFF", 1111), .gap(700),
            .data([UInt8](repeating: 7, count: 13_333)), .symbolic("SymbolicStream61", 1), .gap(3),
        ]
    }

    private func expectIntact(
        _ writer: AFF4Writer, _ parts: [AFF4Writer.Part], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let source = try SourceOpener.open(try folder.image(writer.write(parts)))
        let medium = AFF4Writer.medium(parts, gapStream: writer.gapStream ?? "Zero")
        #expect(source.size == medium.count, sourceLocation: sourceLocation)
        #expect(try EWFMedia.all(source) == medium, sourceLocation: sourceLocation)
        #expect(source.description.kind == .aff4, sourceLocation: sourceLocation)
        #expect(source.description.damage == [], sourceLocation: sourceLocation)
        #expect(source.description.warnings == [], sourceLocation: sourceLocation)
        #expect(source.unreadable == [], sourceLocation: sourceLocation)
    }

    @Test("every compression", arguments: AFF4Writer.Method.allCases)
    func compression(method: AFF4Writer.Method) throws {
        var writer = AFF4Writer()
        writer.method = method
        try expectIntact(writer, parts)
        writer.padsLastChunk = false
        try expectIntact(writer, parts)
    }

    @Test("every block hash, and none")
    func blockHashes() throws {
        var writer = AFF4Writer()
        for hashes: [DigestAlgorithm] in [[], [.sha256], [.blake2b512], [.md5, .sha1, .sha256, .sha512, .blake2b512]] {
            writer.blockHashes = hashes
            try expectIntact(writer, parts)
        }
    }

    @Test("zip64 records, deflated members, names without percent encoding")
    func containers() throws {
        var writer = AFF4Writer()
        writer.isZip64 = true
        try expectIntact(writer, parts)
        writer.deflatesMembers = true
        try expectIntact(writer, parts)
        var volumes = writer.write(parts)
        for index in volumes[0].members.indices {
            let name = volumes[0].members[index].name
            volumes[0].members[index].name = name.removingPercentEncoding ?? name
        }
        let source = try SourceOpener.open(try folder.image(volumes))
        #expect(try EWFMedia.all(source) == AFF4Writer.medium(parts))
        #expect(source.description.damage == [])
    }

    @Test("stripes, whichever of them is named, and whatever the others are called")
    func stripes() throws {
        var writer = AFF4Writer()
        writer.stripes = 3
        try expectIntact(writer, parts)
        let volumes = writer.write(parts)
        let medium = AFF4Writer.medium(parts)
        let other = try AFF4Folder()
        for (index, name) in ["z.aff4", "a.bin", "m"].enumerated() { try other.file(name, volumes[index].bytes) }
        try other.file("unrelated.zip", AFF4Zip(members: [.init(name: "x", content: [1])]).bytes)
        try other.file(
            "other.aff4", AFF4Writer().write([.data([1, 2, 3])])[0].replacing("-4000-", with: "-4001-").bytes)
        try other.file("note.txt", Array("PK".utf8))
        for name in ["z.aff4", "a.bin", "m"] {
            let source = try SourceOpener.open(other.url.appending(path: name).path)
            #expect(try EWFMedia.all(source) == medium)
            #expect(source.description.damage == [])
        }
    }

    @Test("a range that could not be read when the image was made is unreadable, and holds the standard's text")
    func unreadable() throws {
        let parts: [AFF4Writer.Part] = [
            .data(EWFMedia.medium(1000)), .symbolic("UnreadableData", 2000), .symbolic("Zero", 1 << 20),
            .symbolic("UnreadableData", (1 << 20) + 99), .data(EWFMedia.medium(50)),
        ]
        var writer = AFF4Writer()
        writer.stored = [.md5, .sha256]
        let source = try SourceOpener.open(try folder.image(writer.write(parts)))
        let medium = AFF4Writer.medium(parts)
        #expect(try EWFMedia.all(source, step: 300_007) == medium)
        #expect(
            source.unreadable.map(\.extent) == [
                Extent(offset: 1000, length: 2000), Extent(offset: 3000 + (1 << 20), length: (1 << 20) + 99),
            ])
        #expect(source.unreadable.allSatisfy { $0.error.contains("when the image was made") })
        #expect(source.description.damage == [])
        #expect(
            source.description.stored == [
                StoredDigest(AFF4Writer.digest(.md5, medium), covers: "media"),
                StoredDigest(AFF4Writer.digest(.sha256, medium), covers: "media"),
            ])
    }

    @Test("what was never read when the image was made is a warning that says how much it is")
    func unknown() throws {
        let parts: [AFF4Writer.Part] = [.data(EWFMedia.medium(1000)), .gap(2000), .symbolic("UnknownData", 500)]
        var writer = AFF4Writer()
        writer.gapStream = "UnknownData"
        let source = try SourceOpener.open(try folder.image(writer.write(parts)))
        #expect(try EWFMedia.all(source) == AFF4Writer.medium(parts, gapStream: "UnknownData"))
        #expect(source.unreadable == [])
        #expect(source.description.warnings.count == 1)
        #expect(source.description.warnings.first?.hasPrefix("2500 bytes") == true)
    }

    @Test("a medium of exabytes is opened and read at any place without its zeros being read")
    func exabytes() throws {
        let exabyte = 1 << 60
        let parts: [AFF4Writer.Part] = [.data(EWFMedia.medium(5000))]
        var volumes = AFF4Writer().write(parts)
        let map = try #require(volumes[0].name(endingWith: "/map"))
        let entry = volumes[0][map] ?? []
        // The same bytes at the start and at the end of three exabytes.
        let last = AFF4Zip.number(3 * exabyte - 5000, 8) + entry[8...]
        volumes[0][map] = entry + last
        let turtle = String(decoding: volumes[0]["information.turtle"] ?? [], as: UTF8.self)
        volumes[0]["information.turtle"] = Array(
            turtle.replacingOccurrences(
                of: "aff4:size \"5000\"^^xsd:long ; aff4:stored : .", with: "aff4:size \"\(3 * exabyte)\" ."
            )
            .utf8)
        let source = try SourceOpener.open(try folder.image(volumes))
        #expect(source.size == 3 * exabyte)
        #expect(try source.bytes(at: 3 * exabyte - 5000, count: 6000) == EWFMedia.medium(5000))
        #expect(try source.bytes(at: exabyte, count: 3) == [0, 0, 0])
        #expect(try source.zeroRun(at: 0) == 0)
        #expect(try source.zeroRun(at: 5000) == 3 * exabyte - 10_000)
        #expect(try source.zeroRun(at: 3 * exabyte - 5001) == 1)
    }

    @Test("Turtle in all the spellings that the Recommendation allows")
    func turtle() throws {
        var volume = AFF4Writer().write(parts)[0]
        var text = String(decoding: volume["information.turtle"] ?? [], as: UTF8.self)
        let others = [
            ("@prefix aff4: <http://aff4.org/Schema#> .", "PREFIX aff4: <http://aff4.org/Schema#>"),
            ("a aff4:Map", "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://aff4.org/Schema\\u0023Map>"),
            ("aff4:blockSize \"512\"^^xsd:int", "aff4:blockSize 4096"),
            ("aff4:DiskImage, aff4:ContiguousImage", "aff4:DiskImage ,\n# a comment . ; ,\naff4:ContiguousImage"),
            ("aff4:chunksInSegment \"4\"^^xsd:int", "aff4:chunksInSegment '4'^^<http://www.w3.org/2001/XMLSchema#int>"),
            (
                "aff4:stored : .",
                "aff4:stored : ; aff4:x \"\"\"two\n\"lines\" \\u00e9\"\"\"@fr-CA , [ aff4:y ( 1 -2.5 true <r> ) ; ] , _:b1 ;; ."
            ),
        ]
        for (one, other) in others {
            #expect(text.contains(one))
            text = text.replacingOccurrences(of: one, with: other)
        }
        volume["information.turtle"] = [0xEF, 0xBB, 0xBF] + Array(text.utf8)
        let source = try SourceOpener.open(try folder.image([volume]))
        #expect(source.description.damage == [])
        #expect(source.description.sectorSize == 4096)
        #expect(try EWFMedia.all(source) == AFF4Writer.medium(parts))
    }

    @Test("a disk image that begins with a ZIP file is read as raw bytes")
    func rawThatBeginsLikeOne() throws {
        let zip = AFF4Writer().write(parts)[0].bytes
        let path = try folder.file("disk.dd", zip + [UInt8](repeating: 0, count: 512))
        #expect(try SourceOpener.open(path).description.kind == .raw)
        let other = try folder.file("plain.zip", AFF4Zip(members: [.init(name: "x", content: [1])]).bytes)
        #expect(try SourceOpener.open(other).description.kind != .aff4)
    }
}
