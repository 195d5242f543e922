import EvidenceModel
import Foundation
import Testing
import Trust

@Suite("Identity store")
struct IdentityStoreTests {
    private let content = Array("evidence".utf8)

    private func now() -> UTCTime { UTCTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    @Test("the first identity makes the laboratory; signer, stamps and notes then work together")
    func create() throws {
        let folder = try TemporaryFolder()
        let store = IdentityStore(home: folder.path + "/home/exhibit")
        #expect(try store.list().isEmpty)
        #expect(try store.laboratoryRoots().isEmpty)
        let identity = try store.createTrialIdentity(
            name: "Zoë A. Examiner", organization: "Lab", passphrase: "correct horse")
        #expect(identity.slug == "zoë-a-examiner")
        #expect(identity.isTrial && identity.isDefault)
        #expect(identity.certificate.subjectOrganization == "Lab")
        #expect(try store.list() == [identity])

        let roots = try store.laboratoryRoots()
        #expect(roots.count == 1)
        let signer = try store.signer(named: nil, passphrase: "correct horse")
        let cms = try CAdES.signDetached(content, by: signer)
        #expect(CAdES.verifyDetached(cms, content: content, roots: roots, at: nil).verified?.isTrial == true)
        let response = try store.timestampAuthority().stamp(cms)
        guard case .valid = TimestampVerifier.verify(response: response, data: cms, roots: roots) else {
            Issue.record("the built-in authority's stamp does not verify")
            return
        }
        let key = try store.workstationNoteKey()
        #expect(try store.workstationNoteKey().vkey == key.vkey)
        let named = try store.workstationNoteKey(name: "lab/custody/1/00")
        #expect(named.verifier.publicKey == key.verifier.publicKey)
        #expect(try named.sign("text\n").isSigned(by: NoteVerifier(vkey: named.vkey)))
    }

    @Test("folders have mode 0700, files 0600, keys are encrypted, nothing temporary is left")
    func layout() throws {
        let folder = try TemporaryFolder()
        let home = folder.path + "/home"
        try IdentityStore(home: home).createTrialIdentity(
            name: "A. Examiner", organization: "Lab", passphrase: "secret words")
        var paths: Set<String> = []
        for case let path as String in FileManager.default.enumerator(atPath: home) ?? .init() {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(home)/\(path)")
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            #expect(attributes[.posixPermissions] as? Int == (isFolder ? 0o700 : 0o600), "\(path)")
            paths.insert(path)
            if path.hasSuffix(".key") || path.hasSuffix("key.pem") {
                let text = String(decoding: try DurableFile.read("\(home)/\(path)", limit: 10_000), as: UTF8.self)
                #expect(text.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "\(path)")
            }
        }
        #expect(
            paths == [
                "default", "identities", "identities/a-examiner", "identities/a-examiner/certificate.pem",
                "identities/a-examiner/chain.pem", "identities/a-examiner/identity.json",
                "identities/a-examiner/key.pem", "laboratory", "laboratory/root.key", "laboratory/root.pem",
                "laboratory/tsa.key", "laboratory/tsa.pem", "workstation", "workstation/note.key",
                "workstation/note.vkey", "workstation/secret",
            ])
        #expect(try FileManager.default.attributesOfItem(atPath: home)[.posixPermissions] as? Int == 0o700)
        let key = try folder.openssl(
            "asn1parse", "-in", "home/identities/a-examiner/key.pem", "-inform", "PEM"
        ).output
        #expect(key.contains("PBES2") && key.contains("aes-256-cbc") && key.contains("hmacWithSHA256"))
        #expect(key.contains("INTEGER           :0927C0"))  // 600,000 rounds
    }

    @Test("certificates have the profile that verifiers ask for")
    func profile() throws {
        let folder = try TemporaryFolder()
        let store = IdentityStore(home: folder.path + "/home")
        try store.createTrialIdentity(name: "A. Examiner", organization: "Lab", passphrase: "secret words")
        func text(_ path: String) throws -> String {
            try folder.openssl("x509", "-in", "home/" + path, "-noout", "-text").output
        }
        let root = try text("laboratory/root.pem")
        #expect(root.contains("CA:TRUE") && root.contains("Certificate Sign, CRL Sign"))
        let examiner = try text("identities/a-examiner/certificate.pem")
        #expect(examiner.contains("Digital Signature, Non Repudiation") && examiner.contains("CA:FALSE"))
        #expect(examiner.contains("Subject Key Identifier") && examiner.contains("Authority Key Identifier"))
        #expect(examiner.contains("OU = TRIAL - not for casework"))
        let stamps = try text("laboratory/tsa.pem")
        #expect(stamps.contains("X509v3 Extended Key Usage: critical\n                Time Stamping\n"))
        for path in ["identities/a-examiner/certificate.pem", "laboratory/tsa.pem"] {
            let verified = try folder.openssl(
                "verify", "-x509_strict", "-CAfile", "home/laboratory/root.pem", "home/" + path)
            #expect(verified.status == 0, "\(verified.output)")
        }
    }

