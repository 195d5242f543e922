import ArtifactCatalog
import CustodyLedger
import Digesting
import EvidenceModel
import Foundation
import SourceMedia
import Trust

/// Checks everything a case claims, or what it claims of some items; changes nothing unless it is asked to record itself in
/// the ledger.
public struct VerifyWorkflow {
    let folder: CaseFolder
    let workstation: Workstation
    let progress: (any ProgressListener)?
    /// The items to check; all of them, and the rest of the case, when empty.
    public var items: [String] = []
    /// Reads each source again.
    public var readsSources = true
    /// Where items' sources lie now, by item, when they have moved.
    public var sourcePaths: [String: String] = [:]
    /// Digests from elsewhere, to compare the one item of ``items`` with.
    public var known: KnownDigestList?
    /// Where what items' virtual disks rest on lies now, by item, when it has moved.
    public var backingPaths: [String: [String]] = [:]
    /// Takes every digest of the manifests again, not only SHA-256.
    public var takesAllDigests = false
    /// Threads that digest.
    public var workers = ProcessInfo.processInfo.activeProcessorCount

    public init(_ folder: CaseFolder, workstation: Workstation, progress: (any ProgressListener)? = nil) {
        self.folder = folder
        self.workstation = workstation
        self.progress = progress
    }

    /// Makes every check; of some items only, when ``items`` names them. The ledger is always checked whole: each of its
    /// entries rests on all before it.
    ///
    /// - Parameter session: where to record the result, one `verify` entry an item; nil to record nothing.
    /// - Throws: ``CaseError`` with code `unknownItem` for an item that the case does not have; ledger errors.
    public func run(recordingIn session: CaseSession?) throws -> Verification {
        var verification = Verification()
        let roots = checkRoots(&verification)
        let entries = checkLedger(roots, &verification)
        if items.isEmpty {
            checkCheckpoints(entries, roots, &verification)
            let acquisitions = Self.lastAcquisitions(entries)
            for acquisition in acquisitions { checkItem(acquisition, roots, &verification) }
            checkNothingElse(Set(acquisitions.map(\.item)), &verification)
            checkCatalogue(entries, &verification)
            checkReports(entries, &verification)
        } else {
            try checkItems(entries, roots, &verification)
        }
        if let session {
            for (item, check) in verification.sources.sorted(by: { $0.key < $1.key }) {
                try record(check, of: item, in: session)
            }
            try session.finish()
        }
        return verification
    }

    // MARK: Certificates and ledger

    private func checkRoots(_ verification: inout Verification) -> [Certificate] {
        do {
            let roots = try folder.rootCertificates()
            guard !roots.isEmpty else {
                verification.add("ca.pem", .differs("holds no certificate"))
                return []
            }
            let names = roots.map { $0.subjectCommonName + ($0.isTrial ? " (trial, not for casework)" : "") }
            verification.add("ca.pem", .holds(names.joined(separator: ", ") + ", SHA-256 \(roots[0].sha256.hex)"))
            return roots
        } catch {
            verification.add("ca.pem", .differs("\(error)"))
            return []
        }
    }

    private func checkLedger(_ roots: [Certificate], _ verification: inout Verification) -> [LedgerEntry] {
        do {
            let report = try LedgerReview(folder, workstation: workstation).run(roots: roots)
            if report.isClean {
                verification.add("ledger", .holds("\(report.entryCount) entries, each signed and in its place"))
            } else {
                for finding in report.findings where finding.severity == .failure {
                    verification.add("ledger", .differs(finding.line))
                }
            }
            let ledger = try LedgerStore.open(at: folder.ledgerPath)
            if ledger.origin != folder.facts.origin || ledger.caseNumber != folder.facts.number {
                verification.add(
                    "case.json", .differs("names another ledger than the one in the case: \(ledger.origin)"))
            } else {
                verification.add("case.json", .holds(ledger.origin))
            }
            let entries = try ledger.entries()
            if let verdict = try LedgerFixity(folder: folder).difference(entries: entries.count) {
                verification.add("ledger.custody", verdict)
            }
            return entries
        } catch {
            verification.add("ledger", .differs("\(error)"))
            return []
        }
    }

