import Digesting
import EvidenceModel
import Foundation
import Testing

@testable import TestImageBuilder

/// This package, whose test-images are tried.
let images = ImageFolder(
    package: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent())

/// A folder that goes away with the test.
final class Scratch {
    let folder: URL
    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "images-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: folder) }
}

/// Runs a stock tool; nil when it fails.
func output(of words: String...) throws -> [UInt8]? {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"]
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? [UInt8](bytes) : nil
}

func content(of file: PlantedFile, in image: [UInt8]) -> [UInt8] {
    file.extents.flatMap { image[$0.offset..<$0.end] }
}

@Suite struct ImageTests {
    @Test func whatIsCommittedIsWhatTheRecipesMake() throws {
        #expect(try images.differences() == [])
    }

    @Test(arguments: ["fat-stick", "contiguous", "fragmented", "hostile"])
    func theTruthIsTrue(name: String) throws {
        let recipe = try #require(Recipe.all.first { $0.name == name })
        let built = try images.build(recipe)
        guard case .image(let image) = built.content else { throw BuilderError("\(name) is not an image") }
        #expect(built.truth.size == image.count)
        #expect(try built.truth.sha256 == digest(.sha256, of: image))
        for file in built.truth.files {
            #expect(file.extents.allSatisfy { $0.end <= image.count })
            guard file.isComplete else { continue }
            #expect(!file.isDecoy)
            #expect(try file.sha256 == digest(.sha256, of: content(of: file, in: image)), "\(file.name)")
        }
        // No two files claim the same bytes, except those that say they were overwritten.
        let extents = built.truth.files.flatMap(\.extents).sorted { $0.offset < $1.offset }
        #expect(zip(extents, extents.dropFirst()).allSatisfy { $0.end <= $1.offset })
    }

    @Test(arguments: ["contiguous", "fragmented"])
    func everySampleIsPlantedOnceAtABlock(name: String) throws {
        let recipe = try #require(Recipe.all.first { $0.name == name })
        let files = try images.build(recipe).truth.files
        let samples = try SampleLibrary(folder: images.folder.appending(path: "samples")).samples
        #expect(Set(files.map { "\($0.type)/\($0.name)" }) == Set(samples.map { "\($0.type)/\($0.name)" }))
        #expect(files.count == samples.count)
        #expect(files.flatMap(\.extents).allSatisfy { $0.offset % 512 == 0 })
        let pieces = Set(files.map(\.extents.count))
        #expect(pieces == (name == "contiguous" ? [1] : [1, 2]))
    }

    @Test func thereAreTwoSamplesOfEachFormat() throws {
        let samples = try SampleLibrary(folder: images.folder.appending(path: "samples")).samples
        let formats = [
            "jpg", "png", "gif", "bmp", "webp", "tiff", "pdf", "zip", "docx", "xlsx", "pptx", "odt", "epub", "jar",
            "gz",
            "sqlite", "mp4", "mov", "heic", "avi", "wav", "elf", "pe", "evtx", "hive", "doc", "xls", "ppt", "msg",
            "xml",
            "html",
        ]
        for format in formats { #expect(samples.count { $0.type == format } >= 2, "\(format)") }
        #expect(samples.reduce(0) { $0 + $1.bytes.count } < 1_500_000)
    }

    @Test func theHostileImageHoldsEveryKindOfTrap() throws {
        let truth = try images.build(.hostile).truth
        #expect(truth.files.count { $0.isDecoy } >= 24)
        #expect(truth.files.count { $0.note?.hasPrefix("tail missing") == true } >= 10)
        #expect(truth.files.count { $0.note?.hasPrefix("middle missing") == true } >= 10)
        #expect(truth.files.contains { $0.extents.contains { $0.offset % 512 != 0 } })
    }

    @Test func theBombsAreWhatTheySay() throws {
        let scratch = try Scratch()
        for (file, isWhole) in [(gzipOfZeros(1_000_003), true), (gzipOfZeros(999, claimsWrongCRC: true), false)] {
            let path = scratch.folder.appending(path: "zeros.gz")
            try Data(file).write(to: path)
            let inflated = try output(of: "gzip", "-dc", path.path)
            #expect((inflated == [UInt8](repeating: 0, count: 1_000_003)) == isWhole)
        }
    }

    @Test func theGeneratorIsFixed() {
        var generator = SeededGenerator(seed: "contiguous/1")
        var again = SeededGenerator(seed: "contiguous/1")
        var other = SeededGenerator(seed: "contiguous/2")
        #expect((0..<100).allSatisfy { _ in generator.next() == again.next() })
        #expect(generator.bytes(32) == again.bytes(32))
        #expect(generator.bytes(32) != other.bytes(32))
        #expect(generator.shuffled(Array(0..<50)).sorted() == Array(0..<50))
    }
}

@Suite struct FATStickTests {
    @Test func theVolumeIsSoundAndGivesBackEachPresentFile() throws {
        let scratch = try Scratch()
        let built = try images.build(.fatStick)
        guard case .image(let image) = built.content else { throw BuilderError("not an image") }
        let path = scratch.folder.appending(path: "image.dd").path
        try Data(image).write(to: URL(fileURLWithPath: path))
        #expect(try output(of: "fsck.fat", "-n", path) != nil)

        let present = built.truth.files.filter { $0.state == "present" }
        let listing = try #require(try output(of: "mdir", "-/", "-b", "-a", "-i", path, "::"))
        let listed = String(decoding: listing, as: UTF8.self).split(separator: "\n").filter { !$0.hasSuffix("/") }
        #expect(Set(listed.map(String.init)) == Set(present.map { "::/\($0.path ?? "")" }))
        for file in present {
            let copied = try #require(
                try output(of: "mtype", "-i", path, "::/\(file.path ?? "")"), "\(file.path ?? "")")
            #expect(try digest(.sha256, of: copied) == file.sha256)
        }
    }

