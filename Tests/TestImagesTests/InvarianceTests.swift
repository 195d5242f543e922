import Carving
import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Testing

@testable import TestImageBuilder

/// What is found on the test images, where every byte may begin a file, depends on their bytes alone.
@Suite(.timeLimit(.minutes(10))) struct InvarianceTests {
    private static let images = ImageFolder(
        package: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent())
    private static let magic = try? MagicDatabases.standard()
    private static let search = magic.flatMap { try? SignatureSearch.forCarving(magic: $0) }

    private static func image(_ name: String) throws -> [UInt8] {
        let recipe = try #require(Recipe.all.first { $0.name == name })
        guard case .image(let bytes) = try images.build(recipe, seed: nil).content else {
            throw BuilderError("\(name) is not an image")
        }
        // As much as a test has time for: what is cut at the end is a broken file more.
        return Array(bytes.prefix(400_000))
    }

    private static func carve(_ bytes: [UInt8], pageSize: Int, workers: Int) throws -> CarveResult {
        let search = try #require(search)
        var candidates: [Int] = []
        for start in stride(from: 0, to: bytes.count, by: pageSize) {
            let usable = min(pageSize, bytes.count - start)
            let page = Array(bytes[start..<min(bytes.count, start + usable + search.requiredMargin)])
            search.candidates(in: page.span, count: usable, baseOffset: start, into: &candidates)
        }
        var carver = Carver(
            item: "E001", source: MemorySource(bytes), magic: try #require(magic), workers: workers)
        carver.opensContainers = true
        return try carver.carve(candidates: candidates)
    }

    /// What is said of each artifact, with its places moved back by `shift` and without what is made from them.
    private static func said(_ result: CarveResult, shift: Int) -> [String] {
        result.artifacts.map { artifact in
            var artifact = artifact
            artifact.extents = artifact.extents.map { Extent(offset: $0.offset - shift, length: $0.length) }
            artifact.id = ""
            artifact.parent = artifact.parent.map { _ in "" }
            // "E001/4096/name": the second step is the place on the medium.
            var steps = artifact.path.split(separator: "/", maxSplits: 2).map(String.init)
            if steps.count > 1, let place = Int(steps[1]) { steps[1] = String(place - shift) }
            artifact.path = steps.joined(separator: "/")
            return artifact.canonical.encodedText
        }.sorted()
    }

    @Test(arguments: ["contiguous", "fragmented", "hostile"])
    func workersPagesAndShiftsChangeNothing(name: String) throws {
        let image = try Self.image(name)
        let one = try Self.carve(image, pageSize: image.count, workers: 1)
        #expect(one.artifacts.count > 5)
        for (workers, pageSize) in [(2, 65_536), (8, 4096 + 1)] {
            let other = try Self.carve(image, pageSize: pageSize, workers: workers)
            #expect(other.artifacts == one.artifacts, "\(workers) workers, pages of \(pageSize) bytes")
            #expect(other.statistics == one.statistics && other.limitsHit == one.limitsHit)
            #expect(other.warnings == one.warnings)
        }
        for shift in [255] {
            let moved = try Self.carve(
                [UInt8](repeating: 0xAA, count: shift) + image, pageSize: 1 << 20, workers: 2)
            let (before, after) = (Self.said(one, shift: 0), Self.said(moved, shift: shift))
            #expect(after == before, "shifted by \(shift): \(Set(after).symmetricDifference(before).sorted())")
        }
    }
}
