import Foundation
import Testing

@Suite("Bad input gets a clear error, exit 2, and leaves nothing half-made")
struct RefusalTests {
    private func refused(_ lab: Laboratory, _ source: String, saying words: String) throws {
        let before = try FileManager.default.contentsOfDirectory(atPath: lab.folder.path).filter { !$0.hasPrefix(".") }
        let answer = try lab.signed("process", source, "--case", lab.path("new-case"), "--number", "B-1")
        #expect(answer.status == 2, "\(answer.errors)")
        #expect(answer.errors.contains(words), "\(answer.errors)")
        #expect(answer.output.isEmpty)
        let after = try FileManager.default.contentsOfDirectory(atPath: lab.folder.path).filter {
            !$0.hasPrefix(".out") && !$0.hasPrefix(".err")
        }
        #expect(Set(after).subtracting(before).allSatisfy { !$0.contains("case") }, "\(after)")
    }

    @Test("sources that are missing, empty or of the wrong kind")
    func sources() throws {
        let lab = try Laboratory()
        try refused(lab, lab.path("nothing.dd"), saying: "No such file")
        try refused(lab, try lab.file("empty.dd", []), saying: "empty")
        try refused(lab, "/dev/null", saying: "neither")
        try FileManager.default.createDirectory(atPath: lab.path("folder.dd"), withIntermediateDirectories: true)
        try refused(lab, lab.path("folder.dd"), saying: "folder")
        try lab.file("split.001", [1, 2, 3])
        try lab.file("split.003", [1, 2, 3])
        try refused(lab, lab.path("split.001"), saying: "split.002")
    }

