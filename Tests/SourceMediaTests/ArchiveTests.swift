import Digesting
import EvidenceModel
import Foundation
import Testing

@testable import SourceMedia

@Suite("Archives as sources")
struct ArchiveTests {
    /// Reads a file's members in this process, as the confined one does it.
    private func listing(
        _ path: String, _ format: ArchiveFormat, _ limits: ArchiveLimits = ArchiveLimits()
    ) throws -> ArchiveListing {
        let file = try ReadOnlyFile(path: Array(path.utf8))
        var output: [UInt8] = []
        ArchiveReader(format, descriptor: file.descriptor, limits: limits) { line in
            output += line + [10]
            return true
        }?.run()
        var parser = ArchiveListParser()
        parser.read(output)
        return parser.finish(.exited(0))
    }

    /// Three files, one of them empty, one in a folder.
    private func fill(_ bench: DiskBench) throws -> [String: [UInt8]] {
        let files = ["a.txt": Array("evidence\n".utf8), "empty": [], "sub/b.bin": DiskBench.medium(300_000)]
        try FileManager.default.createDirectory(atPath: bench.path("in/sub"), withIntermediateDirectories: true)
        for (name, content) in files { try bench.file("in/" + name, content) }
        return files
    }

    static let makers: [(format: ArchiveFormat, name: String, program: String, arguments: [String])] = [
        (.zip, "a.zip", "zip", ["-q", "-r", "../a.zip", "."]),
        (.zip, "a.ufdr", "zip", ["-q", "-0", "-r", "../a.ufdr.zip", "."]),
        (.tar, "a.tar", "tar", ["-cf", "../a.tar", "."]),
        (.tar, "a.tar", "tar", ["--format=ustar", "-cf", "../a.tar", "."]),
        (.tarGzip, "a.tar.gz", "tar", ["-czf", "../a.tar.gz", "."]),
        (.tarBzip2, "a.tbz2", "tar", ["-cjf", "../a.tbz2", "."]),
        (.tarXZ, "a.tar.xz", "tar", ["-cJf", "../a.tar.xz", "."]),
    ]

    private func make(_ bench: DiskBench, _ program: String, _ arguments: [String], _ name: String) throws -> String {
        let place = bench.folder
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/" + program)
        process.arguments = arguments
        process.currentDirectoryURL = place.appending(path: "in")
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        if !FileManager.default.fileExists(atPath: bench.path(name)) {
            try FileManager.default.moveItem(atPath: bench.path(name + ".zip"), toPath: bench.path(name))
        }
        return bench.path(name)
    }

    @Test("members are listed with their digests, the medium is the file", arguments: makers)
    func formats(format: ArchiveFormat, name: String, program: String, arguments: [String]) throws {
        let bench = try DiskBench()
        let files = try fill(bench)
        let path = try make(bench, program, arguments, name)
        let source = try SourceOpener.open(path)
        #expect(source.description.kind == .archive)
        #expect(source.description.damage.isEmpty)
        #expect(try wholeContent(source) == bench.content(name))
        let found = try listing(path, format)
        #expect(found.damage.isEmpty, "\(found.damage)")
        var read: [String: Digest] = [:]
        for member in found.members where member.notRead == nil {
            let name = String(decoding: member.nameBytes, as: UTF8.self)
            read[name.hasPrefix("./") ? String(name.dropFirst(2)) : name] = member.sha256
        }
        #expect(read == (try files.mapValues { try digest(.sha256, of: $0) }))
        #expect(found.members.contains { $0.notRead == "folder" })
    }

    @Test("7z, where there is a program that makes it")
    func sevenZip() throws {
        let bench = try DiskBench()
        let files = try fill(bench)
        let path = try make(bench, "bsdtar", ["--format=7zip", "-cf", "../a.7z", "."], "a.7z")
        #expect(try SourceOpener.open(path).description.kind == .archive)
        let found = try listing(path, .sevenZip)
        #expect(found.damage.isEmpty, "\(found.damage)")
        #expect(found.members.count { $0.notRead == nil } == files.count)
        var bytes = try bench.content("a.7z")
        bytes.removeLast()
        #expect(try SourceOpener.open(try bench.file("b.7z", bytes)).description.damage.count == 1)
        #expect(try SourceOpener.open(try bench.file("b.dd", bytes)).description.kind == .raw)
    }

