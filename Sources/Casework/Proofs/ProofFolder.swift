import Digesting
import EvidenceModel
import Foundation

/// The files of a proof.
enum ProofFolder {
    static let statement = "proof.txt"
    static let manifest = "manifest.json"
    static let signature = "manifest.json.p7s"
    static let timestamp = "manifest.json.tsr"
    static let roots = "ca.pem"
    static let readme = "README.txt"
    /// The digests of all others, for `sha256sum -c`; signed by nobody, against accidents.
    static let list = "SHA256SUMS"
    /// Largest file that is read whole, blocks apart, in bytes.
    static let largestFile = UnverifiedManifest.largestFile

    /// The files that every proof has beside its blocks, the list apart.
    static let always = [manifest, signature, timestamp, roots, readme, statement]

    /// `SHA256SUMS` over these files of a folder.
    static func list(of names: [String], in folder: String) throws -> [UInt8] {
        var lines = ""
        for name in names.sorted() { lines += "\(try FileDigest.sha256(ofFile: folder + "/" + name).hex)  \(name)\n" }
        return Array(lines.utf8)
    }
}

/// What lies beside a proof for people.
enum ProofReadme {
    static func text(_ statement: ProofStatement, _ manifest: EvidenceManifest) -> String {
        let blocks = statement.blocks.map { String($0.index) }.joined(separator: ", ")
        let bytes = statement.extents.reduce(0) { $0 + $1.length }
        let places = statement.extents.prefix(SourceComparison.mostPlacesShown).map { extent in
            extent.length == 0
                ? "  no bytes at \(extent.offset)" : "  bytes \(extent.offset) to \(extent.end - 1) of the medium"
        }
        let rest = statement.extents.count - places.count
        let what = statement.artifact.map { "the content of artifact \($0)" } ?? "a part of the medium"
        return """
            Proof of single blocks
            ======================

            This folder shows that \(what), \(bytes) bytes,
            SHA-256 \(statement.content.hex),
            was on the medium of item \(statement.item), case \(manifest.caseNumber), when that medium was taken in
            (\(manifest.started.rfc3339) to \(manifest.ended.rfc3339)), without the rest of the medium.
            It lies there at:

            \(places.joined(separator: "\n"))\(rest > 0 ? "\n  and \(rest) more places, listed in proof.txt" : "")

            How it shows it
            ---------------

            manifest.json states, among other things, the root of a tree of digests over all blocks of the medium,
            \(statement.blockSize) bytes each. \(manifest.examiner.name) signed it (manifest.json.p7s), and the signature was
            time-stamped (manifest.json.tsr). proof.txt holds the digests that lead from each block here to that root. No
            other block can lead there, unless SHA-256 is broken.

            It does not show where the medium came from, nor what happened to it before it was taken in; nor that ca.pem is
            the laboratory's root certificate: compare its fingerprint with one that you have from elsewhere,
            \(ProofReadme.fingerprintCommand)

            How to check it
            ---------------

                exhibit prove --check FOLDER

            or without Exhibit, with openssl, sha256sum, xxd and a shell: CHAIN_OF_CUSTODY.md, "Check a proof".

            What it discloses
            -----------------

            The blocks \(blocks) are here whole, as block-*.bin: also what stands in them before and after the place
            above, which may belong to others. Nothing less can be disclosed: the signed tree is over whole blocks, so that
            a part of one cannot be proven. manifest.json is here whole as well.
            \(unreadableText(statement, manifest))
            """
    }

    private static let fingerprintCommand = "openssl x509 -in ca.pem -noout -fingerprint -sha256"

    /// What of the blocks could not be read when the item was taken in.
    private static func unreadableText(_ statement: ProofStatement, _ manifest: EvidenceManifest) -> String {
        let ranges = unreadable(in: statement, manifest)
        guard !ranges.isEmpty else { return "" }
        let shown = ranges.prefix(SourceComparison.mostPlacesShown).map {
            "  bytes \($0.extent.offset) to \($0.extent.end - 1): \($0.error)"
        }
        let rest = ranges.count - shown.count
        return """

            What could not be read
            ----------------------

            Of these blocks the following could not be read from the medium and stands here as zeros:

            \(shown.joined(separator: "\n"))\(rest > 0 ? "\n  and \(rest) more places, listed in manifest.json" : "")

            """
    }

    /// The unreadable ranges of the manifest that touch a proven block.
    static func unreadable(in statement: ProofStatement, _ manifest: EvidenceManifest) -> [UnreadableRange] {
        let blocks = statement.blocks.map(\.index)
        return manifest.unreadable.filter { range in
            guard range.extent.length > 0 else { return false }
            let first = range.extent.offset / statement.blockSize
            let last = (range.extent.end - 1) / statement.blockSize
            // The first proven block that is not before the range, by halving: there may be many of both.
            var (low, high) = (0, blocks.count)
            while low < high {
                let middle = (low + high) / 2
                if blocks[middle] < first { low = middle + 1 } else { high = middle }
            }
            return low < blocks.count && blocks[low] <= last
        }
    }
}
