import Digesting
import EvidenceModel
import Foundation
public import Trust

/// Checks a proof of single blocks; needs no case.
public struct ProofCheck {
    /// The folder of the proof.
    let path: String
    /// The certificates to trust; nil for those that lie in the proof.
    let roots: [Certificate]?

    /// - Parameters:
    ///   - path: the folder that `exhibit prove` wrote.
    ///   - roots: the certificates to trust; nil for those that lie in the proof, which shows only that it is
    ///     consistent in itself.
    public init(_ path: String, roots: [Certificate]? = nil) {
        self.path = CaseFolder.absolute(path)
        self.roots = roots
    }

    /// Makes every check.
    ///
    /// - Throws: ``CaseError`` with code `unknownItem` when the folder holds no proof.
    public func run() throws -> Verification {
        guard FileManager.default.fileExists(atPath: path + "/" + ProofFolder.statement) else {
            throw CaseError(.unknownItem, "\(path) holds no proof: \(ProofFolder.statement) is missing.")
        }
        var verification = Verification()
        let statement = attempt(ProofFolder.statement, &verification) { _ in
            try ProofStatement(
                parsing: DurableFile.read(file(ProofFolder.statement), limit: ProofStatement.largestFile))
        }
        let roots = trustedRoots(&verification)
        guard let manifest = manifest(roots, &verification), let statement else { return verification }
        checkFiles(statement, &verification)
        checkStatement(statement, manifest, &verification)
        if checkBlocks(statement, &verification) { checkContent(statement, &verification) }
        for range in ProofReadme.unreadable(in: statement, manifest.value) {
            verification.add(
                "bytes \(range.extent.offset) to \(range.extent.end - 1)",
                .skipped("could not be read from the medium, stands here as zeros: \(range.error)"))
        }
        return verification
    }

    private func file(_ name: String) -> String { path + "/" + name }

    /// A value; where it cannot be had, a line that says why.
    private func attempt<Value>(
        _ subject: String, _ verification: inout Verification, _ body: (inout Verification) throws -> Value
    ) -> Value? {
        do {
            return try body(&verification)
        } catch {
            verification.add(subject, .differs("\(error)"))
            return nil
        }
    }

    // MARK: Who signed

    private func trustedRoots(_ verification: inout Verification) -> [Certificate] {
        let inside = attempt(ProofFolder.roots, &verification) { _ in
            try Certificate.all(
                inPEM: String(
                    decoding: DurableFile.read(file(ProofFolder.roots), limit: ProofFolder.largestFile), as: UTF8.self))
        }
        guard let roots = roots ?? inside, let first = roots.first else {
            if inside != nil { verification.add(ProofFolder.roots, .differs("holds no certificate")) }
            return []
        }
        let name = first.subjectCommonName + (first.isTrial ? " (trial, not for casework)" : "")
        let origin = self.roots == nil ? "as it lies in the proof: compare the fingerprint" : "as you gave it"
        verification.add("root certificate", .holds("\(name), SHA-256 \(first.sha256.hex), \(origin)"))
        return roots
    }

    private func manifest(
        _ roots: [Certificate], _ verification: inout Verification
    ) -> (value: EvidenceManifest, digest: Digest)? {
        attempt(ProofFolder.manifest, &verification) { verification in
            let bytes = try DurableFile.read(file(ProofFolder.manifest), limit: ProofFolder.largestFile)
            let verdicts = try UnverifiedManifest(in: EvidenceFolder(path: path)).verify(roots: roots)
            switch verdicts.signature {
            case .valid(let signature):
                verification.add(
                    ProofFolder.signature,
                    .holds("signed by \(signature.signer.subjectCommonName) at \(signature.signingTime.rfc3339)"))
            case .invalid(let problem): verification.add(ProofFolder.signature, .differs("\(problem)"))
            }
            switch verdicts.timestamp {
            case .valid(let stamp):
                verification.add(ProofFolder.timestamp, .holds("stamped at \(stamp.genTime.rfc3339)"))
            case .invalid(let problem): verification.add(ProofFolder.timestamp, .differs("\(problem)"))
            }
            guard let verified = verdicts.verified else {
                throw CaseError(.damaged, "It does not verify, so it proves nothing.")
            }
            return (verified.manifest, try digest(.sha256, of: bytes))
        }
    }

