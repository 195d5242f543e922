import Digesting
import EvidenceModel
import GRDB
import Trust

/// The place at the end of the ledger that the next entry takes, and the past it commits to.
struct EntryPosition {
    let origin: String
    let caseNumber: String
    let seq: Int
    let previousLeaf: Digest
    let previousTime: UTCTime?
    let frontier: MerkleFrontier

    static func first(origin: String, caseNumber: String) throws -> EntryPosition {
        EntryPosition(
            origin: origin, caseNumber: caseNumber, seq: 0,
            previousLeaf: Digest(.sha256, [UInt8](repeating: 0, count: 32)), previousTime: nil,
            frontier: MerkleFrontier())
    }

    static func next(after head: LedgerHead, in db: Database, origin: String, caseNumber: String) throws
        -> EntryPosition
    {
        EntryPosition(
            origin: origin, caseNumber: caseNumber, seq: head.size, previousLeaf: head.last.leaf,
            previousTime: head.time, frontier: try LedgerDatabase.frontier(size: head.size, in: db))
    }

    /// Signs the draft at this place and writes it. The caller holds the write lock.
    func append(_ draft: EntryDraft, signer: Signer, now: UTCTime?, in db: Database) throws -> LedgerReceipt {
        let time = now ?? UTCTime.systemClock
        try demandOrder(of: time, for: draft)
        let certificate = signer.certificate
        guard certificate.notBefore <= time, time <= certificate.notAfter else {
            throw LedgerError(
                .signing,
                "the certificate of \(certificate.subjectCommonName) is valid from \(certificate.notBefore.rfc3339) to "
                    + "\(certificate.notAfter.rfc3339), not at \(time.rfc3339); use a valid one or check the clock")
        }
        for reference in draft.refs + (draft.corrects.map { [$0] } ?? []) {
            guard try LedgerDatabase.leaf(reference.seq, in: db) == reference.leaf.bytes else {
                throw LedgerError(
                    .invalidDraft, "the entry refers to an entry \(reference.seq) that is not in the ledger")
            }
        }
        let body = EntryBody(
            origin: origin, seq: seq, previousLeaf: previousLeaf,
            previousRoot: Digest(.sha256, try frontier.root), time: time, caseNumber: caseNumber,
            certificate: certificate.sha256, draft: draft)
        return try write(body, signer: signer, in: db)
    }

    private func write(_ body: EntryBody, signer: Signer, in db: Database) throws -> LedgerReceipt {
        let content = body.canonical.encoded
        do { _ = try EntryBody(parsing: content) } catch {
            throw LedgerError(.invalidDraft, "the entry cannot be recorded: \(error.message)")
        }
        let cms: [UInt8]
        do { cms = try CAdES.signAttached(content, by: signer, at: body.time) } catch {
            throw LedgerError(.signing, "the entry could not be signed: \(error)")
        }
        guard cms.count <= LedgerEntry.largestSize else {
            throw LedgerError(
                .entryTooLarge,
                "the entry would have \(cms.count) bytes, more than \(LedgerEntry.largestSize): record the digest of a "
                    + "file instead of its content")
        }
        let leaf = try MerkleFrontier.leafHash(cms)
        var grown = frontier
        try grown.append(leafHash: leaf)
        try LedgerDatabase.insert(seq: seq, cms: cms, leaf: leaf, in: db)
        try LedgerDatabase.store(grown, in: db)
        try LedgerDatabase.storeTiles(size: seq + 1, in: db)
        return LedgerReceipt(seq: seq, leaf: Digest(.sha256, leaf), root: Digest(.sha256, try grown.root))
    }

    private func demandOrder(of time: UTCTime, for draft: EntryDraft) throws(LedgerError) {
        guard let previousTime, time < previousTime else { return }
        if case .incident(let incident)? = draft.detail, incident.kind == .clockSetBack { return }
        throw LedgerError(
            .clockBehind,
            "the clock says \(time.rfc3339), before the last entry's \(previousTime.rfc3339); set it right, or record "
                + "an incident of kind \(IncidentKind.Kind.clockSetBack.rawValue) first when it was wrong before")
    }
}
