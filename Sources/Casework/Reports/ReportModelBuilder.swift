import ArtifactCatalog
import Carving
import CustodyLedger
import Digesting
import EvidenceModel
import Foundation
import Reporting
import SourceMedia
import Trust

/// Gathers what a report says from ledger, manifests, catalogue and the verification just made.
struct ReportModelBuilder {
    let session: CaseSession
    let tools: CarvingTools
    let verification: Verification

    func model(number: String, _ request: ReportRequest) async throws -> ReportModel {
        let entries = try session.ledger.entries()
        let roots = try session.folder.rootCertificates()
        let items = try VerifyWorkflow.lastAcquisitions(entries).map { item, _ in
            try ReportItem(session.folder, verification, entries: entries, roots: roots).item(item)
        }
        let store = try CatalogReading.store(of: session.folder)
        // Files in files are counted, and listed in the annex: they would hide what they lie in.
        let artifacts = try store.artifacts().filter { $0.origin != .embedded }
        let certificate = session.signer.certificate
        return ReportModel(
            identifier: "\(session.folder.facts.number)-\(number)", issued: session.now(),
            request: ReportModel.Request(
                caseNumber: session.folder.facts.number, caseTitle: session.folder.facts.title),
            laboratory: ReportModel.Laboratory(name: session.actor.org),
            examiner: ReportModel.Examiner(
                name: session.actor.name, role: session.actor.role == "examiner" ? "" : session.actor.role),
            isTrial: certificate.isTrial || roots.contains(where: \.isTrial), items: items,
            handling: try handling(entries, roots),
            findings: ReportModel.Findings(
                summaries: ReportModel.TypeSummary.counting(artifacts), artifacts: artifacts,
                embedded: try store.count(CatalogFilter(origin: .embedded)),
                thumbnails: request.thumbnails
                    ? try await ThumbnailReader.thumbnails(of: artifacts, in: session.folder) : [],
                coverage: try coverage(of: items)),
            methods: methods(entries, items), omissions: try omissions(items), errorRates: MeasuredPrecision.rates,
            verification: ReportModel.Verification(
                rootName: roots.first?.subjectCommonName ?? "", rootSHA256: roots.first?.sha256.hex ?? "",
                steps: ReportModel.VerificationStep.standard(reportID: number, items: items)),
            annexes: try annexes(entries))
    }

    // MARK: Handling

    private func handling(_ entries: [LedgerEntry], _ roots: [Certificate]) throws -> ReportModel.Handling {
        let audit = try LedgerReview(session.folder, workstation: session.workstation).run(roots: roots)
        let outside = try session.folder.outsideRoots()
        let head = try session.ledger.head
        let anchor = try session.ledger.anchors.last
        let note = try session.ledger.latestCheckpoint
        return ReportModel.Handling(
            entries: entries.map { entry in
                ReportModel.HandlingEntry(
                    sequence: entry.seq, time: entry.time, verb: entry.verb.rawValue, actor: entry.actor.name,
                    items: entry.items.map(\.id), what: EntrySummary.text(of: entry),
                    check: entry.body.draft.check.flatMap { ReportModel.EntryCheck(rawValue: $0.result.rawValue) },
                    leaf: entry.leaf.hex)
            },
            audit: ReportModel.LedgerAudit(
                outcome: audit.isClean
                    ? .valid(detail: "")
                    : .invalid(reason: audit.findings.first { $0.severity == .failure }?.line ?? ""),
                entryCount: audit.entryCount, root: head.root.hex, findings: audit.findings.map(\.line),
                checkpoint: try note.map { try checkpoint($0) },
                anchor: anchor.flatMap { newest in note.map { self.anchor(of: newest, $0, roots, outside) } }))
    }

    private func checkpoint(_ note: String) throws -> ReportModel.Checkpoint {
        let checkpoint = try Checkpoint(
            note: note, signedByOneOf: [NoteVerifier(vkey: session.ledger.genesis.checkpointKey)])
        return ReportModel.Checkpoint(size: checkpoint.size, root: checkpoint.root.hex, note: note)
    }

