import CustodyLedger
import EvidenceModel
import Foundation
import SourceMedia
import Trust

/// What a case claims of one item: its files, signature, stamp and container, and the source itself.
extension VerifyWorkflow {
    /// Checks the items that were asked for, each with all that the ledger says of it.
    ///
    /// - Throws: ``CaseError`` with code `unknownItem`.
    func checkItems(
        _ entries: [LedgerEntry], _ roots: [Certificate], _ verification: inout Verification
    ) throws {
        let acquisitions = Self.lastAcquisitions(entries)
        for item in items {
            // What cannot be an item's number must not become a path.
            _ = try ItemDescription(id: item)
            let named = entries.filter { $0.items.contains { $0.id == item } }
            let hasEvidence = FileManager.default.fileExists(atPath: folder.evidence(item).path)
            // A ledger that cannot be read has had its own line; then nobody can say which items there are.
            guard !named.isEmpty || entries.isEmpty || hasEvidence else {
                throw CaseError(
                    .unknownItem,
                    "The case has no item \(item). Nothing was read. It has: "
                        + (acquisitions.isEmpty ? "none" : acquisitions.map(\.item).joined(separator: ", ")) + ".")
            }
            if !named.isEmpty {
                let list = named.map { "\($0.seq) \($0.verb.rawValue)" }.joined(separator: ", ")
                verification.add("ledger entries of \(item)", .holds(list))
            }
            guard let acquisition = acquisitions.first(where: { $0.item == item }) else {
                verification.add(
                    "evidence/\(item)", .notChecked("no entry of the ledger says that this item's acquisition ended"))
                continue
            }
            checkItem(acquisition, roots, &verification)
            checkCatalogue(named, &verification)
        }
    }

    func checkItem(
        _ acquisition: (item: String, entry: LedgerEntry), _ roots: [Certificate],
        _ verification: inout Verification
    ) {
        let (item, entry) = acquisition
        let name = "evidence/\(item)"
        guard case .acquisitionResult(let result) = entry.detail else { return }
        let evidence = folder.evidence(item)
        checkFile(evidence.blocksPath, "\(name)/blocks.sha256", result.blocks, entry, &verification)
        if result.files != nil {
            checkFile(evidence.filesPath, "\(name)/files.jsonl", result.files, entry, &verification)
        }
        checkFile(evidence.manifestPath, "\(name)/manifest.json", result.manifest, entry, &verification)
        do {
            let verdicts = try UnverifiedManifest(in: evidence).verify(roots: roots)
            switch verdicts.signature {
            case .valid(let signature):
                verification.add(
                    "\(name)/manifest.json.p7s",
                    .holds("signed by \(signature.signer.subjectCommonName) at \(signature.signingTime.rfc3339)"))
            case .invalid(let problem): verification.add("\(name)/manifest.json.p7s", .differs("\(problem)"))
            }
            switch verdicts.timestamp {
            case .valid(let stamp):
                verification.add("\(name)/manifest.json.tsr", .holds(stamp.sentence))
            case .invalid(let problem): verification.add("\(name)/manifest.json.tsr", .differs("\(problem)"))
            }
            checkOutsideStamps(of: item, roots, &verification)
            guard let verified = verdicts.verified else {
                verification.add("\(name) source", .notChecked("the manifest does not verify"))
                return
            }
            guard verified.manifest.digests == entry.items.first(where: { $0.id == item })?.digests else {
                verification.add(name, .differs("the manifest states other digests than ledger entry \(entry.seq)"))
                return
            }
            checkBlockDigests(verified.manifest, evidence, &verification)
            checkContainer(verified.manifest, &verification)
            checkKnown(verified.manifest, evidence, &verification)
            checkSource(verified.manifest, evidence, &verification)
        } catch {
            verification.add("\(name)/manifest.json", .differs("\(error)"))
        }
    }

