import EvidenceModel
import Foundation

/// The time stamps over one file of a case, and where they lie. See `Documentation/Formats/time-stamps.md`.
///
///     manifest.json.tsr       the laboratory's own
///     manifest.json.1.tsr     of outside authorities, numbered as they came
///     manifest.json.tsq       a request that has no answer yet
struct StampFiles {
    /// Most stamps of outside authorities over one file.
    static let mostStamps = 99
    /// Largest stamp or request that is read, in bytes.
    static let largestFile = 1 << 20

    /// What is stamped.
    let dataPath: String
    /// What the names of the stamps begin with.
    private let base: String

    /// The stamps over the signature of an item's manifest.
    init(of evidence: EvidenceFolder) {
        dataPath = evidence.signaturePath
        base = evidence.manifestPath
    }

    /// The stamps over a published head.
    init(ofNoteAt path: String) {
        dataPath = path
        base = path
    }

    /// The laboratory's own stamp.
    var ownPath: String { base + ".tsr" }
    /// The request that has no answer yet.
    var requestPath: String { base + ".tsq" }

    func outsidePath(_ number: Int) -> String { "\(base).\(number).tsr" }

    /// The stamps of outside authorities that are there.
    var outsidePaths: [String] {
        (1...Self.mostStamps).map(outsidePath).filter { FileManager.default.fileExists(atPath: $0) }
    }

    /// Where the next one goes; nil when there are as many as may be.
    var nextPath: String? {
        (1...Self.mostStamps).map(outsidePath).first { !FileManager.default.fileExists(atPath: $0) }
    }

    func data() throws(FileError) -> [UInt8] { try DurableFile.read(dataPath, limit: UnverifiedManifest.largestFile) }
}

/// The last part of a path.
func lastPathComponent(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
