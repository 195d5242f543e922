import EvidenceModel
import Foundation
import Testing

/// What can be wrong with a set, one by one, with the real programs: the exit status is 1, the message says where, and
/// what can be read is read.
@Suite("The matrix of damaged EWF sets", .enabled(if: EWFTests.hasTools))
struct EWFDamageMatrixTests {
    let lab: Laboratory
    let medium: [UInt8]
    /// Three segments of 32, 32 and 28 chunks of 32 KiB or so, stored raw.
    let segments: [[UInt8]]

    init() throws {
        lab = try Laboratory()
        var numbers = SeededNumbers(seed: 5)
        medium = (0..<3_000_077).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
        try lab.file("medium.dd", medium)
        let made = try lab.shell("ewfacquire -u -q -S 1MiB -c none -d sha1 -f encase6 -t made medium.dd </dev/null")
        try #require(made.status == 0, "\(made.text)\(made.errors)")
        segments = try (1...3).map { [lab] in try lab.content(lab.path("made.E0\($0)")) }
        let begun = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "T-1")
        try #require(begun.status == 0, "\(begun.errors)")
    }

    /// Takes files in, and demands status 1 and words.
    ///
    /// - Parameters:
    ///   - files: by their endings.
    ///   - opened: the ending of the file to name.
    ///   - takenIn: whether the item is taken in, with what of it can be read, or refused.
    private func expect(
        _ words: String, _ files: [String: [UInt8]], opened: String = "E01", takenIn: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let item = "I" + UUID().uuidString.prefix(8)
        for (ending, content) in files { try lab.file("\(item).\(ending)", content) }
        let answer = try lab.signed(
            "ingest", lab.path("\(item).\(opened)"), "--case", lab.path("case"), "--item", item)
        let said = (answer.text + answer.errors).replacing(item, with: "disk")
        #expect(answer.status == 1, "\(words): \(said)", sourceLocation: sourceLocation)
        #expect(said.contains(words), "\(said)", sourceLocation: sourceLocation)
        #expect(!said.lowercased().contains("verified"), "\(said)", sourceLocation: sourceLocation)
        let manifest = lab.path("case/evidence/\(item)/manifest.json")
        let isThere = FileManager.default.fileExists(atPath: manifest)
        #expect(isThere == takenIn, "\(said)", sourceLocation: sourceLocation)
        guard takenIn else { return }
        // What was taken in is said to be damaged ever after.
        let verification = try lab.run(["verify", item, "--case", lab.path("case")])
        #expect(verification.status == 1, "\(verification.text)", sourceLocation: sourceLocation)
    }

    @Test("missing, misplaced, foreign and doubled segments")
    func segmentFiles() throws {
        let (first, second, third) = (segments[0], segments[1], segments[2])
        try expect("segment 1 is missing", ["E02": second, "E03": third], opened: "E02")
        try expect("segment 2 is missing", ["E01": first, "E03": third])
        try expect("segment 3 is missing", ["E01": first, "E02": second])
        try expect(
            "disk.E02 is named as segment 2, but its header says 3", ["E01": first, "E02": third, "E03": second])
        try expect(
            "disk.E04 says that it is segment 2 too", ["E01": first, "E02": second, "E03": third, "E04": second])
        try expect("disk.E03 says that it is segment 2 too", ["E01": first, "E02": second, "E03": second])

        // ewfacquire gives its sets no identifier: the digest must tell, as it must of segments of SMART.
        try lab.file("elsewhere.dd", medium.map { $0 ^ 0xFF })
        let other = try lab.shell(
            "ewfacquire -u -q -S 1MiB -c none -f encase6 -t other elsewhere.dd </dev/null && "
                + "ewfacquire -u -q -S 1MiB -c fast -f smart -t smart medium.dd </dev/null")
        try #require(other.status == 0)
        try expect("MD5", ["E01": first, "E02": try lab.content(lab.path("other.E02")), "E03": third])
        let stranger = try lab.content(lab.path("smart.s02"))
        try expect(
            "segment 2 (disk.E02) has another layout than the segments before it",
            ["E01": first, "E02": stranger, "E03": third])
    }

    @Test("files that are cut off, empty or no image")
    func contents() throws {
        let (first, second, third) = (segments[0], segments[1], segments[2])
        for cut in [1, 100, 300, 2000, 500_000] {
            try expect("segment 3 (disk.E03)", ["E01": first, "E02": second, "E03": third.dropLast(cut)])
        }
        try expect("disk.E01", ["E01": []], takenIn: false)
        try expect("disk.E01", ["E01": Array(medium.prefix(100_000))], takenIn: false)
        try expect("disk.E03 is named like a segment", ["E01": first, "E02": second, "E03": []])
    }

    @Test("bits, digests, chains, offsets and counts")
    func structures() throws {
        func changed(_ segment: Int, _ change: (inout [UInt8]) throws -> Void) rethrows -> [String: [UInt8]] {
            var files = segments
            try change(&files[segment])
            return ["E01": files[0], "E02": files[1], "E03": files[2]]
        }
        try expect("chunk 15 in disk.E01", changed(0) { $0[500_000] ^= 0x10 })
        for type in ["hash", "digest"] {
            try expect(
                "MD5",
                changed(2) { file in
                    let at = try #require(Self.section(type, in: file)).start + 76
                    file[at] ^= 1
                    Self.seal(&file, at, type == "hash" ? 32 : 76)
                })
        }
        try expect(
            "the chain of sections is a loop",
            changed(1) { file in
                let at = try #require(Self.section("table", in: file)).start
                file.replaceSubrange(at + 16..<at + 24, with: Self.bytes(13, 8))
                Self.seal(&file, at, 72)
            })
        try expect(
            "lies outside the file",
            changed(1) { file in
                for type in ["table", "table2"] {
                    let section = try #require(Self.section(type, in: file))
                    let entries = section.start + 76 + 24
                    file.replaceSubrange(entries + 8..<entries + 12, with: Self.bytes(0x7FFF_FFF0, 4))
                    Self.seal(&file, entries, section.size - 76 - 24 - 4)
                }
            })
        try expect(
            "the table at byte",
            changed(1) { file in
                for type in ["table", "table2"] {
                    let at = try #require(Self.section(type, in: file)).start + 76
                    file.replaceSubrange(at..<at + 4, with: Self.bytes(0xFFFF_FFFF, 4))
                    Self.seal(&file, at, 20)
                }
            })
        // An absurd number of chunks, said by every segment in agreement.
        var absurd = segments
        for index in absurd.indices {
            for type in ["volume", "data"] {
                guard let section = Self.section(type, in: absurd[index]) else { continue }
                absurd[index].replaceSubrange(section.start + 80..<section.start + 84, with: Self.bytes(0xFFFF_FFFF, 4))
                Self.seal(&absurd[index], section.start + 76, 1048)
            }
        }
        try expect("of the 4294967295 chunks", ["E01": absurd[0], "E02": absurd[1], "E03": absurd[2]], takenIn: false)
    }

    // MARK: The format, as far as damage needs it

    private static func section(_ type: String, in file: [UInt8]) -> (start: Int, size: Int)? {
        var at = 13
        while at + 76 <= file.count {
            let next = number(file, at + 16)
            if Array(file[at..<at + 16].prefix { $0 != 0 }) == Array(type.utf8) { return (at, number(file, at + 24)) }
            guard next > at else { return nil }
            at = next
        }
        return nil
    }

    private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
        (0..<8).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }

    private static func bytes(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// Writes the Adler-32 of `count` bytes behind them.
    private static func seal(_ file: inout [UInt8], _ start: Int, _ count: Int) {
        var sum = (1, 0)
        for byte in file[start..<start + count] {
            sum.0 = (sum.0 + Int(byte)) % 65521
            sum.1 = (sum.1 + sum.0) % 65521
        }
        file.replaceSubrange(start + count..<start + count + 4, with: bytes(sum.1 << 16 | sum.0, 4))
    }
}
