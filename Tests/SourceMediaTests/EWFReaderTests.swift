import EvidenceModel
import Foundation
import SourceMedia
import Testing

@Suite("EWF images")
struct EWFReaderTests {
    let folder: EWFFolder

    init() throws { folder = try EWFFolder() }

    @Test(
        "every layout gives its medium, in one segment or several, raw or deflated",
        arguments: EWFWriter.Layout.allCases, [0, 1, 2])
    func layouts(layout: EWFWriter.Layout, deflated: Int) throws {
        var writer = EWFWriter()
        writer.layout = layout
        writer.isDeflated = { deflated == 0 ? false : deflated == 1 ? true : $0 % 3 == 0 }
        let medium = EWFMedia.medium(46 * writer.chunkSize + 512)
        let segments = writer.write(medium)
        try #require(segments.count == 5)
        let source = try SourceOpener.open(try folder.set(segments, series: layout == .smart ? "s" : "E"))
        #expect(source.description.kind == .ewf)
        #expect(source.description.files.map(\.size) == segments.map(\.count))
        #expect(source.description.damage.isEmpty)
        #expect(source.description.warnings.isEmpty)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        try source.checkUnchanged()
    }

    @Test("media of any size verify, whole sectors or not", arguments: [1, 511, 513, 2048, 2049, 4095, 30_000, 30_721])
    func oddSizes(size: Int) throws {
        for isDeflated in [true, false] {
            var writer = EWFWriter()
            writer.isDeflated = { _ in isDeflated }
            let medium = EWFMedia.medium(size)
            let source = try SourceOpener.open(try folder.set(writer.write(medium), name: "m\(isDeflated)"))
            #expect(source.size == size)
            try EWFMedia.expectReadable(source, of: medium, lost: [])
        }
    }

    @Test("any read of any length gives what lies there")
    func randomAccess() throws {
        let writer = EWFWriter()
        let medium = EWFMedia.medium(30_000)
        let source = try SourceOpener.open(try folder.set(writer.write(medium)))
        var state = 7
        for _ in 0..<300 {
            state = (state &* 1_103_515_245 &+ 12345) & 0x7FFF_FFFF
            let offset = state % 31_000
            let count = (state >> 8) % 9_000
            let end = min(medium.count, offset + count)
            #expect(try source.bytes(at: offset, count: count) == (offset < end ? Array(medium[offset..<end]) : []))
        }
    }

    @Test("several threads read at once")
    func threads() async throws {
        let writer = EWFWriter()
        let medium = EWFMedia.medium(60_000)
        let source = try SourceOpener.open(try folder.set(writer.write(medium)))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask { try EWFMedia.all(source, step: 1000 + task * 777) == medium }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    @Test("tables with a base offset, and many segments up to three letters")
    func manySegments() throws {
        var writer = EWFWriter()
        writer.tablesPerSegment = 1
        writer.chunksPerTable = 1
        writer.base = 13
        let medium = EWFMedia.medium(105 * writer.chunkSize)
        let segments = writer.write(medium)
        for (index, segment) in segments.enumerated() {
            let number = index + 1
            let letters = ["A", "B", "C", "D", "E", "F"]
            let ending = number < 100 ? "E\(number < 10 ? "0" : "")\(number)" : "EA\(letters[number - 100])"
            try folder.file("big.\(ending)", segment)
        }
        let source = try SourceOpener.open(folder.path("big.E01"))
        #expect(source.description.files.count == 105)
        #expect(source.description.damage.isEmpty)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
    }

    @Test("what the image says of itself is shown: header2 before header, times, stored digests, errors")
    func metadata() throws {
        var writer = EWFWriter()
        let md5 = [UInt8](repeating: 1, count: 16)
        let sha1 = [UInt8](repeating: 2, count: 20)
        writer.digests = [EWFWriter.digest(md5, sha1), EWFWriter.hash(md5)]
        writer.errors = [(100, 1), (200, 64)]
        let source = try SourceOpener.open(try folder.set(writer.write(EWFMedia.medium(9_000))))
        let description = source.description
        #expect(description.stored.map(\.digest) == [Digest(.md5, md5), Digest(.sha1, sha1)])
        #expect(description.stored.allSatisfy { $0.covers == "media" })
        let properties = Dictionary(
            description.properties.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        #expect(properties["examiner"] == "First")
        #expect(properties["acquired"] == "2013-01-02 03:04:05 (local time)")
        #expect(properties["case_number"] == "17")
        #expect(properties["set_identifier"] == "07070707-0707-0707-0707-070707070707")
        #expect(properties["password"] == nil)
        #expect(description.warnings.count == 2)
        #expect(description.warnings.last?.contains("sectors 200 to 263") == true)
    }

    @Test("an image is found by its signature, whatever its name")
    func otherName() throws {
        let medium = EWFMedia.medium(5_000)
        let source = try SourceOpener.open(try folder.file("evidence.bin", EWFWriter().write(medium)[0]))
        #expect(source.description.kind == .ewf)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
    }

    static let otherFamilies: [(signature: String, word: String)] = [
        ("455646320d0a8100", "Ex01"), ("4c4546320d0a8100", "Lx01"), ("4c5646090d0aff00", "L01"),
        ("4144435259505400", "encrypted"),
    ]

    @Test("other families are refused in clear words", arguments: otherFamilies)
    func refusesOtherFamilies(signature: String, word: String) throws {
        let bytes = try #require(Hex.decode(signature))
        let path = try folder.file("x.E01", bytes + [UInt8](repeating: 0, count: 100))
        let error = #expect(throws: SourceError.self) { try SourceOpener.open(path) }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains(word) == true)
    }
}
