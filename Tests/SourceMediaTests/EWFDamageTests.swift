import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// What is damaged is named; what is readable is read; nothing damaged passes for whole.
@Suite("Damaged EWF images")
struct EWFDamageTests {
    let folder: EWFFolder
    let writer = EWFWriter()
    let medium: [UInt8]
    let segments: [[UInt8]]

    /// Three segments of 10, 10 and 6 chunks of 2,048 bytes, the last one of 700.
    init() throws {
        folder = try EWFFolder()
        medium = EWFMedia.medium(25 * writer.chunkSize + 700)
        segments = writer.write(medium)
        try #require(segments.count == 3)
    }

    private func range(_ chunks: Range<Int>) -> Range<Int> {
        chunks.lowerBound * writer.chunkSize..<min(medium.count, chunks.upperBound * writer.chunkSize)
    }

    private func open(_ changed: [[UInt8]]) throws -> any SourceReader {
        try SourceOpener.open(try folder.set(changed))
    }

    @Test("a missing segment: its chunks are lost and named, all others are read", arguments: [0, 1, 2])
    func missingSegment(missing: Int) throws {
        var named = ""
        for index in segments.indices where index != missing {
            named = try folder.file("disk.E0\(index + 1)", segments[index])
        }
        let source = try SourceOpener.open(named)
        let lost = [0..<10, 10..<20, 20..<26][missing]
        // Without the last chunk nobody knows of the bytes after the last whole sector.
        let size = missing == 2 ? 25 * writer.chunkSize + 512 : medium.count
        #expect(source.size == size)
        try EWFMedia.expectReadable(
            source, of: Array(medium[..<size]), lost: [lost.lowerBound * 2048..<min(size, lost.upperBound * 2048)])
        #expect(source.description.damage.contains { $0.contains("segment \(missing + 1) is missing") })
        #expect(source.unreadable.first?.error.contains("segment \(missing + 1) is missing") == true)
    }

    @Test("segments renamed in the wrong order are put right by their headers, and it is said")
    func wrongOrder() throws {
        let source = try open([segments[0], segments[2], segments[1]])
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        #expect(source.description.damage.count == 2)
        #expect(source.description.damage.first?.contains("disk.E03") == true)
        #expect(try EWFMedia.all(try SourceOpener.open(folder.path("disk.E02"))) == medium)
    }

    @Test("a segment of another image is refused by its name")
    func foreignSegment() throws {
        var other = EWFWriter()
        other.setIdentifier = [UInt8](repeating: 9, count: 16)
        let path = try folder.set([segments[0], other.write(medium)[1], segments[2]])
        let error = #expect(throws: SourceError.self) { try SourceOpener.open(path) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("disk.E02") == true)
    }

    @Test("two files with the number of one segment: the one that is named so counts; without one, the set is refused")
    func doubleSegment() throws {
        let path = try folder.set(segments)
        try folder.file("disk.E04", segments[1])
        let source = try SourceOpener.open(path)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        #expect(source.description.damage.contains { $0.hasPrefix("disk.E04 says") })
        try FileManager.default.moveItem(atPath: folder.path("disk.E02"), toPath: folder.path("disk.E05"))
        let error = #expect(throws: SourceError.self) { try SourceOpener.open(path) }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains("disk.E04") == true)
    }

    @Test("a truncated last segment: at any length nothing false is given")
    func truncated() throws {
        for keep in [0, 5, 12, 13, 50, 89, 200, 1300, 4000, segments[2].count - 300, segments[2].count - 1] {
            let source: any SourceReader
            do {
                source = try open([segments[0], segments[1], Array(segments[2].prefix(keep))])
            } catch let error as SourceError {
                #expect(error.code == .damaged, "\(error)")
                continue
            }
            #expect(!source.description.damage.isEmpty, "\(keep)")
            let bytes = try EWFMedia.all(source)
            let lost = source.unreadable
            for (index, byte) in bytes.enumerated()
            where !lost.contains(where: { $0.extent.offset <= index && index < $0.extent.end }) {
                try #require(byte == medium[index])
            }
        }
    }

