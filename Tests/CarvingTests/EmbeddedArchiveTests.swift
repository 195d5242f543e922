import Digesting
import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

@Suite struct EmbeddedArchiveTests {
    private let png = PNGWalkerTests.sample

    @Test func storedMembersLieWhereTheirBytesLie() throws {
        let noise = EmbeddedTesting.noise(600)
        let archive = ZipWalkerTests.stored([("a/picture.png", png), ("b.dat", noise), ("c/", [])])
        let (medium, result) = try EmbeddedTesting.carve(archive)
        try EmbeddedTesting.expectSound(result, medium)
        let parent = try #require(result.carved.first)
        #expect(result.artifacts.count == 3)
        let picture = try #require(result.embedded("/a/picture.png"))
        #expect(picture.path == "E001/3584/a/picture.png")
        #expect(picture.parent == parent.id)
        #expect(picture.format == "png")
        #expect(picture.confidence == .proven)
        #expect(picture.decoding == nil)
        #expect(picture.extents == [Extent(offset: 3584 + 30 + 13, length: png.count)])
        #expect(picture.facts["artist"] == "J. Doe")
        let data = try #require(result.embedded("/b.dat"))
        #expect(data.confidence == .proven, "the archive's CRC-32 holds over it")
        #expect(data.fileExtension == "dat")
        #expect(result.statistics.embedded == 2)
        #expect(result.limitsHit.isEmpty)
    }

    @Test func identitiesFollowTheDocumentedRule() throws {
        let (_, result) = try EmbeddedTesting.carve(ZipWalkerTests.stored([("p.png", png)]))
        let child = try #require(result.embedded.first)
        let extent = try #require(child.extents.first)
        let text = "E001\npng\n\(extent.offset)+\(extent.length)\n\(child.parent ?? "")\nE001/3584/p.png"
        #expect(child.id == String(try digest(.sha256, of: Array(text.utf8)).hex.prefix(16)))
        #expect(child.canonical["origin"] == "embedded")
        #expect(child.canonical["decoding"] == nil)
    }

