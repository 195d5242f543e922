import EvidenceModel
import Foundation
import Testing

@Suite("Time stamps of outside authorities")
struct TimestampTests {
    private func laboratory() throws -> (lab: Laboratory, authority: OutsideAuthority) {
        let lab = try Laboratory()
        var numbers = SeededNumbers(seed: 41)
        try lab.file("medium.dd", (0..<100_000).map { _ in UInt8(truncatingIfNeeded: numbers.next()) })
        let made = try lab.signed("case", "new", "--case", lab.path("case"), "--number", "S-1")
        try #require(made.status == 0, "\(made.errors)")
        return (lab, try OutsideAuthority(in: lab))
    }

    private func ingest(_ lab: Laboratory, _ item: String, _ options: String...) throws -> Answer {
        try lab.run(
            ["ingest", lab.path("medium.dd"), "--case", lab.path("case"), "--item", item, "--passphrase-file"]
                + [lab.passphrase.path] + options)
    }

    private func exists(_ lab: Laboratory, _ name: String) -> Bool {
        FileManager.default.fileExists(atPath: lab.path("case/evidence/" + name))
    }

    @Test(
        "a stamp over HTTP is checked, kept beside the laboratory's own, recorded, and verifies here and with openssl")
    func stamped() throws {
        let (lab, authority) = try laboratory()
        let answer = try ingest(lab, "E001", "--tsa", authority.base + "/ok", "--tsa-root", authority.root)
        #expect(answer.status == 0, "\(answer.text)\(answer.errors)")
        #expect(exists(lab, "E001/manifest.json.tsr") && exists(lab, "E001/manifest.json.1.tsr"))
        #expect(!exists(lab, "E001/manifest.json.tsq"))
        let stock = try lab.tool(
            "openssl", "ts", "-verify", "-data", lab.path("case/evidence/E001/manifest.json.p7s"), "-in",
            lab.path("case/evidence/E001/manifest.json.1.tsr"), "-CAfile", lab.path("case/tsa.pem"))
        #expect(stock.status == 0, "\(stock.errors)")
        let verify = try lab.run(["verify", "--case", lab.path("case")])
        #expect(verify.status == 0, "\(verify.text)")
        #expect(verify.text.contains("by Outside tsa (an outside authority)"), "\(verify.text)")
        #expect(verify.text.contains("the laboratory's own authority"))
        let ledger = try lab.run(["ledger", "show", "--case", lab.path("case"), "--json"]).text
        #expect(ledger.contains("manifest.json.1.tsr"))
        let seen = String(decoding: try lab.content(lab.path("tsa/seen")), as: UTF8.self)
        #expect(seen == "ok application/timestamp-query None\n")

        // The case knows the root now; a flipped byte in the stamp or in its root is named.
        let second = try ingest(lab, "E002", "--tsa", authority.base + "/qualified")
        #expect(second.status == 0, "\(second.errors)")
        let item = try lab.run(["verify", "E002", "--case", lab.path("case")])
        #expect(item.text.contains("claims to be a qualified time stamp"), "\(item.text)")
        for file in ["evidence/E001/manifest.json.1.tsr", "tsa.pem"] {
            let content = try lab.content(lab.path("case/" + file))
            var changed = content
            changed[content.count / 2] ^= 1
            try lab.file("case/" + file, changed)
            #expect(try lab.run(["verify", "--case", lab.path("case"), "--skip-sources"]).status == 1, "\(file)")
            try lab.file("case/" + file, content)
        }

        let checkpoint = try lab.run([
            "ledger", "checkpoint", "--case", lab.path("case"), "--tsa", authority.base + "/ok",
        ])
        #expect(checkpoint.status == 0, "\(checkpoint.errors)")
        let report = try lab.signed("report", "--case", lab.path("case"), "--tsa", authority.base + "/ok")
        #expect(report.status == 0, "\(report.errors)")
        let html = String(decoding: try lab.content(lab.path("case/reports/R01/report.html")), as: UTF8.self)
        #expect(html.contains("Outside tsa") && html.contains("claims to be qualified"))
        #expect(try lab.run(["ledger", "audit", "--case", lab.path("case")]).status == 0)
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
        let recipe = try lab.shell(
            try TamperingTests.recipe(), ["CASE": lab.path("case"), "IMAGE": lab.path("medium.dd")])
        #expect(recipe.status == 0, "\(recipe.text)\(recipe.errors)")
        #expect(recipe.text.contains("manifest.json.1.tsr"))
    }

    @Test("whatever an authority does wrong, the item is complete with the laboratory's stamp, and the request is kept")
    func misbehaviour() throws {
        let (lab, authority) = try laboratory()
        let ways = [
            ("nonce", "nonce"), ("imprint", "other data"), ("eku", "not for time stamps alone"), ("expired", "expired"),
            ("ahead", "states the time"), ("status", "refused the request"), ("500", "HTTP status 500"),
            ("html", "text/html"), ("garbage", "not accepted"), ("empty", "not accepted"), ("redirect", "redirects"),
            ("huge", "larger than"), ("announced", "larger than"),
        ]
        for (index, (way, words)) in ways.enumerated() {
            let item = "E\(100 + index)"
            let answer = try ingest(lab, item, "--tsa", authority.base + "/" + way, "--tsa-root", authority.root)
            #expect(answer.status == 1, "\(way): \(answer.text)\(answer.errors)")
            #expect(answer.errors.contains(words), "\(way): \(answer.errors)")
            #expect(!answer.errors.contains("\u{1B}"), "\(way)")
            #expect(exists(lab, "\(item)/manifest.json.tsr") && exists(lab, "\(item)/manifest.json.tsq"), "\(way)")
            #expect(!exists(lab, "\(item)/manifest.json.1.tsr"), "\(way)")
        }
        // Nobody listens there.
        let unreachable = try ingest(lab, "E200", "--tsa", "http://127.0.0.1:9/x", "--tsa-root", authority.root)
        #expect(unreachable.status == 1)
        #expect(unreachable.errors.contains("cannot be reached"), "\(unreachable.errors)")
        // A stranger's root.
        let stranger = try Laboratory()
        let foreign = try OutsideAuthority(in: stranger)
        let untrusted = try ingest(lab, "E201", "--tsa", authority.base + "/ok", "--tsa-root", foreign.root)
        #expect(untrusted.status == 1, "\(untrusted.errors)")
        #expect(try lab.run(["verify", "--case", lab.path("case")]).status == 0)
    }