    @Test("one flipped bit in a chunk loses that chunk only", arguments: [0, 1, 7, 12, 24, 25])
    func flippedBit(chunk: Int) throws {
        var changed = segments
        let segment = chunk / 10
        let table = try #require(EWFWriter.section("sectors", in: changed[segment], occurrence: chunk % 10 / 5))
        // Every chunk takes up a little more than its size; the middle of it is its own.
        var at = table.start + 76
        for before in chunk / 5 * 5..<chunk { at += before % 2 == 0 ? 2048 + 11 : 2048 + 4 }
        changed[segment][at + 300] ^= 4
        let source = try open(changed)
        // What follows the last whole sector is known by the last chunk alone.
        let size = chunk == 25 ? 25 * writer.chunkSize + 512 : medium.count
        try EWFMedia.expectReadable(
            source, of: Array(medium[..<size]), lost: [chunk * 2048..<min(size, (chunk + 1) * 2048)])
        let reason = try #require(source.unreadable.first?.error)
        #expect(reason.contains("chunk \(chunk) in disk.E0\(segment + 1)"), "\(reason)")
    }

    @Test("a damaged table gives way to its copy, with a note")
    func secondTable() throws {
        var changed = segments
        let table = try #require(EWFWriter.section("table", in: changed[0]))
        changed[0][table.start + 76 + 24 + 4] ^= 1
        let source = try open(changed)
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        #expect(source.description.damage.contains { $0.contains("segment 1 (disk.E01): the table") })
    }

    @Test("absurd counts in both tables lose only what they list")
    func absurdTables() throws {
        for count in [0, 6, 1 << 20, 0x7FFF_FFFF, 0xFFFF_FFFF] {
            var changed = segments
            for type in ["table", "table2"] {
                let table = try #require(EWFWriter.section(type, in: changed[0]))
                changed[0].replaceSubrange(table.start + 76..<table.start + 80, with: EWFWriter.bytes32(count))
                EWFWriter.seal(&changed[0], table.start + 76, 20)
            }
            let source = try open(changed)
            #expect(!source.description.damage.isEmpty, "\(count)")
            let bytes = try EWFMedia.all(source)
            if count != 6 {
                #expect(source.unreadable.map { $0.extent.offset..<$0.extent.end } == [range(0..<5)], "\(count)")
                #expect(Array(bytes[range(5..<26)]) == Array(medium[range(5..<26)]))
            }
        }
    }

    @Test("offsets outside the file: those chunks are lost, with the checksums of the tables fixed up")
    func offsetsOutside() throws {
        var changed = segments
        for type in ["table", "table2"] {
            let table = try #require(EWFWriter.section(type, in: changed[0]))
            let entries = table.start + 76 + 24
            changed[0].replaceSubrange(entries + 8..<entries + 12, with: EWFWriter.bytes32(0x7FFF_FFF0))
            EWFWriter.seal(&changed[0], entries, 20)
        }
        let source = try open(changed)
        try EWFMedia.expectReadable(source, of: medium, lost: [range(2..<3)])
        #expect(source.description.damage.contains { $0.contains("lies outside the file") })
    }

    @Test("a loop in the chain of sections ends, and is named")
    func loop() throws {
        for target in [13, 0, 89] {
            var changed = segments
            let table = try #require(EWFWriter.section("table", in: changed[1]))
            changed[1].replaceSubrange(
                table.start..<table.start + 76,
                with: EWFWriter.descriptor("table", next: target, size: table.end - table.start))
            let source = try open(changed)
            #expect(source.description.damage.contains { $0.contains("loop") && $0.contains("disk.E02") })
            try EWFMedia.expectReadable(source, of: medium, lost: [range(15..<20)])
        }
    }

    @Test("a descriptor whose checksum fails is noted; when it leads nowhere, what follows it is lost")
    func damagedDescriptor() throws {
        var changed = segments
        let sectors = try #require(EWFWriter.section("sectors", in: changed[1], occurrence: 1))
        changed[1][sectors.start + 40] ^= 1
        let noted = try open(changed)
        try EWFMedia.expectReadable(noted, of: medium, lost: [])
        #expect(noted.description.damage.contains { $0.contains("checksum of section \"sectors\"") })
        changed[1][sectors.start + 17] ^= 0x55
        try EWFMedia.expectReadable(try open(changed), of: medium, lost: [range(15..<20)])
    }

    /// Found by fuzzing: a range that ended before it began.
    @Test("a section that ends within its own descriptor does no harm", arguments: [1, 40, 75])
    func sectionWithinItsDescriptor(next: Int) throws {
        for type in ["sectors", "table", "table2", "volume"] {
            var changed = segments
            for index in changed.indices {
                guard let section = EWFWriter.section(type, in: changed[index]) else { continue }
                let place = section.start
                changed[index].replaceSubrange(
                    place + 16..<place + 32, with: EWFWriter.bytes64(place + next) + EWFWriter.bytes64(0))
                EWFWriter.seal(&changed[index], place, 72)
            }
            do {
                let source = try open(changed)
                #expect(!source.description.damage.isEmpty, "\(type)")
                _ = try EWFMedia.all(source)
            } catch let error as SourceError {
                #expect(error.code == .damaged || error.code == .unsupported || error.code == .incomplete, "\(type)")
            }
        }
    }

