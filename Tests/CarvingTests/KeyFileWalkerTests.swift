import EvidenceModel
import Foundation
import SourceMedia
import Testing

@testable import Carving

@Suite struct KeyFileWalkerTests {
    private func bytes(_ name: String, in folder: URL) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    }

    // MARK: DER

    @Test func certificatesAndKeysEndWithTheirSequence() throws {
        try withTemporaryFolder { folder in
            let subject = "/C=XX/O=Test Bureau/CN=seal.example"
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj",
                    subject, "-days", "30",
                ], in: folder)
            try run("openssl", ["x509", "-in", "cert.pem", "-outform", "DER", "-out", "cert.der"], in: folder)
            try run(
                "openssl", ["pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER", "-out", "p8"],
                in: folder)
            try run("openssl", ["rsa", "-in", "key.pem", "-traditional", "-outform", "DER", "-out", "rsa"], in: folder)
            try run(
                "openssl",
                ["pkcs8", "-topk8", "-in", "key.pem", "-outform", "DER", "-out", "enc", "-passout", "pass:x"],
                in: folder)
            try run(
                "openssl",
                ["pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-out", "p12", "-passout", "pass:x"],
                in: folder)
            try run("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ec.pem"], in: folder)
            try run("openssl", ["ec", "-in", "ec.pem", "-outform", "DER", "-out", "ec"], in: folder)
            try run(
                "openssl", ["pkcs8", "-topk8", "-nocrypt", "-in", "ec.pem", "-outform", "DER", "-out", "ecp8"],
                in: folder)
            try run(
                "openssl", ["crl2pkcs7", "-nocrl", "-certfile", "cert.pem", "-outform", "DER", "-out", "p7"], in: folder
            )
            let files = [
                "cert.der": "x509", "p8": "pkcs8", "rsa": "rsa-private-key", "enc": "pkcs8-encrypted", "p12": "pkcs12",
                "ec": "ec-private-key", "ecp8": "pkcs8", "p7": "pkcs7",
            ]
            for (name, format) in files {
                let file = try bytes(name, in: folder)
                let called = DERWalker().signatures.contains { file.dropFirst($0.offset).starts(with: $0.bytes) }
                #expect(called, "\(name)")
                let found = judgedVerdict(of: DERWalker(), on: file + [UInt8](repeating: 0, count: 4096))
                #expect(found?.length == file.count, "\(name)")
                #expect(found?.format == format, "\(name)")
                #expect(found?.confidence == .structural, "\(name)")
                expectSteadfast(DERWalker(), file, every: 7, lies: Array(0..<40), decoy: 24)
            }
            let facts = verdict(of: DERWalker(), on: try bytes("cert.der", in: folder)).completed?.facts
            #expect(facts?["subject"] == "C=XX, O=Test Bureau, CN=seal.example")
            #expect(facts?["algorithm"] == "RSA")
            let end = try run(
                "openssl", ["x509", "-in", "cert.pem", "-noout", "-enddate", "-dateopt", "iso_8601"], in: folder)
            let words = String(decoding: end, as: UTF8.self).dropFirst("notAfter=".count)
            let time = words.trimmingCharacters(in: .whitespacesAndNewlines).replacingOccurrences(of: " ", with: "T")
            #expect(facts?["valid_until"] == .string(time))
        }
    }

    // MARK: OpenPGP

    /// Keys and messages that GnuPG made.
    private func withKeys<Result>(_ body: (URL) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            let home = folder.appendingPathComponent("h").path
            try FileManager.default.createDirectory(
                atPath: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let gpg = ["--homedir", home, "--batch", "--quiet", "--passphrase", "x", "--pinentry-mode", "loopback"]
            defer { _ = try? run("gpgconf", ["--homedir", home, "--kill", "gpg-agent"], in: folder) }
            try Data("what the message says, some words of it repeated, repeated".utf8).write(
                to: folder.appendingPathComponent("text"))
            try run(
                "gpg", gpg + ["--quick-gen-key", "Ann Examiner <ann@example.org>", "default", "default", "0"],
                in: folder)
            for (arguments, output) in [
                (["--export"], "public"), (["--armor", "--export"], "public.asc"), (["--export-secret-keys"], "secret"),
                (["--armor", "--export-secret-keys"], "secret.asc"),
                (["-r", "ann@example.org", "--trust-model", "always", "--encrypt"], "message"),
                (["--armor", "-r", "ann@example.org", "--trust-model", "always", "--encrypt"], "message.asc"),
                (["--symmetric"], "symmetric"), (["--detach-sign"], "signature"),
                (["--armor", "--detach-sign"], "signature.asc"), (["--clear-sign"], "signed.asc"),
            ] {
                let input = arguments.contains { $0.contains("export") } ? [] : ["text"]
                try run("gpg", gpg + ["--output", output] + arguments + input, in: folder)
            }
            return try body(folder)
        }
    }

    @Test func keysMessagesAndSignaturesAreWalked() throws {
        try withKeys { folder in
            let armored: [(String, String, Confidence)] = [
                ("public.asc", "pgp-public-key", .proven), ("secret.asc", "pgp-secret-key", .proven),
                ("message.asc", "pgp-message", .proven), ("signature.asc", "pgp-signature", .proven),
                ("signed.asc", "pgp-signed-message", .structural),
            ]
            for (name, format, confidence) in armored {
                let file = try bytes(name, in: folder)
                let found = judgedVerdict(of: OpenPGPArmorWalker(), on: file + [UInt8](repeating: 0, count: 4096))
                #expect(found?.length == file.count, "\(name)")
                #expect(found?.format == format, "\(name)")
                #expect(found?.confidence == confidence, "\(name)")
                #expect(judgedVerdict(of: PEMWalker(), on: file) == nil)
                // Only the last line end may be missing.
                expectSteadfast(
                    OpenPGPArmorWalker(), file, every: 29, lies: Array(stride(from: 0, to: 300, by: 7)), decoy: 40,
                    wholeAt: { $0 >= file.count - 1 })
            }
            let damaged = try bytes("public.asc", in: folder)
            expectNeverProvenWhenFlipped(OpenPGPArmorWalker(), damaged, in: 60..<160)
            let binary: [(String, String)] = [
                ("public", "pgp-public-key"), ("secret", "pgp-secret-key"), ("message", "pgp-message"),
                ("symmetric", "pgp-message"), ("signature", "pgp-signature"),
            ]
            for (name, format) in binary {
                let file = try bytes(name, in: folder)
                let called = OpenPGPPacketWalker().signatures.contains { file.starts(with: $0.bytes) }
                #expect(called, "\(name) \(file.prefix(6))")
                let found = judgedVerdict(of: OpenPGPPacketWalker(), on: file + [UInt8](repeating: 0, count: 4096))
                #expect(found?.length == file.count, "\(name)")
                #expect(found?.format == format, "\(name)")
                #expect(found?.confidence == .structural, "\(name)")
                // A key ring that is cut between packets is a shorter one.
                expectSteadfast(
                    OpenPGPPacketWalker(), file, every: 7, lies: Array(0..<64), decoy: 16,
                    wholeAt: { judgedVerdict(of: OpenPGPPacketWalker(), on: Array(file[..<$0]))?.length == $0 })
            }
            let facts = verdict(of: OpenPGPPacketWalker(), on: try bytes("public", in: folder)).completed?.facts
            #expect(facts?["user_ids"] == ["Ann Examiner <ann@example.org>"])
            let home = folder.appendingPathComponent("h").path
            let listing = try run("gpg", ["--homedir", home, "--with-colons", "--list-keys"], in: folder)
            let line = String(decoding: listing, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("fpr:") }
            let fingerprint = try #require(line?.split(separator: ":").last).lowercased()
            #expect(facts?["fingerprints"] == [.string(fingerprint)])
            #expect(facts?["algorithm"] == "RSA")
        }
    }

    // MARK: KeePass

    private static func safe() throws -> [UInt8] {
        func field(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] { [kind] + .le32(content.count) + content }
        let aes: [UInt8] = [
            0x31, 0xC1, 0xF2, 0xE6, 0xBF, 0x71, 0x43, 0x50, 0xBE, 0x58, 0x05, 0x21, 0x6A, 0xFC, 0x5A, 0xFF,
        ]
        var generator = SeededGenerator(seed: 4)
        let header = joined(
            [0x03, 0xD9, 0xA2, 0x9A, 0x67, 0xFB, 0x4B, 0xB5, 1, 0, 4, 0], field(2, aes), field(4, generator.bytes(32)),
            field(0, [13, 10, 13, 10]))
        let digest = try WalkInput(ByteReader(MemorySource(header), at: 0)).hash(header, .sha256)
        let block = generator.bytes(32) + .le32(700) + generator.bytes(700)
        return header + digest + generator.bytes(32) + block + generator.bytes(32) + .le32(0)
    }

    @Test func safesEndWithTheirEmptyBlock() throws {
        let file = try Self.safe()
        let found = judgedVerdict(of: KeePassWalker(), on: file + [UInt8](repeating: 0, count: 4096))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["cipher"] == "AES-256")
        #expect(found?.facts["header_digest_holds"] == true)
        expectSteadfast(KeePassWalker(), file, lies: Array(0..<120), decoy: 100)
    }

    @Test func olderSafesHaveNoEndOfTheirOwn() throws {
        var generator = SeededGenerator(seed: 5)
        func field(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] { [kind] + .le16(content.count) + content }
        let file = joined(
            [0x03, 0xD9, 0xA2, 0x9A, 0x67, 0xFB, 0x4B, 0xB5, 1, 0, 3, 0], field(2, generator.bytes(16)),
            field(6, .le64(60_000)), field(0, [13, 10, 13, 10]), generator.bytes(1600))
        let found = judgedVerdict(of: KeePassWalker(), on: file + [UInt8](repeating: 0, count: 4096))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .header)
        #expect(found?.facts["key_rounds"] == 60_000)
    }

    // MARK: Wallets

    @Test func bitcoinjWalletsEndWithTheirLastField() {
        let file = joined(
            [0x0A, 22], Array("org.bitcoin.production".utf8), [0x1A, 5, 1, 2, 3, 4, 5], [0x28, 2],
            [0x60, 0x80, 0x89, 0x2B], [0x22, 3, 7, 7, 7])
        let found = judgedVerdict(of: CoinWalletWalker(), on: file + [UInt8](repeating: 0, count: 4096))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        #expect(found?.facts["network"] == "org.bitcoin.production")
        #expect(found?.facts["wallet_encrypted"] == true)
        #expect(found?.facts["last_block"] == 705_664)
        expectSteadfast(
            CoinWalletWalker(), file, decoy: 24, wholeAt: { [31, 33, 37].contains($0) })
    }

    @Test func encryptedElectrumWalletsHaveOneOfFewLengths() {
        var generator = SeededGenerator(seed: 6)
        let content = Array("BIE1".utf8) + [3] + generator.bytes(32 + 16 * 40 + 32)
        let file = [UInt8](Data(content).base64EncodedData())
        #expect(file.starts(with: ElectrumWalker().signatures[0].bytes))
        let found = judgedVerdict(of: ElectrumWalker(), on: file + [UInt8](repeating: 0, count: 4096))
        #expect(found?.length == file.count)
        #expect(found?.confidence == .structural)
        // One length in sixteen fits by chance; nothing else shows a cut.
        expectSteadfast(
            ElectrumWalker(), file, decoy: 8,
            wholeAt: { judgedVerdict(of: ElectrumWalker(), on: Array(file[..<$0]))?.length == $0 })
    }
}
