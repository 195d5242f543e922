import CustodyLedger
import Digesting
import EvidenceModel
import Foundation
import TimeStamping
public import Trust

/// Time stamps of authorities outside the laboratory: asked for over HTTP, or carried by hand.
///
/// The laboratory's own stamp is never replaced. A stamp is stored when it verifies, and recorded in the ledger: that of a
/// checkpoint as `anchor.tsa`, that of an item's manifest as a `verify` of the item.
public struct TimestampWorkflow {
    let folder: CaseFolder
    let workstation: Workstation
    let session: CaseSession?

    /// - Parameter session: records what comes; without one, a stamp is stored and no entry is written.
    public init(_ folder: CaseFolder, workstation: Workstation, session: CaseSession? = nil) {
        self.folder = folder
        self.workstation = workstation
        self.session = session
    }

    /// What is stamped.
    public enum Subject: Hashable, Sendable {
        /// The signed manifest of an item.
        case item(String)
        /// A published head, by the number of its entries.
        case checkpoint(Int)

        /// For people, for example "item E001".
        public var words: String {
            switch self {
            case .item(let id): "item \(id)"
            case .checkpoint(let size): "checkpoint of \(size) entries"
            }
        }
    }

    // MARK: Over the network

    /// Asks an authority for a stamp; whatever goes wrong with it, the request is kept and nothing is lost.
    ///
    /// - Throws: ``CaseError``, ledger and file errors: failures of the case, not of the authority.
    public func ask(_ authority: OutsideAuthority, for subject: Subject) throws -> OutsideStamping {
        let files = try files(of: subject)
        let data = try files.data()
        let request = try TimestampRequest.make(for: data)
        try DurableFile.write(request, to: files.requestPath)
        let asked = UTCTime.systemClock
        do {
            let response = try authority.service.send(request)
            let now = UTCTime.systemClock
            let acceptance = StampAcceptance(
                folder: folder, files: files, roots: authority.roots, time: min(asked, now)...max(asked, now))
            let stamp = try acceptance.take(response, nonce: TimestampRequest.nonce(of: request, for: data))
            try record(stamp, of: subject)
            return .stamped(stamp)
        } catch let error as TimestampServiceError {
            return .failed(reason: error.message, request: files.requestPath)
        } catch let error as RefusedStamp {
            return .failed(
                reason: "the answer of \(authority.service.address) is not accepted: \(error)",
                request: files.requestPath)
        }
    }

    // MARK: By hand