    @Test("volume: absurd values are refused, damage is made up for by section data")
    func volume() throws {
        func changed(_ at: Int, _ bytes: [UInt8], everywhere: Bool) throws -> [[UInt8]] {
            var changed = segments
            for index in everywhere ? [0, 1, 2] : [0] {
                let section = try #require(EWFWriter.section(index == 0 ? "volume" : "data", in: changed[index]))
                changed[index].replaceSubrange(
                    section.start + 76 + at..<section.start + 76 + at + bytes.count, with: bytes)
                if everywhere { EWFWriter.seal(&changed[index], section.start + 76, 1048) }
            }
            return changed
        }
        try EWFMedia.expectReadable(try open(try changed(4, [9], everywhere: false)), of: medium, lost: [])
        let absurd: [(Int, [UInt8])] = [
            (4, [0xFF, 0xFF, 0xFF, 0xFF]), (8, [0xFF, 0xFF, 0xFF, 0xFF]), (8, [0, 0, 0, 0]), (12, [0, 0, 0, 0]),
            (12, [0, 0, 0, 0x40]),
        ]
        for (at, bytes) in absurd {
            let path = try folder.set(try changed(at, bytes, everywhere: true))
            let error = #expect(throws: SourceError.self) { try SourceOpener.open(path) }
            #expect(error?.code == .damaged)
        }
        // Found by fuzzing: 1,430 bytes that stated chunks of 128 MiB took half a gigabyte of memory.
        for sectors in [0x10001, 0x20000, 0x40000] {
            let path = try folder.set(try changed(8, EWFWriter.bytes32(sectors), everywhere: true))
            let error = #expect(throws: SourceError.self) { try SourceOpener.open(path) }
            #expect(error?.code == .unsupported, "\(sectors)")
            #expect(error?.message.contains("more than 32 MiB are not read") == true)
        }
        let sectors = try open(try changed(16, [UInt8](repeating: 0xFF, count: 8), everywhere: true))
        #expect(sectors.size == medium.count)
        #expect(!sectors.description.damage.isEmpty)
    }

    @Test("an altered digest is given as it stands, so that it cannot match")
    func alteredDigest() throws {
        var writer = EWFWriter()
        writer.digests = [EWFWriter.hash([UInt8](repeating: 1, count: 16))]
        for isSealed in [true, false] {
            var changed = writer.write(medium)
            let hash = try #require(EWFWriter.section("hash", in: changed[2]))
            changed[2][hash.start + 76] = 5
            if isSealed { EWFWriter.seal(&changed[2], hash.start + 76, 32) }
            let source = try open(changed)
            #expect(source.description.stored.first?.digest.bytes.first == 5)
            #expect(source.description.damage.isEmpty == isSealed)
        }
    }

    @Test(
        "files that are no image but are named like one are refused", arguments: ["x.E01", "x.e01", "x.s01", "x.Ex01"])
    func misnamed(name: String) throws {
        for content in [[], [0], [UInt8](repeating: 0x45, count: 4096)] {
            let path = try folder.file(name, content)
            let error = #expect(throws: SourceError.self) { try SourceOpener.open(path) }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test("whatever bytes change, nothing traps, hangs or passes for what it is not")
    func randomDamage() throws {
        var state: UInt64 = 99
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for round in 0..<300 {
            var changed = segments
            let segment = next(3)
            for _ in 0..<(1 + next(4)) {
                let at = 13 + next(changed[segment].count - 13)
                // Half of the changes hit descriptors and tables, where they matter most.
                let place =
                    round % 2 == 0 ? at : (EWFWriter.section("table", in: changed[segment])?.start ?? at) + next(130)
                guard place < changed[segment].count else { continue }
                changed[segment][place] = UInt8(next(256))
            }
            do {
                let source = try open(changed)
                let bytes = try EWFMedia.all(source, step: 8192)
                let lost = source.unreadable
                if source.description.damage.isEmpty, lost.isEmpty { #expect(bytes == medium, "\(round)") }
            } catch let error as SourceError {
                #expect(error.code == .damaged, "\(error)")
            }
        }
    }
}
