public import EvidenceModel
import Foundation
public import SourceMedia

/// Writes an image while its medium is read: it rides the pass as work on pages, and has a thread of its own.
///
/// Pages are packed by whoever brings them and put into the image in their order. Now and then a *durable point* is made:
/// the image is flushed, then the journal says how far it goes. Whatever happens afterwards, the image can be continued
/// from there. What was durable already when an interrupted acquisition goes on is compared with the block digests taken
/// when it was read from the device.
public final class ImageWriter: @unchecked Sendable {
    /// Bytes a page: what the block digests cover.
    public static let pageSize = 1 << 20
    /// Most pages that wait to be put into the image.
    static let mostWaiting = 3
    /// Seconds from one durable point to the next.
    public static let usualPause = 5.0

    private let place: ImagePlace
    private let pause: Double
    private let unreadable: @Sendable () -> [UnreadableRange]
    private let durablePages: Int
    private let durableBlocks: [UInt8]
    private let raw: ImageFile?

    private let condition = NSCondition()
    // Guarded by `condition`.
    private var ready: [Int: Page] = [:]
    private var next = 0
    private var failure: (any Error)?
    private var isClosing = false
    private var isDone = false
    private var packers: [EWFChunkPacker] = []
    private var spare: [EWFPackedChunks] = []

    // Owned by the writing thread, and after its end by whoever has closed the writer.
    private var journal: AcquisitionJournal
    private let ewf: EWFImageWriter?
    private let blocks: ImageFile
    private var lastPoint = Date()

    /// A page on its way into the image, and its SHA-256.
    private enum Page {
        /// It is in the image already.
        case known
        /// The chunks of an E01.
        case packed(EWFPackedChunks, [UInt8])
        /// It was put in its place in a raw image.
        case written([UInt8])
    }

    /// Begins an image, or goes on with one.
    ///
    /// - Parameters:
    ///   - journal: a new one, or the one of the interrupted acquisition.
    ///   - unreadable: what could not be read from the medium so far.
    ///   - pause: seconds between durable points.
    /// - Throws: ``SourceError``: `exists`, `full`, `unwritable`, `incomplete`; ``ImagingError``: `journal`.
    public init(
        _ journal: AcquisitionJournal, at place: ImagePlace, continuing: Bool, pause: Double = usualPause,
        unreadable: @escaping @Sendable () -> [UnreadableRange]
    ) throws {
        self.journal = journal
        self.place = place
        self.pause = pause
        self.unreadable = unreadable
        durablePages = journal.pages
        let facts = try journal.plan.ewfFacts()
        if !continuing { try place.refuseExisting(journal.plan.format) }
        try DurableFile.write(journal.canonical.encoded, to: place.journalPath)
        let blocksLength = journal.pages * 32
        // What was begun before the first durable point is begun again: the journal says that it is ours.
        let continuesFiles = continuing && journal.pages > 0
        if continuing, !continuesFiles {
            try Self.remove(place.blocksPath)
            if journal.plan.format == .raw { try Self.remove(place.rawPath) }
        }
        blocks =
            continuesFiles
            ? try ImageFile(continuing: place.blocksPath, length: blocksLength)
            : try ImageFile(creating: place.blocksPath)
        durableBlocks = continuesFiles ? Array(try Self.read(place.blocksPath).prefix(blocksLength)) : []
        switch journal.plan.format {
        case .raw:
            let length = min(journal.plan.medium.size, journal.pages * Self.pageSize)
            raw =
                continuesFiles
                ? try ImageFile(continuing: place.rawPath, length: length) : try ImageFile(creating: place.rawPath)
            ewf = nil
        case .e01:
            raw = nil
            ewf =
                continuing
                ? try EWFImageWriter(place.stem, facts, continuing: journal.ewf ?? EWFImageState())
                : EWFImageWriter(place.stem, facts)
        }
        let thread = Thread { [self] in write() }
        thread.start()
    }

    /// What the image holds already, to be read before the work goes on; nothing when it is new.
    ///
    /// - Throws: ``SourceError``: `damaged`, `full`, `unwritable`.
    public func writtenPart() throws -> any ByteSource {
        guard durablePages > 0 else { return MemorySource([]) }
        if let ewf { return try ewf.writtenPart() }
        let length = min(journal.plan.medium.size, durablePages * Self.pageSize)
        return ExtentSource(try SourceOpener.open(place.rawPath), extents: [Extent(offset: 0, length: length)])
    }

    /// The SHA-256 of a page that was durable when the work went on.
    public func durableDigest(ofPage page: Int) -> [UInt8] { Array(durableBlocks[page * 32..<page * 32 + 32]) }

    // MARK: Pages