    @Test func deletedFilesLieInTheImageAndTheirClustersAreFree() throws {
        let built = try images.build(.fatStick)
        guard case .image(let image) = built.content else { throw BuilderError("not an image") }
        let deleted = built.truth.files.filter { $0.state == "deleted" }
        #expect(deleted.count { $0.isComplete } >= 10)
        #expect(deleted.contains { $0.isComplete && $0.extents.count == 2 })
        #expect(deleted.contains { !$0.isComplete && !$0.extents.isEmpty })
        let firstData = 97 * 512  // boot sector, two tables of 32 sectors, root of 32 sectors
        for file in deleted where file.isComplete {
            for extent in file.extents {
                let cluster = (extent.offset - firstData) / 512 + 2
                #expect(image[512 + 2 * cluster] == 0 && image[512 + 2 * cluster + 1] == 0, "\(file.path ?? "")")
            }
        }
    }
}

@Suite struct FolderExportTests {
    @Test func theFolderHoldsTheNamesByteForByte() throws {
        let scratch = try Scratch()
        let target = scratch.folder.appending(path: "export")
        try images.write(.folderExport, wholeTo: target)
        guard case .folder(let entries) = try images.build(.folderExport).content else {
            throw BuilderError("not a folder")
        }
        // find prints raw bytes, with a NUL after each path.
        let found = try #require(
            try output(
                of: "find", target.appending(path: "folder").path, "-mindepth", "1", "-printf", "%P\\0%y\\0%T@\\0"))
        let fields = found.split(separator: 0, omittingEmptySubsequences: false).dropLast().map(Array.init)
        var kinds: [[UInt8]: String] = [:]
        for index in stride(from: 0, to: fields.count - 2, by: 3) {
            kinds[fields[index]] = String(decoding: fields[index + 1], as: UTF8.self)
            #expect(String(decoding: fields[index + 2], as: UTF8.self).hasPrefix("1709980200."))
        }
        #expect(kinds.count == entries.count)
        for entry in entries {
            switch entry.kind {
            case .folder: #expect(kinds[entry.path] == "d")
            case .file: #expect(kinds[entry.path] == "f")
            case .symbolicLink: #expect(kinds[entry.path] == "l")
            }
        }
        #expect(entries.contains { Array(String(decoding: $0.path, as: UTF8.self).utf8) != $0.path })
    }
}

@Suite struct ProvenanceTableTests {
    /// A package with one image folder and a page of its own.
    private func package(page: String?) throws -> (Scratch, ImageFolder) {
        let scratch = try Scratch()
        let samples = scratch.folder.appending(path: "test-images/samples/txt")
        try FileManager.default.createDirectory(at: samples, withIntermediateDirectories: true)
        try Data("seal\n".utf8).write(to: samples.appending(path: "seal.txt"))
        if let page { try Data(page.utf8).write(to: scratch.folder.appending(path: "CHAIN_OF_CUSTODY.md")) }
        return (scratch, ImageFolder(package: scratch.folder))
    }

    @Test func theTableIsWrittenBetweenItsMarkersAndTheRestIsKept() throws {
        let (scratch, images) = try package(
            page: "# Page\n\n<!-- test-images -->\nold\n<!-- /test-images -->\n\nAfter.\n")
        let table = ProvenanceTable(images: images)
        #expect(try !table.isCurrent())
        try table.update()
        #expect(try table.isCurrent())
        let text = try String(contentsOf: scratch.folder.appending(path: "CHAIN_OF_CUSTODY.md"), encoding: .utf8)
        #expect(text.hasPrefix("# Page\n\n<!-- test-images -->\n"))
        #expect(text.hasSuffix("<!-- /test-images -->\n\nAfter.\n"))
        #expect(!text.contains("old"))
        #expect(text.contains("| test-images/samples/txt/seal.txt | 5 |"))
        #expect(text.contains("| scripts/make-samples | CC0-1.0 |"))
    }

    @Test func aChangedFileIsSeen() throws {
        let (scratch, images) = try package(page: nil)
        let table = ProvenanceTable(images: images)
        try table.update()
        try Data("Seal\n".utf8).write(to: scratch.folder.appending(path: "test-images/samples/txt/seal.txt"))
        #expect(try !table.isCurrent())
    }

    @Test func oneMarkerAloneIsRefused() throws {
        let (scratch, images) = try package(page: "<!-- test-images -->\n")
        withExtendedLifetime(scratch) {
            _ = #expect(throws: BuilderError.self) { try ProvenanceTable(images: images).update() }
        }
    }
}
