import CustodyLedger
import Digesting
import EvidenceModel
import Reporting
import SourceMedia
import Trust

/// Gathers what a report says of one item.
struct ReportItem {
    let folder: CaseFolder
    let verification: Verification
    let entries: [LedgerEntry]
    let roots: [Certificate]

    init(_ folder: CaseFolder, _ verification: Verification, entries: [LedgerEntry], roots: [Certificate]) {
        self.folder = folder
        self.verification = verification
        self.entries = entries
        self.roots = roots
    }

    func item(_ id: String) throws -> ReportModel.Item {
        let verdicts = try UnverifiedManifest(in: folder.evidence(id)).verify(roots: roots)
        let manifest = try verdicts.manifest.get()
        let history = ItemHistory(of: id, in: entries)
        return ReportModel.Item(
            id: id, description: manifest.item.desc ?? "", make: manifest.item.make ?? "",
            model: manifest.item.model ?? "", serial: manifest.item.serial ?? "",
            condition: manifest.item.condition ?? "", seal: manifest.item.seal ?? "",
            received: history.intake?.time, source: source(of: manifest, id), digests: manifest.digests,
            blocks: ReportModel.BlockTree(
                blockSize: manifest.blocks.size, count: manifest.blocks.count, root: manifest.blocks.root.hex),
            files: manifest.fileTree.map {
                ReportModel.FileTree(count: $0.count, bytes: $0.bytes, root: $0.root.hex)
            },
            unreadable: manifest.unreadable, readBegan: manifest.started, readEnded: manifest.ended,
            integrity: integrity(of: id),
            known: manifest.known.map { known in
                ReportModel.KnownDigests(
                    list: EvidenceString(known.list), sha256: known.listSHA256.hex, matched: known.count(.matched),
                    different: known.count(.differs) + known.count(.renamed) + known.count(.missing),
                    notCompared: known.count(.notCompared) + known.unsupported, unlisted: known.count(.unlisted))
            }, manifest: try check(verdicts, id),
            warnings: manifest.warnings + manifest.damage.filter { !manifest.warnings.contains($0) },
            problems: manifest.damage
                + manifest.mismatches.map { "\($0.digest.algorithm.displayName) \($0.digest.hex)" })
    }

    private func source(of manifest: EvidenceManifest, _ id: String) -> ReportModel.Source {
        let names = manifest.files.map { EvidenceString($0.name) }
        let path = SourceLocation(in: folder.evidence(id))?.path
        let name = path.map { EvidenceString(String($0.split(separator: "/").last ?? "")) }
        // Of a device that was imaged, the files that hold its bytes now.
        let image = manifest.image?.files.map { EvidenceString($0.name) }
        return ReportModel.Source(
            name: names.first ?? name ?? EvidenceString(id), kind: manifest.kind.rawValue,
            container: manifest.image?.format, size: manifest.mediaSize,
            sectorSize: manifest.kind == .folder ? nil : manifest.sectorSize,
            segments: image ?? (names.count > 1 ? names : []))
    }

    private func integrity(of id: String) -> ReportModel.Integrity {
        guard let check = verification.sources[id] else {
            return .notChecked(reason: "the source could not be read again")
        }
        return check.difference.map { .changed(reason: $0) } ?? .unchanged(checked: check.time)
    }

    private func check(_ verdicts: ManifestVerdicts, _ id: String) throws -> ReportModel.ManifestCheck {
        var check = ReportModel.ManifestCheck(
            path: "evidence/\(id)/manifest.json", sha256: try digest(.sha256, of: verdicts.bytes).hex,
            signature: .notChecked(reason: ""))
        switch verdicts.signature {
        case .valid(let signature):
            check.signature = .valid(detail: "")
            check.signer = signature.signer.subjectCommonName
            check.signed = signature.signingTime
        case .invalid(let problem): check.signature = .invalid(reason: "\(problem)")
        }
        switch verdicts.timestamp {
        case .valid(let stamp):
            check.timestamp = ReportModel.TimestampCheck(
                outcome: .valid(detail: ""), time: stamp.genTime, authority: stamp.signer.subjectCommonName,
                trust: ReportModel.TimestampTrust(rawValue: stamp.trust.rawValue) ?? .laboratory)
        case .invalid(let problem):
            check.timestamp = ReportModel.TimestampCheck(
                outcome: .invalid(reason: "\(problem)"), time: nil, authority: "", trust: .laboratory)
        }
        check.outsideTimestamps = try outsideTimestamps(of: id)
        return check
    }

    private func outsideTimestamps(of id: String) throws -> [ReportModel.TimestampCheck] {
        let files = StampFiles(of: folder.evidence(id))
        return try files.outsidePaths.map { path in
            let verdict = TimestampVerifier.verify(
                response: try DurableFile.read(path, limit: StampFiles.largestFile), data: try files.data(),
                laboratory: roots, outside: try folder.outsideRoots())
            switch verdict {
            case .valid(let stamp):
                return ReportModel.TimestampCheck(
                    outcome: .valid(detail: ""), time: stamp.genTime, authority: stamp.signer.subjectCommonName,
                    trust: ReportModel.TimestampTrust(rawValue: stamp.trust.rawValue) ?? .commercial)
            case .invalid(let problem):
                return ReportModel.TimestampCheck(
                    outcome: .invalid(reason: "\(problem)"), time: nil, authority: "", trust: .commercial)
            }
        }
    }
}
