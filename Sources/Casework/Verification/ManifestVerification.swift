public import EvidenceModel
public import Trust

/// A manifest as it lies in a case: nothing is known of it yet.
public struct UnverifiedManifest: Sendable {
    let bytes: [UInt8]
    let signature: [UInt8]
    let timestamp: [UInt8]

    /// Reads the three files.
    ///
    /// - Throws: ``FileError`` that names the one that is missing or cannot be read.
    public init(in folder: EvidenceFolder) throws(FileError) {
        bytes = try DurableFile.read(folder.manifestPath, limit: Self.largestFile)
        signature = try DurableFile.read(folder.signaturePath, limit: Self.largestFile)
        timestamp = try DurableFile.read(folder.timestampPath, limit: Self.largestFile)
    }

    /// Largest manifest, signature or time stamp that is read, in bytes; an image of 10,000 segments stays below it.
    public static let largestFile = 16 << 20

    /// Checks signature, time stamp and form.
    public func verify(roots: [Certificate]) -> ManifestVerdicts {
        let stamp = TimestampVerifier.verify(response: timestamp, data: signature, roots: roots)
        let signed = CAdES.verifyDetached(signature, content: bytes, roots: roots, at: nil)
        let manifest = Result { () throws(CaseError) in try EvidenceManifest(parsing: bytes) }
        return ManifestVerdicts(bytes: bytes, signature: signed, timestamp: stamp, manifest: manifest)
    }
}

/// What the checks of a manifest said.
public struct ManifestVerdicts: Sendable {
    let bytes: [UInt8]
    public let signature: SignatureVerdict
    public let timestamp: TimestampVerdict
    let manifest: Result<EvidenceManifest, CaseError>

    /// The manifest, when its signature holds and it is what version 1 writes.
    public var verified: VerifiedManifest? {
        guard case .valid(let signature) = signature, case .success(let manifest) = manifest,
            manifest.examiner.certificate == signature.signer.sha256
        else { return nil }
        return VerifiedManifest(manifest: manifest, signer: signature.signer)
    }
}

/// A manifest whose signature holds and whose signer is the examiner it names.
public struct VerifiedManifest: Sendable {
    public let manifest: EvidenceManifest
    public let signer: Certificate

    fileprivate init(manifest: EvidenceManifest, signer: Certificate) {
        self.manifest = manifest
        self.signer = signer
    }
}
