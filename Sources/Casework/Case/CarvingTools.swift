import Carving
import Digesting
public import EvidenceModel
public import FormatIdentification
import Scanning

/// The magic databases of this process and what is made of them, loaded once.
public struct CarvingTools: Sendable {
    /// The databases that name formats.
    public let magic: MagicDatabases
    /// SHA-256 of each database, in the order they are asked.
    public let databaseDigests: [Digest]
    let index: SignatureIndex

    /// Loads Exhibit's own database and the system's.
    ///
    /// - Throws: `MagicError`, `DigestError`.
    public init() throws {
        let magic = try MagicDatabases.standard()
        self.magic = magic
        databaseDigests = try magic.images.map { image in
            try image.withBytes { bytes in
                var running = try RunningDigest(.sha256)
                try running.update(bytes)
                return try running.finalize()
            }
        }
        index = SignatureIndex.forCarving(magic: magic)
    }

    /// The search that rides a pass.
    func search(blockSize: Int) -> CandidateSearch {
        let index = index
        return CandidateSearch(margin: index.requiredMargin) { bytes, usable, base, found in
            index.candidates(in: bytes, count: usable, baseOffset: base, blockSize: blockSize, into: &found)
        }
    }
}
