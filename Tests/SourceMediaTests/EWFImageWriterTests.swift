import Digesting
import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// Images as the writer makes them in tests.
enum EWFImages {
    static func facts(
        _ medium: [UInt8], _ compression: EWFImageFacts.Compression = .fast, segmentSize: Int = 1 << 20,
        sectorSize: Int = 512
    ) -> EWFImageFacts {
        EWFImageFacts(
            caseNumber: "2026-17", evidenceNumber: "E001", description: "Stick, \"blue\"", examiner: "Zoë Examiner",
            notes: "two\nlines\tand a tab", software: "exhibit 1.2", system: "Linux", model: "Flash", serial: "4711",
            started: UTCTime(seconds: 1_795_294_107), mediaSize: medium.count, sectorSize: sectorSize,
            setIdentifier: (1...16).map { UInt8($0) }, compression: compression, segmentSize: segmentSize)
    }

    /// Zeros, text and noise by turns.
    static func medium(_ count: Int) -> [UInt8] {
        let noise = EWFMedia.medium(1 << 16)
        return (0..<count).map { index in
            switch index / 100_000 % 3 {
            case 0: 0
            case 1: UInt8(65 + index / 7 % 26)
            default: noise[(index &* 31 &+ index / 65_536) & 0xFFFF]
            }
        }
    }

    /// Appends the pages of a medium from a page on.
    static func append(
        _ medium: [UInt8], to writer: EWFImageWriter, from first: Int = 0, pageSize: Int = 1 << 20,
        each: (Int) throws -> Bool = { _ in true }
    ) throws {
        let packer = try EWFChunkPacker(writer.facts.compression)
        var packed = EWFPackedChunks()
        for start in stride(from: first, to: medium.count, by: pageSize) {
            packer.pack(medium.span.extracting(start..<min(medium.count, start + pageSize)), into: &packed)
            try writer.append(packed)
            if try !each(min(medium.count, start + pageSize)) { return }
        }
    }

    static func finish(_ writer: EWFImageWriter, _ medium: [UInt8], unreadable: [Range<Int>] = []) throws {
        try writer.finish(
            md5: try digest(.md5, of: medium), sha1: try digest(.sha1, of: medium), unreadable: unreadable)
    }

    /// The bytes of an image's files, by name.
    static func files(_ folder: String, named stem: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasPrefix(stem + ".") {
            files[String(name.dropFirst(stem.count))] = try Data(contentsOf: URL(filePath: folder + "/" + name))
        }
        return files
    }

    /// Runs a program and gives what it says; nil when it is not there or fails.
    static func run(_ program: String, _ arguments: [String]) throws -> Data? {
        let path = "/usr/bin/" + program
        guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? data : nil
    }

    static let hasTools = FileManager.default.isExecutableFile(atPath: "/usr/bin/ewfverify")
    static let hasSleuthKit = FileManager.default.isExecutableFile(atPath: "/usr/bin/img_cat")
}

@Suite("EWF images as they are written")
struct EWFImageWriterTests {
    let folder: EWFFolder

    init() throws { folder = try EWFFolder() }

    private func write(
        _ name: String, _ medium: [UInt8], _ facts: EWFImageFacts, unreadable: [Range<Int>] = []
    ) throws -> EWFImageWriter {
        let writer = EWFImageWriter(folder.path(name), facts)
        try EWFImages.append(medium, to: writer)
        try EWFImages.finish(writer, medium, unreadable: unreadable)
        return writer
    }

    @Test(
        "media of any size come back as they were, with their digests",
        arguments: [1, 511, 512, 32_767, 32_768, 32_769, 33_280, 1 << 20, 1_400_077],
        EWFImageFacts.Compression.allCases)
    func roundTrip(size: Int, compression: EWFImageFacts.Compression) throws {
        let medium = EWFImages.medium(size)
        let writer = try write("disk", medium, EWFImages.facts(medium, compression))
        let source = try SourceOpener.open(writer.paths[0])
        #expect(source.size == size)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        #expect(source.description.damage.isEmpty)
        #expect(source.description.warnings.isEmpty)
        #expect(source.description.files.count == writer.paths.count)
        let stored = Set(source.description.stored.map(\.digest))
        let expected = Set([try digest(.md5, of: medium), try digest(.sha1, of: medium)])
        #expect(stored == expected)
        for path in writer.paths {
            let length = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
            #expect(length <= writer.facts.segmentSize)
        }
    }

    @Test("what the image says of itself is read back", arguments: [512, 4096])
    func facts(sectorSize: Int) throws {
        let medium = EWFImages.medium(1 << 20)
        let writer = try write(
            "disk", medium, EWFImages.facts(medium, sectorSize: sectorSize), unreadable: [3..<4, 9..<20])
        let description = try SourceOpener.open(writer.paths[0]).description
        let properties = Dictionary(description.properties.map { ($0.name, $0.value) }) { first, _ in first }
        #expect(properties["case_number"] == "2026-17")
        #expect(properties["evidence_number"] == "E001")
        #expect(properties["examiner"] == "Zoë Examiner")
        #expect(properties["notes"] == "two lines and a tab")
        #expect(properties["software"] == "exhibit 1.2")
        #expect(properties["model"] == "Flash")
        #expect(properties["serial"] == "4711")
        #expect(properties["acquired"] == "2026-11-21T20:48:27.000Z")
        #expect(properties["media_type"] == "fixed disk")
        #expect(description.sectorSize == sectorSize)
        #expect(description.warnings.count == 2)
        #expect(description.warnings.first?.contains("sector 3 ") == true)
        #expect(description.warnings.last?.contains("sectors 9 to 19 ") == true)
    }

