import EvidenceModel
import Testing

@testable import Carving

@Suite struct CPIOWalkerTests {
    private static func padded(_ value: Int, _ digits: Int, radix: Int) -> String {
        let text = String(value, radix: radix)
        return String(repeating: "0", count: digits - text.count) + text
    }

    /// An archive as `cpio -o -H newc`, `-H crc` and `-H odc` write them.
    static func sample(_ magic: String) -> [UInt8] {
        var generator = SeededGenerator(seed: 6)
        var file: [UInt8] = []
        let members = [("etc/hostname", generator.bytes(13)), ("bin/true", generator.bytes(1290)), ("TRAILER!!!", [])]
        for (name, content) in members {
            if magic == "070707" {
                let numbers = [1, 2, 0o100644, 0, 0, 1, 0].map { padded($0, 6, radix: 8) }.joined()
                let sizes = padded(0, 11, radix: 8) + padded(name.utf8.count + 1, 6, radix: 8)
                file += Array((magic + numbers + sizes + padded(content.count, 11, radix: 8) + name + "\0").utf8)
                file += content
            } else {
                let sum = magic == "070702" ? content.reduce(0) { $0 + Int($1) } : 0
                let fields = [
                    1, 0o100644, 0, 0, 1, 0x5000_0000, content.count, 8, 1, 0, 0, name.utf8.count + 1, sum,
                ]
                file += Array((magic + fields.map { padded($0, 8, radix: 16) }.joined() + name + "\0").utf8)
                while file.count % 4 != 0 { file.append(0) }
                file += content
                while file.count % 4 != 0 { file.append(0) }
            }
        }
        while file.count % 512 != 0 { file.append(0) }
        return file
    }

    @Test(arguments: ["070701", "070702", "070707"]) func endsWithItsTrailer(magic: String) {
        let padded = Self.sample(magic)
        let file = Array(padded[..<(padded.lastIndex { $0 != 0 }.map { ($0 + 5) / 4 * 4 } ?? 0)])
        let walker = CPIOWalker()
        let bare: [UInt8] = magic == "070707" ? Array(padded[...(padded.lastIndex { $0 != 0 } ?? 0)]) + [0] : file
        let whole = verdict(of: walker, on: bare + [1]).completed
        #expect(whole?.length == bare.count)
        #expect(whole?.confidence == .structural)
        #expect(verdict(of: walker, on: bare).completed?.confidence == .structural)
        // Zeros behind it: the archive's own, or the medium's.
        let found = verdict(of: walker, on: padded + [UInt8](repeating: 0, count: 1024)).completed
        #expect(found?.length == padded.count)
        #expect(found?.certainLength == bare.count)
        #expect(found?.confidence == .header)
        expectNeverWholeWhenTruncated(walker, bare, noise: 0)
        expectNeverTraps(walker, padded)
        expectLiesAreFound(walker, padded)
        expectDecoyRefused(walker, padded, keeping: 6)
        expectDecoyRefused(walker, padded, keeping: 110)
        let facts = found?.facts
        #expect(facts?["members"] == .size(2))
        #expect(facts?["names"] == .array(["etc/hostname", "bin/true"]))
    }

    @Test func aSumThatDoesNotHoldShows() {
        var file = Self.sample("070702")
        file[600] ^= 1
        #expect(verdict(of: CPIOWalker(), on: file).brokenPrefix != nil)
    }
}
