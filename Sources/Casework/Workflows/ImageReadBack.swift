import Digesting
import EvidenceModel
import Foundation
import Imaging
import Scanning
import SourceMedia

/// Reads a finished image as any later program will, and compares it with what was read from the device.
struct ImageReadBack {
    let session: CaseSession
    let workers: Int

    /// What the image is.
    struct Outcome {
        let files: [EvidenceManifest.File]
        let result: EvidenceManifest.Image.ReadBack
        /// SHA-256 of the media bytes in the image; nil when they were not read.
        let observed: Digest?
        let seconds: Double
    }

    /// - Throws: ``SourceError`` when the image cannot be opened; ``ImagingError`` with code `stopped`.
    func run(
        _ paths: [String], format: ImagePlan.Format, expecting scan: ScanResult, reading: Bool
    ) throws -> Outcome {
        let began = Date()
        var result = EvidenceManifest.Image.ReadBack.notDone
        var observed: Digest?
        var digests: [Digest?] = []
        if reading {
            let image = try SourceOpener.open(paths[0])
            let found = try pass(over: image)
            observed = found.digests.first { $0.algorithm == .sha256 }
            // The only file of a raw image is the medium; segments of an E01 have digests of their own.
            digests = format == .raw ? [observed] : found.containerDigests.map { $0.digest }
            let isWhole = found.unreadable.isEmpty && image.description.damage.isEmpty
            // SHA-256 shows that the bytes are the device's; what the image says of them must be true as well.
            let isTrue =
                observed != nil && found.digests.allSatisfy(scan.digests.contains)
                && image.description.stored.allSatisfy { scan.digests.contains($0.digest) }
            result = isWhole && isTrue && image.size == scan.bytesRead ? .match : .mismatch
        }
        let files = try paths.enumerated().map { index, path in
            let digest = index < digests.count ? digests[index] : nil
            return EvidenceManifest.File(
                name: (path as NSString).lastPathComponent, size: try Self.size(of: path),
                sha256: try digest ?? FileDigest.sha256(ofFile: path))
        }
        return Outcome(
            files: files, result: result, observed: observed, seconds: Date().timeIntervalSince(began))
    }

    private func pass(over image: any SourceReader) throws -> ScanResult {
        var pass = MediaPass()
        pass.algorithms = [.sha256]
        pass.mostPages = AcquireWorkflow.mostPages
        pass.workers = workers
        pass.digestsContainer = true
        pass.pageWork = { _, _, _ in
            guard !StopRequest.isRequested else { throw ImagingError(.stopped, "Stopped as asked for.") }
        }
        let progress = session.progress
        let total = image.size
        progress?.began("Reading \(SourceName.shown(image.description)) back", unit: .bytes)
        defer { progress?.ended() }
        pass.progress = { progress?.advanced(to: $0, of: total) }
        return try pass.run(over: image)
    }

    private static func size(of path: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    }
}