    @Test(
        "other programs read it as equal", .enabled(if: EWFImages.hasTools),
        arguments: EWFImageFacts.Compression.allCases)
    func otherReaders(compression: EWFImageFacts.Compression) throws {
        let medium = EWFImages.medium((5 << 20) + 1536)
        let writer = try write(
            "disk", medium, EWFImages.facts(medium, compression, segmentSize: 1_300_000), unreadable: [7..<9])
        let first = writer.paths[0]
        #expect(writer.paths.count > 1)
        #expect(try EWFImages.run("ewfverify", ["-q", "-d", "sha1", first]) != nil)
        let info = String(decoding: try #require(try EWFImages.run("ewfinfo", [first])), as: UTF8.self)
        for words in ["2026-17", "E001", "exhibit 1.2", "Flash", "4711", "Is physical:\t\tyes", "number: 2"] {
            #expect(info.contains(words), "\(words) in \(info)")
        }
        let exported = try #require(try EWFImages.run("ewfexport", ["-u", "-q", "-f", "raw", "-t", "-", first]))
        // It says "SUCCESS" on the same stream.
        let isEqual = Array(exported.prefix(medium.count)) == medium
        #expect(isEqual)
        guard EWFImages.hasSleuthKit else { return }
        let stat = String(decoding: try #require(try EWFImages.run("img_stat", [first])), as: UTF8.self)
        #expect(stat.contains("\(medium.count)"))
        let catted = Array(try #require(try EWFImages.run("img_cat", [first])))
        #expect(catted.count == medium.count)
        let isSame = catted == medium
        #expect(isSame)
    }

    @Test(
        "an image that was cut off anywhere and continued has the same bytes as one that was not",
        arguments: EWFImageFacts.Compression.allCases)
    func continuing(compression: EWFImageFacts.Compression) throws {
        let medium = EWFImages.medium((6 << 20) + 700)
        let facts = EWFImages.facts(medium, compression)
        _ = try write("whole", medium, facts)
        let expected = try EWFImages.files(folder.url.path, named: "whole")
        #expect(expected.count > 1)
        for cut in stride(from: 1 << 20, through: 5 << 20, by: 2 << 20) {
            let stem = folder.path("cut")
            let interrupted = EWFImageWriter(stem, facts)
            var durable = EWFImageState()
            // Two more pages than are durable, and rubbish at the end.
            try EWFImages.append(medium, to: interrupted) { end in
                if end == cut {
                    try interrupted.synchronize()
                    durable = interrupted.state
                }
                return end < cut + (2 << 20)
            }
            let handle = try FileHandle(forWritingTo: URL(filePath: try #require(interrupted.paths.last)))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(repeating: 0xAA, count: 5000))
            try handle.close()

            let writer = try EWFImageWriter(stem, facts, continuing: durable)
            let part = try writer.writtenPart()
            #expect(part.size == cut)
            let isEqual = try part.bytes(at: 0, count: cut) == Array(medium[..<cut])
            #expect(isEqual)
            try EWFImages.append(medium, to: writer, from: cut)
            try EWFImages.finish(writer, medium)
            #expect(try EWFImages.files(folder.url.path, named: "cut") == expected, "cut at \(cut)")
            for path in writer.paths { try FileManager.default.removeItem(atPath: path) }
        }
    }

    @Test("a change of what was written before an interruption is found")
    func changedMeanwhile() throws {
        let medium = EWFImages.medium(2 << 20)
        let facts = EWFImages.facts(medium, segmentSize: 64 << 20)
        let stem = folder.path("disk")
        let interrupted = EWFImageWriter(stem, facts)
        try EWFImages.append(Array(medium[..<(1 << 20)]), to: interrupted)
        try interrupted.synchronize()
        let state = interrupted.state
        let handle = try FileHandle(forUpdating: URL(filePath: stem + ".E01"))
        try handle.seek(toOffset: 300_000)
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: 300_000)
        try handle.write(contentsOf: Data([byte ^ 1]))
        try handle.close()
        let part = try EWFImageWriter(stem, facts, continuing: state).writtenPart()
        #expect(throws: SourceError.self) { try part.bytes(at: 0, count: 1 << 20) }
        var shorter = state
        shorter.length += 10_000_000
        #expect(throws: SourceError.self) { try EWFImageWriter(stem, facts, continuing: shorter) }
    }

    @Test("an existing file is never overwritten")
    func existing() throws {
        try folder.file("disk.E01", [1, 2, 3])
        let medium = EWFImages.medium(1 << 20)
        let writer = EWFImageWriter(folder.path("disk"), EWFImages.facts(medium))
        #expect {
            try EWFImages.append(medium, to: writer)
        } throws: {
            ($0 as? SourceError)?.code == .exists
        }
        #expect(try Data(contentsOf: URL(filePath: folder.path("disk.E01"))) == Data([1, 2, 3]))
    }

    @Test("names go on after .E99 as the reader knows them")
    func manySegments() throws {
        let medium = [UInt8](repeating: 7, count: 115 << 20)
        let writer = try write("disk", medium, EWFImages.facts(medium, .none))
        #expect(writer.paths.count > 101)
        #expect(writer.paths[98].hasSuffix(".E99"))
        #expect(writer.paths[99].hasSuffix(".EAA"))
        #expect(writer.paths[100].hasSuffix(".EAB"))
        let source = try SourceOpener.open(writer.paths[0])
        #expect(source.description.damage.isEmpty)
        let isEqual = try source.bytes(at: 114 << 20, count: 1 << 20) == Array(medium[(114 << 20)...])
        #expect(isEqual)
        #expect(EWFImageWriter.path("a", 14_971) == "a.ZZZ")
    }
}
