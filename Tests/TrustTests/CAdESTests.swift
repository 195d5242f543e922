import EvidenceModel
import Foundation
import Testing
import Trust

@Suite("CAdES signatures")
struct CAdESTests {
    private static let keys: [@Sendable () throws -> PrivateKey] = [
        { try .generateP256() }, { try .generateP384() }, { try .generateRSA() },
    ]
    private let content = Array(#"{"seq":0,"type":"custody.genesis"}"#.utf8)
    private let time = UTCTime(milliseconds: 1_800_000_000_789)

    @Test("signatures of every kind of key verify here and with the stock openssl", arguments: 0..<3)
    func roundTrip(_ kind: Int) throws {
        let laboratory = try Laboratory()
        let signer = try laboratory.examiner(key: Self.keys[kind]())
        let folder = try TemporaryFolder()
        let attached = try CAdES.signAttached(content, by: signer, at: time)
        let detached = try CAdES.signDetached(content, by: signer, at: time)

        let verifier = SignatureVerifier(roots: [laboratory.root])
        let signature = try #require(verifier.verifyAttached(attached).verified)
        #expect(signature.content == content)
        #expect(signature.signer == signer.certificate)
        #expect(signature.signingTime == UTCTime(seconds: 1_800_000_000))
        #expect(signature.chain == [signer.certificate, laboratory.root])
        #expect(signature.isTrial)
        #expect(verifier.verifyDetached(detached, content: content).verified != nil)
        #expect(CAdES.verifyDetached(detached, content: content, roots: [laboratory.root], at: nil).verified != nil)

        try folder.write(laboratory.root.pem, "ca.pem")
        try folder.write(attached, "entry.p7m")
        try folder.write(detached, "m.p7s")
        try folder.write(content, "m")
        let entry = try folder.openssl(
            "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "entry.p7m", "-CAfile", "ca.pem",
            "-purpose", "any", "-attime", "1800000000", "-out", "out")
        #expect(entry.status == 0, "\(entry.output)")
        #expect(try folder.read("out") == content)
        func verifyDetached() throws -> (status: Int32, output: String) {
            try folder.openssl(
                "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "m.p7s", "-content", "m", "-CAfile",
                "ca.pem", "-purpose", "any", "-attime", "1800000000", "-out", "/dev/null")
        }
        let separate = try verifyDetached()
        #expect(separate.status == 0, "\(separate.output)")
        try folder.write(content + [0x20], "m")
        #expect(try verifyDetached().status != 0)
    }

    @Test("exactly the four signed attributes, definite length, the stated time")
    func form() throws {
        let laboratory = try Laboratory()
        let folder = try TemporaryFolder()
        try folder.write(try CAdES.signAttached(content, by: laboratory.examiner(), at: time), "entry.p7m")
        let text = try folder.openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", "entry.p7m").output
        let signed = try #require(text.range(of: "signedAttrs:").map { text[$0.upperBound...] })
        let objects = signed.split(separator: "\n").filter { $0.contains("object: ") && !$0.contains("set:") }
        #expect(objects.count { $0.contains("contentType") } == 1)
        #expect(objects.count { $0.contains("signingTime") } == 1)
        #expect(objects.count { $0.contains("messageDigest") } == 1)
        #expect(objects.count { $0.contains("signingCertificateV2") } == 1)
        #expect(signed.contains("UTCTIME:Jan 15 08:00:00 2027 GMT"))
        let unsigned = try #require(text.range(of: "unsignedAttrs:").map { text[$0.upperBound...] })
        #expect(unsigned.drop { $0.isWhitespace }.hasPrefix("<ABSENT>"))
        let structure = try folder.openssl("asn1parse", "-inform", "DER", "-in", "entry.p7m").output
        #expect(!structure.contains("l=inf"))
    }

    @Test("each flipped bit, cut and appended byte is caught", arguments: [false, true])
    func tampering(_ isDetached: Bool) throws {
        let laboratory = try Laboratory()
        let signer = try laboratory.examiner()
        let verifier = SignatureVerifier(roots: [laboratory.root])
        let cms =
            try isDetached
            ? CAdES.signDetached(content, by: signer, at: time) : CAdES.signAttached(content, by: signer, at: time)
        func verdict(_ bytes: [UInt8]) -> SignatureVerdict {
            isDetached ? verifier.verifyDetached(bytes, content: content) : verifier.verifyAttached(bytes)
        }
        #expect(verdict(cms).verified != nil)
        for position in cms.indices {
            for mask: UInt8 in [0x01, 0x80] {
                var changed = cms
                changed[position] ^= mask
                #expect(verdict(changed).problem != nil, "byte \(position), mask \(mask)")
            }
            #expect(verdict(Array(cms[..<position])).problem != nil)
        }
        #expect(verdict(cms + [0]).problem != nil)
        if isDetached {
            #expect(verifier.verifyDetached(cms, content: content + [0]).problem == .contentChanged)
            #expect(verifier.verifyAttached(cms).problem != nil)
        } else {
            #expect(verifier.verifyDetached(cms, content: content).problem != nil)
            // The content stands in the clear: a changed letter is told apart from a changed signature.
            let at = try #require(cms.indices.first { cms[$0...].starts(with: content) })
            var changed = cms
            changed[at + 2] = UInt8(ascii: "z")
            #expect(verdict(changed).problem == .contentChanged)
        }
    }

    @Test("expired, not yet valid, unknown issuer and wrong usage are told apart")
    func reasons() throws {
        let laboratory = try Laboratory()
        let (from, to) = (UTCTime(seconds: 1_790_000_000), UTCTime(seconds: 1_810_000_000))
        let signer = try laboratory.examiner(from: from, to: to)
        let verifier = SignatureVerifier(roots: [laboratory.root])
        let cms = try CAdES.signAttached(content, by: signer, at: time)
        #expect(verifier.verifyAttached(cms).verified != nil)
        #expect(verifier.verifyAttached(cms, at: from).verified != nil)
        #expect(verifier.verifyAttached(cms, at: to).verified != nil)
        let later = UTCTime(seconds: 1_810_000_001)
        #expect(
            verifier.verifyAttached(cms, at: later).problem
                == .expired(certificate: "A. Examiner", notAfter: to, time: later))
        let earlier = UTCTime(seconds: 1_789_999_999)
        #expect(
            verifier.verifyAttached(cms, at: earlier).problem
                == .notYetValid(certificate: "A. Examiner", notBefore: from, time: earlier))
        let late = try CAdES.signAttached(content, by: signer, at: later)
        #expect(
            verifier.verifyAttached(late).problem
                == .expired(certificate: "A. Examiner", notAfter: to, time: later))

        let other = try Laboratory()
        for roots in [[], [other.root]] {
            guard case .unknownIssuer? = CAdES.verifyAttached(cms, roots: roots, at: nil).problem else {
                Issue.record("an unknown issuer was not reported")
                continue
            }
        }
        let asRoot = try Signer(key: laboratory.rootKey, certificate: laboratory.root)
        guard case .wrongUsage? = verifier.verifyAttached(try CAdES.signAttached(content, by: asRoot)).problem else {
            Issue.record("a root signed evidence")
            return
        }
        let key = try PrivateKey.generateP256()
        let stamps = try TrialCertificates.timestampAuthority(
            organization: "Test Lab", key: key, notBefore: Laboratory.start, notAfter: Laboratory.end,
            issuer: laboratory.root, issuerKey: laboratory.rootKey)
        let authority = try Signer(key: key, certificate: stamps)
        guard case .wrongUsage? = verifier.verifyAttached(try CAdES.signAttached(content, by: authority)).problem
        else {
            Issue.record("a time-stamping authority signed evidence")
            return
        }
    }

    @Test("a signature made by the stock openssl with the same attributes is accepted")
    func foreign() throws {
        let laboratory = try Laboratory()
        let signer = try laboratory.examiner()
        let folder = try TemporaryFolder()
        try folder.write(signer.certificate.pem, "cert.pem")
        try folder.write(try signer.key.pem(encryptedWith: "secret"), "key.pem")
        try folder.write(content, "m")
        let made = try folder.openssl(
            "cms", "-sign", "-cades", "-nosmimecap", "-binary", "-nodetach", "-md", "sha256", "-outform", "DER",
            "-signer", "cert.pem", "-inkey", "key.pem", "-passin", "pass:secret", "-in", "m", "-out", "m.p7m")
        #expect(made.status == 0, "\(made.output)")
        let verdict = CAdES.verifyAttached(try folder.read("m.p7m"), roots: [laboratory.root], at: nil)
        #expect(verdict.problem == nil)
    }

    @Test("a key and a certificate that do not belong together make no signer")
    func mismatch() throws {
        let laboratory = try Laboratory()
        let certificate = try laboratory.examiner().certificate
        let error = #expect(throws: TrustError.self) {
            try Signer(key: .generateP256(), certificate: certificate)
        }
        #expect(error?.code == .mismatch)
    }
}
