import Carving
import Digesting
public import EvidenceModel
public import FormatIdentification
import Foundation
import Scanning

/// The magic databases of this process and what is made of them, loaded once.
public struct CarvingTools: Sendable {
    /// The databases that name formats.
    public let magic: MagicDatabases
    /// SHA-256 of each database, in the order they are asked; of an examiner's source file, not of what was compiled
    /// from it.
    public let databaseDigests: [Digest]
    /// The examiner's own files, by the name they were given under, with their SHA-256.
    public let examinersFiles: [(name: String, sha256: Digest)]
    let index: SignatureIndex

    /// Loads the examiner's own databases, Exhibit's and the system's; they are asked in this order.
    ///
    /// - Parameter magicFiles: paths of magic source files or compiled databases.
    /// - Throws: `MagicError` with file and line when libmagic refuses one; `DigestError`.
    public init(magicFiles: [String] = []) throws {
        let examiners = try magicFiles.map { try CompiledMagic.examiners(path: $0) }
        let magic = try MagicDatabases.standard(after: examiners)
        self.magic = magic
        databaseDigests = try magic.images.map(Self.digest)
        examinersFiles = try examiners.map {
            (name: URL(fileURLWithPath: $0.name).lastPathComponent, sha256: try Self.digest($0))
        }
        index = SignatureIndex.forCarving(magic: magic)
    }

    private static func digest(_ image: CompiledMagic) throws -> Digest {
        if let source = image.source { return try Digesting.digest(.sha256, of: source) }
        return try image.withBytes { bytes in
            var running = try RunningDigest(.sha256)
            try running.update(bytes)
            return try running.finalize()
        }
    }

    /// The search that rides a pass.
    ///
    /// - Parameter blockSize: alignment of files on the medium, in bytes; nil to search every offset.
    /// - Throws: `MagicError` when the search cannot be prepared.
    func search(blockSize: Int?) throws -> CandidateSearch {
        guard let blockSize else {
            let search = try SignatureSearch.forCarving(magic: magic)
            return CandidateSearch(margin: search.requiredMargin) { bytes, usable, base, found in
                search.candidates(in: bytes, count: usable, baseOffset: base, into: &found)
            }
        }
        let index = index
        return CandidateSearch(margin: index.requiredMargin) { bytes, usable, base, found in
            index.candidates(in: bytes, count: usable, baseOffset: base, blockSize: blockSize, into: &found)
        }
    }
}
