import EvidenceModel
import Trust

extension EvidenceWorkFolder {
    /// Writes a manifest with the examiner's signature and its time stamp, and where the medium lies.
    ///
    /// - Parameter backing: what the source rests on, as the user has named it.
    func write(
        _ manifest: EvidenceManifest, signedIn session: CaseSession, location: String, backing: [String] = []
    ) throws {
        let bytes = manifest.encoded
        let signature = try CAdES.signDetached(bytes, by: session.signer)
        try write(bytes, "manifest.json")
        try write(signature, "manifest.json.p7s")
        try write(try session.timestampAuthority.stamp(signature), "manifest.json.tsr")
        try write(SourceLocation(path: location, backing: backing.map(CaseFolder.absolute)).encoded, "location.json")
    }
}
