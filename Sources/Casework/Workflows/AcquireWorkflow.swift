public import CustodyLedger
import Digesting
public import EvidenceModel
import Foundation
public import Imaging
import Scanning
public import SourceMedia

/// Images a device, takes its digests in the same reading, and reads the image back: the whole flow, top to bottom.
///
///     intake ─► acquire.begin ─► one pass over the device, into the image ─► read back ─► evidence files, signed
///     ─► acquire.end ─► verify
///
/// An acquisition that is interrupted leaves an image that can be continued, and a journal beside it; see
/// `Documentation/Acquisition.md`.
public struct AcquireWorkflow {
    /// Pages of the medium in memory at a time; the packed ones of the image need room as well.
    static let mostPages = 8

    let session: CaseSession
    /// Digests over the whole medium.
    public var algorithms: [DigestAlgorithm] = [.md5, .sha1, .sha256]
    /// Threads that digest and compress.
    public var workers = ProcessInfo.processInfo.activeProcessorCount
    /// Reads a device even though it is mounted for writing; the reason goes into the ledger.
    public var forceReason: String?
    /// How much trouble is taken over sectors that do not read.
    public var policy = ReadPolicy()
    /// Goes on with an interrupted acquisition.
    public var resumes = false
    /// What kind of image; nil for E01, or for what the interrupted acquisition has begun.
    public var format: ImagePlan.Format?
    /// How chunks are stored; nil as above.
    public var compression: EWFImageFacts.Compression?
    /// Most bytes of a segment; nil as above.
    public var segmentSize: Int?
    /// Reads the finished image back.
    public var readsBack = true
    /// Seconds from one durable point to the next.
    public var pause = ImageWriter.usualPause
    /// Hears what should be known before the work begins.
    public var notice: (String) -> Void = { _ in }

    /// A workflow that acts for the session's examiner.
    public init(_ session: CaseSession) { self.session = session }

    /// What was acquired.
    public struct Outcome: Sendable {
        public let manifest: EvidenceManifest
        /// Path of the image's first file.
        public let image: String
        public let receipt: LedgerReceipt
        /// Seconds that imaging took in this run.
        public let imaging: Double
        /// Seconds that reading back took; nil when it was not done.
        public let readingBack: Double?
    }

    /// The acquisition ended before it was complete; it can be continued.
    public struct Interruption: Error, CustomStringConvertible {
        /// What happened, how far the image is, and how to go on.
        public let message: String
        /// Bytes of the medium that the image holds durably.
        public let durable: Int

        public var description: String { message }
    }

    /// Images `path` as `item` into files named after `target`.
    ///
    /// - Throws: ``Interruption``; ``SourceError``, ``ImagingError``, ``CaseError``, ledger and signature errors.
    public func run(_ path: String, as item: ItemDescription, to target: String) throws -> Outcome {
        var policy = policy
        policy.shouldStop = { StopRequest.isRequested }
        let device = try SourceOpener.openMedium(path, allowWritableMounts: forceReason != nil, policy: policy)
        try refuse(device.description)
        let (place, journal) = try journal(for: device.description, item, target)
        try place.refuse(on: device.description)
        let history = try session.history(of: item.id)
        guard history.acquired == nil else {
            throw CaseError(
                .exists,
                "Item \(item.id) was taken in already (ledger entry \(history.acquired?.seq ?? 0)). Nothing was read. Use "
                    + "another item number.")
        }
        let work = try EvidenceWorkFolder(session.folder, item: item.id)
        if !resumes { try place.refuseExisting(journal.plan.format) }
        try checkRoom(place, journal)

        let started = Date()
        let begin = try recordBegin(item, device.description, journal, history)
        let writer = try ImageWriter(
            journal, at: place, continuing: resumes, pause: pause, unreadable: unreadable(of: device, journal))
        let medium: any SourceReader
        let scan: ScanResult
        let files: [String]
        do {
            try compareBeginning(device, journal, writer)
            medium =
                resumes
                ? ContinuedMedium(device, written: try writer.writtenPart(), known: journal.unreadable) : device
            scan = try pass(over: medium, journal, into: writer)
            files = try finish(writer, scan)
        } catch {
            throw interruption(by: error, writer, item, device.description, place, begin)
        }
        let written = session.now()
        let imaging = Date().timeIntervalSince(started)

        let readBack: ImageReadBack.Outcome
        do {
            readBack = try ImageReadBack(session: session, workers: workers)
                .run(files, format: journal.plan.format, expecting: scan, reading: readsBack)
        } catch {
            throw interruption(by: error, writer, item, device.description, place, begin)
        }
        let image = EvidenceManifest.Image(
            format: journal.plan.format.rawValue,
            compression: journal.plan.format == .e01 ? journal.plan.compression.rawValue : nil, files: readBack.files,
            resumptions: journal.resumptions, written: written, readBack: readBack.result,
            readBackEnded: readBack.result == .notDone ? nil : session.now())
        let manifest = try makeManifest(item, device.description, journal, scan, image)
        try work.write(scan.blockDigests, "blocks.sha256")
        try work.write(manifest, signedIn: session, location: files[0])
        try work.finish()
        let receipt = try recordEnd(item, manifest, scan, readBack, begin)
        try ImageWriter.removeJournal(of: place)
        return Outcome(
            manifest: manifest, image: files[0], receipt: receipt, imaging: imaging,
            readingBack: readBack.result == .notDone ? nil : readBack.seconds)
    }