    /// Takes one page: the work that rides the pass.
    ///
    /// - Throws: ``ImagingError``: `stopped`, `otherMedium`; ``SourceError``: `full`, `unwritable`.
    public func take(_ bytes: Span<UInt8>, at offset: Int, sha256: [UInt8]) throws {
        guard !StopRequest.isRequested else { throw ImagingError(.stopped, "Stopped as asked for.") }
        let index = offset / Self.pageSize
        if index < durablePages {
            guard durableDigest(ofPage: index) == sha256 else {
                throw ImagingError(
                    .otherMedium,
                    "The interrupted image \(place.stem) was changed since: its bytes from \(offset) on are not those that "
                        + "were read from the device. It cannot be continued. Remove it, and acquire the device anew.")
            }
            try hand(.known, at: index)
        } else if let raw {
            try raw.write(bytes, at: offset)
            try hand(.written(sha256), at: index)
        } else {
            let packer = try condition.withLock { packers.popLast() } ?? EWFChunkPacker(journal.plan.compression)
            // Nobody else may hold the room, or it would be copied.
            var packed = condition.withLock { spare.popLast() } ?? EWFPackedChunks()
            packer.pack(bytes, into: &packed)
            condition.withLock { packers.append(packer) }
            try hand(.packed(packed, sha256), at: index)
        }
    }

    /// Gives a page to the writing thread, and waits while that has too much to do.
    private func hand(_ page: Page, at index: Int) throws {
        condition.lock()
        defer { condition.unlock() }
        ready[index] = page
        condition.broadcast()
        // Whoever brings the page that is next never waits, so the thread always gets on.
        while failure == nil, ready[next] != nil, ready.count > Self.mostWaiting { condition.wait() }
        if let failure { throw failure }
    }

    // MARK: The writing thread

    private func write() {
        var problem: (any Error)?
        do {
            while let page = nextPage() {
                try put(page)
                if Date().timeIntervalSince(lastPoint) >= pause { try makeDurable() }
            }
            try makeDurable()
        } catch {
            problem = error
        }
        condition.lock()
        failure = problem
        isDone = true
        condition.broadcast()
        condition.unlock()
    }

    private func nextPage() -> Page? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let page = ready[next] { return page }
            if isClosing { return nil }
            condition.wait()
        }
    }

    private func put(_ page: Page) throws {
        var used: EWFPackedChunks?
        let digest: [UInt8]?
        switch page {
        case .known: digest = nil
        case .written(let sha256): digest = sha256
        case .packed(let packed, let sha256):
            try ewf?.append(packed)
            used = packed
            digest = sha256
        }
        if let digest { try blocks.write(digest.span, at: next * 32) }
        condition.lock()
        ready[next] = nil
        next += 1
        if let used { spare.append(used) }
        condition.broadcast()
        condition.unlock()
    }

    private func makeDurable() throws {
        lastPoint = Date()
        guard next > journal.pages else { return }
        try ewf?.synchronize()
        try raw?.synchronize()
        try blocks.synchronize()
        var point = journal
        point.ewf = ewf?.state
        point.pages = next
        point.unreadable = UnreadableRanges(unreadable()).before(next * Self.pageSize)
        do {
            try DurableFile.write(point.canonical.encoded, to: place.journalPath)
        } catch {
            throw SourceError(error.code == ENOSPC || error.code == EDQUOT ? .full : .unwritable, error.message)
        }
        journal = point
    }

    // MARK: The end

    /// Ends the writing where it is, at a durable point when that is possible; answers how many bytes are durable.
    public func close() -> (durable: Int, failure: (any Error)?) {
        condition.lock()
        isClosing = true
        condition.broadcast()
        while !isDone { condition.wait() }
        packers = []
        spare = []
        condition.unlock()
        return (min(journal.plan.medium.size, journal.pages * Self.pageSize), failure)
    }

    /// Ends the image.
    ///
    /// - Parameters:
    ///   - md5: of the medium, as is `sha1`.
    ///   - unreadable: what could not be read.
    /// - Returns: the paths of the image's files, in their order.
    /// - Throws: ``SourceError``: `full`, `unwritable`.
    public func finish(md5: Digest, sha1: Digest, unreadable: [UnreadableRange]) throws -> [String] {
        if let failure = close().failure { throw failure }
        if let ewf {
            let sectors = UnreadableRanges(unreadable).sectors(of: ewf.facts.sectorSize)
            try ewf.finish(md5: md5, sha1: sha1, unreadable: sectors)
        } else {
            try raw?.setLength(journal.plan.medium.size)
            try raw?.synchronize()
        }
        let paths = ewf?.paths ?? [place.rawPath]
        // Who reads the image back should see what the disk holds.
        for path in paths { try ImageFile(continuing: path, length: 0).forgetCached() }
        return paths
    }

    /// Removes the journal, once the image is recorded elsewhere.
    public static func removeJournal(of place: ImagePlace) throws {
        try FileManager.default.removeItem(atPath: place.blocksPath)
        try FileManager.default.removeItem(atPath: place.journalPath)
        try DurableFile.synchronizeFolder(place.folder)
    }

    // MARK: Files

    private static func remove(_ path: String) throws {
        if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    }

    private static func read(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
}