    @Test("media and documents that begin like archives stay what they are")
    func notArchives() throws {
        let bench = try DiskBench()
        _ = try fill(bench)
        let zip = try make(bench, "zip", ["-q", "-r", "../a.zip", "."], "a.zip")
        let bytes = try bench.content("a.zip")
        let medium = bytes + [UInt8](repeating: 0, count: 100_000)
        #expect(try SourceOpener.open(try bench.file("disk.dd", medium)).description.kind == .raw)
        #expect(try SourceOpener.open(try bench.file("late.dd", [0] + bytes)).description.kind == .raw)
        _ = try make(bench, "tar", ["-cf", "../a.tar", "."], "a.tar")
        #expect(try SourceOpener.open(try bench.file("tar.dd", bench.content("a.tar"))).description.kind == .raw)
        try bench.file("in/[Content_Types].xml", Array("<x/>".utf8))
        let document = try make(bench, "zip", ["-q", "-r", "../a.docx.zip", "."], "a.docx.zip")
        #expect(try SourceOpener.open(document).description.kind == .raw)
        _ = zip
    }

    @Test("damage is named with the member, and the file is taken in all the same")
    func damage() throws {
        let bench = try DiskBench()
        _ = try fill(bench)
        let path = try make(bench, "zip", ["-q", "-0", "-r", "../a.zip", "."], "a.zip")
        let whole = try bench.content("a.zip")
        var flipped = whole
        let at = try #require(Data(whole).range(of: Data("evidence".utf8))?.lowerBound)
        flipped[at] ^= 1
        try bench.file("a.zip", flipped)
        #expect(try SourceOpener.open(path).description.kind == .archive)
        let found = try listing(path, .zip)
        #expect(found.damage.contains { $0.contains("a.txt") }, "\(found.damage)")
        #expect(found.members.first { $0.nameBytes == Array("a.txt".utf8) }?.sha256 == nil)
        #expect(found.members.contains { $0.nameBytes == Array("sub/b.bin".utf8) && $0.sha256 != nil })
        for cut in [whole.count - 1, whole.count / 2, 40] {
            let source = try SourceOpener.open(try bench.file("cut.zip", Array(whole[..<cut])))
            #expect(source.description.kind == .archive)
            #expect(!source.description.damage.isEmpty)
            #expect(try wholeContent(source) == Array(whole[..<cut]))
        }
        _ = try make(bench, "tar", ["-czf", "../a.tgz", "."], "a.tgz")
        let tar = try bench.content("a.tgz")
        try bench.file("a.tgz", Array(tar[..<(tar.count / 2)]))
        #expect(!(try listing(bench.path("a.tgz"), .tarGzip)).damage.isEmpty)
    }

    @Test("limits end the reading and are told")
    func limits() throws {
        let bench = try DiskBench()
        try FileManager.default.createDirectory(atPath: bench.path("in"), withIntermediateDirectories: true)
        try bench.file("in/zeros", [UInt8](repeating: 0, count: 20 << 20))
        for index in 0..<30 { try bench.file("in/f\(index)", [1]) }
        let path = try make(bench, "tar", ["-cJf", "../a.tar.xz", "."], "a.tar.xz")
        var limits = ArchiveLimits()
        limits.freeBytes = 1 << 20
        limits.ratio = 10
        #expect((try listing(path, .tarXZ, limits)).damage.contains { $0.contains("limit on ratio") })
        limits = ArchiveLimits()
        limits.contentBytes = 1000
        #expect((try listing(path, .tarXZ, limits)).damage.contains { $0.contains("limit on content") })
        limits = ArchiveLimits()
        limits.members = 5
        let few = try listing(path, .tarXZ, limits)
        #expect(few.damage.contains { $0.contains("limit on members") })
        #expect(few.members.count == 5)
        limits = ArchiveLimits()
        limits.listingBytes = 300
        #expect((try listing(path, .tarXZ, limits)).damage.contains { $0.contains("limit on the list") })
        limits = ArchiveLimits()
        limits.nameLength = 2
        #expect((try listing(path, .tarXZ, limits)).damage.contains { $0.contains("limit on names") })
    }

