import EvidenceModel
import Foundation
import Testing

/// What a test image holds, from its truth.json.
struct Truth {
    struct File: Decodable {
        let sha256: String
        let size: Int
        let type: String
        let name: String
        let complete: Bool
        let decoy: Bool?
        let extents: [Piece]
    }

    struct Piece: Decodable {
        let offset: Int
        let length: Int
    }

    private struct Document: Decodable { let files: [File] }

    let files: [File]

    init(_ image: String) throws {
        let path = Laboratory.testImage("\(image)/truth.json")
        files = try JSONDecoder().decode(Document.self, from: Data(contentsOf: URL(filePath: path))).files
    }

    /// Demands that every whole file in one piece was found exactly, and that nothing claimed as whole is wrong.
    ///
    /// - Parameters:
    ///   - types: only planted files of these types must be found; all when nil.
    ///   - claims: the confidences that must never be wrong.
    func compare(
        with artifacts: [CanonicalValue], types: Set<String>? = nil, claims: Set<String> = ["proven", "structural"]
    ) throws {
        let found = Set(artifacts.compactMap { $0["sha256"]?.string })
        for file in files where file.complete && file.decoy != true && file.extents.count == 1 {
            // Carving looks at block borders only.
            guard file.extents.allSatisfy({ $0.offset % 512 == 0 }) else { continue }
            guard types?.contains(file.type) ?? true else { continue }
            // Carving looks at block starts; what lies in the slack of another file is not asked for.
            guard file.extents[0].offset.isMultiple(of: 512) else { continue }
            #expect(found.contains(file.sha256), "\(file.type) \(file.name) was not found")
        }
        let whole = Set(files.filter { $0.complete && $0.decoy != true }.map(\.sha256))
        for artifact in artifacts where claims.contains(artifact["confidence"]?.string ?? "") {
            guard let sha256 = artifact["sha256"]?.string, !whole.contains(sha256) else { continue }
            // What lies in another find is right when that one is.
            if let parent = artifact["parent"]?.string {
                let hasParent = artifacts.contains { $0["id"]?.string == parent }
                #expect(hasParent, "no parent: \(artifact.encodedText.prefix(300))")
                continue
            }
            // What a cut file lacks may lie elsewhere, in a copy: pieces that were joined must be a whole original.
            if artifact["extents"]?.array?.count ?? 0 > 1, files.contains(where: { $0.sha256 == sha256 }) { continue }
            // A sure piece of a cut file calls itself a piece.
            let isPiece = artifact["facts"]?["piece"] != nil
            let isInside = lies(artifact, in: files.filter { isPiece || $0.complete })
            #expect(isInside, "wrong: \(artifact.encodedText.prefix(300))")
        }
    }

    /// True when an artifact lies in a planted file: something embedded.
    private func lies(_ artifact: CanonicalValue, in files: [File]) -> Bool {
        let extents = artifact["extents"]?.array ?? []
        return extents.allSatisfy { extent in
            guard let offset = extent["offset"]?.size, let length = extent["length"]?.size else { return false }
            return files.contains { file in
                file.extents.contains { $0.offset <= offset && offset + length <= $0.offset + $0.length }
            }
        }
    }
}
