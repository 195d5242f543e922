import Digesting
import EvidenceModel

/// What a whole page of zeros with a margin of zeros gives: the same wherever it stands, so it is found out once.
struct PageOfZeros: Sendable {
    /// SHA-256 of the page.
    let digest: [UInt8]
    /// True when the search finds something even in zeros: then such pages are searched like any other.
    let holdCandidates: Bool

    init(_ search: CandidateSearch?) throws(DigestError) {
        let zeros = [UInt8](repeating: 0, count: MediaPass.pageSize + (search?.margin ?? 0))
        digest = try Digesting.digest(.sha256, of: zeros[..<MediaPass.pageSize]).bytes
        var found: [Int] = []
        search?.find(zeros.span, MediaPass.pageSize, 0, &found)
        holdCandidates = !found.isEmpty
    }
}
