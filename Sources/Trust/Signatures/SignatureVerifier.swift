public import EvidenceModel
internal import Synchronization

/// Checks many signatures against the same roots.
///
/// It remembers what it found out about each certificate (not about signatures), so that a ledger of many entries by a
/// few people costs one signature check an entry. Safe to use from several threads.
public final class SignatureVerifier: Sendable {
    /// Most sets of certificates that are remembered; then it starts afresh.
    static let rememberedChains = 1024

    private let chains: ChainVerifier
    private let remembered = Mutex<[[[UInt8]]: Remembered]>([:])

    /// What is known about the certificates of a signature: the certificates, and the way to a root or why there is none.
    private struct Remembered: Sendable {
        let certificates: [Certificate]
        let outcomes: [Outcome]
    }

    private enum Outcome: Sendable {
        case chain([Certificate])
        case problem(SignatureProblem)
    }

    /// - Parameters:
    ///   - roots: the certificates that are trusted.
    ///   - revocationLists: CRLs in DER; a certificate they name is refused from its revocation on.
    public init(roots: [Certificate], revocationLists: [[UInt8]] = []) {
        chains = ChainVerifier(roots: roots, revocationLists: revocationLists)
    }

    /// Checks a signature that carries its content; `time` is when the certificates must be valid, the stated signing
    /// time when nil.
    public func verifyAttached(_ cms: [UInt8], at time: UTCTime? = nil) -> SignatureVerdict {
        judge(cms, profile: .cades, at: time) { message throws(SignatureFailure) in
            guard let content = message.content else {
                throw SignatureFailure(.malformed("it does not carry its content"))
            }
            return content
        }
    }

    /// Checks a signature over content that is stored elsewhere; `time` as in ``verifyAttached(_:at:)``.
    public func verifyDetached(_ cms: [UInt8], content: [UInt8], at time: UTCTime? = nil) -> SignatureVerdict {
        judge(cms, profile: .cades, at: time) { message throws(SignatureFailure) in
            guard message.content == nil else {
                throw SignatureFailure(.malformed("it carries content of its own"))
            }
            return content
        }
    }

    /// Checks the `/Contents` of a PDF signature over the byte ranges around it. Zeros after the signature are the
    /// padding of the PDF and are skipped.
    /// - Parameters:
    ///   - cms: the signature.
    ///   - pieces: the byte ranges of the PDF, in order.
    ///   - time: when the certificates must be valid, for example the genTime of a verified time stamp.
    public func verifyForPDF(_ cms: [UInt8], pieces: [ArraySlice<UInt8>], at time: UTCTime) -> SignatureVerdict {
        do throws(TrustError) {
            var reader = DERReader(cms)
            let bytes = Array(try reader.next().whole)
            guard cms[bytes.count...].allSatisfy({ $0 == 0 }) else {
                return .invalid(.malformed("bytes after the signature"))
            }
            return judge(bytes, profile: .pades, at: time, pieces: pieces) { message throws(SignatureFailure) in
                guard message.content == nil else {
                    throw SignatureFailure(.malformed("it carries content of its own"))
                }
                return []
            }
        } catch {
            return .invalid(.malformed(error.message))
        }
    }

    // MARK: Steps

    private func judge(
        _ cms: [UInt8], profile: SignatureProfile, at time: UTCTime?, pieces: [ArraySlice<UInt8>]? = nil,
        content: (SignedMessage) throws(SignatureFailure) -> [UInt8]
    ) -> SignatureVerdict {
        do throws(SignatureFailure) {
            let (message, identifier) = try parse(cms)
            let known = remember(message.certificates)
            let (position, signer) = try signer(named: identifier, among: known)
            try checkForm(cms, message, signer)
            let attributes = try attributes(of: message, profile)
            let algorithm = try algorithm(of: signer)
            guard signer.publicKey.verify(message.signature[...], over: message.signedBytes, algorithm) else {
                throw SignatureFailure(.badSignature)
            }
            guard try names(signer, in: attributes) else {
                throw SignatureFailure(.certificateMismatch(signer: signer.displayName))
            }
            let content = try content(message)
            try checkDigest(attributes, algorithm, pieces ?? [content[...]])
            let stated = try signingTime(attributes)
            guard let moment = time ?? stated else { throw SignatureFailure(.malformed("it states no time")) }
            if let problem = signer.usageProblem { throw SignatureFailure(problem) }
            let chain = try chain(known, position, at: moment)
            return .valid(
                VerifiedSignature(
                    content: content, signer: signer, signingTime: stated ?? moment, chain: chain,
                    timestampToken: try timestampToken(of: message, profile)))
        } catch {
            return .invalid(error.problem)
        }
    }

