import EvidenceModel
import Foundation
import Testing
import Trust

@Suite("Signatures of PDF")
struct PAdESTests {
    private let pieces = [Array("%PDF-1.7 first part".utf8)[...], Array("second part %%EOF".utf8)[...]]
    private let moment = UTCTime(seconds: 1_800_000_000)

    @Test("no signing time, the digest over all pieces, and an optional time stamp over the signature")
    func roundTrip() throws {
        let laboratory = try Laboratory()
        let signer = try laboratory.examiner()
        let key = try PrivateKey.generateP256()
        let certificate = try TrialCertificates.timestampAuthority(
            organization: "Lab", key: key, notBefore: Laboratory.start, notAfter: Laboratory.end,
            issuer: laboratory.root, issuerKey: laboratory.rootKey)
        let moment = moment
        let authority = try TimestampAuthority(
            signer: Signer(key: key, certificate: certificate), clock: { moment })
        let verifier = SignatureVerifier(roots: [laboratory.root])
        let folder = try TemporaryFolder()
        try folder.write(laboratory.root.pem, "ca.pem")
        try folder.write(Array(pieces.joined()), "pdf")
        for isStamped in [false, true] {
            var stamped: [UInt8] = []
            let cms = try CAdES.signForPDF(
                digestOf: pieces, by: signer,
                timestamp: isStamped
                    ? { signature in
                        stamped = signature
                        return try authority.stamp(signature)
                    } : nil)
            let signature = try #require(verifier.verifyForPDF(cms, pieces: pieces, at: moment).verified)
            #expect(signature.signer == signer.certificate)
            #expect((signature.timestampToken != nil) == isStamped)
            if let token = signature.timestampToken {
                guard case .valid = TimestampVerifier.verify(token: token, data: stamped, roots: [laboratory.root])
                else {
                    Issue.record("the signature's time stamp does not verify")
                    return
                }
            }
            // As it stands in a PDF: padded with zeros.
            #expect(
                verifier.verifyForPDF(cms + [UInt8](repeating: 0, count: 500), pieces: pieces, at: moment).verified
                    != nil)
            #expect(verifier.verifyForPDF(cms + [1], pieces: pieces, at: moment).problem != nil)
            #expect(
                verifier.verifyForPDF(cms, pieces: pieces.reversed(), at: moment).problem == .contentChanged)
            #expect(verifier.verifyDetached(cms, content: Array(pieces.joined())).problem != nil)

            try folder.write(cms, "s.der")
            let text = try folder.openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", "s.der").output
            #expect(text.contains("signingCertificateV2"))
            // The token inside has a signing time of its own, further in.
            #expect(!text.split(separator: "unsignedAttrs:")[0].contains("signingTime"))
            let stock = try folder.openssl(
                "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "s.der", "-content", "pdf", "-CAfile",
                "ca.pem", "-purpose", "any", "-attime", "1800000000", "-out", "/dev/null")
            #expect(stock.status == 0, "\(stock.output)")
        }
    }
}