    /// The newest anchor; `note` is the head it fixes, published together with it.
    private func anchor(of anchor: LedgerAnchor, _ note: String, _ roots: [Certificate], _ outside: [Certificate])
        -> ReportModel.Anchor
    {
        guard
            case .valid(let stamp) = TimestampVerifier.verify(
                response: anchor.data, data: Array(note.utf8), laboratory: roots, outside: outside)
        else {
            return ReportModel.Anchor(
                kind: anchor.kind, size: anchor.size, time: nil,
                authority: session.timestampAuthority.certificate.subjectCommonName, trust: .laboratory)
        }
        return ReportModel.Anchor(
            kind: anchor.kind, size: anchor.size, time: stamp.genTime, authority: stamp.signer.subjectCommonName,
            trust: ReportModel.TimestampTrust(rawValue: stamp.trust.rawValue) ?? .laboratory)
    }

    // MARK: Methods and limits

    private func methods(_ entries: [LedgerEntry], _ items: [ReportModel.Item]) -> ReportModel.Methods {
        return ReportModel.Methods(
            tool: session.tool,
            commandLine: ["exhibit"] + CommandLine.arguments.dropFirst(),
            limits: Self.limits(of: entries))
    }

    /// The limits that were in force when the items were carved last, as the ledger has them, and how often each decided
    /// something; those that this version knows first, in its order.
    private static func limits(of entries: [LedgerEntry]) -> [ReportModel.Limit] {
        var runs: [String: CarvingResult] = [:]
        for entry in entries {
            guard case .carving(let result) = entry.detail else { continue }
            for item in entry.items { runs[item.id] = result }
        }
        var values: [String: Set<Int>] = [:]
        var hits: [String: Int] = [:]
        for run in runs.values {
            for (name, value) in run.limits { values[name, default: []].insert(value) }
            for (name, count) in run.limitsHit { hits[name, default: 0] += count }
        }
        let known = CarveLimits().named.map(\.name)
        let further = Set(values.keys).union(hits.keys).subtracting(known).sorted()
        return (known.filter { values[$0] != nil || hits[$0] != nil } + further).map { name in
            let values = (values[name] ?? []).sorted().map { String($0) }
            return ReportModel.Limit(
                name: name, value: values.isEmpty ? "–" : values.joined(separator: ", "), hits: hits[name] ?? 0)
        }
    }

    /// The coverage statements of the media; the files of a folder are listed as they stand there.
    private func coverage(of items: [ReportModel.Item]) throws -> [ReportModel.ItemCoverage] {
        try items.filter { $0.source.kind != SourceKind.folder.rawValue }.compactMap { item in
            try CatalogReading.record(of: item.id, in: session.folder)?.coverage
                .map { ReportModel.ItemCoverage(item: item.id, statement: $0) }
        }
    }

    private func omissions(_ items: [ReportModel.Item]) throws -> [ReportModel.Omission] {
        try items.flatMap { item in
            let ranges = item.unreadable.map { range in
                ReportModel.Omission(
                    item: item.id, what: "\(range.extent.offset) + \(range.extent.length)", reason: range.error)
            }
            guard item.files != nil else { return ranges }
            let listing = try DurableFile.read(session.folder.evidence(item.id).filesPath, limit: 1 << 31)
            return ranges
                + (try FileListing.notRead(in: listing)).map {
                    ReportModel.Omission(item: item.id, what: $0.name, reason: $0.why)
                }
        }
    }

    // MARK: Annexes

    private func annexes(_ entries: [LedgerEntry]) throws -> [ReportModel.Annex] {
        let store = try CatalogReading.store(of: session.folder)
        var csv: [UInt8] = []
        try store.export(.csv) { csv += $0 }
        var lines: [UInt8] = []
        try store.export(.jsonl) { lines += $0 }
        let ledger = entries.flatMap { $0.body.canonical.encoded + [UInt8(ascii: "\n")] }
        return [
            ReportModel.Annex(
                fileName: "artifacts.csv", mediaType: "text/csv", relationship: .data, title: "artifacts", bytes: csv),
            ReportModel.Annex(
                fileName: "artifacts.jsonl", mediaType: "application/jsonl", relationship: .data, title: "artifacts",
                bytes: lines),
            ReportModel.Annex(
                fileName: "ledger.jsonl", mediaType: "application/jsonl", relationship: .supplement, title: "ledger",
                bytes: ledger),
        ]
    }
}