    @Test("credentials come from a file, go only where nobody listens, and are not shown")
    func credentials() throws {
        let (lab, authority) = try laboratory()
        try lab.file("secret", Array("user:pass\"word\\\n".utf8))
        let ok = try ingest(
            lab, "E001", "--tsa", authority.base + "/ok", "--tsa-root", authority.root, "--tsa-credentials",
            lab.path("secret"))
        #expect(ok.status == 0, "\(ok.errors)")
        let expected = "Basic " + Data("user:pass\"word\\".utf8).base64EncodedString()
        let seen = String(decoding: try lab.content(lab.path("tsa/seen")), as: UTF8.self)
        #expect(seen.contains(expected), "\(seen)")
        try lab.file("secret", Array("Bearer abc\n".utf8))
        let failing = try ingest(
            lab, "E002", "--tsa", authority.base + "/500", "--tsa-root", authority.root, "--tsa-credentials",
            lab.path("secret"))
        #expect(failing.status == 1)
        #expect(!(failing.errors + failing.text).contains("abc"))
        for bad in ["http://user:pass@127.0.0.1/", "ftp://x/", "http://x/\" -o /tmp/x", "nothing"] {
            let refused = try ingest(lab, "E003", "--tsa", bad, "--tsa-root", authority.root)
            #expect(refused.status == 2, "\(bad): \(refused.errors)")
        }
        let plain = try ingest(
            lab, "E003", "--tsa", "http://tsa.example/", "--tsa-root", authority.root, "--tsa-credentials",
            lab.path("secret"))
        #expect(plain.status == 2, "\(plain.errors)")
        #expect(try ingest(lab, "E003", "--tsa", authority.base + "/ok", "--tsa-root", lab.path("secret")).status == 2)
        #expect(!exists(lab, "E003"))
    }

    @Test("by hand: a request goes out, an answer comes in, several on one item, others are refused")
    func byHand() throws {
        let (lab, authority) = try laboratory()
        #expect(try ingest(lab, "E001").status == 0)
        let place = ["--case", lab.path("case")]
        func answer(_ request: String, _ response: String) throws {
            let made = try lab.shell(
                "cd tsa && openssl ts -reply -config ts.cnf -queryfile ../\(request) -signer tsa.pem -inkey tsa.key "
                    + "-out ../\(response)")
            try #require(made.status == 0, "\(made.errors)")
        }
        func take(_ names: String..., root: Bool = true) throws -> Answer {
            try lab.run(
                ["timestamp", "import"] + names.map { lab.path($0) } + place + ["--passphrase-file"]
                    + [lab.passphrase.path] + (root ? ["--tsa-root", authority.root] : []))
        }
        for number in [1, 2] {
            let request = try lab.run(["timestamp", "request", "E001", "--out", lab.path("\(number).tsq")] + place)
            #expect(request.status == 0, "\(request.errors)")
            #expect(exists(lab, "E001/manifest.json.tsq"))
            try answer("\(number).tsq", "\(number).tsr")
        }
        let rootless = try take("1.tsr", root: false)
        #expect(rootless.status == 1, "\(rootless.text)\(rootless.errors)")
        let taken = try take("1.tsr", "2.tsr")
        #expect(taken.status == 0, "\(taken.text)\(taken.errors)")
        #expect(exists(lab, "E001/manifest.json.1.tsr") && exists(lab, "E001/manifest.json.2.tsr"))
        #expect(!exists(lab, "E001/manifest.json.tsq"))
        #expect(try take("1.tsr").status == 1)

        #expect(try lab.run(["timestamp", "request", "--checkpoint", "--out", lab.path("c.tsq")] + place).status == 2)
        #expect(try lab.run(["ledger", "checkpoint"] + place).status == 0)
        #expect(try lab.run(["timestamp", "request", "--checkpoint", "--out", lab.path("c.tsq")] + place).status == 0)
        try answer("c.tsq", "c.tsr")
        #expect(try take("c.tsr").status == 0)
        let ledger = try lab.run(["ledger", "show", "--json"] + place).text
        #expect(ledger.contains("\"custody.anchor.tsa\""))

        try lab.file("foreign", [1, 2, 3])
        let foreign = try lab.shell("openssl ts -query -data foreign -sha256 -cert -out f.tsq 2>/dev/null")
        #expect(foreign.status == 0)
        try answer("f.tsq", "f.tsr")
        let refused = try take("f.tsr")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("nothing of this case"), "\(refused.errors)")
        let show = try lab.run(["timestamp", "show", "--json"] + place)
        #expect(show.status == 0, "\(show.text)")
        #expect(show.text.components(separatedBy: "\"commercial\"").count == 4, "\(show.text)")
        #expect(try lab.run(["ledger", "audit"] + place).status == 0)
        #expect(try lab.run(["verify"] + place).status == 0)
    }
}
