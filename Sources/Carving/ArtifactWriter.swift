internal import Digesting
public import EvidenceModel
internal import Glibc
public import SourceMedia
internal import Synchronization

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
        try write(
            WrittenArtifact(artifact, ancestors: ancestors, path: path),
            EmbeddedContent(source: source, workFolder: workFolder), ReadBuffer(size: Self.bufferSize))
    }

    /// Writes many artifacts, each container opened once for all that is written of it.
    ///
    /// - Parameters:
    ///   - workers: threads, at least 1.
    ///   - progress: called with the number done so far, on any thread.
    /// - Returns: what prevented each one from being written, in their order; nil where it was.
    public func write(
        _ all: [WrittenArtifact], workers: Int, progress: @Sendable (Int) -> Void = { _ in }
    ) -> [CarveError?] {
        let families = WrittenArtifact.families(all)
        let wanted = WrittenArtifact.members(all)
        let outcomes = Mutex<[CarveError?]>([CarveError?](repeating: nil, count: all.count))
        let done = Atomic(0)
        let writers = (0..<max(1, workers)).map { _ in
            FamilyWriter(
                content: EmbeddedContent(source: source, workFolder: workFolder, wanted: wanted),
                buffer: ReadBuffer(size: Self.bufferSize))
        }
        WorkerPool(workers: writers).run(families.count) { writer, number in
            for position in families[number] {
                do throws(CarveError) {
                    try write(all[position], writer.content, writer.buffer)
                } catch {
                    outcomes.withLock { $0[position] = error }
                }
                progress(done.wrappingAdd(1, ordering: .relaxed).newValue)
            }
        }
        return outcomes.withLock { $0 }
    }

    private static let bufferSize = 256 * 1024

    private func write(
        _ written: WrittenArtifact, _ content: EmbeddedContent, _ buffer: ReadBuffer
    ) throws(CarveError) {
        let path = written.path
        close(try create(path))
        do throws(CarveError) {
            let partial = path + ".partial"
            let descriptor = try create(partial)
            do throws(CarveError) {
                defer { close(descriptor) }
                try copy(written, content, buffer, to: descriptor)
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
        _ written: WrittenArtifact, _ containers: EmbeddedContent, _ buffer: ReadBuffer, to descriptor: Int32
    ) throws(CarveError) {
        let artifact = written.artifact
        var at = 0
        let found: Digest
        do {
            let content = try containers.open(artifact, ancestors: written.ancestors)
            var running = try RunningDigest(.sha256)
            while at < content.size {
                let piece = try buffer.piece(of: content, at: at, upTo: content.size - at)
                if piece.isEmpty { break }
                try running.update(piece)
                try append(piece, to: descriptor, written.path)
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

/// What one thread needs to write artifacts.
private final class FamilyWriter: @unchecked Sendable {
    let content: EmbeddedContent
    let buffer: ReadBuffer

    init(content: EmbeddedContent, buffer: ReadBuffer) {
        self.content = content
        self.buffer = buffer
    }
}

/// An artifact to be written, and where.
public struct WrittenArtifact: Sendable {
    let artifact: Artifact
    let ancestors: [Artifact]
    let path: String

    /// - Parameter ancestors: of an embedded artifact, from the one on the medium down to its parent.
    public init(_ artifact: Artifact, ancestors: [Artifact], path: String) {
        self.artifact = artifact
        self.ancestors = ancestors
        self.path = path
    }

    /// Positions of the artifacts that lie in one artifact on the medium, for each of these; files of one container
    /// follow each other.
    static func families(_ all: [WrittenArtifact]) -> [[Int]] {
        var families: [[Int]] = []
        var familyOf: [String: Int] = [:]
        for (position, written) in all.enumerated() {
            let root = written.ancestors.first?.id ?? written.artifact.id
            if let family = familyOf[root] {
                families[family].append(position)
            } else {
                familyOf[root] = families.count
                families.append([position])
            }
        }
        return families.map { family in
            guard family.count > 2 else { return family }
            let keyed = family.map { (position: $0, way: all[$0].ancestors.map(\.id) + [all[$0].artifact.id]) }
            return keyed.sorted { $0.way.lexicographicallyPrecedes($1.way) }.map(\.position)
        }
    }

    /// The members of archives that are unpacked as a whole, with their sizes, by the archive's id.
    static func members(_ all: [WrittenArtifact]) -> [String: [Int: Int]] {
        var members: [String: [Int: Int]] = [:]
        for written in all {
            let way = written.ancestors + [written.artifact]
            for (container, child) in zip(way, way.dropFirst()) {
                if let number = child.memberNumber { members[container.id, default: [:]][number] = child.size }
            }
        }
        return members
    }
}
