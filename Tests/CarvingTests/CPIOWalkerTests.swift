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
        let file = Self.sample(magic)
        expectExact(CPIOWalker(), file, .structural, format: "cpio")
        let trailer = file.count - 512
        for length in stride(from: 0, to: trailer, by: 7) {
            #expect(verdict(of: CPIOWalker(), on: Array(file[..<length])).completed == nil, "cut to \(length)")
        }
        expectNeverTraps(CPIOWalker(), file)
        expectLiesAreFound(CPIOWalker(), file)
        expectDecoyRefused(CPIOWalker(), file, keeping: 6)
        expectDecoyRefused(CPIOWalker(), file, keeping: 110)
        let facts = verdict(of: CPIOWalker(), on: file).completed?.facts
        #expect(facts?["members"] == .size(2))
        #expect(facts?["names"] == .array(["etc/hostname", "bin/true"]))
    }

    @Test func aSumThatDoesNotHoldShows() {
        var file = Self.sample("070702")
        file[600] ^= 1
        #expect(verdict(of: CPIOWalker(), on: file).brokenPrefix != nil)
    }
}