    private func parse(_ cms: [UInt8]) throws(SignatureFailure) -> (SignedMessage, ArraySlice<UInt8>) {
        do throws(TrustError) { return try SignedMessage.parse(cms) } catch {
            throw SignatureFailure(.malformed(error.message))
        }
    }

    /// The certificate that the SignerInfo names by issuer and serial number.
    private func signer(
        named identifier: ArraySlice<UInt8>, among known: Remembered
    ) throws(SignatureFailure) -> (Int, Certificate) {
        do throws(TrustError) {
            for (position, certificate) in known.certificates.enumerated() {
                let name = try certificate.handle.nameDER(ofIssuer: true) + certificate.handle.serialDER()
                if identifier.elementsEqual(name) { return (position, certificate) }
            }
        } catch {
            throw SignatureFailure(.malformed(error.message))
        }
        if case .problem(let problem)? = known.outcomes.first { throw SignatureFailure(problem) }
        throw SignatureFailure(.malformed("the signer's certificate is not in it"))
    }

    /// No byte stands anywhere but where the one accepted form puts it.
    private func checkForm(
        _ cms: [UInt8], _ message: SignedMessage, _ signer: Certificate
    ) throws(SignatureFailure) {
        let only: [UInt8]
        do throws(TrustError) { only = try message.encode(signer: signer) } catch {
            throw SignatureFailure(.unsupported(error.message))
        }
        guard cms == only else {
            throw SignatureFailure(.malformed("its structure is not the accepted one, byte for byte"))
        }
    }

    /// The value of each attribute, when they are exactly those of the profile.
    private func attributes(
        of message: SignedMessage, _ profile: SignatureProfile
    ) throws(SignatureFailure) -> [[UInt8]: ArraySlice<UInt8>] {
        do throws(TrustError) {
            var values: [[UInt8]: ArraySlice<UInt8>] = [:]
            for element in try DERReader(message.attributes).all() {
                var attribute = element.reader
                let type = Array(try attribute.next(DER.objectIdentifierTag).whole)
                var set = try attribute.next(DER.setTag).reader
                try attribute.end()
                let value = try set.next().whole
                try set.end()
                guard values.updateValue(value, forKey: type) == nil else {
                    throw TrustError(.malformed, "a signed attribute stands twice")
                }
            }
            guard Set(values.keys) == Set(profile.types) else {
                throw TrustError(.malformed, "the signed attributes are not those of the \(profile) profile")
            }
            guard values[OID.contentType]?.elementsEqual(OID.data) == true else {
                throw TrustError(.malformed, "the signed content type is not data")
            }
            return values
        } catch {
            throw SignatureFailure(.malformed(error.message))
        }
    }

    private func algorithm(of signer: Certificate) throws(SignatureFailure) -> KeyAlgorithm {
        do throws(TrustError) { return try signer.keyAlgorithm() } catch {
            throw SignatureFailure(.unsupported(error.message))
        }
    }

    private func names(
        _ signer: Certificate, in attributes: [[UInt8]: ArraySlice<UInt8>]
    ) throws(SignatureFailure) -> Bool {
        guard let value = attributes[OID.signingCertificateV2] else { return false }
        do throws(TrustError) { return try SignedAttributes.names(signer, in: value) } catch {
            throw SignatureFailure(.malformed(error.message))
        }
    }