    // MARK: Before the first byte

    private func refuse(_ source: SourceDescription) throws(CaseError) {
        switch source.kind {
        case .folder, .archive:
            throw CaseError(
                .refused,
                "\(source.path) is no medium of which an image could be made. Nothing was read. Take it in with "
                    + "`exhibit ingest`.")
        default: return
        }
    }

    /// The journal to work by: a new one, or the one beside an interrupted image.
    private func journal(
        for source: SourceDescription, _ item: ItemDescription, _ target: String
    ) throws -> (ImagePlace, AcquisitionJournal) {
        let medium = ImagePlan.Medium(source)
        guard resumes else {
            let format = format ?? .e01
            let plan = ImagePlan(
                format: format, compression: compression ?? .fast,
                segmentSize: segmentSize ?? EWFImageFacts.usualSegment, medium: medium,
                caseNumber: session.folder.facts.number, item: item.id,
                description: item.description ?? SourceName.shown(source), examiner: session.actor.name,
                software: "\(session.tool.name) \(session.tool.version)", started: session.now())
            return (try ImagePlace(target, format), AcquisitionJournal(plan))
        }
        let places = try (format.map { [$0] } ?? ImagePlan.Format.allCases).map { try ImagePlace(target, $0) }
        let found = places.first { FileManager.default.fileExists(atPath: $0.journalPath) }
        var journal = try AcquisitionJournal(of: found ?? places[0])
        let plan = journal.plan
        let differences = [
            plan.medium == medium ? nil : "the device is another one (size, sector size, model or serial number)",
            plan.caseNumber == session.folder.facts.number ? nil : "it belongs to case \(plan.caseNumber)",
            plan.item == item.id ? nil : "it is item \(plan.item)",
            format.map { $0 == plan.format } ?? true ? nil : "its format is \(plan.format.rawValue)",
            compression.map { $0 == plan.compression } ?? true
                ? nil : "its compression is \(plan.compression.rawValue)",
            segmentSize.map { $0 == plan.segmentSize } ?? true ? nil : "its segments have \(plan.segmentSize) bytes",
        ].compactMap { $0 }
        guard differences.isEmpty else {
            throw ImagingError(
                .otherMedium,
                "The interrupted acquisition at \(target) cannot be continued like this: "
                    + differences.joined(separator: "; ") + ". Nothing was read.")
        }
        journal.resumptions += 1
        return (try ImagePlace(target, plan.format), journal)
    }

    private func checkRoom(_ place: ImagePlace, _ journal: AcquisitionJournal) throws {
        let most = try journal.plan.largestImage()
        // What the image takes up already is not needed once more.
        let left = max(0, most - min(most, journal.pages * ImageWriter.pageSize))
        let free = try place.freeBytes()
        guard free < left else { return }
        guard journal.plan.format == .e01 else {
            throw ImagingError(
                .room,
                "\(place.folder) has \(free) bytes left, the image needs \(left) more. Nothing was read. Make room, or choose "
                    + "another folder.")
        }
        notice(
            "\(place.folder) has \(free) bytes left; if nothing can be compressed, the image needs \(left) more. When the "
                + "disk is full the acquisition stops and can be continued.")
    }

