import Digesting
import EvidenceModel
import Foundation
import Scanning
import SourceMedia
import Testing

/// A medium that takes time to unpack, in a container of several files on disk.
private struct PackedMedium: SourceReader {
    let content: [UInt8]
    let description: SourceDescription

    init(_ content: [UInt8], in folder: URL, files: [[UInt8]], stated: [Int]? = nil) throws {
        self.content = content
        var described: [SourceFile] = []
        for (index, bytes) in files.enumerated() {
            let name = "disk.E0\(index + 1)"
            try Data(bytes).write(to: folder.appending(path: name))
            let size = stated?[index] ?? bytes.count
            described.append(SourceFile(nameBytes: Array(name.utf8), size: size, modified: nil, mode: nil))
        }
        description = SourceDescription(
            kind: .ewf, path: folder.appending(path: "disk.E01").path, files: described, mediaSize: content.count,
            sectorSize: 512, device: nil, oddities: [], warnings: [])
    }

    var size: Int { content.count }
    var unreadable: [UnreadableRange] { [] }
    var isFilledInParallel: Bool { true }
    func checkUnchanged() throws(SourceError) {}
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        // Pages get ready in another order than they are asked for.
        if offset % (3 << 20) == 0 { Thread.sleep(forTimeInterval: 0.005) }
        return try MemorySource(content).read(at: offset, into: &destination)
    }
}

@Suite("A pass over a container")
final class ContainerPassTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "container-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 11
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
    }

    @Test(
        "pages filled by any number of workers give the same as those filled in order",
        arguments: [0, 1, (1 << 20) + 1, (40 << 20) + 77])
    func parallel(size: Int) throws {
        // Zeros, noise, zeros: blocks of both kinds.
        let content =
            [UInt8](repeating: 0, count: size / 4) + Self.noise(size / 20)
            + [UInt8](repeating: 0, count: size - size / 4 - size / 20)
        var blocks: [UInt8] = []
        for start in stride(from: 0, to: size, by: 1 << 20) {
            blocks += try digest(.sha256, of: content[start..<min(size, start + (1 << 20))]).bytes
        }
        let files = [[1, 2, 3], Self.noise(2_500_000), [], [4]]
        for workers in [1, 2, 8] {
            var pass = MediaPass()
            pass.workers = workers
            pass.digestsContainer = true
            pass.search = CandidateSearch(margin: 16) { bytes, usable, base, found in
                for index in 0..<min(usable, 4) where bytes[index] == 0 { found.append(base + index) }
            }
            let result = try pass.run(over: try PackedMedium(content, in: folder, files: files))
            let expected = try [DigestAlgorithm.md5, .sha1, .sha256].map { try digest($0, of: content) }
            #expect(result.digests == expected)
            #expect(result.blockDigests == blocks)
            #expect(result.candidates == result.candidates.sorted())
            let digests = try files.map { ContainerFileDigest.digest(try digest(.sha256, of: $0)) }
            #expect(result.containerDigests == digests)
        }
    }

    @Test("a container's file that is shorter than it was ends the pass")
    func changed() throws {
        let medium = try PackedMedium(Self.noise(3 << 20), in: folder, files: [[1, 2, 3]], stated: [4])
        var pass = MediaPass()
        pass.digestsContainer = true
        let error = #expect(throws: SourceError.self) { try pass.run(over: medium) }
        #expect(error?.code == .changed)
    }
}
