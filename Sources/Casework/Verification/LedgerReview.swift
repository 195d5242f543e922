public import CustodyLedger
import EvidenceModel
import Foundation
public import Trust

/// The audit of a case's ledger against everything this workstation has to compare it with.
public struct LedgerReview {
    let folder: CaseFolder
    let workstation: Workstation
    /// Checkpoints that the user brings: signed notes, as text.
    public var checkpoints: [String] = []

    public init(_ folder: CaseFolder, workstation: Workstation) {
        self.folder = folder
        self.workstation = workstation
    }

    /// Audits; changes nothing, but for a write of this workstation that was cut off: that one is rolled back first.
    ///
    /// - Parameter roots: the certificates to trust; nil for those in the case.
    public func run(roots: [Certificate]? = nil) throws -> AuditReport {
        let roots = try roots ?? folder.rootCertificates()
        try rollBackOwnCutOffWrite()
        return try LedgerAudit.run(
            ledgerAt: folder.ledgerPath, roots: roots + folder.outsideRoots().filter { !roots.contains($0) },
            checkpoints: checkpoints,
            checkpointsInCase: publishedCheckpoints(),
            highWater: workstation.highWaterMarks())
    }

    private func rollBackOwnCutOffWrite() throws {
        guard try TransactionMark(ledgerPath: folder.ledgerPath, home: workstation.home).takeCutOff() else { return }
        let ledger = try LedgerStore.open(at: folder.ledgerPath)
        try LedgerFixity(folder: folder).forget()
        try ledger.settle()
        try ledger.close()
    }

    /// The heads that lie in the case's own folder.
    private func publishedCheckpoints() throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder.checkpointsPath) else { return [] }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.checkpointsPath).sorted()
        return try names.filter { $0.hasSuffix(".note") }.map { name in
            String(decoding: try DurableFile.read(folder.checkpointsPath + "/" + name, limit: 1 << 20), as: UTF8.self)
        }
    }
}