    // MARK: The pass

    private func unreadable(
        of device: any SourceReader, _ journal: AcquisitionJournal
    ) -> @Sendable () -> [UnreadableRange] {
        let known = journal.unreadable
        let medium = ContinuedMedium(
            device, written: LengthOnly(size: journal.pages * ImageWriter.pageSize), known: known)
        return { medium.unreadable }
    }

    /// Before an acquisition goes on: the device must still give the first and the last page that it gave then.
    private func compareBeginning(
        _ device: any SourceReader, _ journal: AcquisitionJournal, _ writer: ImageWriter
    ) throws {
        let size = ImageWriter.pageSize
        for page in Set([0, journal.pages - 1]) where page >= 0 && page < journal.pages {
            guard !journal.unreadable.overlaps(page * size..<(page + 1) * size) else { continue }
            let bytes = try device.bytes(at: page * size, count: size)
            guard !UnreadableRanges(device.unreadable).overlaps(page * size..<(page + 1) * size) else { continue }
            guard try digest(.sha256, of: bytes).bytes == writer.durableDigest(ofPage: page) else {
                throw ImagingError(
                    .otherMedium,
                    "\(device.description.path) is not the device of the interrupted acquisition, or it has changed: its "
                        + "bytes from \(page * size) on are others than then. Nothing was added to the image.")
            }
        }
    }

    private func pass(
        over medium: any SourceReader, _ journal: AcquisitionJournal, into writer: ImageWriter
    ) throws -> ScanResult {
        var pass = MediaPass()
        pass.algorithms = algorithms
        pass.workers = workers
        pass.mostPages = Self.mostPages
        pass.pageWork = { bytes, offset, sha256 in try writer.take(bytes, at: offset, sha256: sha256) }
        let progress = session.progress
        let total = medium.size
        progress?.began("Imaging \(SourceName.shown(medium.description))", unit: .bytes)
        defer { progress?.ended() }
        pass.progress = { done in
            let bad = medium.unreadable.count
            if bad > 0 { progress?.noted("\(bad) unreadable ranges") }
            progress?.advanced(to: done, of: total)
        }
        return try pass.run(over: medium)
    }

    private func finish(_ writer: ImageWriter, _ scan: ScanResult) throws -> [String] {
        guard let md5 = scan.digests.first(where: { $0.algorithm == .md5 }),
            let sha1 = scan.digests.first(where: { $0.algorithm == .sha1 })
        else { throw CaseError(.refused, "An image needs MD5 and SHA-1.") }
        return try writer.finish(md5: md5, sha1: sha1, unreadable: scan.unreadable)
    }

    // MARK: An interruption

    /// Leaves the image at its last durable point, says so in the ledger, and tells how to go on.
    private func interruption(
        by error: any Error, _ writer: ImageWriter, _ item: ItemDescription, _ source: SourceDescription,
        _ place: ImagePlace, _ begin: LedgerReceipt
    ) -> any Error {
        let (durable, _) = writer.close()
        let isFull = (error as? SourceError)?.code == .full
        var message = "\(source.path) is imaged up to byte \(durable) of \(source.mediaSize). \(error)"
        if isFull {
            message += " Up to \(max(0, source.mediaSize - durable)) more bytes may be needed in \(place.folder)."
        }
        // An image that was changed meanwhile, or that of another device, is none to go on with.
        let isFinal = (error as? ImagingError)?.code == .otherMedium || (error as? SourceError)?.code == .damaged
        if !isFinal { message += " Give the same command with --resume to go on from there." }
        do {
            try session.append(
                .incident, items: [LedgerItem(id: item.id, kind: .image)], reason: message, refs: [begin.reference],
                detail: .incident(IncidentKind(isFull ? .diskFull : .interruption)))
            try session.finish()
        } catch {
            message += " The interruption could not be recorded in the ledger: \(error)"
        }
        return Interruption(message: message, durable: durable)
    }

    // MARK: The records

