import Carving
import EvidenceModel
import FormatIdentification
import Foundation
import SourceMedia
import Testing

@testable import TestImageBuilder

/// The test images, carved, against what their recipes planted.
@Suite struct CarvingTruthTests {
    private static let images = ImageFolder(
        package: URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent())

    private func carve(_ name: String, seed: String? = nil) throws -> (truth: Truth, artifacts: [Artifact]) {
        let recipe = try #require(Recipe.all.first { $0.name == name })
        let built = try Self.images.build(recipe, seed: seed)
        guard case .image(let bytes) = built.content else { throw BuilderError("\(name) is not an image") }
        let magic = try MagicDatabases.standard()
        let index = SignatureIndex.forCarving(magic: magic)
        let candidates = stride(from: 0, to: bytes.count, by: built.truth.block).filter { start in
            let window = Array(bytes[start..<min(bytes.count, start + 4096)])
            return !index.matches(window.span, at: 0).isEmpty
        }
        let carver = Carver(item: "E001", source: MemorySource(bytes), magic: magic, workers: 2)
        return (built.truth, try carver.carve(candidates: candidates).artifacts)
    }

    /// The artifacts of confidence proven or structural that are neither a whole planted file nor part of one.
    private func wrong(_ artifacts: [Artifact], _ truth: Truth) -> [String] {
        let whole = truth.files.filter { $0.isComplete }
        let digests = Set(whole.map(\.sha256))
        // What a cut file lacks may lie elsewhere, in a copy: pieces that were joined must be a whole original.
        let originals = Set(truth.files.map(\.sha256))
        return artifacts.filter { artifact in
            guard artifact.confidence == .proven || artifact.confidence == .structural else { return false }
            if digests.contains(artifact.sha256) { return false }
            if artifact.extents.count > 1, originals.contains(artifact.sha256) { return false }
            // A sure piece of a cut file calls itself a piece.
            let candidates = artifact.facts["piece"] == nil ? whole : truth.files
            return !candidates.contains { file in
                artifact.extents.allSatisfy { extent in file.extents.contains { $0.contains(extent) } }
            }
        }.map { artifact in
            let planted = truth.files.first { file in
                file.extents.contains { $0.offset == artifact.extents.first?.offset }
            }
            let at = artifact.extents.map { "\($0.offset)+\($0.length)" }.joined(separator: " ")
            return "\(artifact.confidence) \(artifact.format) at \(at): \(planted?.name ?? "nothing planted there")"
        }
    }

    @Test(arguments: ["contiguous/1", "contiguous/2", "contiguous/3"])
    func aContiguousMediumGivesItsFilesBack(seed: String) throws {
        let (truth, artifacts) = try carve("contiguous", seed: seed)
        #expect(wrong(artifacts, truth) == [])
        let seen = Set(artifacts.map(\.sha256))
        let missed = truth.files.filter { !seen.contains($0.sha256) }.map { "\($0.type)/\($0.name)" }
        let limit = truth.files.count * 5 / 100
        #expect(missed.count <= limit, "missed \(missed.count) of \(truth.files.count): \(missed)")
    }

    @Test func theStickGivesBackWhatWasDeleted() throws {
        let (truth, artifacts) = try carve("fat-stick")
        #expect(wrong(artifacts, truth) == [])
        let seen = Set(artifacts.map(\.sha256))
        let deleted = truth.files.filter { $0.isComplete && $0.extents.count == 1 && $0.state == "deleted" }
        let missed = deleted.filter { !seen.contains($0.sha256) }.map { $0.path ?? $0.name }
        #expect(missed == [])
    }

    @Test func theHostileMediumFoolsNobody() throws {
        let (truth, artifacts) = try carve("hostile")
        #expect(wrong(artifacts, truth) == [])
    }
}