    /// Writes a request to carry to an authority: it holds nothing but a digest and a random number.
    ///
    /// A copy stays in the case, so that the answer's nonce can be compared.
    public func writeRequest(for subject: Subject, to path: String) throws {
        let files = try files(of: subject)
        let request = try TimestampRequest.make(for: try files.data())
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CaseError(.exists, "\(path) exists already. Choose another name.")
        }
        try DurableFile.write(request, to: files.requestPath)
        try DurableFile.write(request, to: path)
    }

    /// Takes in an answer that was carried by hand; its own imprint says what it is over.
    ///
    /// - Parameter roots: the authority's certificates; those that the case knows already are trusted too.
    /// - Throws: ``CaseError`` with code `refused` when it does not hold or is over nothing of this case.
    public func take(_ response: [UInt8], roots: [Certificate]) throws -> (subject: Subject, stamp: OutsideStamp) {
        var all = roots
        for known in try folder.outsideRoots() where !all.contains(known) { all.append(known) }
        var problem = "it is over nothing of this case: it belongs to another one, or what it stamps has changed."
        for subject in try subjects() {
            let files = try files(of: subject)
            let data = try files.data()
            let verdict = TimestampVerifier.verify(
                response: response, data: data, laboratory: try folder.rootCertificates(), outside: all)
            if case .invalid(.dataChanged) = verdict { continue }
            if case .invalid(let other) = verdict {
                problem = "\(other)."
                continue
            }
            do {
                let now = UTCTime.systemClock
                let earliest = min(try earliestTime(of: subject), now)
                let acceptance = StampAcceptance(folder: folder, files: files, roots: all, time: earliest...now)
                // A valid stamp is one whichever request it answers; the nonce only tells whether that one is open still.
                let stamp = try acceptance.take(response, nonce: nil)
                if try pendingNonce(files, data) == stamp.stamp.nonce, stamp.stamp.nonce != nil {
                    try FileManager.default.removeItem(atPath: files.requestPath)
                }
                try record(stamp, of: subject)
                return (subject, stamp)
            } catch let error as RefusedStamp {
                problem = error.description
                break
            }
        }
        throw CaseError(.refused, "The time stamp was not taken in: \(problem) Nothing was changed.")
    }

    /// The nonce of the request that has no answer yet.
    private func pendingNonce(_ files: StampFiles, _ data: [UInt8]) throws -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: files.requestPath) else { return nil }
        let request = try DurableFile.read(files.requestPath, limit: StampFiles.largestFile)
        return try TimestampRequest.nonce(of: request, for: data)
    }

    // MARK: Looking

    /// A stamp of the case and what its check said.
    public struct Line: Sendable {
        public let subject: Subject
        /// Path in the case.
        public let name: String
        public let verdict: TimestampVerdict?
    }

    /// Every stamp of the case, the laboratory's own among them; a request without an answer has no verdict.
    public func lines() throws -> [Line] {
        let roots = try folder.rootCertificates()
        let outside = try folder.outsideRoots()
        return try subjects().flatMap { subject in
            let files = try files(of: subject)
            let data = try files.data()
            let there = ([files.ownPath] + files.outsidePaths).filter { FileManager.default.fileExists(atPath: $0) }
            var lines = try there.map { path in
                Line(
                    subject: subject, name: name(path),
                    verdict: TimestampVerifier.verify(
                        response: try DurableFile.read(path, limit: StampFiles.largestFile), data: data,
                        laboratory: roots, outside: outside))
            }
            if FileManager.default.fileExists(atPath: files.requestPath) {
                lines.append(Line(subject: subject, name: name(files.requestPath), verdict: nil))
            }
            return lines
        }
    }

    private func name(_ path: String) -> String { String(path.dropFirst(folder.path.utf8.count + 1)) }

    // MARK: Subjects

    /// The newest published head.
    ///
    /// - Throws: ``CaseError`` with code `unknownItem` when none was published.
    public func newestCheckpoint() throws -> Subject {
        guard let size = try checkpointSizes().last else {
            throw CaseError(
                .unknownItem, "No checkpoint of this case was published yet. Make one with `exhibit ledger checkpoint`."
            )
        }
        return .checkpoint(size)
    }

    private func subjects() throws -> [Subject] {
        let items = try FileManager.default.contentsOfDirectory(atPath: folder.evidencePath).sorted().filter {
            FileManager.default.fileExists(atPath: folder.evidence($0).signaturePath)
        }
        return items.map { .item($0) } + (try checkpointSizes()).map { .checkpoint($0) }
    }

    private func checkpointSizes() throws -> [Int] {
        try FileManager.default.contentsOfDirectory(atPath: folder.checkpointsPath)
            .filter { $0.hasSuffix(".note") }.compactMap { Int($0.dropLast(".note".count)) }.sorted()
    }

    private func files(of subject: Subject) throws -> StampFiles {
        switch subject {
        case .item(let id):
            _ = try ItemDescription(id: id)
            let evidence = folder.evidence(id)
            guard FileManager.default.fileExists(atPath: evidence.signaturePath) else {
                throw CaseError(.unknownItem, "The case has no item \(id) with a signed manifest. Nothing was changed.")
            }
            return StampFiles(of: evidence)
        case .checkpoint(let size): return StampFiles(ofNoteAt: folder.checkpointPath(entries: size) + ".note")
        }
    }

    /// Before this, what is stamped did not exist.
    private func earliestTime(of subject: Subject) throws -> UTCTime {
        switch subject {
        case .item(let id):
            let bytes = try DurableFile.read(folder.evidence(id).manifestPath, limit: UnverifiedManifest.largestFile)
            return try EvidenceManifest(parsing: bytes).ended
        case .checkpoint(let size):
            let entries = try LedgerStore.open(at: folder.ledgerPath).entries(from: max(0, size - 1), limit: 1)
            return entries.first?.time ?? UTCTime(milliseconds: 0)
        }
    }

    // MARK: The ledger

    private func record(_ stamp: OutsideStamp, of subject: Subject) throws {
        let response = try DurableFile.read(stamp.path, limit: StampFiles.largestFile)
        let what = "\(name(stamp.path)), SHA-256 \(try digest(.sha256, of: response).hex): "
        let authority = SourceName.shown(stamp.stamp.sentence)
        switch subject {
        case .item(let id):
            let imprint = try digest(.sha256, of: try files(of: subject).data()).hex
            try session?.append(
                .verify, items: [LedgerItem(id: id, kind: .image)],
                reason: "time stamp over the signed manifest, \(what)\(authority)",
                check: LedgerCheck(expected: "sha256:" + imprint, observed: "sha256:" + imprint, result: .match))
        case .checkpoint(let size):
            let ledger = try session?.ledger ?? LedgerStore.open(at: folder.ledgerPath)
            let mark = try TransactionMark(ledgerPath: folder.ledgerPath, home: workstation.home)
            try LedgerFixity(folder: folder).forget()
            let anchor = try mark.around { try ledger.addAnchor(kind: "tsa", data: response, size: size) }
            try session?.append(.anchorTSA, reason: what + authority, anchor: anchor)
            try LedgerFixity(folder: folder).note(ledger)
        }
        try session?.finish()
    }
}