    private func recordBegin(
        _ item: ItemDescription, _ source: SourceDescription, _ journal: AcquisitionJournal, _ history: ItemHistory
    ) throws -> LedgerReceipt {
        if history.intake == nil { try session.append(.intake, items: [item.ledgerItem(source)]) }
        let resumed = "continues an interrupted acquisition; \(journal.pages) MiB were in the image already"
        let reasons = [
            forceReason.map { "read although mounted for writing: \($0)" }, resumes ? resumed : nil,
        ].compactMap { $0 }
        return try session.append(
            .acquireBegin, items: [item.ledgerItem(source)],
            reason: reasons.isEmpty ? nil : reasons.joined(separator: "; "), refs: history.interruptedAcquisitions,
            detail: .acquisitionStart(
                AcquisitionStart(
                    sourceKind: source.kind.rawValue, sourceName: SourceName.shown(source), size: source.mediaSize)))
    }

    private func makeManifest(
        _ item: ItemDescription, _ source: SourceDescription, _ journal: AcquisitionJournal, _ scan: ScanResult,
        _ image: EvidenceManifest.Image
    ) throws -> EvidenceManifest {
        let clock = ClockState.current()
        let whole = source.holdsMediaInFiles && source.files.count == 1 ? scan.digests : []
        return EvidenceManifest(
            caseNumber: session.folder.facts.number, item: item.manifestItem(source), kind: source.kind,
            files: source.files.map {
                EvidenceManifest.File(
                    name: $0.name, size: $0.size, sha256: whole.first { $0.algorithm == .sha256 })
            },
            mediaSize: source.mediaSize, sectorSize: source.sectorSize, device: source.device, stored: source.stored,
            properties: source.properties, damage: source.damage, image: image, digests: scan.digests,
            blocks: EvidenceManifest.Blocks(
                size: MediaPass.pageSize, count: scan.blockTree.count, root: Digest(.sha256, try scan.blockTree.root)),
            fileTree: nil, unreadable: scan.unreadable, warnings: source.warnings + warnings(source, journal, image),
            started: journal.plan.started, ended: session.now(), bytesRead: scan.bytesRead,
            clock: EvidenceManifest.Clock(sync: clock.sync, source: clock.source, offsetMs: clock.offsetMs),
            examiner: session.manifestExaminer, tool: session.tool)
    }

    private func warnings(
        _ source: SourceDescription, _ journal: AcquisitionJournal, _ image: EvidenceManifest.Image
    ) -> [String] {
        var warnings: [String] = []
        if journal.resumptions > 0 {
            warnings.append(
                "the acquisition was interrupted and continued (\(journal.resumptions) times); what was in the image already "
                    + "was read from there, and its blocks had the digests taken from the device")
        }
        let trailing = source.mediaSize % max(1, source.sectorSize)
        if journal.plan.format == .e01, trailing > 0 {
            warnings.append(
                "the medium has \(trailing) bytes after its last whole sector; other programs leave them out of an E01 and "
                    + "then find other digests")
        }
        if image.readBack == .mismatch { warnings.append("the image, read back, has not the digests of the device") }
        return warnings
    }

    private func recordEnd(
        _ item: ItemDescription, _ manifest: EvidenceManifest, _ scan: ScanResult, _ readBack: ImageReadBack.Outcome,
        _ begin: LedgerReceipt
    ) throws -> LedgerReceipt {
        let end = try session.append(
            .acquireEnd,
            items: [
                LedgerItem(
                    id: item.id, kind: .image, size: manifest.mediaSize, digests: manifest.digests,
                    blocksRoot: manifest.blocks.root)
            ],
            refs: [begin.reference],
            detail: .acquisitionResult(
                AcquisitionResult(
                    manifest: try digest(.sha256, of: manifest.encoded),
                    blocks: try digest(.sha256, of: scan.blockDigests), bytesRead: scan.bytesRead,
                    unreadableRanges: scan.unreadable.count,
                    unreadableBytes: scan.unreadable.reduce(0) { $0 + $1.extent.length },
                    warnings: manifest.warnings.count)))
        guard readBack.result != .notDone else { return end }
        try session.append(
            .verify, items: [LedgerItem(id: item.id, kind: .image)], reason: "the image was read back",
            check: LedgerCheck(
                expected: manifest.digest(.sha256)?.hex, observed: readBack.observed?.hex,
                result: readBack.result == .match ? .match : .mismatch), refs: [end.reference])
        return end
    }
}

/// Stands for bytes that are only counted.
private struct LengthOnly: ByteSource {
    let size: Int

    func read(at offset: Int, into destination: inout MutableSpan<UInt8>) throws(SourceError) -> Int { 0 }
}
