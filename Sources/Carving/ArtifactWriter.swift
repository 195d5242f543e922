internal import Digesting
public import EvidenceModel
internal import Glibc
public import SourceMedia

/// Writes the content of catalogued artifacts to files.
///
/// What is written is checked against the catalogue while it is written; a file that stands already is never touched.
/// Files are derived from the evidence and can be written again, so they are not forced onto the medium one by one.
public struct ArtifactWriter: Sendable {
    private let source: any ByteSource

    private let workFolder: String

    /// - Parameters:
    ///   - source: the medium the artifacts were found on.
    ///   - workFolder: where large decoded content is kept while it is written, in files without a name.
    public init(source: any ByteSource, workFolder: String = "/var/tmp") {
        self.source = source
        self.workFolder = workFolder
    }

    /// Writes an artifact to `path`, readable by its owner only.
    ///
    /// The name is taken first, with an empty file; the content moves there when it is whole and checked. After a
    /// failure neither is left.
    /// - Parameter ancestors: of an embedded artifact, from the one on the medium down to its parent: its content is
    ///   decoded again out of theirs.
    /// - Throws: ``CarveError`` with code `output` when the file exists or cannot be written, `mismatch` when the medium
    ///   does not hold the bytes that were catalogued, `medium` when it cannot be read.
    public func write(
        _ artifact: Artifact, ancestors: [Artifact] = [], to path: String
    ) throws(CarveError) {
        close(try create(path))
        do throws(CarveError) {
            let partial = path + ".partial"
            let descriptor = try create(partial)
            do throws(CarveError) {
                defer { close(descriptor) }
                try copy(artifact, ancestors, to: descriptor, path)
                guard unsafe rename(partial, path) == 0 else { throw systemError("rename", partial) }
            } catch {
                _ = unsafe unlink(partial)
                throw error
            }
        } catch {
            _ = unsafe unlink(path)
            throw error
        }
    }

    private func create(_ path: String) throws(CarveError) -> Int32 {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600))
        guard descriptor >= 0 else { throw systemError("create", path) }
        return descriptor
    }

    private func copy(
        _ artifact: Artifact, _ ancestors: [Artifact], to descriptor: Int32, _ path: String
    ) throws(CarveError) {
        let buffer = ReadBuffer(size: 256 * 1024)
        var at = 0
        let found: Digest
        do {
            let content = try EmbeddedContent(source: source, workFolder: workFolder).open(
                artifact, ancestors: ancestors)
            var running = try RunningDigest(.sha256)
            while at < content.size {
                let piece = try buffer.piece(of: content, at: at, upTo: content.size - at)
                if piece.isEmpty { break }
                try running.update(piece)
                try append(piece, to: descriptor, path)
                at += piece.count
            }
            found = try running.finalize()
        } catch let error as CarveError {
            throw error
        } catch let error as SourceError {
            throw CarveError(.medium, "artifact \(artifact.id): \(error.message)")
        } catch {
            throw CarveError(.digest, "artifact \(artifact.id): \(error)")
        }
        guard at == artifact.size, found == artifact.sha256 else {
            throw CarveError(
                .mismatch,
                "artifact \(artifact.id): the medium gives SHA-256 \(found.hex) over \(at) bytes, the catalogue says "
                    + "\(artifact.sha256.hex) over \(artifact.size); verify the evidence item")
        }
    }

    private func append(_ piece: ArraySlice<UInt8>, to descriptor: Int32, _ path: String) throws(CarveError) {
        var rest = piece
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw systemError("write", path) }
            rest = rest.dropFirst(written)
        }
    }

    private func systemError(_ operation: String, _ path: String) -> CarveError {
        // glibc keeps this text per thread, so it is safe to copy from.
        let words = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return CarveError(.output, "\(path): \(operation) failed: \(words)")
    }
}