    @Test func deflatedMembersAreDecoded() throws {
        let archive = try EmbeddedTesting.python(
            """
            import zipfile
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
                z.writestr('notes.txt', b'ledger of seals\\n' * 5000)
                z.writestr('data.bin', bytes(range(128, 256)) * 3000 + b'\\0' * 70000)
            """)
        let (medium, result) = try EmbeddedTesting.carve(archive)
        try EmbeddedTesting.expectSound(result, medium)
        let notes = try #require(result.embedded("/notes.txt"))
        #expect(notes.decoding == "deflate")
        #expect(notes.size == 80_000)
        #expect(
            try notes.sha256 == digest(.sha256, of: Array(String(repeating: "ledger of seals\n", count: 5000).utf8)))
        #expect(notes.format == "text")
        #expect(notes.confidence == .proven)
        #expect(notes.canonical["decoding"] == "deflate")
        var budget = 1 << 20
        let extent = try #require(notes.extents.first)
        let inflated = try ByteReader(MemorySource(medium), at: extent.offset)
            .inflate(from: 0, to: extent.length, budget: &budget)
        #expect(inflated.end == .finished)
        #expect(inflated.consumed == extent.length)
        #expect(inflated.produced == notes.size)
        #expect(result.embedded.count == 2)
    }

    @Test func archivesInArchivesAreOpened() throws {
        let archive = try EmbeddedTesting.python(
            """
            import gzip, io, tarfile, zipfile
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, 'w', zipfile.ZIP_DEFLATED) as z:
                z.writestr('deep.txt', b'deep ' * 300)
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode='w', format=tarfile.PAX_FORMAT) as t:
                for name, content in [('x' * 150 + '/inner.zip', inner.getvalue()), ('plain.txt', b'plain ' * 100)]:
                    info = tarfile.TarInfo(name); info.size = len(content); info.mtime = 1_600_000_000
                    t.addfile(info, io.BytesIO(content))
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_STORED) as z:
                z.writestr('t.tar.gz', gzip.compress(tar.getvalue(), mtime=0))
            """)
        let (medium, result) = try EmbeddedTesting.carve(archive)
        try EmbeddedTesting.expectSound(result, medium)
        let packed = try #require(result.embedded("/t.tar.gz"))
        #expect(packed.decoding == nil)
        let tar = try #require(result.embedded("/t.tar.gz/content"))
        #expect(tar.format == "tar")
        #expect(tar.decoding == "deflate")
        let plain = try #require(result.embedded("/plain.txt"))
        #expect(plain.decoding == "deflate/tar")
        #expect(plain.extents == tar.extents)
        #expect(plain.facts["member_modified"] == "2020-09-13T12:26:40.000Z")
        let deep = try #require(result.embedded("/deep.txt"))
        #expect(deep.path.hasSuffix("/content/" + String(repeating: "x", count: 150) + "/inner.zip/deep.txt"))
        #expect(deep.decoding == "deflate/tar/deflate")
        #expect(deep.extents == tar.extents)
        #expect(deep.confidence == .proven)
    }

    @Test func bzip2AndManyGzipMembersAreDecoded() throws {
        for (script, coding) in [
            ("import bz2; out.write(bz2.compress(b'seal ' * 9000) + bz2.compress(b'more ' * 9))", "bzip2"),
            ("import gzip; out.write(gzip.compress(b'seal ' * 9000) + gzip.compress(b'more ' * 9))", "gzip"),
        ] {
            let (medium, result) = try EmbeddedTesting.carve(try EmbeddedTesting.python(script))
            try EmbeddedTesting.expectSound(result, medium)
            let content = try #require(result.embedded.first, "\(coding)")
            #expect(content.size == 45_045)
            #expect(content.decoding == coding)
            #expect(content.confidence == .proven)
        }
    }

    @Test func onlyTheFilesOfADocumentAreListed() throws {
        let archive = ZipWalkerTests.stored([
            ("[Content_Types].xml", Array("<Types/>".utf8)), ("word/document.xml", Array("<document/>".utf8)),
            ("word/media/image1.png", png), ("word/embeddings/oleObject1.bin", EmbeddedTesting.noise(200)),
        ])
        let (medium, result) = try EmbeddedTesting.carve(archive)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(
            result.embedded.map(\.path) == [
                "E001/3584/word/media/image1.png", "E001/3584/word/embeddings/oleObject1.bin",
            ])
    }

    @Test func encryptedMembersAreRefused() throws {
        let archive = try withTemporaryFolder { folder in
            try Data(EmbeddedTesting.text(50)).write(to: folder.appendingPathComponent("a.txt"))
            try run("zip", ["-q", "-P", "secret", "x.zip", "a.txt"], in: folder)
            return [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.zip")))
        }
        let (_, result) = try EmbeddedTesting.carve(archive)
        #expect(result.embedded.isEmpty)
        let parent = try #require(result.carved.first)
        #expect(parent.facts["encrypted_members"] == 1)
        #expect(parent.warnings.contains("1 embedded file was not opened: encrypted"))
    }

    @Test func containersInPiecesMapTheirParts() throws {
        let archive = ZipWalkerTests.stored([("a.dat", EmbeddedTesting.noise(3000)), ("p.png", png)])
        let medium =
            Array(archive[..<1024]) + EmbeddedTesting.noise(512) + Array(archive[1024...])
            + [UInt8](repeating: 0, count: 512)
        let extents = [Extent(offset: 0, length: 1024), Extent(offset: 1536, length: archive.count - 1024)]
        let parent = Artifact(
            id: "0123456789abcdef", item: "E001", origin: .carved, mime: "application/zip", format: "zip",
            fileExtension: "zip", description: "", size: archive.count, sha256: try digest(.sha256, of: archive),
            md5: try digest(.md5, of: archive), extents: extents, confidence: .proven, parent: nil, path: "E001/0",
            facts: [:], warnings: [])
        let magic = try #require(EmbeddedTesting.magic)
        let worker = try CarveWorker(
            source: MemorySource(medium), walkers: allFormatWalkers,
            signatures: CarvingSignatures(walkers: allFormatWalkers, index: .forCarving(magic: magic)), magic: magic,
            limits: CarveLimits())
        let outcome = try worker.open(parent, workFolder: "/var/tmp")
        let split = try #require(outcome.children.first)
        #expect(split.extents == [Extent(offset: 35, length: 989), Extent(offset: 1536, length: 2011)])
        for child in outcome.children {
            #expect(try digest(.sha256, of: EmbeddedTesting.bytes(child, medium)) == child.sha256)
        }
        #expect(outcome.children.count == 2)
    }

    @Test func sameResultForAnyNumberOfWorkers() throws {
        let noise = EmbeddedTesting.noise(900)
        let one = ZipWalkerTests.stored([("a.png", png), ("b", noise), ("a.png", noise), ("../x", png), ("/y//z", png)])
        var medium: [UInt8] = []
        for _ in 0..<9 {
            medium += one
            medium += [UInt8](repeating: 0, count: 512 - one.count % 512)
        }
        let reference = try EmbeddedTesting.carve(medium: medium)
        #expect(reference.embedded.count == 45)
        try EmbeddedTesting.expectSound(reference, medium)
        #expect(reference.embedded("/a.png~2") != nil)
        #expect(reference.embedded("/%2E%2E/x") != nil)
        #expect(reference.embedded("/0/y/z") != nil)
        for workers in [2, 8] {
            let result = try EmbeddedTesting.carve(medium: medium, workers: workers)
            #expect(result.artifacts == reference.artifacts)
            #expect(result.statistics == reference.statistics)
        }
    }

    @Test func nothingBelowAnUncertainParentIsSure() throws {
        let gif: [UInt8] =
            Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B]
        let magic = try #require(EmbeddedTesting.magic)
        let worker = try CarveWorker(
            source: MemorySource(gif), walkers: allFormatWalkers,
            signatures: CarvingSignatures(walkers: allFormatWalkers, index: .forCarving(magic: magic)), magic: magic,
            limits: CarveLimits())
        for (confidence, most) in [
            (Confidence.structural, Confidence.structural), (.header, .header), (.broken, .header),
        ] {
            var find = EmbeddedFind(EmbeddedPart("p.gif", [0..<gif.count]), size: gif.count)
            let isFile = find.take(worker.examine(MemorySource(gif)))
            #expect(isFile)
            #expect(find.confidence(isChecked: false, under: confidence) == most)
            #expect(find.confidence(isChecked: true, under: confidence) == .proven)
            var proven = EmbeddedFind(EmbeddedPart("p.png", [0..<png.count]), size: png.count)
            _ = proven.take(worker.examine(MemorySource(png)))
            #expect(proven.confidence(isChecked: false, under: confidence) == .proven)
            proven.contradict("the container's CRC-32 does not hold over this file")
            #expect(proven.confidence(isChecked: false, under: confidence) == .broken)
        }
    }

    @Test func paddingMakesMembersNoLessSure() throws {
        let archive = try EmbeddedTesting.python(
            """
            import io, tarfile
            with tarfile.open(fileobj=out, mode='w|') as t:
                gif = bytes.fromhex('47494638396101000100800000000000ffffff21f904000000'
                    '00002c00000000010001000002024401003b')
                info = tarfile.TarInfo('dot.gif'); info.size = len(gif)
                t.addfile(info, io.BytesIO(gif))
            """)
        let (medium, result) = try EmbeddedTesting.carve(archive)
        try EmbeddedTesting.expectSound(result, medium)
        #expect(result.carved.first?.confidence == .header)
        #expect(result.embedded.map(\.confidence) == [.structural])
    }

    @Test func writerDecodesThroughAllAncestors() throws {
        let archive = try EmbeddedTesting.python(
            """
            import io, zipfile
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, 'w', zipfile.ZIP_DEFLATED) as z:
                z.writestr('deep.bin', b'0123456789abcdef' * 200_000)
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('inner.zip', inner.getvalue())
            """)
        let (medium, result) = try EmbeddedTesting.carve(archive)
        let deep = try #require(result.embedded("/deep.bin"))
        let ancestors = EmbeddedTesting.ancestors(of: deep, in: result)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("deep.bin").path
            let writer = ArtifactWriter(source: MemorySource(medium), workFolder: folder.path)
            try writer.write(deep, ancestors: ancestors, to: path)
            let written = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            #expect(written == Array(String(repeating: "0123456789abcdef", count: 200_000).utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["deep.bin"])
            var damaged = medium
            damaged[(deep.extents.first?.offset ?? 0) + 100] ^= 1
            let error = #expect(throws: CarveError.self) {
                try ArtifactWriter(source: MemorySource(damaged), workFolder: folder.path)
                    .write(deep, ancestors: ancestors, to: path + "2")
            }
            #expect(error?.code == .mismatch)
            #expect(throws: CarveError.self) { try writer.write(deep, to: path + "3") }
        }
    }
    @Test(arguments: [1, 3]) func allArtifactsAreWrittenOnce(workers: Int) throws {
        let archive = try EmbeddedTesting.python(
            """
            import io, zipfile, tarfile, gzip
            def tar(names):
                packed = io.BytesIO()
                with tarfile.open(fileobj=packed, mode='w') as t:
                    for name in names:
                        content = (name * 5000).encode()
                        info = tarfile.TarInfo(name)
                        info.size = len(content)
                        t.addfile(info, io.BytesIO(content))
                return packed.getvalue()
            with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
                z.writestr('one.tgz', gzip.compress(tar(['a', 'b', 'c']), mtime=0))
                for number in range(40): z.writestr(f'{number}.bin', bytes([number]) * 3000)
                z.writestr('two.tgz', gzip.compress(tar(['d', 'e']), mtime=0))
            """)
        let (medium, result) = try EmbeddedTesting.carve(archive)
        #expect(result.embedded.count == 40 + 2 + 2 + 5)
        try withTemporaryFolder { folder in
            var generator = SeededGenerator(seed: 7)
            let all = result.artifacts.shuffled(using: &generator).map { artifact in
                WrittenArtifact(
                    artifact, ancestors: EmbeddedTesting.ancestors(of: artifact, in: result),
                    path: folder.appendingPathComponent(artifact.id).path)
            }
            let writer = ArtifactWriter(source: MemorySource(medium), workFolder: folder.path)
            #expect(writer.write(all, workers: workers).allSatisfy { $0 == nil })
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == all.count)
            for artifact in result.artifacts {
                let written = [UInt8](try Data(contentsOf: folder.appendingPathComponent(artifact.id)))
                #expect(try digest(.sha256, of: written) == artifact.sha256, "\(artifact.path)")
            }
            // What stands already is not touched, and does not keep others from being written.
            let last = try #require(result.embedded.last)
            try FileManager.default.removeItem(at: folder.appendingPathComponent(last.id))
            let errors = writer.write(all, workers: workers)
            #expect(errors.filter { $0 == nil }.count == 1)
            #expect(errors.allSatisfy { $0 == nil || $0?.code == .output })
        }
    }
}
