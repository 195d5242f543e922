import FormatIdentification
import Testing

@testable import Carving

@Suite struct FormatListTests {
    /// Every signature that is searched for is listed once, and everything else is counted.
    @Test func listsWhatIsSearchedFor() throws {
        let magic = try MagicDatabases.standard()
        let list = FormatList(magic: magic)
        let index = SignatureIndex.forCarving(magic: magic)
        let walkers = list.formats.filter { $0.source == FormatList.walkers }
        #expect(walkers.map(\.name) == allFormatWalkers.map(\.name))
        #expect(walkers.flatMap(\.signatures).count == index.walkerCount)
        #expect(list.formats.flatMap(\.signatures).count >= index.signatures.count)
        let listed = Set(list.formats.flatMap(\.signatures))
        for signature in index.signatures {
            #expect(listed.contains(WalkerSignature(signature.bytes, at: signature.offset)))
        }
        let tests = list.databases.reduce(0) { $0 + $1.tests }
        let leftOut = list.leftOut.short + list.leftOut.far + list.leftOut.weak
        #expect(tests >= list.databases.reduce(0) { $0 + $1.searched } + leftOut + list.otherTests)
        #expect(list.otherTests > 0)
    }

    @Test func tellsHowAFormatIsWalked() throws {
        let list = FormatList(magic: try MagicDatabases.standard())
        let webm = try #require(list.formats.first { $0.source != FormatList.walkers && $0.name.hasPrefix("EBML") })
        #expect(webm.walker == "matroska")
        #expect(list.formats.contains { $0.walker == nil && !$0.mime.isEmpty })
        #expect(list.formats.contains { $0.source == "exhibit" })
        let flac = try #require(list.formats.first { $0.name == "flac" && $0.source == FormatList.walkers })
        #expect(flac.mime == "audio/flac")
    }

    /// Every walker's formats have a type, and but for the recycle bin's notes, which end as the deleted file did, an
    /// extension.
    @Test func everyWalkerHasATypeAndAnExtension() throws {
        let names = Set(allFormatWalkers.map(\.name))
        #expect(names.count == allFormatWalkers.count)
        #expect(Set(FormatList.typesOfWalkers.keys) == names)
        for (name, type) in FormatList.typesOfWalkers {
            #expect(type.mime.split(separator: "/").count == 2, "\(name)")
            #expect(!type.extensions.isEmpty || name == "recycled", "\(name)")
        }
    }
}
