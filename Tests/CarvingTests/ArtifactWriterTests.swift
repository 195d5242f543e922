import Digesting
import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

@Suite struct ArtifactWriterTests {
    private func artifact(_ content: [UInt8], _ extents: [Extent]) throws -> Artifact {
        let bytes = extents.flatMap { content[$0.offset..<$0.end] }
        return Artifact(
            id: "0123456789abcdef", item: "E001", origin: .carved, mime: "a/b", format: "f", fileExtension: "f",
            description: "", size: bytes.count, sha256: try digest(.sha256, of: bytes),
            md5: try digest(.md5, of: bytes), extents: extents, confidence: .proven, parent: nil, path: "E001/0",
            facts: [:], warnings: [])
    }

    @Test func writesWhatWasCatalogued() throws {
        try withTemporaryFolder { folder in
            var generator = SeededGenerator(seed: 1)
            let medium = generator.bytes(700_000)
            let find = try artifact(
                medium, [Extent(offset: 1000, length: 400_000), Extent(offset: 512, length: 100)])
            let path = folder.appendingPathComponent("find.bin").path
            try ArtifactWriter(source: MemorySource(medium)).write(find, to: path)
            let written = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(written == Array(medium[1000..<401_000]) + Array(medium[512..<612]))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["find.bin"])
        }
    }

    @Test func neverOverwrites() throws {
        try withTemporaryFolder { folder in
            let medium = [UInt8](repeating: 7, count: 1000)
            let find = try artifact(medium, [Extent(offset: 0, length: 1000)])
            let path = folder.appendingPathComponent("kept").path
            try Data("kept".utf8).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: CarveError.self) {
                try ArtifactWriter(source: MemorySource(medium)).write(find, to: path)
            }
            #expect(error?.code == .output)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "kept")
        }
    }

    @Test(arguments: [0, 999, 500]) func aChangedMediumLeavesNoFile(changed: Int) throws {
        try withTemporaryFolder { folder in
            var medium = [UInt8](repeating: 7, count: 1000)
            let find = try artifact(medium, [Extent(offset: 0, length: 1000)])
            medium[changed] ^= 1
            for source in [medium, Array(medium[..<500])] {
                let error = #expect(throws: CarveError.self) {
                    try ArtifactWriter(source: MemorySource(source)).write(
                        find, to: folder.appendingPathComponent("x").path)
                }
                #expect(error?.code == .mismatch)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            }
        }
    }
}
