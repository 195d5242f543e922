import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// What is damaged is named; what is readable is read; nothing damaged passes for whole.
@Suite("Damaged AFF4 images")
struct AFF4DamageTests {
    let folder: AFF4Folder
    var writer = AFF4Writer()
    let medium: [UInt8]
    let parts: [AFF4Writer.Part]

    /// Ten chunks in three segments, the last chunk short, with zeros behind them.
    init() throws {
        folder = try AFF4Folder()
        writer.chunkSize = 512
        let data = EWFMedia.medium(9 * 512 + 100)
        parts = [.data(data), .symbolic("Zero", 300)]
        medium = AFF4Writer.medium(parts)
    }

    private func open(_ volume: AFF4Zip) throws -> any SourceReader {
        try SourceOpener.open(try folder.image([volume]))
    }

    /// The volume with another content of the member that ends so.
    private func changing(
        _ volume: AFF4Zip, _ ending: String, _ change: (inout [UInt8]) -> Void
    ) throws -> AFF4Zip {
        var volume = volume
        let name = try #require(volume.name(endingWith: ending))
        var content = volume[name] ?? []
        change(&content)
        volume[name] = content
        return volume
    }

    private func turtle(_ volume: AFF4Zip, _ text: String, _ other: String) throws -> AFF4Zip {
        try changing(volume, "information.turtle") { bytes in
            bytes = Array(String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: text, with: other).utf8)
        }
    }

    // MARK: Volumes

    @Test("a missing stripe: damage that names its volume; the chunks of all others are read", arguments: [0, 1, 2])
    func missingStripe(missing: Int) throws {
        var writer = writer
        writer.stripes = 3
        let volumes = writer.write(parts)
        var named = ""
        for index in 0..<3 where index != missing { named = try folder.file("part\(index).aff4", volumes[index].bytes) }
        let source = try SourceOpener.open(named)
        let lost = stride(from: missing, to: 10, by: 3).map { $0 * 512..<min(9 * 512 + 100, ($0 + 1) * 512) }
        try EWFMedia.expectReadable(source, of: medium, lost: lost)
        let urn = AFF4Writer.volume(missing)
        #expect(source.description.damage.contains { $0.contains(urn) && $0.contains("missing") })
        #expect(source.unreadable.allSatisfy { $0.error.contains(urn) })
    }

    @Test("a stripe that is cut off is not used, and it is said")
    func cutOffStripe() throws {
        var writer = writer
        writer.stripes = 2
        let volumes = writer.write(parts)
        let named = try folder.file("a.aff4", volumes[0].bytes)
        try folder.file("b.aff4", Array(volumes[1].bytes.dropLast(9)))
        let source = try SourceOpener.open(named)
        #expect(!source.unreadable.isEmpty)
        #expect(source.description.warnings.contains { $0.hasPrefix("b.aff4 is named like a volume") })
        #expect(source.description.damage.contains { $0.contains(AFF4Writer.volume(1)) })
    }

    @Test("a volume cut off at any length is refused, whatever it is called, and never read as raw bytes")
    func truncated() throws {
        let bytes = writer.write(parts)[0].bytes
        for keep in [100, 700, 3000, bytes.count / 2, bytes.count - 60, bytes.count - 1] {
            for name in ["disk.aff4", "disk"] {
                let path = try folder.file(name, Array(bytes.prefix(keep)))
                let error = #expect(throws: SourceError.self, "\(keep)") { try SourceOpener.open(path) }
                #expect(error?.code == .damaged)
            }
        }
        for content in [[], [0x50, 0x4B], Array("raw bytes".utf8)] as [[UInt8]] {
            let path = try folder.file("other.aff4", content)
            #expect(throws: SourceError.self) { try SourceOpener.open(path) }
        }
    }

    /// Each eleventh byte, for the sake of time; all of them hold as well.
    @Test("one flipped byte anywhere: the right bytes, or an error, or damage that is said")
    func everyByte() throws {
        var small = writer
        small.chunksInSegment = 2
        small.blockHashes = [.sha1]
        let medium = Array(medium[..<1300])
        for usesHashes in [true, false] {
            if !usesHashes { small.blockHashes = [] }
            let bytes = small.write([.data(medium)])[0].bytes
            for at in stride(from: 0, to: bytes.count, by: 11) {
                var changed = bytes
                changed[at] ^= UInt8(1 << (at / 11 % 8))
                let path = try folder.file("disk.aff4", changed)
                do {
                    let source = try SourceOpener.open(path)
                    let read = try EWFMedia.all(source)
                    let isSaid = !source.description.damage.isEmpty || !source.unreadable.isEmpty
                    try #require(read == medium || isSaid, "byte \(at)")
                } catch is SourceError {
                    continue
                }
            }
        }
    }

    // MARK: Chunks

    @Test("one flipped bit in a chunk loses that chunk only", arguments: [0, 3, 4, 9])
    func flippedChunk(chunk: Int) throws {
        let volume = try changing(writer.write(parts)[0], String(format: "%08d", chunk / 4)) { bytes in
            bytes[chunk % 4 * 512 + 5] ^= 1
        }
        let source = try open(volume)
        try EWFMedia.expectReadable(source, of: medium, lost: [chunk * 512..<min(9 * 512 + 100, (chunk + 1) * 512)])
        let reason = try #require(source.unreadable.first?.error)
        #expect(reason.hasPrefix("chunk \(chunk) of \(AFF4Writer.stream(0))"), "\(reason)")
    }

    @Test("a wrong block hash loses its chunk; where a stronger one confirms the chunk, it is damage alone")
    func wrongBlockHash() throws {
        var sha1 = writer
        sha1.blockHashes = [.sha1]
        let wrong = try changing(sha1.write(parts)[0], "00000001.blockHash.sha1") { $0[21] ^= 1 }
        let lost = try open(wrong)
        try EWFMedia.expectReadable(lost, of: medium, lost: [5 * 512..<6 * 512])
        #expect(lost.unreadable.first?.error.contains("SHA-1 block hash") == true)
        #expect(lost.description.damage.contains { $0.contains("over the sha1 block hashes") })

        let weaker = try changing(writer.write(parts)[0], "00000001.blockHash.md5") { $0[17] ^= 1 }
        let read = try open(weaker)
        try EWFMedia.expectReadable(read, of: medium, lost: [])
        #expect(read.description.damage.contains { $0.contains("chunk 5") && $0.contains("MD5") })
    }

    @Test("without block hashes the checksum of a segment is what guards its chunks")
    func flippedWithoutHashes() throws {
        var plain = writer
        plain.method = .stored
        plain.blockHashes = []
        let written = plain.write(parts)[0].written
        let place = try #require(written.places.first { $0.key.hasSuffix("/00000001") }?.value)
        var bytes = written.bytes
        bytes[place.lowerBound + 600] ^= 1
        let source = try SourceOpener.open(try folder.file("disk.aff4", bytes))
        #expect(source.description.damage == [])
        #expect(try EWFMedia.all(source) != medium)
        #expect(source.description.damage.contains { $0.contains("segment 1") && $0.contains("checksum") })
    }

    @Test("a flipped bit in an index: the chunks that it names wrongly are lost, and it is said")
    func flippedIndex() throws {
        for at in [0, 3, 7, 8, 11] {
            let source = try open(try changing(writer.write(parts)[0], "00000001.index") { $0[12 + at] ^= 0x10 })
            try EWFMedia.expectReadable(source, of: medium, lost: [5 * 512..<6 * 512])
            #expect(source.description.damage.contains { $0.contains("over the indices") })
        }
    }

    @Test("missing segments and indices cost their chunks")
    func missingSegments() throws {
        for ending in ["00000001", "00000001.index"] {
            var volume = writer.write(parts)[0]
            volume[try #require(volume.name(endingWith: ending))] = nil
            let source = try open(volume)
            try EWFMedia.expectReadable(source, of: medium, lost: [4 * 512..<8 * 512])
            #expect(source.unreadable.first?.error.contains("missing") == true)
        }
        let short = try open(try changing(writer.write(parts)[0], "00000001.index") { $0.removeLast(13) })
        try EWFMedia.expectReadable(short, of: medium, lost: [6 * 512..<8 * 512])
    }

    // MARK: Maps

    private func number(_ value: Int, at offset: Int, _ bytes: inout [UInt8]) {
        bytes.replaceSubrange(offset..<offset + 8, with: AFF4Zip.number(value, 8))
    }

    @Test("a map that points beyond its stream loses what lies there; one that names no stream loses it all")
    func outside() throws {
        let beyond = try open(try changing(writer.write(parts)[0], "/map") { number(1000, at: 16, &$0) })
        let stream = 9 * 512 + 100
        #expect(beyond.unreadable.map(\.extent) == [Extent(offset: stream - 1000, length: 1000)])
        #expect(beyond.unreadable.first?.error.contains("beyond the end of \(AFF4Writer.stream(0))") == true)
        #expect(try beyond.bytes(at: 0, count: stream - 1000) == Array(medium[1000..<stream]))
        #expect(beyond.description.damage.contains { $0.contains("1000 bytes of the medium") })

        let nowhere = try open(try changing(writer.write(parts)[0], "/map") { $0[24] = 77 })
        try EWFMedia.expectReadable(nowhere, of: medium, lost: [0..<stream])
        #expect(nowhere.unreadable.first?.error.contains("names 2 streams only") == true)
    }

    @Test("entries beyond the map, that contradict others, or that cannot be are damage")
    func badEntries() throws {
        let volume = writer.write(parts)[0]
        let long = try open(try changing(volume, "/map") { number(1 << 40, at: 28 + 8, &$0) })
        try EWFMedia.expectReadable(long, of: medium, lost: [])
        #expect(long.description.damage.contains { $0.contains("go on to byte") })
        let overlap = try open(try changing(volume, "/map") { number(10, at: 28, &$0) })
        #expect(overlap.description.damage.contains { $0.contains("contradict") && $0.contains("byte 10") })
        for value in [-1, Int.max, 1 << 62] {
            let huge = try open(try changing(volume, "/map") { number(value, at: 28 + 8, &$0) })
            #expect(huge.description.damage.contains { $0.contains("cannot be") }, "\(value)")
        }
        let half = try open(try changing(volume, "/map") { $0.removeLast() })
        #expect(half.description.damage.contains { $0.contains("within an entry") })
    }

    @Test("entries out of order are put in order, without damage")
    func unordered() throws {
        var volume = try changing(writer.write(parts)[0], "/map") { $0 = Array($0[28...] + $0[..<28]) }
        volume = try turtle(volume, "aff4:map", "aff4:noMap").replacing("blockMapHash", with: "noneMapHash")
        let source = try open(volume)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        #expect(source.description.damage == [])
    }

    @Test("hashes over maps, indices and lists are checked, each by itself")
    func statedHashes() throws {
        let volume = writer.write(parts)[0]
        let text = String(decoding: volume["information.turtle"] ?? [], as: UTF8.self)
        let properties = [
            "aff4:imageStreamIndexHash \"", "aff4:blockMapHash \"", "aff4:mapPointHash \"", "aff4:mapIdxHash \"",
            "aff4:mapHash \"", "aff4:hash \"",
        ]
        for property in properties {
            let place = try #require(text.range(of: property))
            var changed = text
            let digit = changed[place.upperBound]
            changed.replaceSubrange(place.upperBound...place.upperBound, with: digit == "0" ? "1" : "0")
            let source = try open(try turtle(volume, text, changed))
            #expect(!source.description.damage.isEmpty, "\(property)")
            try EWFMedia.expectReadable(source, of: medium, lost: [])
        }
    }

    @Test("maps within maps are read; one that comes to itself gives nothing there, and ends")
    func recursion() throws {
        // An outer map over all of the inner one, then over the other target.
        func nested(_ other: String) throws -> AFF4Zip {
            let outer = "aff4://55555555-0000-4000-8000-000000000000"
            var volume = writer.write(parts)[0]
            let size = medium.count
            volume[AFF4Writer.member(outer, "map")] =
                [0, 700, 0].flatMap { AFF4Zip.number($0, 8) } + AFF4Zip.number(0, 4)
                + [700, 300, 0].flatMap { AFF4Zip.number($0, 8) } + AFF4Zip.number(1, 4)
                + [1000, size - 1000, 1000].flatMap { AFF4Zip.number($0, 8) } + AFF4Zip.number(0, 4)
            volume[AFF4Writer.member(outer, "idx")] = Array("\(AFF4Writer.map(0))\n\(other)\n".utf8)
            volume = try turtle(volume, "aff4:dataStream <\(AFF4Writer.map(0))>", "aff4:dataStream <\(outer)>")
            return try changing(volume, "information.turtle") {
                $0 += Array("<\(outer)> a aff4:Map ; aff4:size \"\(size)\" ; aff4:stored : .\n".utf8)
            }
        }
        let whole = try open(try nested("http://aff4.org/Schema#SymbolicStream07"))
        let expected = medium[..<700] + [UInt8](repeating: 7, count: 300) + medium[1000...]
        #expect(try EWFMedia.all(whole) == Array(expected))
        #expect(whole.unreadable == [])

        let itself = try open(try nested("aff4://55555555-0000-4000-8000-000000000000"))
        try EWFMedia.expectReadable(itself, of: medium, lost: [700..<1000])
        #expect(itself.unreadable.first?.error.contains("refers to itself") == true)

        // A flaw within the inner map comes out in the bytes of the outer one.
        let flawed = try open(try changing(try nested("http://aff4.org/Schema#Zero"), "/00000000") { $0[512] ^= 1 })
        _ = try EWFMedia.all(flawed)
        #expect(
            flawed.unreadable.map(\.extent) == [
                Extent(offset: 512, length: 188), Extent(offset: 1000, length: 24),
            ])
    }

    // MARK: Descriptions

    @Test("absurd counts and sizes are refused or cost the stream, at once")
    func absurdCounts() throws {
        let volume = writer.write(parts)[0]
        let cases = [
            ("aff4:chunkSize \"512\"", "aff4:chunkSize \"0\""), ("aff4:chunkSize \"512\"", "aff4:chunkSize \"-512\""),
            ("aff4:chunkSize \"512\"", "aff4:chunkSize \"99999999999999999999\""),
            ("aff4:chunkSize \"512\"", "aff4:chunkSize \"4294967296\""),
            ("aff4:chunksInSegment \"4\"", "aff4:chunksInSegment \"0\""),
            ("aff4:chunksInSegment \"4\"", "aff4:chunksInSegment \"9223372036854775807\""),
            ("aff4:size \"4708\"", "aff4:size \"4611686018427387904\""), ("aff4:size \"4708\"", "aff4:size \"many\""),
            ("http://code.google.com/p/snappy/", "http://code.google.com/p/unknown/"),
        ]
        for (text, other) in cases {
            do {
                let source = try open(try turtle(volume, text, other))
                try EWFMedia.expectReadable(source, of: medium, lost: [0..<4708])
                #expect(!source.description.damage.isEmpty, "\(other)")
            } catch let error as SourceError {
                #expect(error.code == .damaged, "\(error)")
            }
        }
    }

    @Test("a member that inflates to more than it says, or says more than can be, takes no memory")
    func bombs() throws {
        var volume = writer.write(parts)[0]
        let name = try #require(volume.name(endingWith: "/00000001"))
        volume[name] = [UInt8](repeating: 0, count: 70 << 20)
        let index = try #require(volume.members.firstIndex { $0.name == name })
        volume.members[index].isDeflated = true
        let source = try open(volume)
        try EWFMedia.expectReadable(source, of: medium, lost: [4 * 512..<8 * 512])
        #expect(source.unreadable.first?.error.contains("larger than") == true)
    }

    @Test("a map of many streams with large chunks takes no more memory than there may be")
    func manyStreams() throws {
        let volume = writer.write(parts)[0]
        let names = (0..<100).map { "aff4://66666666-0000-4000-8000-0000000000\($0)" }
        let many = try changing(volume, "/idx") { $0 += Array(names.map { $0 + "\n" }.joined().utf8) }
        let streams = names.map { name in
            "<\(name)> a aff4:ImageStream ; aff4:size 5 ; aff4:chunkSize \(16 << 20) ; aff4:chunksInSegment 1 .\n"
        }
        let source = try open(try changing(many, "information.turtle") { $0 += Array(streams.joined().utf8) })
        #expect(source.description.damage.filter { $0.contains("bytes of memory") }.count > 90)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
    }

    @Test("Turtle with an error counts as far as it goes")
    func brokenTurtle() throws {
        let cut = try open(try changing(writer.write(parts)[0], "information.turtle") { $0 += Array("<x".utf8) })
        try EWFMedia.expectReadable(cut, of: medium, lost: [])
        #expect(cut.description.damage.contains { $0.contains("information.turtle, line") })
        let nothing = try changing(writer.write(parts)[0], "information.turtle") { $0 = Array("@prefix".utf8) }
        let error = #expect(throws: SourceError.self) { try open(nothing) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("line 1") == true)
    }

    @Test("containers of other kinds are refused by what they are")
    func others() throws {
        let volume = writer.write(parts)[0]
        func refused(_ volume: AFF4Zip, _ word: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let error = #expect(throws: SourceError.self, sourceLocation: sourceLocation) { try open(volume) }
            #expect(error?.code == .unsupported, sourceLocation: sourceLocation)
            #expect(error?.message.contains(word) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
        }
        func text(_ text: String) throws -> AFF4Zip {
            try changing(volume, "information.turtle") {
                $0 = Array(("@prefix aff4: <http://aff4.org/Schema#> .\n" + text).utf8)
            }
        }
        try refused(try text("<aff4://a> a aff4:FileImage , aff4:Image ."), "logical")
        try refused(try text("<aff4://a> a aff4:EncryptedStream ."), "encrypted")
        try refused(try text("<aff4://a> a <http://afflib.org/2009/aff4#map> ."), "before the standard")
        try refused(try turtle(volume, "", "").replacing("major=1", with: "major=7"), "version 7")
        let second = "<aff4://b> a aff4:DiskImage, aff4:Image ; aff4:dataStream <\(AFF4Writer.map(0))> .\n"
        try refused(
            try changing(volume, "information.turtle") { $0 += Array(second.utf8) }, "holds 2 images")
    }
}