    /// What the container said of its medium when it was taken in: a medium that is unchanged since then may have been
    /// damaged before.
    private func checkContainer(_ manifest: EvidenceManifest, _ verification: inout Verification) {
        guard manifest.kind.isContainer || !manifest.damage.isEmpty else { return }
        let name = "\(manifest.kind == .archive ? "archive" : "container") of \(manifest.item.id)"
        let wrong = manifest.mismatches.map { "its \($0.digest.algorithm.displayName) is not the medium's" }
        let lost = manifest.unreadable.map { range in
            let sectors = SectorNumbers.covering(range.extent, of: manifest).map { SectorNumbers.text("sector", $0) }
            let place = "bytes \(range.extent.offset) to \(range.extent.end - 1)"
            return place + (sectors.map { " (\($0))" } ?? "") + ": \(range.error)"
        }
        let problems = wrong + manifest.damage + lost
        guard problems.isEmpty else {
            let rest = problems.count > 5 ? "; and \(problems.count - 5) more, listed in the manifest" : ""
            verification.add(name, .differs(problems.prefix(5).joined(separator: "; ") + rest))
            return
        }
        let names = manifest.stored.map(\.digest.algorithm.displayName).joined(separator: ", ")
        let digests = names.isEmpty ? "it carries no digest of the whole medium" : "its \(names) is the medium's"
        verification.add(name, .holds("undamaged; " + digests))
    }

    /// The stamps of outside authorities over the signed manifest.
    private func checkOutsideStamps(
        of item: String, _ roots: [Certificate], _ verification: inout Verification
    ) {
        let files = StampFiles(of: folder.evidence(item))
        for path in files.outsidePaths { checkStamp(path, files, roots, &verification) }
        if FileManager.default.fileExists(atPath: files.requestPath) {
            verification.add(
                "evidence/\(item)/\(lastPathComponent(files.requestPath))",
                .skipped("a request to an outside authority has no answer yet"))
        }
    }

    /// What the digests that came with the item said when it was taken in.
    private func checkKnown(
        _ manifest: EvidenceManifest, _ evidence: EvidenceFolder, _ verification: inout Verification
    ) {
        guard let known = manifest.known else { return }
        let item = manifest.item.id
        do {
            let observed = try FileDigest.sha256(ofFile: evidence.knownPath)
            verification.add(
                "evidence/\(item)/known.jsonl",
                observed == known.results
                    ? .holds("as the manifest says") : .differs("is not what the manifest speaks of"))
        } catch {
            verification.add("evidence/\(item)/known.jsonl", .differs("\(error)"))
        }
        verification.add(
            "known digests of \(item), at its intake", known.holds ? .holds(known.sentence) : .differs(known.sentence))
    }

    /// That the block digests are those that were signed.
    private func checkBlockDigests(
        _ manifest: EvidenceManifest, _ evidence: EvidenceFolder, _ verification: inout Verification
    ) {
        let name = "block digests of \(manifest.item.id)"
        do {
            let digests = try BlockDigests(of: manifest, in: evidence)
            verification.add(name, .holds("\(digests.count) blocks under the signed root \(manifest.blocks.root.hex)"))
        } catch {
            verification.add(name, .differs("\(error)"))
        }
    }

    private func checkSource(
        _ manifest: EvidenceManifest, _ evidence: EvidenceFolder, _ verification: inout Verification
    ) {
        let item = manifest.item.id
        let name = "source of \(item)"
        guard readsSources else {
            verification.add(name, .skipped("not asked for"))
            return
        }
        guard let expected = manifest.digest(.sha256) else {
            verification.add(name, .differs("the manifest states no SHA-256"))
            return
        }
        do {
            let source = try StoredSource.open(
                item, in: folder, path: sourcePaths[item], backing: backingPaths[item] ?? [])
            let outcome = try SourceComparison(
                manifest: manifest, evidence: evidence, workers: workers, progress: progress, known: known,
                takesAllDigests: takesAllDigests
            ).run(source)
            let known = try outcome.known?.manifestPart(ofMedium: manifest.kind != .folder)
            verification.add(
                source: Verification.SourceCheck(
                    time: UTCTime.systemClock, expected: expected, observed: outcome.observed,
                    difference: outcome.difference, runs: outcome.runs, files: outcome.files,
                    unreadable: outcome.unreadable, damage: outcome.damage, known: known), of: item)
            if let known {
                let subject = "known digests of \(item)"
                verification.add(subject, known.holds ? .holds(known.sentence) : .differs(known.sentence))
            }
            if let difference = outcome.difference {
                verification.add(name, .differs("\(source.description.path): \(difference)"))
            } else {
                verification.add(name, .holds("\(source.size) bytes, SHA-256 \(expected.hex)"))
            }
        } catch {
            verification.add(name, .notChecked("\(error)"))
        }
    }
}