    @Test("collisions, wrong passphrases, unknown names and bad names are refused in clear words, and leave nothing")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let store = IdentityStore(home: folder.path + "/home")
        for (name, passphrase) in [("", "x"), ("???", "x"), ("A\nB", "x"), ("A. B", "")] as [(String, Passphrase)] {
            #expect(throws: TrustError.self) {
                try store.createTrialIdentity(name: name, organization: "Lab", passphrase: passphrase)
            }
            #expect(try store.list().isEmpty)
        }
        try store.createTrialIdentity(name: "First", organization: "Lab", passphrase: "one")
        let collision = #expect(throws: TrustError.self) {
            try store.createTrialIdentity(name: "first!", organization: "Lab", passphrase: "one")
        }
        #expect(collision?.code == .exists)
        let root = #expect(throws: TrustError.self) {
            try store.createTrialIdentity(name: "Second", organization: "Lab", passphrase: "two")
        }
        #expect(root?.code == .wrongPassphrase)
        #expect(root?.message.contains("root's passphrase") == true)
        #expect(try store.list().map(\.slug) == ["first"])
        let second = try store.createTrialIdentity(
            name: "Second", organization: "Lab", passphrase: "two", rootPassphrase: "one")
        #expect(second.isDefault)
        #expect(try store.list().map(\.slug) == ["first", "second"])

        let wrong = #expect(throws: TrustError.self) { try store.signer(named: nil, passphrase: "one") }
        #expect(wrong?.code == .wrongPassphrase)
        #expect(wrong?.message.contains("one") == false)
        #expect(try store.signer(named: "First", passphrase: "one").certificate.subjectCommonName == "First")
        let unknown = #expect(throws: TrustError.self) { try store.signer(named: "third", passphrase: "one") }
        #expect(unknown?.code == .missing)
        try store.setDefault("first")
        #expect(try store.identity(named: nil).slug == "first")
        let absent = IdentityStore(home: folder.path + "/nowhere")
        #expect(throws: TrustError.self) { try absent.timestampAuthority() }
        #expect(throws: TrustError.self) { try absent.signer(passphrase: "x") }
        #expect(!FileManager.default.fileExists(atPath: absent.home))
    }

    @Test("expired and not yet valid certificates do not sign")
    func validity() throws {
        let folder = try TemporaryFolder()
        let store = IdentityStore(home: folder.path + "/home")
        let start = UTCTime(seconds: 1_700_000_000)
        try store.createTrialIdentity(
            name: "Old", organization: "Lab", passphrase: "p", validDays: 10, now: start)
        let expired = #expect(throws: TrustError.self) { try store.signer(passphrase: "p") }
        #expect(expired?.code == .expired)
        #expect(expired?.message.contains("expired on 2023-11-24") == true)
        _ = try store.signer(passphrase: "p", at: UTCTime(seconds: 1_700_000_500))
        let early = #expect(throws: TrustError.self) {
            try store.signer(passphrase: "p", at: UTCTime(seconds: 1_699_999_999))
        }
        #expect(early?.code == .notYetValid)
    }

    @Test("a damaged identity is named, and a swapped certificate or key is noticed")
    func damage() throws {
        let folder = try TemporaryFolder()
        let store = IdentityStore(home: folder.path + "/home")
        try store.createTrialIdentity(name: "A", organization: "Lab", passphrase: "p")
        try store.createTrialIdentity(name: "B", organization: "Lab", passphrase: "p")
        let path = folder.path + "/home/identities"
        let key = try DurableFile.read(path + "/a/key.pem", limit: 10_000)
        try DurableFile.write(try DurableFile.read(path + "/b/key.pem", limit: 10_000), to: path + "/a/key.pem")
        let swapped = #expect(throws: TrustError.self) { try store.signer(named: "a", passphrase: "p") }
        #expect(swapped?.code == .mismatch)
        try DurableFile.write(key, to: path + "/a/key.pem")
        let certificate = try DurableFile.read(path + "/b/certificate.pem", limit: 10_000)
        try DurableFile.write(certificate, to: path + "/a/certificate.pem")
        #expect(throws: TrustError.self) { try store.list() }
        try DurableFile.write(Array("nonsense".utf8), to: path + "/a/certificate.pem")
        #expect(throws: TrustError.self) { try store.list() }
    }

    @Test("an examiner's own PKCS#12 and PEM are taken in, with the authority's root")
    func imports() throws {
        let folder = try TemporaryFolder()
        // An authority as a stock openssl makes it: root, intermediate, examiner on P-384.
        try folder.write(
            """
            [ca]
            basicConstraints = critical,CA:TRUE
            keyUsage = critical,keyCertSign,cRLSign
            subjectKeyIdentifier = hash
            [ee]
            basicConstraints = critical,CA:FALSE
            keyUsage = critical,nonRepudiation
            subjectKeyIdentifier = hash
            authorityKeyIdentifier = keyid
            """, "x.cnf")
        for (name, curve) in [("root", "P-256"), ("sub", "P-256"), ("ee", "P-384")] {
            try folder.openssl(
                "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)", "-out", "\(name).key")
            try folder.openssl(
                "req", "-new", "-key", "\(name).key", "-subj", "/O=Police/CN=\(name) one", "-out", "\(name).csr")
        }
        try folder.openssl(
            "x509", "-req", "-in", "root.csr", "-signkey", "root.key", "-extfile", "x.cnf", "-extensions", "ca", "-out",
            "root.pem", "-days", "30")
        try folder.openssl(
            "x509", "-req", "-in", "sub.csr", "-CA", "root.pem", "-CAkey", "root.key", "-extfile", "x.cnf",
            "-extensions", "ca", "-out", "sub.pem", "-days", "30")
        try folder.openssl(
            "x509", "-req", "-in", "ee.csr", "-CA", "sub.pem", "-CAkey", "sub.key", "-extfile", "x.cnf", "-extensions",
            "ee", "-out", "ee.pem", "-days", "30")
        try folder.write(try folder.read("sub.pem") + folder.read("root.pem"), "chain.pem")
        try folder.openssl(
            "pkcs12", "-export", "-inkey", "ee.key", "-in", "ee.pem", "-certfile", "chain.pem", "-passout", "pass:p12",
            "-out", "full.p12")
        try folder.openssl(
            "pkcs12", "-export", "-inkey", "ee.key", "-in", "ee.pem", "-passout", "pass:p12", "-out", "bare.p12")

        let store = IdentityStore(home: folder.path + "/home")
        func path(_ name: String) -> String { folder.path + "/" + name }
        let wrong = #expect(throws: TrustError.self) {
            try store.importPKCS12(path: path("full.p12"), passphrase: "no")
        }
        #expect(wrong?.code == .wrongPassphrase)
        let rootless = #expect(throws: TrustError.self) {
            try store.importPKCS12(path: path("bare.p12"), passphrase: "p12")
        }
        #expect(rootless?.message.contains("root") == true)
        #expect(throws: TrustError.self) { try store.importPKCS12(path: path("ee.pem"), passphrase: "p12") }
        #expect(try store.list().isEmpty)

        let identity = try store.importPKCS12(path: path("full.p12"), passphrase: "p12", newPassphrase: "own")
        #expect(identity.slug == "ee-one" && !identity.isTrial)
        let signer = try store.signer(named: "ee-one", passphrase: "own")
        #expect(signer.chain.map(\.subjectCommonName) == ["sub one"])
        let cms = try CAdES.signDetached(content, by: signer)
        let roots = try store.laboratoryRoots()
        #expect(roots.map(\.subjectCommonName) == ["Laboratory root", "root one"])
        let verified = try #require(CAdES.verifyDetached(cms, content: content, roots: roots, at: nil).verified)
        #expect(verified.chain.map(\.subjectCommonName) == ["ee one", "sub one", "root one"])
        #expect(!verified.isTrial)
        try folder.write(cms, "m.p7s")
        try folder.write(content, "m")
        let stock = try folder.openssl(
            "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "m.p7s", "-content", "m", "-CAfile",
            "root.pem", "-purpose", "any", "-out", "/dev/null")
        #expect(stock.status == 0, "\(stock.output)")
        #expect(throws: TrustError.self) { try store.importPKCS12(path: path("bare.p12"), passphrase: "p12") }
        _ = try store.timestampAuthority()

        let other = IdentityStore(home: folder.path + "/other")
        try other.importPKCS12(path: path("bare.p12"), passphrase: "p12", rootsPath: path("chain.pem"))
        #expect(try other.signer(passphrase: "p12").chain.count == 1)
        let third = IdentityStore(home: folder.path + "/third")
        try third.importPEM(
            certificatePath: path("ee.pem"), keyPath: path("ee.key"), passphrase: "new", rootsPath: path("chain.pem"))
        _ = try third.signer(passphrase: "new")
        #expect(throws: TrustError.self) {
            try third.importPEM(certificatePath: path("sub.pem"), keyPath: path("ee.key"), passphrase: "new")
        }
        #expect(throws: TrustError.self) {
            try third.importPEM(certificatePath: path("sub.pem"), keyPath: path("sub.key"), passphrase: "new")
        }
    }

    @Test("two processes that begin at once share one laboratory")
    func concurrent() async throws {
        let folder = try TemporaryFolder()
        let home = folder.path + "/home"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<4 {
                group.addTask {
                    try IdentityStore(home: home).createTrialIdentity(
                        name: "Person \(index)", organization: "Lab", passphrase: "p")
                }
            }
            try await group.waitForAll()
        }
        let store = IdentityStore(home: home)
        let roots = try store.laboratoryRoots()
        #expect(roots.count == 1)
        for index in 0..<4 {
            let signer = try store.signer(named: "person-\(index)", passphrase: "p")
            let cms = try CAdES.signAttached(content, by: signer)
            #expect(CAdES.verifyAttached(cms, roots: roots, at: nil).verified != nil)
        }
        _ = try store.timestampAuthority()
        _ = try store.workstationNoteKey()
    }
}
