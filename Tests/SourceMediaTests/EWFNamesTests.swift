import EvidenceModel
import Foundation
import SourceMedia
import Testing

/// The files of a set are found by their names and headers, whatever the names are.
@Suite("Names of EWF segments")
struct EWFNamesTests {
    let folder: EWFFolder

    init() throws { folder = try EWFFolder() }

    /// Endings as EnCase counts them: 01 to 99, AA to ZZ, then the next letter.
    private func ending(_ number: Int, first: Character = "E") -> String {
        if number < 100 { return "\(first)" + (number < 10 ? "0" : "") + "\(number)" }
        let letters = (0..<26).map { Character(Unicode.Scalar(UInt8(65 + $0))) }
        let start = letters.firstIndex(of: first) ?? 0
        let rest = number - 100
        return String([letters[start + rest / 676], letters[rest / 26 % 26], letters[rest % 26]])
    }

    /// A set of many segments with one chunk of one sector each.
    private func tinySegments(_ count: Int) -> (medium: [UInt8], segments: [[UInt8]]) {
        var writer = EWFWriter()
        writer.sectorsPerChunk = 1
        writer.chunksPerTable = 1
        writer.tablesPerSegment = 1
        let medium = EWFMedia.medium(count * 512)
        return (medium, writer.write(medium))
    }

    @Test("more segments than .EZZ has names for, opened by any of them")
    func beyondThreeLetters() throws {
        let (medium, segments) = tinySegments(800)
        for (index, segment) in segments.enumerated() { try folder.file("big." + ending(index + 1), segment) }
        #expect(ending(800) == "FAY")
        for name in ["big.E01", "big.EAA", "big.EZZ", "big.FAA", "big.FAY"] {
            let source = try SourceOpener.open(folder.path(name))
            #expect(source.description.files.count == 800)
            #expect(source.description.damage.isEmpty, "\(name): \(source.description.damage)")
            try EWFMedia.expectReadable(source, of: medium, lost: [])
        }
    }

    @Test("lower-case endings, and a mix of both cases")
    func cases() throws {
        let (medium, segments) = tinySegments(3)
        for (index, segment) in segments.enumerated() {
            try folder.file("low." + ending(index + 1).lowercased(), segment)
            try folder.file("mix." + (index == 1 ? ending(2).lowercased() : ending(index + 1)), segment)
        }
        for name in ["low.e01", "low.e03", "mix.E01", "mix.e02"] {
            let source = try SourceOpener.open(folder.path(name))
            #expect(source.description.damage.isEmpty, "\(name): \(source.description.damage)")
            try EWFMedia.expectReadable(source, of: medium, lost: [])
        }
    }

    @Test("E01 and s01 of one name are two images; .SAA can belong to either")
    func twoSeries() throws {
        let (medium, segments) = tinySegments(2)
        try folder.set(segments)
        try folder.file("disk.s01", [1, 2, 3])
        let source = try SourceOpener.open(folder.path("disk.E01"))
        #expect(source.description.damage.isEmpty, "\(source.description.damage)")
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        // Segment 9,564 of a set that begins with .E01 is .SAA; segment 100 of one that begins with .s01 is, too.
        for number in [9_564, 100, 101] {
            var renumbered = segments[1]
            renumbered.replaceSubrange(9..<11, with: EWFWriter.bytes16(number))
            try folder.file("far.E01", segments[0])
            try folder.file("far.SAA", renumbered)
            let damage = try SourceOpener.open(folder.path("far.E01")).description.damage
            #expect(damage.contains { $0.contains("is named as segment") } == (number == 101), "\(damage)")
        }
    }

    @Test("other files beside an image are just that; one where a segment should be is damage")
    func neighbours() throws {
        let (medium, segments) = tinySegments(2)
        try folder.set(segments)
        for ending in ["vhd", "raw", "iso", "eml", "txt", "log"] { try folder.file("disk.\(ending)", [1, 2, 3]) }
        let source = try SourceOpener.open(folder.path("disk.E01"))
        #expect(source.description.damage.isEmpty, "\(source.description.damage)")
        try EWFMedia.expectReadable(source, of: medium, lost: [])
        for name in ["disk.E03", "disk.E04"] { try folder.file(name, []) }
        let damage = try SourceOpener.open(folder.path("disk.E01")).description.damage
        #expect(damage.count == 2)
    }

    @Test("a set whose files have other names is found by numbers and set identifier, and it is said")
    func otherNames() throws {
        let (medium, segments) = tinySegments(4)
        for (name, index) in [("one.bin", 2), ("two.bin", 0), ("three", 3), ("disk.E07", 1)] {
            try folder.file(name, segments[index])
        }
        var other = EWFWriter()
        other.setIdentifier = [UInt8](repeating: 8, count: 16)
        try folder.file("foreign.bin", other.write(medium)[0])
        for name in ["one.bin", "two.bin", "three", "disk.E07"] {
            let source = try SourceOpener.open(folder.path(name))
            try EWFMedia.expectReadable(source, of: medium, lost: [])
            #expect(source.description.files.map(\.name) == ["two.bin", "disk.E07", "one.bin", "three"])
            #expect(source.description.damage.contains { $0.contains("set identifier") })
        }
    }

    @Test("two files that could be the missing segment are not chosen from")
    func doubtfulSegment() throws {
        let (_, segments) = tinySegments(3)
        try folder.file("disk.E01", segments[0])
        try folder.file("disk.E03", segments[2])
        try folder.file("a.bin", segments[1])
        try folder.file("b.bin", segments[1])
        let source = try SourceOpener.open(folder.path("disk.E01"))
        #expect(source.unreadable.map { $0.extent.offset } == [512])
        #expect(source.description.damage.contains { $0.contains("a.bin, b.bin") })
    }
}
