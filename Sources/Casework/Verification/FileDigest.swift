import Digesting
import EvidenceModel
import Foundation

/// The digest of a file of a case, in constant memory.
enum FileDigest {
    static func sha256(ofFile path: String) throws -> Digest {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CaseError(.storage, "\(path) is missing")
        }
        let file = try FileHandle(forReadingFrom: URL(filePath: path))
        defer { try? file.close() }
        var running = try RunningDigest(.sha256)
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { try running.update(Array(piece)) }
        return try running.finalize()
    }
}