    // MARK: What is there

    /// That exactly the files are there that make the proof, each as `SHA256SUMS` says.
    private func checkFiles(_ statement: ProofStatement, _ verification: inout Verification) {
        _ = attempt(ProofFolder.list, &verification) { verification in
            let expected = ProofFolder.always + statement.blocks.map { ProofStatement.fileName(ofBlock: $0.index) }
            let there = Set(try FileManager.default.contentsOfDirectory(atPath: path)).subtracting([ProofFolder.list])
            for name in there.symmetricDifference(expected).sorted() {
                verification.add(name, .differs(there.contains(name) ? "does not belong to the proof" : "is missing"))
            }
            let list = try DurableFile.read(file(ProofFolder.list), limit: ProofStatement.largestFile)
            let computed = try ProofFolder.list(of: expected.filter(there.contains), in: path)
            verification.add(
                ProofFolder.list,
                list == computed
                    ? .holds("\(expected.count) files")
                    : .differs("a file of the proof is not what it was, or the list itself: sha256sum -c names it"))
        }
    }

    private func checkStatement(
        _ statement: ProofStatement, _ manifest: (value: EvidenceManifest, digest: Digest),
        _ verification: inout Verification
    ) {
        let value = manifest.value
        let needed = ProofStatement.blocks(holding: statement.extents, blockSize: statement.blockSize)
        let fits =
            statement.item == value.item.id && statement.manifest == manifest.digest
            && statement.mediaSize == value.mediaSize && statement.blockCount == value.blocks.count
            && statement.blockSize == value.blocks.size && statement.root == value.blocks.root
        verification.add(
            ProofFolder.statement,
            !fits
                ? .differs("states another item, size or root than the signed manifest")
                : needed != statement.blocks.map(\.index)
                    ? .differs("its blocks are not those that hold the place")
                    : .holds("item \(statement.item), root \(statement.root.hex)"))
    }

    /// Digest and way to the root of each block; true when all are there and hold.
    private func checkBlocks(_ statement: ProofStatement, _ verification: inout Verification) -> Bool {
        var allHold = true
        for block in statement.blocks {
            let name = ProofStatement.fileName(ofBlock: block.index)
            let verdict: Verification.Verdict
            do {
                verdict = try self.verdict(on: block, named: name, statement)
            } catch {
                verdict = .differs("\(error)")
            }
            verification.add(name, verdict)
            if case .holds = verdict { continue }
            allHold = false
        }
        return allHold
    }

    private func verdict(
        on block: ProofStatement.Block, named name: String, _ statement: ProofStatement
    ) throws -> Verification.Verdict {
        let bytes = try DurableFile.read(file(name), limit: statement.blockSize)
        let observed = try digest(.sha256, of: bytes)
        guard observed == block.digest else { return .differs("SHA-256 is \(observed.hex), not \(block.digest.hex)") }
        let isIncluded = try MerkleTree.verifyInclusion(
            leafHash: MerkleTree.leafHash(observed.bytes), index: block.index, size: statement.blockCount,
            proof: block.nodes.map(\.bytes), root: statement.root.bytes)
        guard isIncluded else { return .differs("its digest does not lead to the signed root") }
        let start = block.index * statement.blockSize
        return .holds("block \(block.index) of \(statement.blockCount), bytes \(start) to \(start + bytes.count - 1)")
    }

    private func checkContent(_ statement: ProofStatement, _ verification: inout Verification) {
        let name = statement.artifact.map { "content of artifact \($0)" } ?? "content"
        _ = attempt(name, &verification) { verification in
            let observed = try ProofContent.digest(of: statement.extents, blockSize: statement.blockSize, in: path)
            let bytes = statement.extents.reduce(0) { $0 + $1.length }
            verification.add(
                name,
                observed == statement.content
                    ? .holds("\(bytes) bytes, SHA-256 \(observed.hex)")
                    : .differs("SHA-256 is \(observed.hex), proof.txt says \(statement.content.hex)"))
        }
    }
}
