public import Digesting
public import EvidenceModel
import Foundation
public import SourceMedia

/// The one pass over a medium: everything that needs all of its bytes rides it.
///
/// Pages of 1 MiB are filled by one reader, strictly in order, or by the workers themselves where reading means
/// inflating (``SourceReader/isFilledInParallel``). Workers take the work that each page asks for. A stream digest must
/// see its pages in order, so it is a *lane* that one worker at a time serves; block digests and the search for
/// candidates are free of order. The slowest lane comes first, so that the pass takes little longer than that digest
/// alone. The number of pages in flight is bounded: memory does not depend on the medium.
///
/// The result does not depend on the number of workers.
public struct MediaPass: Sendable {
    /// Bytes a page, and bytes a digested block.
    public static let pageSize = 1 << 20
    /// Most bytes of a medium that is passed over: 256 TiB.
    ///
    /// A sparse container can declare exabytes. Its zeros need not be read, but each of them counts in a digest: at 2 GB/s
    /// this much takes a day and a half, and its block digests take up 8 GiB.
    public static let largestMedium = 1 << 48
    /// Most pages in memory at a time.
    public static let pagesInFlight = 16

    /// Most pages of this pass in memory at a time: fewer where work on pages needs room of its own.
    public var mostPages = Self.pagesInFlight
    /// The digests to take over the whole medium.
    public var algorithms: [DigestAlgorithm] = [.md5, .sha1, .sha256]
    /// Takes the SHA-256 of each file or segment that the medium is made of as well.
    public var digestsFiles = false
    /// Takes the SHA-256 of each file of a container as it is on disk, right behind the pass, where the medium's bytes are
    /// not those of the files.
    public var digestsContainer = false
    /// Further digests to take of each file or segment, when ``digestsFiles`` asks for one.
    public var furtherFileAlgorithms: [DigestAlgorithm] = []
    /// Takes the SHA-256 of each 1 MiB block.
    public var digestsBlocks = true
    /// Looks for places where a known format may start.
    public var search: CandidateSearch?
    /// Tells the class of each block as well.
    public var classifiesBlocks = false
    /// Bytes that the classes of the blocks may take up; see ``BlockMap``.
    public var blockMapLimit = BlockMap.usualLimit
    /// Gets every page once; needs ``digestsBlocks``.
    public var pageWork: PageWork?
    /// Number of threads that work on pages.
    public var workers = ProcessInfo.processInfo.activeProcessorCount
    /// Called with the number of bytes read so far.
    public var progress: (@Sendable (Int) -> Void)?

    /// A pass with the default digests.
    public init() {}

    /// Reads the whole medium once.
    ///
    /// - Throws: ``SourceError`` when the source fails as a whole, changes meanwhile or is larger than ``largestMedium``;
    ///   ``DigestError``.
    public func run(over source: any SourceReader) throws -> ScanResult {
        try refuseBoundless(source)
        let board = try PassBoard(
            source, mostPages: mostPages, lanes: lanes(for: source), container: containerLane(for: source),
            digestsBlocks: digestsBlocks, search: search, pageWork: pageWork,
            blockMap: classifiesBlocks ? BlockMap(limit: blockMapLimit) : nil)
        let threads = ThreadGroup()
        let progress = PassProgress(self.progress)
        if !source.isFilledInParallel { threads.start { board.read(progress: progress) } }
        for _ in 0..<max(1, workers) { threads.start { board.work(progress: progress) } }
        threads.wait()
        try board.throwFailure()
        try source.checkUnchanged()
        return try board.result()
    }

    private func refuseBoundless(_ source: any SourceReader) throws(SourceError) {
        guard source.size > Self.largestMedium else { return }
        let stored = source.description.properties.first { $0.name == "stored_bytes" }
        throw SourceError(
            .unsupported,
            "\(source.description.path): the medium has \(source.size) bytes, more than the \(Self.largestMedium) (256 TiB) "
                + "over which digests can be taken in any reasonable time"
                + (stored.map { "; \($0.value) of them are stored in the container" } ?? "")
                + ". Nothing was taken in: digests of a part would not be the medium's. Export the parts that hold data with "
                + "the program that made it, and take those in.")
    }

    private func containerLane(for source: any SourceReader) throws(DigestError) -> ContainerLane? {
        guard digestsContainer, let files = source.containerFiles else { return nil }
        return try ContainerLane(files)
    }

    /// The stream digests, the slowest first.
    private func lanes(for source: any SourceReader) throws(DigestError) -> [DigestLane] {
        let slowestFirst: [DigestAlgorithm] = [.sha3_256, .md5, .sha512, .blake2b512, .sha256, .sha1]
        var lanes: [DigestLane] = []
        for algorithm in slowestFirst where algorithms.contains(algorithm) {
            lanes.append(try DigestLane(algorithm, boundaries: nil))
        }
        if digestsFiles {
            let sizes = source.description.files.map(\.size)
            for algorithm in slowestFirst where algorithm == .sha256 || furtherFileAlgorithms.contains(algorithm) {
                lanes.append(try DigestLane(algorithm, boundaries: sizes))
            }
        }
        return lanes
    }
}

/// What a pass found out about a medium.
public struct ScanResult: Sendable {
    /// Digests over the whole medium, in the order of `DigestAlgorithm.allCases`.
    public let digests: [Digest]
    /// SHA-256 of each file or segment, in order; empty when not asked for.
    public let fileDigests: [Digest]
    /// What became of each file of a container, in order; empty when not asked for, or when there is no container.
    public let containerDigests: [ContainerFileDigest]
    /// The further digests of each file or segment that were asked for, by algorithm.
    public let furtherFileDigests: [DigestAlgorithm: [Digest]]
    /// SHA-256 of each 1 MiB block, one after the other; the last block may be short.
    public let blockDigests: [UInt8]
    /// RFC 6962 tree over the block digests.
    public let blockTree: MerkleFrontier
    /// Where a known format may start, ascending, in bytes.
    public let candidates: [Int]
    /// The classes of all blocks; nil when not asked for.
    public let blockMap: BlockMap?
    /// What could not be read and counts as zeros.
    public let unreadable: [UnreadableRange]
    /// Number of media bytes that passed.
    public let bytesRead: Int
}

/// Work of another module that rides a pass: writing an image, for example.
///
/// Called once for each page, from any thread and in any order, with the page's SHA-256. It may wait only for what is
/// ready to be done without any further page.
public typealias PageWork = @Sendable (_ bytes: Span<UInt8>, _ offset: Int, _ sha256: [UInt8]) throws -> Void

/// How a pass looks for candidates in a page.
public struct CandidateSearch: Sendable {
    /// Bytes after a page that the search may look at, so that page borders hide nothing.
    public let margin: Int
    /// Appends the offsets of candidates in `bytes`, of which the first `usable` belong to the page at `base`.
    public let find: @Sendable (_ bytes: Span<UInt8>, _ usable: Int, _ base: Int, _ found: inout [Int]) -> Void

    /// - Parameters:
    ///   - margin: in bytes, at most a page.
    ///   - find: must be a pure function of its arguments.
    public init(
        margin: Int,
        find: @escaping @Sendable (_ bytes: Span<UInt8>, _ usable: Int, _ base: Int, _ found: inout [Int]) -> Void
    ) {
        self.margin = margin
        self.find = find
    }
}