    /// The `acquire.end` that counts for each item, in the order of the items.
    static func lastAcquisitions(_ entries: [LedgerEntry]) -> [(item: String, entry: LedgerEntry)] {
        var last: [String: LedgerEntry] = [:]
        for entry in entries where entry.verb == .acquireEnd {
            for item in entry.items { last[item.id] = entry }
        }
        return last.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Names what lies among the evidence and no entry speaks of: it was put there, or its acquisition was cut off.
    private func checkNothingElse(_ items: Set<String>, _ verification: inout Verification) {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.evidencePath)
        } catch {
            verification.add(
                "evidence", .differs("\(folder.evidencePath) cannot be read: \(error.localizedDescription)"))
            return
        }
        // A dot begins the name of what is being made.
        for name in names.sorted() where !name.hasPrefix(".") && !items.contains(name) {
            verification.add(
                "evidence/\(name)", .notChecked("no entry of the ledger says that this item's acquisition ended"))
        }
    }

    // MARK: Catalogue and reports

    func checkCatalogue(_ entries: [LedgerEntry], _ verification: inout Verification) {
        var last: [String: (entry: LedgerEntry, digest: Digest)] = [:]
        for entry in entries {
            guard case .carving(let result) = entry.detail, let item = entry.items.first?.id else { continue }
            last[item] = (entry, result.catalog)
        }
        for (item, run) in last.sorted(by: { $0.key < $1.key }) {
            checkFile(
                folder.evidence(item).artifactsPath, "evidence/\(item)/artifacts.jsonl", run.digest, run.entry,
                &verification)
            let name = "catalogue of \(item)"
            do {
                var running = try RunningDigest(.sha256)
                let store = try CatalogReading.store(of: folder)
                try store.export(.jsonl, CatalogFilter(item: item)) { try running.update($0) }
                let observed = try running.finalize()
                verification.add(
                    name,
                    observed == run.digest
                        ? .holds("its export is that of ledger entry \(run.entry.seq)")
                        : .differs("its export is not that of ledger entry \(run.entry.seq)"))
            } catch {
                verification.add(name, .differs("\(error)"))
            }
        }
    }

    private func checkReports(_ entries: [LedgerEntry], _ verification: inout Verification) {
        for entry in entries {
            guard case .report(let report) = entry.detail else { continue }
            for file in report.files {
                checkFile(
                    "\(folder.reportsPath)/\(report.number)/\(file.name)", "reports/\(report.number)/\(file.name)",
                    file.sha256, entry, &verification)
            }
        }
    }

    func checkFile(
        _ path: String, _ name: String, _ expected: Digest?, _ entry: LedgerEntry, _ verification: inout Verification
    ) {
        guard let expected else { return }
        do {
            let observed = try FileDigest.sha256(ofFile: path)
            verification.add(
                name,
                observed == expected
                    ? .holds("as ledger entry \(entry.seq) says")
                    : .differs("SHA-256 is \(observed.hex), ledger entry \(entry.seq) says \(expected.hex)"))
        } catch {
            verification.add(name, .differs("\(error)"))
        }
    }

    // MARK: Recording

    private func record(_ check: Verification.SourceCheck, of item: String, in session: CaseSession) throws {
        let isSame = check.difference == nil && check.known?.holds ?? true
        let words = [check.difference, check.known?.sentence].compactMap { $0 }
        try session.append(
            .verify, items: [LedgerItem(id: item, kind: .image)],
            reason: words.isEmpty ? nil : words.joined(separator: "; "),
            check: LedgerCheck(
                expected: check.expected.hex, observed: check.observed?.hex, result: isSame ? .match : .mismatch))
    }
}
