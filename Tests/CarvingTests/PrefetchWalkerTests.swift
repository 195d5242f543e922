import EvidenceModel
import Testing

@testable import Carving

@Suite struct PrefetchWalkerTests {
    private static func utf16(_ text: String) -> [UInt8] { text.utf16.flatMap { [UInt8].le16(Int($0)) } }

    /// What a prefetch file of version 30 holds: two runs of SEAL.EXE.
    private static func content(size: Int = 1024) -> [UInt8] {
        var file = [UInt8](repeating: 0, count: size)
        file.put(.le32(30) + Array("SCCA".utf8) + .le32(0x11) + .le32(size) + utf16("SEAL.EXE"), at: 0)
        let names = utf16("\\VOLUME{01}\\SEAL.EXE\0")
        file.put(.le32(296) + .le32(1) + .le32(300) + .le32(1) + .le32(320) + .le32(names.count), at: 84)
        file.put(.le32(400) + .le32(1) + .le32(size - 400), at: 108)
        // 2021-03-04 05:06:07 UTC, and a day before.
        file.put(.le64(132_593_079_670_000_000) + .le64(132_592_215_670_000_000), at: 128)
        file.put(.le32(2), at: 200)
        file.put(names, at: 320)
        file.put(.le32(96), at: 400)
        file.put(utf16("\\VOLUME{01}"), at: 496)
        return file
    }

    /// The content under a table in which each of the 512 symbols has nine bits; runs of a byte become matches.
    private static func compressed(_ content: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = []
        for start in stride(from: 0, to: content.count, by: 1 << 16) {
            let block = content[start..<min(start + 1 << 16, content.count)]
            stream += [UInt8](repeating: 0x99, count: 256)
            var bits: [UInt8] = []
            func put(_ symbol: Int) { bits += (0..<9).map { UInt8(symbol >> (8 - $0) & 1) } }
            var at = block.startIndex
            while at < block.endIndex {
                put(Int(block[at]))
                let run = block[at..<min(at + 18, block.endIndex)].prefix { $0 == block[at] }.count
                // A match of distance 1: sixteen kinds of length, of which the last one would need more bytes.
                if run >= 4 { put(256 + min(run - 1, 17) - 3) }
                at += run >= 4 ? min(run, 18) : 1
            }
            if block.endIndex == content.count { put(256) }
            // The reader is two words ahead.
            let words = max(2, 1 + (bits.count + 15) / 16)
            bits += [UInt8](repeating: 0, count: words * 16 - bits.count)
            for word in 0..<words {
                let value = bits[word * 16..<word * 16 + 16].reduce(0) { $0 << 1 | Int($1) }
                stream += .le16(value)
            }
        }
        return stream
    }

    private static func windows10(_ content: [UInt8]) -> [UInt8] {
        Array("MAM".utf8) + [4] + .le32(content.count) + compressed(content)
    }

    @Test func theCompressedFormEndsWhereItsDataDo() {
        let file = Self.windows10(Self.content())
        expectExact(PrefetchWalker(), file, .structural, format: "prefetch")
        expectNeverWholeWhenTruncated(PrefetchWalker(), file, every: 7)
        expectNeverTraps(PrefetchWalker(), file, rounds: 1000)
        let facts = verdict(of: PrefetchWalker(), on: file).completed?.facts
        #expect(facts?["executable"] == "SEAL.EXE")
        #expect(facts?["run_count"] == 2)
        #expect(facts?["last_runs"] == .array(["2021-03-04T05:06:07.000Z", "2021-03-03T05:06:07.000Z"]))
        #expect(facts?["content_bytes"] == .size(1024))
    }

    @Test func contentOfSeveralTablesIsRead() {
        var generator = SeededGenerator(seed: 41)
        let large = Self.content(size: 150_000)
        let content = large.prefix(1000) + generator.bytes(149_000)
        var data = XpressHuffman(Self.compressed(Array(content)) + generator.bytes(100))
        let found = data.content(of: content.count)
        #expect(found?.content == Array(content))
        #expect(found?.consumed == Self.compressed(Array(content)).count)
    }

    @Test func aPieceOfAnotherFileShows() {
        var generator = SeededGenerator(seed: 42)
        var content = Self.content(size: 6000)
        content.put(generator.bytes(4000), at: 1500)
        let file = Self.windows10(content)
        for foreign in [generator.bytes(512), [UInt8](repeating: 0, count: 512), [UInt8](repeating: 0x41, count: 512)] {
            for border in stride(from: 512, to: file.count, by: 512) {
                let found = verdict(of: PrefetchWalker(), on: file[..<border] + foreign + file[border...])
                #expect(found.completed == nil, "at \(border)")
            }
        }
    }

    @Test func theOlderFormStatesItsSize() {
        let file = Self.content()
        let found = verdict(of: PrefetchWalker(), on: file + [1, 2, 3]).completed
        #expect(found?.length == file.count)
        #expect(found?.facts["run_count"] == 2)
        expectNeverTraps(PrefetchWalker(), file)
    }
}
