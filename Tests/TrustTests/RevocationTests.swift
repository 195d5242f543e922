import EvidenceModel
import Foundation
import Testing
import Trust

@Suite("Revocation")
struct RevocationTests {
    @Test("a certificate is refused from its revocation on, and only by its own issuer's list")
    func revocation() throws {
        let laboratory = try Laboratory()
        let signer = try laboratory.examiner()
        let other = try laboratory.examiner("B. Examiner")
        let folder = try TemporaryFolder()
        try folder.write(laboratory.root.pem, "root.pem")
        try folder.write(try laboratory.rootKey.pem(encryptedWith: "p"), "root.key")
        try folder.write(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n", "ca.cnf")
        // Revoked on 2027-01-15T08:00:00Z.
        try folder.write(
            "R\t401002000000Z\t270115080000Z\t\(signer.certificate.serialHex.uppercased())\tunknown\t/CN=A\n",
            "index.txt")
        let made = try folder.openssl(
            "ca", "-gencrl", "-config", "ca.cnf", "-keyfile", "root.key", "-passin", "pass:p", "-cert", "root.pem",
            "-out", "crl.pem")
        #expect(made.status == 0, "\(made.output)")
        try folder.openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der")
        let list = try folder.read("crl.der")

        let verifier = SignatureVerifier(roots: [laboratory.root], revocationLists: [list])
        let revoked = UTCTime(seconds: 1_800_000_000)
        let before = try CAdES.signAttached([1], by: signer, at: UTCTime(seconds: 1_799_999_999))
        #expect(verifier.verifyAttached(before).verified != nil)
        let later = UTCTime(seconds: 1_800_000_001)
        for (cms, time) in [(before, later), (try CAdES.signAttached([1], by: signer, at: later), nil)] {
            #expect(
                verifier.verifyAttached(cms, at: time).problem
                    == .revoked(certificate: "A. Examiner", since: revoked, time: later))
        }
        #expect(verifier.verifyAttached(try CAdES.signAttached([1], by: other, at: later)).verified != nil)
        let stranger = try Laboratory()
        let theirs = try CAdES.signAttached([1], by: stranger.examiner(), at: later)
        let both = SignatureVerifier(roots: [stranger.root], revocationLists: [list])
        #expect(both.verifyAttached(theirs).verified != nil)
        let unreadable = SignatureVerifier(roots: [laboratory.root], revocationLists: [[1, 2, 3]])
        #expect(unreadable.verifyAttached(before).problem != nil)
    }
}
