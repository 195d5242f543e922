import EvidenceModel
import Foundation
import Testing
import Trust

@Suite("Keys and passphrases")
struct KeyTests {
    @Test("a key survives its encrypted form, and the stock openssl reads it")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        for key in [try PrivateKey.generateP256(), try .generateP384(), try .generateEd25519()] {
            let pem = try key.pem(encryptedWith: "pass phrase é")
            let read = try PrivateKey(pem: pem, passphrase: "pass phrase é")
            #expect(read.algorithm == key.algorithm)
            #expect(try read.publicKeyPEM() == key.publicKeyPEM())
            try folder.write(pem, "key.pem")
            let stock = try folder.openssl("pkey", "-in", "key.pem", "-passin", "pass:pass phrase é", "-pubout")
            #expect(try stock.output == key.publicKeyPEM())
            for wrong: Passphrase in ["pass phrase e", "x", ""] {
                #expect(throws: TrustError.self) { try PrivateKey(pem: pem, passphrase: wrong) }
            }
        }
    }

    @Test("keys that are too weak or of another kind are refused with the remedy")
    func weak() throws {
        let folder = try TemporaryFolder()
        for arguments in [["RSA", "rsa_keygen_bits:2048"], ["EC", "ec_paramgen_curve:secp256k1"]] {
            try folder.openssl("genpkey", "-algorithm", arguments[0], "-pkeyopt", arguments[1], "-out", "key.pem")
            let pem = String(decoding: try folder.read("key.pem"), as: UTF8.self)
            let error = #expect(throws: TrustError.self) { try PrivateKey(pem: pem, passphrase: "") }
            #expect(error?.code == .unsupported)
        }
        for text in ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            let error = #expect(throws: TrustError.self) { try PrivateKey(pem: text, passphrase: "") }
            #expect(error?.code == .malformed)
        }
    }

    @Test("a passphrase appears in no description or dump")
    func secrecy() {
        let passphrase = Passphrase("hunter2")
        var dumped = ""
        dump(passphrase, to: &dumped)
        for text in ["\(passphrase)", String(reflecting: passphrase), dumped, "\([passphrase])"] {
            #expect(!text.contains("hunter2") && !text.contains("104"))
        }
    }

    @Test("changed, cut and stretched inputs are refused and never trap")
    func hostile() throws {
        let laboratory = try Laboratory()
        let signer = try laboratory.examiner()
        var random = SeededGenerator(seed: 11)
        let verifier = SignatureVerifier(roots: [laboratory.root])
        let cms = try CAdES.signAttached([1, 2, 3], by: signer)
        let certificate = signer.certificate.der
        for _ in 0..<3000 {
            for original in [cms, certificate] {
                var bytes = original
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let at = Int.random(in: bytes.indices, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[at] = UInt8.random(in: .min ... .max, using: &random)
                    case 1: bytes.remove(at: at)
                    case 2: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: at)
                    default: bytes[at] = [0x00, 0x7F, 0x80, 0x84, 0xFF][Int.random(in: 0..<5, using: &random)]
                    }
                }
                guard bytes != original else { continue }
                #expect(verifier.verifyAttached(bytes).verified == nil)
                if case .valid = TimestampVerifier.verify(response: bytes, data: [], roots: [laboratory.root]) {
                    Issue.record("nonsense passed for a time stamp")
                }
                if let changed = try? Certificate(der: bytes) { #expect(changed != signer.certificate) }
            }
        }
    }
}
