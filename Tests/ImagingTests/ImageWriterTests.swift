import Digesting
import EvidenceModel
import Foundation
import Imaging
import Scanning
import SourceMedia
import Synchronization
import Testing

/// A medium in memory that may end the reading at an offset, as a device that is pulled out.
final class Medium: SourceReader {
    let content: [UInt8]
    let description: SourceDescription
    let unreadable: [UnreadableRange]
    let end: Int

    struct PulledOut: Error {}

    init(_ content: [UInt8], endingAt end: Int = .max, unreadable: [UnreadableRange] = []) {
        self.content = content
        self.end = end
        self.unreadable = unreadable
        description = SourceDescription(
            kind: .raw, path: "/medium", files: [], mediaSize: content.count, sectorSize: 512, device: nil,
            oddities: [], warnings: [])
    }

    var size: Int { content.count }
    func checkUnchanged() throws(SourceError) {}
    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int {
        guard offset < end else { throw SourceError(.gone, "pulled out") }
        return try MemorySource(content).read(at: offset, into: &destination)
    }

    /// Zeros, text and noise by turns.
    static func content(_ count: Int) -> [UInt8] {
        var state: UInt64 = 9
        let noise = (0..<1 << 16).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        return (0..<count).map { index in
            switch index / 100_000 % 3 {
            case 0: 0
            case 1: UInt8(65 + index / 7 % 26)
            default: noise[(index &* 31 &+ index / 65_536) & 0xFFFF]
            }
        }
    }
}