    @Test("names that lead outside, stand twice or are not UTF-8 are listed as they are")
    func names() throws {
        let bench = try DiskBench()
        func header(_ name: [UInt8], type: UInt8 = 0x30, link: String = "") -> [UInt8] {
            var block = [UInt8](repeating: 0, count: 512)
            func put(_ bytes: [UInt8], _ at: Int) { block.replaceSubrange(at..<at + bytes.count, with: bytes) }
            put(name, 0)
            put(Array("0000644\0".utf8), 100)
            put(Array("0000000\0".utf8), 108)
            put(Array("0000000\0".utf8), 116)
            put(Array("00000000000\0".utf8), 124)
            put(Array("00000000000\0".utf8), 136)
            put(Array("        ".utf8), 148)
            block[156] = type
            put(Array(link.utf8), 157)
            put(Array("ustar\0".utf8) + Array("00".utf8), 257)
            let sum = block.reduce(0) { $0 + Int($1) }
            put(
                Array((String(repeating: "0", count: 6 - String(sum, radix: 8).count) + String(sum, radix: 8)).utf8),
                148)
            block[154] = 0
            return block
        }
        let names: [[UInt8]] = [
            Array("../../etc/passwd".utf8), Array("/root/x".utf8), Array("twice".utf8), Array("twice".utf8),
            [0xFF, 0xFE],
        ]
        var tar = names.flatMap { header($0) }
        tar += header(Array("link".utf8), type: 0x32, link: "/etc/shadow") + [UInt8](repeating: 0, count: 1024)
        let path = try bench.file("a.tar", tar)
        #expect(try SourceOpener.open(path).description.kind == .archive)
        let found = try listing(path, .tar)
        #expect(found.members.map(\.nameBytes) == names + [Array("link".utf8)])
        #expect(found.members.last?.notRead == "symbolic link to /etc/shadow")
        #expect(found.warnings.contains { $0.contains("more than once") })
        #expect(found.warnings.contains { $0.contains("lead out") })
        #expect(found.damage.isEmpty, "\(found.damage)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path) == ["a.tar"])
    }

    @Test("encrypted members are noted")
    func encrypted() throws {
        let bench = try DiskBench()
        _ = try fill(bench)
        let path = try make(bench, "zip", ["-q", "-r", "-P", "secret", "../a.zip", "."], "a.zip")
        let found = try listing(path, .zip)
        #expect(found.members.contains { $0.notRead == "encrypted" })
        #expect(found.warnings.contains { $0.contains("encrypted") })
    }

    @Test("altered archives end in words", arguments: [ArchiveFormat.zip, .tar, .tarGzip, .tarXZ])
    func mutations(format: ArchiveFormat) throws {
        let bench = try DiskBench()
        _ = try fill(bench)
        let maker = try #require(Self.makers.first { $0.format == format })
        _ = try make(bench, maker.program, maker.arguments, maker.name)
        let whole = try bench.content(maker.name)
        var state: UInt64 = 5
        for _ in 0..<60 {
            var bytes = whole
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let near = state & 1 == 0 ? 0 : max(0, bytes.count - 1000)
                bytes[near + Int(state >> 40) % min(1000, bytes.count - near)] = UInt8(truncatingIfNeeded: state >> 32)
            }
            let path = try bench.file(maker.name, bytes)
            _ = try SourceOpener.open(path)
            _ = try listing(path, format)
        }
    }
}
