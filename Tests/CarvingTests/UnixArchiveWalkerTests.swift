import EvidenceModel
import Foundation
import Testing

@testable import Carving

@Suite struct UnixArchiveWalkerTests {
    static func member(_ name: String, _ content: [UInt8]) -> [UInt8] {
        func field(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: width - text.utf8.count)
        }
        let header =
            field(name, 16) + field("1700000000", 12) + field("0", 6) + field("0", 6) + field("100644", 8)
            + field(String(content.count), 10) + "`\n"
        return Array(header.utf8) + content + (content.count % 2 == 1 ? [0x0A] : [])
    }

    /// A Debian package whose data are compressed by xz(1).
    private static func package(_ tool: String, _ ending: String) throws -> [UInt8] {
        var generator = SeededGenerator(seed: 12)
        let data = try withTemporaryFolder { folder in
            try Data(generator.bytes(3000)).write(to: folder.appendingPathComponent("data.tar"))
            return try run(tool, ["-c", "data.tar"], in: folder)
        }
        return joined(
            Array("!<arch>\n".utf8), member("debian-binary", Array("2.0\n".utf8)),
            member("control.tar.xz", generator.bytes(101)), member("data.tar" + ending, data))
    }

    @Test(arguments: [("xz", ".xz"), ("gzip", ".gz")])
    func aPackageEndsWithItsData(_ kind: (tool: String, ending: String)) throws {
        let file = try Self.package(kind.tool, kind.ending)
        expectExact(UnixArchiveWalker(), file, .structural, format: "deb")
        expectNeverWholeWhenTruncated(UnixArchiveWalker(), file, every: 3)
        expectNeverTraps(UnixArchiveWalker(), file)
        expectLiesAreFound(UnixArchiveWalker(), file)
        expectDecoyRefused(UnixArchiveWalker(), file, keeping: 8)
        expectDecoyRefused(UnixArchiveWalker(), file, keeping: 140)
        let found = verdict(of: UnixArchiveWalker(), on: file).completed
        #expect(
            found?.facts["names"] == .array(["debian-binary", "control.tar.xz", .string("data.tar" + kind.ending)]))
        #expect(found?.unchecked.isEmpty == true)
    }

    @Test func aLibraryEndsWhereNoMemberFollows() {
        var generator = SeededGenerator(seed: 13)
        let file = joined(
            Array("!<arch>\n".utf8), Self.member("/", generator.bytes(40)), Self.member("a.o/", generator.bytes(777)),
            Self.member("b.o/", generator.bytes(1024)))
        expectExact(UnixArchiveWalker(), file, .header, format: "ar")
        expectNeverSureWhenTruncated(UnixArchiveWalker(), file)
        expectNeverTraps(UnixArchiveWalker(), file)
        #expect(verdict(of: UnixArchiveWalker(), on: file).completed?.facts["names"] == .array(["/", "a.o", "b.o"]))
    }
}