    private func checkDigest(
        _ attributes: [[UInt8]: ArraySlice<UInt8>], _ algorithm: KeyAlgorithm, _ pieces: [ArraySlice<UInt8>]
    ) throws(SignatureFailure) {
        let digest: [UInt8]?
        do throws(TrustError) { digest = try algorithm.messageDigest?.digest(of: pieces) } catch {
            throw SignatureFailure(.unsupported(error.message))
        }
        guard let digest, attributes[OID.messageDigest]?.elementsEqual(DER.octetString(digest)) == true else {
            throw SignatureFailure(.contentChanged)
        }
    }

    private func signingTime(_ attributes: [[UInt8]: ArraySlice<UInt8>]) throws(SignatureFailure) -> UTCTime? {
        guard let value = attributes[OID.signingTime] else { return nil }
        do throws(TrustError) {
            var reader = DERReader(value)
            return try DERReader.time(try reader.next())
        } catch {
            throw SignatureFailure(.malformed(error.message))
        }
    }

    private func timestampToken(
        of message: SignedMessage, _ profile: SignatureProfile
    ) throws(SignatureFailure) -> [UInt8]? {
        guard let unsigned = message.unsignedAttributes else { return nil }
        do throws(TrustError) {
            guard case .pades = profile else { throw TrustError(.malformed, "it has unsigned attributes") }
            var attribute = try DERReader(unsigned).unwrapped(DER.sequenceTag)
            try attribute.expect(OID.signatureTimestamp)
            var set = try attribute.next(DER.setTag).reader
            try attribute.end()
            let token = try set.next(DER.sequenceTag).whole
            try set.end()
            return Array(token)
        } catch {
            throw SignatureFailure(.malformed(error.message))
        }
    }

    // MARK: Certificates

    private func chain(
        _ known: Remembered, _ position: Int, at time: UTCTime
    ) throws(SignatureFailure) -> [Certificate] {
        switch known.outcomes[position] {
        case .problem(let problem): throw SignatureFailure(problem)
        case .chain(let chain):
            guard let problem = chains.problem(with: chain, at: time) else { return chain }
            // Another way may hold at this time, for example through a renewed root.
            let certificate = known.certificates[position]
            guard
                let other = try? chains.chain(of: certificate, others: known.certificates, at: time),
                chains.problem(with: other, at: time) == nil, Self.uses(other, allOf: known.certificates)
            else { throw SignatureFailure(problem) }
            return other
        }
    }

    /// Every certificate in a signature must be on the way: a byte changed in a spare one would go unnoticed.
    private static func uses(_ chain: [Certificate], allOf certificates: [Certificate]) -> Bool {
        Set(certificates).isSubset(of: chain)
    }

    private func remember(_ encoded: [[UInt8]]) -> Remembered {
        if let known = remembered.withLock({ $0[encoded] }) { return known }
        let found = examine(encoded)
        // Only what leads to a trusted root is remembered: what anyone can make must not fill the memory.
        let isTrusted = found.outcomes.contains { if case .chain = $0 { true } else { false } }
        guard isTrusted else { return found }
        remembered.withLock { memory in
            if memory.count >= Self.rememberedChains { memory.removeAll() }
            memory[encoded] = found
        }
        return found
    }

    private func examine(_ encoded: [[UInt8]]) -> Remembered {
        var certificates: [Certificate] = []
        do throws(TrustError) {
            for der in encoded { certificates.append(try Certificate(der: der)) }
        } catch {
            return Remembered(certificates: [], outcomes: [.problem(.malformed(error.message))])
        }
        let outcomes = certificates.map { certificate -> Outcome in
            do throws(ChainFailure) {
                let chain = try chains.chain(of: certificate, others: certificates)
                guard Self.uses(chain, allOf: certificates) else {
                    return .problem(.malformed("it holds a certificate that is not on the way to the root"))
                }
                return .chain(chain)
            } catch {
                return .problem(error.problem)
            }
        }
        return Remembered(certificates: certificates, outcomes: outcomes)
    }
}

/// A step of the check that failed.
struct SignatureFailure: Error {
    let problem: SignatureProblem

    init(_ problem: SignatureProblem) { self.problem = problem }
}
