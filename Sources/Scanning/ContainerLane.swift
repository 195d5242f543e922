import Digesting
public import EvidenceModel
import SourceMedia

/// Digests the files of a container as they are on disk, right behind the pass over the medium in them, so that the
/// system still has their bytes in memory and the disk is read once.
///
/// Owner of its state: the worker that the board has given it to, one at a time.
final class ContainerLane: @unchecked Sendable {
    /// Most bytes that are digested in one piece of work.
    static let stepSize = 1 << 20
    /// Bytes that are read at a time; they stay in the processor's cache until they are digested.
    private static let readSize = 1 << 17

    /// Bytes of all files together.
    let size: Int
    private let files: ContainerFiles
    private var running: RunningDigest?
    private var finished: [ContainerFileDigest] = []
    private var offsetInFile = 0
    private var problem: String?
    private var buffer = [UInt8](repeating: 0, count: readSize)

    init(_ files: ContainerFiles) throws(DigestError) {
        self.files = files
        size = files.sizes.reduce(0, +)
        running = try RunningDigest(.sha256)
    }

    /// Digests the next `count` bytes.
    ///
    /// - Precondition: so many are left.
    func advance(by count: Int) throws {
        var left = count
        while left > 0 {
            try finishCompletedFiles()
            let wanted = min(left, Self.readSize, files.sizes[finished.count] - offsetInFile)
            if problem == nil { try digestNext(wanted) }
            offsetInFile += wanted
            left -= wanted
        }
    }

    /// The digests, one a file, once every byte has passed.
    func results() throws -> [ContainerFileDigest] {
        try finishCompletedFiles()
        try files.checkUnchanged()
        return finished
    }

    private func digestNext(_ count: Int) throws {
        // Lent out for the read: a span of a class's own storage may not be cut into parts.
        var lent: [UInt8] = []
        swap(&lent, &buffer)
        problem = try load(count, into: &lent)
        if problem == nil { try running?.update(lent[..<count]) }
        swap(&lent, &buffer)
    }

    /// Answers why the system cannot read the bytes; the medium may be whole all the same.
    private func load(_ count: Int, into bytes: inout [UInt8]) throws(SourceError) -> String? {
        var destination = bytes.mutableSpan
        var part = destination._mutatingExtracting(0..<count)
        do {
            try files.read(finished.count, at: offsetInFile, into: &part)
            return nil
        } catch {
            guard error.code == .unreadable else { throw error }
            return error.message
        }
    }

    private func finishCompletedFiles() throws(DigestError) {
        while finished.count < files.sizes.count, offsetInFile == files.sizes[finished.count] {
            guard let digest = running.take() else { return }
            finished.append(Self.outcome(try digest.finalize(), problem))
            running = try RunningDigest(.sha256)
            offsetInFile = 0
            problem = nil
        }
    }

    private static func outcome(_ digest: Digest, _ problem: String?) -> ContainerFileDigest {
        problem.map { .unreadable($0) } ?? .digest(digest)
    }
}

/// What became of one file of a container.
public enum ContainerFileDigest: Hashable, Sendable {
    /// Its SHA-256.
    case digest(Digest)
    /// Not all of it could be read, and why.
    case unreadable(String)

    /// The SHA-256; nil when not all of the file could be read.
    public var digest: Digest? {
        if case .digest(let value) = self { value } else { nil }
    }
}
