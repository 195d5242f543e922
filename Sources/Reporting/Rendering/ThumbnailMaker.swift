/// Makes the small pictures of a report from picture files found on evidence.
///
/// The file is decoded by Pillow (Debian package python3-pil, on which WeasyPrint depends) in a child process of its own
/// that has no network, may open no file, and is bounded in memory and time. What comes out has no metadata.
public enum ThumbnailMaker {
    /// What became of one picture.
    public enum Outcome: Hashable, Sendable {
        /// A JPEG of at most ``largestSide`` pixels a side.
        case made([UInt8])
        /// No thumbnail, and why.
        case failed(reason: String)
    }

    /// Width and height of a thumbnail are at most this, in pixels.
    public static let largestSide = 192
    /// A larger file is not decoded, in bytes.
    public static let fileSizeLimit = 64 << 20
    /// A larger picture is not decoded, in pixels.
    public static let pixelLimit = 100_000_000

    private static let outputLimit = 1 << 20

    /// A thumbnail of a JPEG, PNG, GIF, BMP, WebP or TIFF file.
    /// - Parameter file: the file's bytes.
    public static func thumbnail(of file: [UInt8]) async -> Outcome {
        guard file.count <= fileSizeLimit else {
            return .failed(reason: "the file has \(file.count) bytes, the limit is \(fileSizeLimit)")
        }
        do throws(ReportError) {
            let outcome = try await ConfinedProgram.run(
                "make_thumbnail.py", arguments: [String(pixelLimit), String(largestSide)], input: file,
                outputLimit: outputLimit)
            guard outcome.exitCode == 0, outcome.output.starts(with: [0xFF, 0xD8]) else {
                let reason = EvidenceText.plain(outcome.errors)
                return .failed(reason: reason.isEmpty ? "the decoder ended (\(outcome.exitCode))" : reason)
            }
            return .made(outcome.output)
        } catch {
            return .failed(reason: error.message)
        }
    }
}