    @Test("a case within the folder that is to be taken in")
    func caseInSource() throws {
        let lab = try Laboratory()
        let export = lab.path("export")
        try FileManager.default.createDirectory(atPath: export + "/photos", withIntermediateDirectories: true)
        try lab.file("export/photos/a.txt", [65])
        try FileManager.default.createSymbolicLink(atPath: lab.path("alias"), withDestinationPath: export)
        for place in [export + "/deep/case", lab.path("alias/case"), export] {
            let answer = try lab.signed("process", export, "--case", place, "--number", "B-2")
            #expect(answer.status == 2)
            #expect(answer.errors.contains("outside of that folder"), "\(answer.errors)")
        }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: export).sorted() == ["photos", "photos/a.txt"])
        // A neighbour whose name only begins alike is fine.
        let answer = try lab.signed("process", export, "--case", export + "-case", "--number", "B-2", "--no-report")
        #expect(answer.status == 0, "\(answer.errors)")
    }

    @Test("an answer that cannot be written: exit 2 and a reason, no crash")
    func fullStandardOutput() throws {
        let job = try WholeJobTests.stick.get()
        for command in ["catalog export", "verify --skip-sources", "ledger show --json"] {
            let answer = try job.laboratory.shell(
                "\"$PROGRAM\" \(command) --case \"$CASE\" >/dev/full",
                ["PROGRAM": Laboratory.program.path, "CASE": job.casePath])
            #expect(answer.status == 2, "\(answer.errors)")
            #expect(answer.errors.contains("Standard output cannot be written"), "\(answer.errors)")
        }
        let mute = try job.laboratory.shell(
            "\"$PROGRAM\" catalog list --case /nothing 2>/dev/full",
            ["PROGRAM": Laboratory.program.path])
        #expect(mute.status == 2)
    }

    @Test("a source that may not be read", .enabled(if: getuid() != 0))
    func unreadableSource() throws {
        let lab = try Laboratory()
        let path = try lab.file("secret.dd", [1])
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
        try refused(lab, path, saying: "ermission")
    }

    @Test("a wrong passphrase, no identity, a passphrase that is missing")
    func passphrases() throws {
        let lab = try Laboratory()
        let image = try lab.file("disk.dd", [UInt8](repeating: 7, count: 2000))
        let wrong = try lab.file("wrong", Array("not it\n".utf8))
        let answer = try lab.run([
            "process", image, "--case", lab.path("c"), "--number", "1", "--passphrase-file", wrong,
        ])
        #expect(answer.status == 2)
        #expect(answer.errors.contains("passphrase"), "\(answer.errors)")
        #expect(!FileManager.default.fileExists(atPath: lab.path("c")))
        let none = try lab.run(["process", image, "--case", lab.path("c"), "--number", "1"])
        #expect(none.status == 2)
        let gone = try lab.run([
            "process", image, "--case", lab.path("c"), "--number", "1", "--passphrase-file", lab.path("gone"),
        ])
        #expect(gone.status == 2)
        let stranger = try Laboratory(withIdentity: false)
        let nobody = try stranger.signed("process", image, "--case", stranger.path("c"), "--number", "1")
        #expect(nobody.status == 2)
        #expect(nobody.errors.contains("identity"), "\(nobody.errors)")
    }

    @Test("an expired certificate")
    func expired() throws {
        let lab = try Laboratory()
        let script = """
            set -e
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out c.pem -days 1 \\
                -subj '/O=Lab/CN=Old Examiner' -addext keyUsage=digitalSignature,nonRepudiation \\
                -not_before 20200101000000Z -not_after 20200201000000Z 2>/dev/null \\
            || { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out r.pem \\
                -subj '/O=Lab/CN=Old Examiner' 2>/dev/null
                mkdir -p ca && : >ca/index.txt && echo 01 >ca/serial
                printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=ca/index.txt\\nserial=ca/serial\\nnew_certs_dir=ca\\ndefault_md=sha256\\npolicy=p\\n[p]\\nO=optional\\nCN=supplied\\n' >ca.cnf
                openssl ca -batch -config ca.cnf -selfsign -keyfile k.pem -in r.pem -out c.pem -notext \\
                    -startdate 20200101000000Z -enddate 20200201000000Z; }
            openssl pkcs12 -export -inkey k.pem -in c.pem -out old.p12 -passout file:\(lab.passphrase.path)
            """
        let made = try lab.shell(script)
        try #require(made.status == 0, "\(made.errors)")
        let answer = try lab.signed("identity", "import", lab.path("old.p12"))
        #expect(answer.status == 2)
        #expect(answer.errors.contains("expired"), "\(answer.errors)")
    }

    @Test("a case of a later version, and a folder that is no case")
    func cases() throws {
        let lab = try Laboratory()
        #expect(try lab.signed("case", "new", "--case", lab.path("c"), "--number", "1").status == 0)
        let facts = try String(contentsOfFile: lab.path("c/case.json"), encoding: .utf8)
        try facts.replacing("\"v\":1", with: "\"v\":2").write(
            toFile: lab.path("c/case.json"), atomically: true, encoding: .utf8)
        let image = try lab.file("disk.dd", [1, 2, 3])
        let later = try lab.signed("process", image, "--case", lab.path("c"), "--number", "1")
        #expect(later.status == 2)
        #expect(later.errors.contains("later version"), "\(later.errors)")
        let none = try lab.signed("ingest", image, "--case", lab.path("no-case"), "--item", "E001")
        #expect(none.status == 2)
        #expect(none.errors.contains("not a case"), "\(none.errors)")
    }

    @Test(
        "wrong calls",
        arguments: [
            ["process"], ["no-such-command"], ["ingest", "x"], ["catalog", "export", "--format", "xml"],
            ["ingest", "x", "--case", "c", "--force"],
            ["identity", "new", "--name", "x", "--org", "y", "--valid-days", "0"],
        ])
    func calls(arguments: [String]) throws {
        let lab = try Laboratory(withIdentity: false)
        let answer = try lab.run(arguments)
        #expect(answer.status == 2, "\(answer.errors)")
        #expect(!answer.errors.isEmpty)
        #expect(answer.output.isEmpty)
    }

    @Test("help and version are answers")
    func help() throws {
        let lab = try Laboratory(withIdentity: false)
        for arguments in [["--help"], ["help", "process"], ["--version"], ["ledger", "--help"]] {
            let answer = try lab.run(arguments)
            #expect(answer.status == 0)
            #expect(!answer.output.isEmpty)
        }
    }

    @Test(
        "a full disk is said, nothing half-made counts, and the job goes on when there is room",
        .enabled(if: getuid() == 0))
    func fullDisk() throws {
        let lab = try Laboratory()
        let disk = lab.path("small")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        let mount = try lab.tool("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk)
        guard mount.status == 0 else {
            withKnownIssue("this machine allows no mount") { Issue.record("\(mount.errors)") }
            return
        }
        defer { _ = try? lab.tool("umount", disk) }
        let image = Laboratory.testImage("contiguous/image.dd")
        let full = try lab.signed("process", image, "--case", disk + "/case", "--number", "D-1")
        #expect(full.status == 2, "\(full.errors)")
        #expect(full.errors.contains("space") || full.errors.contains("full"), "\(full.errors)")
        if FileManager.default.fileExists(atPath: disk + "/case") {
            let audit = try lab.run(["ledger", "audit", "--case", disk + "/case"])
            #expect(audit.status == 0, "\(audit.text)")
        }
        #expect(try lab.tool("mount", "-o", "remount,size=64m", disk).status == 0)
        let again = try lab.signed("process", image, "--case", disk + "/case", "--number", "D-1")
        #expect(again.status == 0, "\(again.errors)")
        #expect(try lab.run(["verify", "--case", disk + "/case"]).status == 0)
    }
}