@Suite("Images as they are written")
final class ImageWriterTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "imaging-\(UUID().uuidString)")
    static let shared = Medium.content((9 << 20) + 512)
    let content = ImageWriterTests.shared
    let bad = [
        UnreadableRange(extent: Extent(offset: 1024, length: 512), error: "Input/output error"),
        UnreadableRange(extent: Extent(offset: (5 << 20) - 512, length: 2048), error: "Input/output error"),
    ]

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private func plan(_ format: ImagePlan.Format) -> ImagePlan {
        ImagePlan(
            format: format, compression: .fast, segmentSize: 1_500_000, medium: .init(Medium(content).description),
            caseNumber: "1", item: "E1", description: "stick", examiner: "A", software: "exhibit 1",
            started: UTCTime(seconds: 1_795_294_107))
    }

    /// One run, as the workflow makes it; true when the image is complete.
    private func run(
        _ name: String, _ format: ImagePlan.Format, continuing: Bool = false, endingAt end: Int = .max,
        workers: Int = 2, pause: Double = 1000
    ) throws -> Bool {
        let place = try ImagePlace(folder.appending(path: name).path, format)
        let device = Medium(content, endingAt: end, unreadable: bad)
        let journal = continuing ? try AcquisitionJournal(of: place) : AcquisitionJournal(plan(format))
        let writer = try ImageWriter(
            journal, at: place, continuing: continuing, pause: pause, unreadable: { [bad] in bad })
        do {
            let medium: any SourceReader =
                continuing
                ? ContinuedMedium(device, written: try writer.writtenPart(), known: journal.unreadable) : device
            var pass = MediaPass()
            pass.workers = workers
            pass.pageWork = { bytes, offset, sha256 in try writer.take(bytes, at: offset, sha256: sha256) }
            let scan = try pass.run(over: medium)
            let isWhole = scan.digests.last == (try digest(.sha256, of: content))
            #expect(isWhole)
            _ = try writer.finish(md5: scan.digests[0], sha1: scan.digests[1], unreadable: scan.unreadable)
            try ImageWriter.removeJournal(of: place)
            return true
        } catch let error as SourceError where error.code == .gone {
            #expect(writer.close().failure == nil)
            return false
        } catch {
            _ = writer.close()
            throw error
        }
    }

    private func files(_ name: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasPrefix(name + ".") {
            files[String(file.dropFirst(name.count))] = try Data(contentsOf: folder.appending(path: file))
        }
        return files
    }

    @Test("the bytes do not depend on the number of workers", arguments: ImagePlan.Format.allCases)
    func workers(format: ImagePlan.Format) throws {
        for workers in [1, 2, 5] { #expect(try run("w\(workers)", format, workers: workers)) }
        let first = try files("w1")
        #expect(first.count == (format == .raw ? 1 : 3))
        #expect(try first == files("w2"))
        #expect(try first == files("w5"))
        let image = try SourceOpener.open(try ImagePlace(folder.path + "/w1", format).firstFile(format))
        let isEqual = try image.bytes(at: 0, count: content.count + 1) == content
        #expect(isEqual)
    }

    @Test(
        "an acquisition that ends early again and again gives the image of one that does not",
        arguments: ImagePlan.Format.allCases)
    func interruptions(format: ImagePlan.Format) throws {
        #expect(try run("whole", format))
        var generator = SystemRandomNumberGenerator()
        var isComplete = false
        for attempt in 0..<12 {
            // Some runs make a durable point at every page, some only at their end.
            let end = attempt == 11 ? Int.max : Int.random(in: 0...content.count, using: &generator)
            isComplete = try run(
                "cut", format, continuing: attempt > 0, endingAt: end, workers: 1 + attempt % 3,
                pause: attempt % 2 == 0 ? 0 : 1000)
            if isComplete { break }
        }
        #expect(isComplete)
        #expect(try files("cut") == files("whole"))
    }

    @Test("what was changed between interruption and continuation is found", arguments: ImagePlan.Format.allCases)
    func changed(format: ImagePlan.Format) throws {
        #expect(try !run("disk", format, endingAt: 4 << 20))
        let path = try ImagePlace(folder.path + "/disk", format).firstFile(format)
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.seek(toOffset: 60_000)
        try handle.write(contentsOf: Data([1, 2, 3, 4]))
        try handle.close()
        #expect(throws: (any Error).self) { try self.run("disk", format, continuing: true) }
    }

    @Test("nothing that exists is overwritten", arguments: ImagePlan.Format.allCases)
    func existing(format: ImagePlan.Format) throws {
        #expect(try run("disk", format))
        let before = try files("disk")
        #expect(throws: ImagingError.self) { try self.run("disk", format) }
        #expect(try files("disk") == before)
        #expect(try !run("other", format, endingAt: 3 << 20))
        #expect(throws: ImagingError.self) { try self.run("other", format) }
    }

    @Test("a damaged journal is refused")
    func damagedJournal() throws {
        #expect(try !run("disk", .e01, endingAt: 3 << 20))
        let path = folder.appending(path: "disk.acquire")
        let journal = try Data(contentsOf: path)
        for cut in stride(from: 0, to: journal.count, by: 211) {
            try journal.prefix(cut).write(to: path)
            #expect(throws: ImagingError.self) {
                try AcquisitionJournal(of: ImagePlace(self.folder.path + "/disk", .e01))
            }
        }
        try FileManager.default.removeItem(at: path)
        #expect(throws: ImagingError.self) { try AcquisitionJournal(of: ImagePlace(self.folder.path + "/disk", .e01)) }
    }

    @Test("names of images are understood with and without their ending")
    func places() throws {
        let base = try ImagePlace(folder.path + "/x", .e01).stem
        #expect(try ImagePlace(folder.path + "/x.E01", .e01).stem == base)
        #expect(try ImagePlace(folder.path + "/x.dd", .raw).stem == base)
        #expect(try ImagePlace(folder.path + "/x.img", .raw).rawPath == base + ".img")
        #expect(try ImagePlace(folder.path + "/x", .raw).rawPath == base + ".dd")
        #expect(try ImagePlace(folder.path + "/x.y", .e01).firstFile(.e01) == base + ".y.E01")
        #expect(throws: ImagingError.self) { try ImagePlace(self.folder.path + "/missing/x", .e01) }
        #expect(throws: ImagingError.self) { try ImagePlace(self.folder.path + "/", .e01) }
    }
}
