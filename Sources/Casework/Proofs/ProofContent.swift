import Digesting
import EvidenceModel

/// Reads the proven places out of the block files of a proof.
enum ProofContent {
    /// SHA-256 of the extents, one after the other.
    ///
    /// - Precondition: the extents lie in blocks, and the files are there with the length that the medium gives them.
    /// - Throws: ``CaseError`` with code `damaged` when a file is shorter than its block; file and digest errors.
    static func digest(of extents: [Extent], blockSize: Int, in folder: String) throws -> Digest {
        var running = try RunningDigest(.sha256)
        // Extents that follow each other mostly lie in one block: it is kept.
        var held: (index: Int, bytes: [UInt8])?
        for extent in extents {
            var offset = extent.offset
            while offset < extent.end {
                let index = offset / blockSize
                let bytes: [UInt8]
                if let held, held.index == index {
                    bytes = held.bytes
                } else {
                    let path = folder + "/" + ProofStatement.fileName(ofBlock: index)
                    bytes = try DurableFile.read(path, limit: blockSize)
                    held = (index, bytes)
                }
                let start = offset - index * blockSize
                let count = min(extent.end - offset, blockSize - start)
                guard start + count <= bytes.count else {
                    throw CaseError(.damaged, "\(ProofStatement.fileName(ofBlock: index)) is shorter than its block.")
                }
                try running.update(Array(bytes[start..<start + count]))
                offset += count
            }
        }
        return try running.finalize()
    }
}
